//! What happens to a message for a session that has no room, policy by policy, and who hears of it.

use std::time::Duration;

use protocol::{Connect, Packet, Properties, Property, QoS, ReasonCode};

use super::{
    bench::{Bench, PeerId, lasting, v5, v311, with_will},
    bystander::Bystander,
};
use crate::{Config, FullQueue, Limits};

/// Room for two messages.
fn bench(workers: usize, full_queue: FullQueue) -> (Bench, Bystander) {
    let limits = Limits { queued_messages: 2, full_queue, ..Limits::default() };
    let mut bench = Bench::seeded(0, Config { workers, limits, ..Config::default() });
    let bystander = Bystander::new(&mut bench, 0);
    (bench, bystander)
}

/// A client that is sent one message at a time.
fn narrow(connect: Connect) -> Connect {
    let mut connect = connect;
    connect.properties.push(Property::ReceiveMaximum(1));
    connect
}

/// A connected client that acknowledges nothing, so that one message is under way and two wait.
fn stuck(bench: &mut Bench, worker: usize) -> PeerId {
    let stuck = bench.connect(worker, narrow(lasting("stuck", 600)));
    bench.subscribe(stuck, "a", QoS::AtLeastOnce);
    bench.silence(stuck);
    stuck
}

fn puback(bench: &mut Bench, publisher: PeerId) -> ReasonCode {
    bench.run();
    match bench.next(publisher) {
        Some(Packet::PubAck(ack)) => ack.reason,
        other => panic!("no PUBACK: {other:?}"),
    }
}

fn publish(bench: &mut Bench, publisher: PeerId, payload: &str) -> ReasonCode {
    bench.publish(publisher, "a", payload, QoS::AtLeastOnce);
    puback(bench, publisher)
}

#[test]
fn drop_newest_drops_for_the_full_session_alone() {
    let (mut bench, mut bystander) = bench(1, FullQueue::DropNewest);
    let stuck = stuck(&mut bench, 0);
    let other = bench.connect(0, v5("other"));
    bench.subscribe(other, "a", QoS::AtLeastOnce);
    let publisher = bench.connect(0, v5("publisher"));
    for number in 0..5 {
        assert_eq!(publish(&mut bench, publisher, &number.to_string()), ReasonCode::Success);
    }
    assert_eq!(bench.payloads(other), ["0", "1", "2", "3", "4"]);
    assert_eq!((bench.counters().dropped_queue_full, bench.counters().dropped()), (2, 2));
    assert!(!bench.is_closed(stuck));
    bystander.check(&mut bench);
}

#[test]
fn disconnect_ends_the_connection_of_the_full_session_with_quota_exceeded() {
    for worker in [0, 1] {
        let (mut bench, mut bystander) = bench(2, FullQueue::Disconnect);
        let stuck = stuck(&mut bench, worker);
        let publisher = bench.connect(0, v5("publisher"));
        for number in 0..6 {
            assert_eq!(publish(&mut bench, publisher, &number.to_string()), ReasonCode::Success);
        }
        assert!(bench.is_closed(stuck));
        let told = std::iter::from_fn(|| bench.next(stuck)).last();
        assert!(matches!(told, Some(Packet::Disconnect(disconnect)) if disconnect.reason == ReasonCode::QuotaExceeded));
        // "3" was one too many; "4" and "5" found nobody to disconnect.
        assert_eq!((bench.counters().disconnected_queue_full, bench.counters().dropped_queue_full), (1, 3));
        // The session is as it was.
        let back = bench.connect(0, lasting("stuck", 600));
        assert_eq!(bench.payloads(back), ["0", "1", "2"]);
        bystander.check(&mut bench);
    }
}

#[test]
fn disconnect_publishes_the_will() {
    let (mut bench, _) = bench(1, FullQueue::Disconnect);
    let watcher = bench.connect(0, v5("watcher"));
    bench.subscribe(watcher, "will", QoS::AtLeastOnce);
    let stuck = bench.connect(0, narrow(with_will(v5("stuck"), "stuck", 0, false)));
    bench.subscribe(stuck, "a", QoS::AtLeastOnce);
    bench.silence(stuck);
    let publisher = bench.connect(0, v5("publisher"));
    (0..4).for_each(|_| bench.publish(publisher, "a", "x", QoS::AtLeastOnce));
    bench.run();
    assert_eq!(bench.payloads(watcher), ["stuck"]);
}

#[test]
fn refuse_publisher_tells_a_5_0_publisher_and_nobody_gets_the_message() {
    let (mut bench, mut bystander) = bench(1, FullQueue::RefusePublisher);
    let stuck = stuck(&mut bench, 0);
    let other = bench.connect(0, v5("other"));
    bench.subscribe(other, "a", QoS::AtLeastOnce);
    let publisher = bench.connect(0, v5("publisher"));
    for payload in ["0", "1", "2"] {
        assert_eq!(publish(&mut bench, publisher, payload), ReasonCode::Success);
    }
    assert_eq!(publish(&mut bench, publisher, "3"), ReasonCode::QuotaExceeded);
    bench.publish_with(publisher, "a", "3", QoS::ExactlyOnce, true, Properties::EMPTY);
    bench.run();
    match bench.next(publisher) {
        Some(Packet::PubRec(ack)) => assert_eq!(ack.reason, ReasonCode::QuotaExceeded),
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.payloads(other), ["0", "1", "2"]);
    assert_eq!((bench.counters().refused_queue_full, bench.counters().dropped()), (2, 0));
    assert_eq!(bench.shared.retained.size().0, 0, "what is refused is not retained");
    bystander.check(&mut bench);
    // Once the client takes its messages there is room.
    bench.drop_socket(stuck);
    let back = bench.connect(0, lasting("stuck", 600));
    assert_eq!(bench.payloads(back), ["0", "1", "2"]);
    assert_eq!(publish(&mut bench, publisher, "4"), ReasonCode::Success);
    assert_eq!((bench.payloads(back), bench.payloads(other)), (vec!["4".to_owned()], vec!["4".to_owned()]));
}

#[test]
fn refuse_publisher_cannot_tell_a_3_1_1_publisher_nor_a_will_nor_qos_0() {
    let (mut bench, mut bystander) = bench(1, FullQueue::RefusePublisher);
    let away = bench.connect(0, lasting("away", 600));
    bench.subscribe(away, "a", QoS::AtLeastOnce);
    bench.subscribe(away, "will", QoS::AtLeastOnce);
    bench.drop_socket(away);
    let other = bench.connect(0, v5("other"));
    bench.subscribe(other, "#", QoS::AtLeastOnce);
    let old = bench.connect(0, v311("old", true));
    for number in 0..4 {
        assert_eq!(publish(&mut bench, old, &number.to_string()), ReasonCode::Success, "MQTT-3.3.5-2 in 3.1.1");
    }
    let dying = bench.connect(0, with_will(v5("dying"), "gone", 0, false));
    bench.publish(dying, "a", "qos 0", QoS::AtMostOnce);
    bench.run();
    bench.drop_socket(dying);
    bench.run();
    assert_eq!(bench.payloads(other), ["0", "1", "2", "3", "qos 0", "gone"]);
    let counters = bench.counters();
    assert_eq!((counters.dropped_queue_full, counters.dropped_offline, counters.refused_queue_full), (3, 1, 0));
    bystander.check(&mut bench);
}

#[test]
fn refuse_publisher_reaches_publishers_on_other_workers() {
    let (mut bench, mut bystander) = bench(2, FullQueue::RefusePublisher);
    let away = bench.connect(1, lasting("away", 600));
    bench.subscribe(away, "a", QoS::AtLeastOnce);
    bench.drop_socket(away);
    let publisher = bench.connect(0, v5("publisher"));
    assert_eq!(publish(&mut bench, publisher, "0"), ReasonCode::Success);
    assert_eq!(publish(&mut bench, publisher, "1"), ReasonCode::Success);
    // The last that it had room for marked it full.
    assert_eq!(publish(&mut bench, publisher, "2"), ReasonCode::QuotaExceeded);
    assert_eq!((bench.counters().refused_queue_full, bench.counters().dropped()), (1, 0));
    bystander.check(&mut bench);
    let back = bench.connect(0, lasting("away", 600));
    assert_eq!(bench.payloads(back), ["0", "1"]);
    assert_eq!(publish(&mut bench, publisher, "3"), ReasonCode::Success);
    assert_eq!(bench.payloads(back), ["3"]);
}

#[test]
fn what_was_under_way_to_another_worker_is_dropped_and_counted() {
    let (mut bench, _) = bench(2, FullQueue::RefusePublisher);
    let away = bench.connect(1, lasting("away", 600));
    bench.subscribe(away, "a", QoS::AtLeastOnce);
    bench.drop_socket(away);
    let publisher = bench.connect(0, v5("publisher"));
    // In one read: nothing reaches the other worker in between.
    bench.send_raw(
        publisher,
        &[0x32, 6, 0, 1, b'a', 0, 1, 0, 0x32, 6, 0, 1, b'a', 0, 2, 0, 0x32, 6, 0, 1, b'a', 0, 3, 0],
    );
    bench.run();
    assert_eq!((bench.counters().refused_queue_full, bench.counters().dropped_queue_full), (0, 1));
}

#[test]
fn a_session_on_another_worker_is_tried_again_once_something_may_have_expired() {
    let (mut bench, _) = bench(2, FullQueue::RefusePublisher);
    let away = bench.connect(1, lasting("away", 600));
    bench.subscribe(away, "a", QoS::AtLeastOnce);
    bench.drop_socket(away);
    let publisher = bench.connect(0, v5("publisher"));
    for _ in 0..2 {
        let properties = [Property::MessageExpiryInterval(10)].into_iter().collect();
        bench.publish_with(publisher, "a", "short", QoS::AtLeastOnce, false, properties);
        assert_eq!(puback(&mut bench, publisher), ReasonCode::Success);
    }
    assert_eq!(publish(&mut bench, publisher, "no"), ReasonCode::QuotaExceeded);
    bench.advance(Duration::from_secs(11));
    assert_eq!(publish(&mut bench, publisher, "yes"), ReasonCode::Success);
    let back = bench.connect(1, lasting("away", 600));
    assert_eq!(bench.payloads(back), ["yes"]);
    assert_eq!(bench.counters().dropped_expired, 2);
}

#[test]
fn a_full_member_of_a_group_is_passed_over_for_one_with_room() {
    for (worker, online) in [(0, true), (1, true), (0, false), (1, false)] {
        let (mut bench, mut bystander) = bench(2, FullQueue::DropNewest);
        let full = bench.connect(worker, narrow(lasting("full", 600)));
        bench.subscribe(full, "$share/g/a", QoS::AtLeastOnce);
        bench.silence(full);
        let roomy = bench.connect(0, lasting("roomy", 600));
        bench.subscribe(roomy, "$share/g/a", QoS::AtLeastOnce);
        let publisher = bench.connect(0, v5("publisher"));
        if !online {
            bench.drop_socket(full);
            bench.drop_socket(roomy);
        }
        let mut taken = Vec::new();
        for number in 0..9 {
            assert_eq!(publish(&mut bench, publisher, &number.to_string()), ReasonCode::Success);
            if online {
                taken.extend(bench.payloads(roomy));
            }
        }
        let kept = if online { 3 } else { 2 };
        if online {
            assert_eq!((bench.counters().dropped(), taken.len()), (0, 9 - kept), "worker {worker}");
        } else {
            // Both are full in the end.
            assert_eq!(bench.counters().dropped(), 9 - 2 * 2, "worker {worker}");
        }
        bystander.check(&mut bench);
    }
}

#[test]
fn a_member_that_has_room_again_has_its_turns_again() {
    let (mut bench, _) = bench(1, FullQueue::DropNewest);
    let slow = bench.connect(0, narrow(lasting("slow", 600)));
    bench.subscribe(slow, "$share/g/a", QoS::AtLeastOnce);
    bench.silence(slow);
    let quick = bench.connect(0, v5("quick"));
    bench.subscribe(quick, "$share/g/a", QoS::AtLeastOnce);
    let publisher = bench.connect(0, v5("publisher"));
    (0..20).for_each(|_| bench.publish(publisher, "a", "x", QoS::AtLeastOnce));
    bench.run();
    assert_eq!(bench.publishes(quick).len(), 17);
    bench.drop_socket(slow);
    let slow = bench.connect(0, lasting("slow", 600));
    assert_eq!(bench.publishes(slow).len(), 3);
    (0..20).for_each(|_| bench.publish(publisher, "a", "x", QoS::AtLeastOnce));
    bench.run();
    assert_eq!((bench.publishes(slow).len(), bench.publishes(quick).len()), (10, 10));
}

#[test]
fn an_absent_member_has_its_turns_again_once_what_filled_it_has_expired() {
    let (mut bench, _) = bench(1, FullQueue::DropNewest);
    for name in ["one", "two"] {
        let member = bench.connect(0, lasting(name, 600));
        bench.subscribe(member, "$share/g/a", QoS::AtLeastOnce);
        bench.drop_socket(member);
    }
    let publisher = bench.connect(0, v5("publisher"));
    for _ in 0..4 {
        let properties = [Property::MessageExpiryInterval(10)].into_iter().collect();
        bench.publish_with(publisher, "a", "short", QoS::AtLeastOnce, false, properties);
    }
    bench.run();
    assert_eq!(bench.counters().dropped(), 0, "two each");
    bench.advance(Duration::from_secs(11));
    (0..4).for_each(|number| bench.publish(publisher, "a", &number.to_string(), QoS::AtLeastOnce));
    bench.run();
    assert_eq!((bench.counters().dropped_expired, bench.counters().dropped()), (4, 4));
    for name in ["one", "two"] {
        let member = bench.connect(0, lasting(name, 600));
        assert_eq!(bench.publishes(member).len(), 2, "{name}");
    }
}

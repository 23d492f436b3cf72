//! What every bound does.

use protocol::{Packet, Property, QoS, ReasonCode};

use super::bench::{Bench, lasting, v5};
use crate::{Config, Limits};

fn bench(limits: Limits) -> Bench {
    Bench::seeded(0, Config { workers: 1, limits, ..Config::default() })
}

#[test]
fn a_full_queue_drops_the_newest_and_counts_it() {
    let mut bench = bench(Limits { queued_messages: 2, ..Limits::default() });
    let subscriber = bench.connect(0, lasting("subscriber", 60));
    bench.subscribe(subscriber, "a", QoS::AtLeastOnce);
    bench.drop_socket(subscriber);
    let publisher = bench.connect(0, v5("publisher"));
    for number in 0..5 {
        bench.publish(publisher, "a", &number.to_string(), QoS::AtLeastOnce);
    }
    bench.run();
    assert_eq!(bench.counters().dropped_queue_full, 3);
    let back = bench.connect(0, lasting("subscriber", 60));
    assert_eq!(bench.payloads(back), ["0", "1"]);
}

#[test]
fn bytes_bound_a_queue_too() {
    let mut bench = bench(Limits { queued_bytes: 25, ..Limits::default() });
    let subscriber = bench.connect(0, lasting("subscriber", 60));
    bench.subscribe(subscriber, "a", QoS::AtLeastOnce);
    bench.drop_socket(subscriber);
    let publisher = bench.connect(0, v5("publisher"));
    for _ in 0..3 {
        bench.publish(publisher, "a", "0123456789", QoS::AtLeastOnce);
    }
    bench.run();
    assert_eq!(bench.counters().dropped_queue_full, 1);
}

#[test]
fn what_is_not_acknowledged_counts_too() {
    let mut bench = bench(Limits { queued_bytes: 25, ..Limits::default() });
    let subscriber = bench.connect(0, v5("subscriber"));
    bench.subscribe(subscriber, "a", QoS::ExactlyOnce);
    bench.silence(subscriber);
    let publisher = bench.connect(0, v5("publisher"));
    for _ in 0..3 {
        bench.publish(publisher, "a", "0123456789", QoS::AtLeastOnce);
    }
    bench.run();
    assert_eq!(bench.counters().dropped_queue_full, 1);
}

#[test]
fn properties_weigh_as_much_as_payloads() {
    let mut bench = bench(Limits { queued_bytes: 10_000, retained_bytes: 10_000, ..Limits::default() });
    let subscriber = bench.connect(0, lasting("subscriber", 60));
    bench.subscribe(subscriber, "a", QoS::AtLeastOnce);
    bench.drop_socket(subscriber);
    let publisher = bench.connect(0, v5("publisher"));
    let mut properties = protocol::Properties::EMPTY;
    properties.push_user(protocol::Utf8String::new("x".repeat(10_000)).unwrap(), protocol::Utf8String::EMPTY);
    bench.publish_with(publisher, "a", "", QoS::AtLeastOnce, false, properties.clone());
    bench.publish_with(publisher, "a", "x", QoS::AtLeastOnce, true, properties);
    bench.run();
    assert_eq!(bench.counters().dropped_queue_full, 2);
    assert_eq!(bench.counters().retained_refused, 1);
}

#[test]
fn bytes_bound_all_sessions_together() {
    let limits = Limits { all_queued_bytes: 100_000, ..Limits::default() };
    let mut bench = Bench::seeded(0, Config { workers: 2, limits, ..Config::default() });
    for name in ["a", "b", "c", "d"] {
        let subscriber = bench.connect(usize::from(name > "b"), lasting(name, 60));
        bench.subscribe(subscriber, name, QoS::AtLeastOnce);
        bench.drop_socket(subscriber);
    }
    let publisher = bench.connect(0, v5("publisher"));
    let payload = "x".repeat(1_000);
    // Most wait on the second worker, which uses what the first leaves.
    for topic in ["a", "c", "c", "d"] {
        for _ in 0..30 {
            bench.publish(publisher, topic, &payload, QoS::AtLeastOnce);
        }
    }
    bench.run();
    assert!((95_000..=100_000).contains(&bench.held_bytes()), "{}", bench.held_bytes());
    let dropped = bench.counters().dropped_broker_full;
    assert!((20..60).contains(&dropped), "{dropped}");
    // A session that moves or ends takes its bytes with it.
    let taken = bench.connect(0, lasting("c", 60));
    assert_eq!(bench.payloads(taken).len(), 60 - usize::try_from(dropped - 30).unwrap());
    bench.connect(0, v5("d"));
    bench.advance(std::time::Duration::from_secs(61));
    assert_eq!(bench.held_bytes(), 0);
}

#[test]
fn one_subscription_too_many_is_refused() {
    let mut bench = bench(Limits { subscriptions: 2, ..Limits::default() });
    let client = bench.connect(0, v5("client"));
    assert_eq!(bench.subscribe(client, "a", QoS::AtMostOnce), ReasonCode::Success);
    assert_eq!(bench.subscribe(client, "b", QoS::AtMostOnce), ReasonCode::Success);
    assert_eq!(bench.subscribe(client, "c", QoS::AtMostOnce), ReasonCode::QuotaExceeded);
    assert_eq!(bench.subscribe(client, "a", QoS::AtLeastOnce), ReasonCode::GrantedQos1, "known ones may change");
}

#[test]
fn topics_and_filters_have_a_depth() {
    let mut bench = bench(Limits { topic_levels: 3, ..Limits::default() });
    let client = bench.connect(0, v5("client"));
    assert_eq!(bench.subscribe(client, "a/b/c", QoS::AtMostOnce), ReasonCode::Success);
    assert_eq!(bench.subscribe(client, "///", QoS::AtMostOnce), ReasonCode::TopicFilterInvalid);
    bench.publish(client, "a/b/c/d", "x", QoS::AtLeastOnce);
    bench.run();
    match bench.next(client) {
        Some(Packet::PubAck(ack)) => assert_eq!(ack.reason, ReasonCode::TopicNameInvalid),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_deepest_topic_does_no_harm() {
    let mut bench = bench(Limits { topic_levels: 65_536, ..Limits::default() });
    let client = bench.connect(0, v5("client"));
    let deep = "/".repeat(Limits::MOST_TOPIC_LEVELS - 1);
    bench.subscribe(client, &deep, QoS::AtMostOnce);
    bench.publish(client, &deep, "x", QoS::AtMostOnce);
    bench.run();
    assert_eq!(bench.payloads(client), ["x"]);
    bench.unsubscribe(client, &deep);
    assert!(bench.shared.routes.is_bare());
}

#[test]
fn one_session_too_many_is_refused() {
    let mut bench = bench(Limits { sessions: 1, ..Limits::default() });
    let first = bench.connect(0, v5("first"));
    let second = bench.dial(0, v5("second"));
    bench.run();
    match bench.next(second) {
        Some(Packet::ConnAck(connack)) => assert_eq!(connack.reason, ReasonCode::QuotaExceeded),
        other => panic!("{other:?}"),
    }
    bench.disconnect(first, ReasonCode::Success);
    bench.run();
    bench.connect(0, v5("second"));
}

#[test]
fn a_slow_connection_loses_qos_0_and_nothing_else() {
    let mut bench = bench(Limits { outbound_bytes: 1_000, ..Limits::default() });
    let subscriber = bench.connect(0, v5("subscriber"));
    bench.subscribe(subscriber, "a", QoS::AtLeastOnce);
    let publisher = bench.connect(0, v5("publisher"));
    let payload = "x".repeat(100);
    bench.stall(subscriber);
    for _ in 0..50 {
        bench.publish(publisher, "a", &payload, QoS::AtMostOnce);
        bench.publish(publisher, "a", &payload, QoS::AtLeastOnce);
    }
    bench.run();
    assert!(bench.counters().dropped_slow > 0);
    bench.unstall(subscriber);
    bench.run();
    let got = bench.publishes(subscriber);
    assert_eq!(got.iter().filter(|publish| publish.qos == QoS::AtLeastOnce).count(), 50);
    let at_most_once = got.iter().filter(|publish| publish.qos == QoS::AtMostOnce).count() as u64;
    assert_eq!(at_most_once + bench.counters().dropped_slow, 50);
}

#[test]
fn connections_that_are_gone_leave_no_deadlines() {
    let mut bench = bench(Limits::default());
    for number in 0..5_000 {
        let mut connect = v5("client");
        connect.keep_alive = u16::MAX;
        let client = bench.connect(0, connect);
        bench.drop_socket(client);
        bench.forget(client);
        if number % 100 == 0 {
            bench.advance(std::time::Duration::from_millis(1));
        }
    }
    assert!(bench.deadlines() < 1_500, "{}", bench.deadlines());
}

#[test]
fn a_full_queue_has_room_again_once_something_expired() {
    let mut bench = bench(Limits { queued_messages: 2, ..Limits::default() });
    let mut connect = lasting("subscriber", 60);
    connect.properties.push(Property::ReceiveMaximum(1));
    let subscriber = bench.connect(0, connect);
    bench.subscribe(subscriber, "a", QoS::AtLeastOnce);
    bench.silence(subscriber);
    let publisher = bench.connect(0, v5("publisher"));
    for (payload, seconds) in [("sent", 100), ("short", 1), ("long", 100), ("full", 100)] {
        let properties = [Property::MessageExpiryInterval(seconds)].into_iter().collect();
        bench.publish_with(publisher, "a", payload, QoS::AtLeastOnce, false, properties);
    }
    bench.run();
    assert_eq!(bench.counters().dropped_queue_full, 1);
    bench.advance(std::time::Duration::from_secs(2));
    bench.publish(publisher, "a", "new", QoS::AtLeastOnce);
    bench.run();
    assert_eq!((bench.counters().dropped_queue_full, bench.counters().dropped_expired), (1, 1));
    bench.drop_socket(subscriber);
    let back = bench.connect(0, lasting("subscriber", 60));
    assert_eq!(bench.payloads(back), ["sent", "long", "new"]);
}

#[test]
fn a_queue_without_room_does_not_stop_what_need_not_wait() {
    let mut bench = bench(Limits { queued_messages: 0, ..Limits::default() });
    let client = bench.connect(0, v5("client"));
    bench.subscribe(client, "a", QoS::AtLeastOnce);
    bench.publish(client, "a", "x", QoS::AtLeastOnce);
    bench.run();
    assert_eq!(bench.payloads(client), ["x"]);
}

#[test]
fn what_ends_with_a_session_is_counted() {
    let mut bench = bench(Limits::default());
    let subscriber = bench.connect(0, lasting("subscriber", 60));
    bench.subscribe(subscriber, "a", QoS::AtLeastOnce);
    bench.drop_socket(subscriber);
    let publisher = bench.connect(0, v5("publisher"));
    for _ in 0..3 {
        bench.publish(publisher, "a", "x", QoS::AtLeastOnce);
        bench.publish(publisher, "a", "x", QoS::AtMostOnce);
    }
    bench.run();
    bench.advance(std::time::Duration::from_secs(61));
    assert_eq!((bench.counters().dropped_session_ended, bench.counters().dropped_offline), (3, 3));
}

#[test]
fn retained_messages_wait_for_a_small_queue() {
    let mut bench = bench(Limits { queued_messages: 3, ..Limits::default() });
    let publisher = bench.connect(0, v5("publisher"));
    for number in 0..50 {
        let topic = format!("a/{number}");
        bench.publish_with(publisher, &topic, "x", QoS::AtLeastOnce, true, protocol::Properties::EMPTY);
    }
    bench.run();
    let mut connect = v5("late");
    connect.properties.push(Property::ReceiveMaximum(1));
    let late = bench.connect(0, connect);
    bench.subscribe(late, "a/+", QoS::AtLeastOnce);
    assert_eq!(bench.publishes(late).len(), 50);
    assert_eq!(bench.counters().dropped(), 0);
}

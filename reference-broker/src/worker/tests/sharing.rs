//! What becomes of a shared message when its member does not finish it (4.8.2).

use std::time::Duration;

use protocol::{Ack, Packet, Properties, Property, Publish, QoS, ReasonCode};

use super::bench::{Bench, PeerId, lasting, v5};

const FILTER: &str = "$share/group/a";

/// A member on worker 0 that acknowledges nothing and whose session lasts 60 s, another on worker 1, and a publisher.
fn group(bench: &mut Bench, granted: QoS) -> (PeerId, PeerId, PeerId) {
    let leaver = bench.connect(0, lasting("leaver", 60));
    bench.silence(leaver);
    bench.subscribe(leaver, FILTER, granted);
    let publisher = bench.connect(0, v5("publisher"));
    bench.publish(publisher, "a", "first", granted);
    bench.run();
    assert_eq!(bench.publishes(leaver).len(), 1);
    let stayer = bench.connect(1, v5("stayer"));
    bench.subscribe(stayer, FILTER, granted);
    (leaver, stayer, publisher)
}

fn arrived(bench: &mut Bench, peer: PeerId) -> Vec<(String, QoS, bool)> {
    let text = |publish: &Publish| String::from_utf8(publish.payload.to_vec()).unwrap();
    bench.publishes(peer).iter().map(|publish| (text(publish), publish.qos, publish.dup)).collect()
}

#[test]
fn an_unacknowledged_qos_1_message_goes_to_another_member_when_the_session_ends() {
    let mut bench = Bench::new(2);
    let (leaver, stayer, _) = group(&mut bench, QoS::AtLeastOnce);
    bench.drop_socket(leaver);
    bench.run();
    assert!(bench.publishes(stayer).is_empty(), "the member may come back");
    bench.advance(Duration::from_secs(61));
    // Its first delivery to this client, so without DUP (MQTT-3.3.1-3).
    assert_eq!(arrived(&mut bench, stayer), [("first".to_owned(), QoS::AtLeastOnce, false)]);
    assert_eq!(bench.counters().dropped(), 0);
}

#[test]
fn clean_start_from_another_worker_ends_a_session_too() {
    let mut bench = Bench::new(2);
    let (leaver, stayer, _) = group(&mut bench, QoS::AtLeastOnce);
    bench.drop_socket(leaver);
    bench.connect(1, v5("leaver"));
    bench.run();
    assert_eq!(arrived(&mut bench, stayer).len(), 1);
}

#[test]
fn an_interrupted_qos_2_message_goes_to_nobody_else() {
    let mut bench = Bench::new(2);
    let (leaver, stayer, _) = group(&mut bench, QoS::ExactlyOnce);
    bench.drop_socket(leaver);
    bench.advance(Duration::from_secs(61));
    assert!(bench.publishes(stayer).is_empty(), "MQTT-4.8.2-5");
    assert_eq!(bench.counters().dropped_session_ended, 1);
}

#[test]
fn an_interrupted_qos_2_message_waits_for_its_member() {
    let mut bench = Bench::new(2);
    let (leaver, stayer, _) = group(&mut bench, QoS::ExactlyOnce);
    bench.drop_socket(leaver);
    let back = bench.connect(1, lasting("leaver", 60));
    bench.run();
    assert_eq!(arrived(&mut bench, back), [("first".to_owned(), QoS::ExactlyOnce, true)], "MQTT-4.8.2-4");
    assert!(bench.publishes(stayer).is_empty());
}

#[test]
fn what_was_never_sent_goes_to_another_member_at_any_qos() {
    let mut bench = Bench::new(2);
    let leaver = bench.connect(0, lasting("leaver", 60));
    bench.subscribe(leaver, FILTER, QoS::ExactlyOnce);
    bench.drop_socket(leaver);
    let publisher = bench.connect(0, v5("publisher"));
    for (payload, qos) in [("one", QoS::AtLeastOnce), ("two", QoS::ExactlyOnce)] {
        let properties: Properties = [Property::MessageExpiryInterval(100)].into_iter().collect();
        bench.publish_with(publisher, "a", payload, qos, false, properties);
    }
    bench.run();
    let stayer = bench.connect(1, v5("stayer"));
    bench.subscribe(stayer, FILTER, QoS::AtLeastOnce);
    bench.advance(Duration::from_secs(61));
    let got = bench.publishes(stayer);
    let got: Vec<_> = got.iter().map(|it| (it.qos, it.properties.message_expiry_interval())).collect();
    // MQTT-4.8.2-3: what this member was granted; MQTT-3.3.2-6: less the time that it waited.
    assert_eq!(got, [(QoS::AtLeastOnce, Some(40)), (QoS::AtLeastOnce, Some(40))]);
}

#[test]
fn a_refused_message_goes_to_nobody_else() {
    let mut bench = Bench::new(2);
    let leaver = bench.connect(0, v5("leaver"));
    bench.silence(leaver);
    bench.subscribe(leaver, FILTER, QoS::AtLeastOnce);
    let publisher = bench.connect(0, v5("publisher"));
    bench.publish(publisher, "a", "refused", QoS::AtLeastOnce);
    bench.run();
    let packet_id = bench.publishes(leaver)[0].packet_id.unwrap();
    let stayer = bench.connect(1, v5("stayer"));
    bench.subscribe(stayer, FILTER, QoS::AtLeastOnce);
    let refusal = Ack { packet_id, reason: ReasonCode::UnspecifiedError, properties: Properties::EMPTY };
    bench.send(leaver, &Packet::PubAck(refusal));
    bench.run();
    bench.drop_socket(leaver);
    bench.run();
    assert!(bench.publishes(stayer).is_empty(), "MQTT-4.8.2-6");
}

#[test]
fn messages_of_other_subscriptions_end_with_the_session() {
    let mut bench = Bench::new(1);
    let leaver = bench.connect(0, lasting("leaver", 60));
    bench.subscribe(leaver, "a", QoS::AtLeastOnce);
    bench.subscribe(leaver, "$share/other/a", QoS::AtLeastOnce);
    bench.drop_socket(leaver);
    let stayer = bench.connect(0, v5("stayer"));
    bench.publish(stayer, "a", "x", QoS::AtLeastOnce);
    bench.run();
    // A new group under an old name, and a group beside it: neither is the one that the message was for.
    bench.subscribe(stayer, FILTER, QoS::AtLeastOnce);
    bench.advance(Duration::from_secs(61));
    assert!(bench.publishes(stayer).is_empty());
    assert_eq!(bench.counters().dropped_session_ended, 2);
}

#[test]
fn a_message_on_its_way_to_a_member_that_left_goes_to_another() {
    for seed in 0..40 {
        let mut bench = Bench::seeded(seed, crate::Config { workers: 3, ..crate::Config::default() });
        let members: Vec<_> = (0..3).map(|worker| bench.connect(worker, v5(&format!("member-{worker}")))).collect();
        for member in &members {
            bench.subscribe(*member, FILTER, QoS::AtLeastOnce);
        }
        let publisher = bench.connect(0, v5("publisher"));
        for number in 0..20 {
            bench.publish(publisher, "a", &number.to_string(), QoS::AtLeastOnce);
        }
        for _ in 0..seed {
            bench.step();
        }
        bench.disconnect(members[1], ReasonCode::Success);
        bench.run();
        let mut got: Vec<String> = members.iter().flat_map(|member| bench.payloads(*member)).collect();
        got.sort();
        got.dedup();
        assert_eq!(got.len(), 20, "seed {seed}");
        assert_eq!(bench.counters().dropped(), 0, "seed {seed}");
    }
}

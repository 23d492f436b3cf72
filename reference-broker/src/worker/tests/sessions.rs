//! Sessions: begin, take over, resume, end.

use std::time::Duration;

use protocol::{Packet, Property, PropertyId, QoS, ReasonCode};

use super::bench::{Bench, lasting, v5, v311};

fn disconnect_reason(packet: Option<Packet>) -> ReasonCode {
    match packet {
        Some(Packet::Disconnect(disconnect)) => disconnect.reason,
        other => panic!("no DISCONNECT: {other:?}"),
    }
}

#[test]
fn a_message_reaches_its_subscriber() {
    for workers in [1, 3] {
        let mut bench = Bench::new(workers);
        let subscriber = bench.connect(0, v5("subscriber"));
        let publisher = bench.connect(workers - 1, v311("publisher", true));
        assert_eq!(bench.subscribe(subscriber, "a/+", QoS::ExactlyOnce), ReasonCode::GrantedQos2);
        for (qos, payload) in [(QoS::AtMostOnce, "0"), (QoS::AtLeastOnce, "1"), (QoS::ExactlyOnce, "2")] {
            bench.publish(publisher, "a/b", payload, qos);
        }
        bench.run();
        assert_eq!(bench.payloads(subscriber), ["0", "1", "2"]);
        assert_eq!(bench.counters().messages_delivered, 3);
        assert_eq!(bench.counters().dropped(), 0);
    }
}

#[test]
fn a_second_connection_takes_the_session_over() {
    // MQTT-3.1.4-3; MQTT-3.1.4-2 in 3.1.1.
    for other in [0, 1] {
        let mut bench = Bench::new(2);
        let first = bench.connect(0, lasting("same", 60));
        bench.subscribe(first, "a", QoS::AtLeastOnce);
        let (second, present) = bench.connect_present(other, lasting("same", 60));
        assert!(present);
        assert_eq!(disconnect_reason(bench.next(first)), ReasonCode::SessionTakenOver);
        assert!(bench.is_closed(first));
        assert_eq!(bench.owners("same"), 1);
        let publisher = bench.connect(0, v5("publisher"));
        bench.publish(publisher, "a", "hello", QoS::AtLeastOnce);
        bench.run();
        assert_eq!(bench.payloads(second), ["hello"]);
        assert_eq!(bench.counters().takeovers, 1);
        assert_eq!(bench.counters().sessions(), 2);
        assert_eq!(bench.counters().subscriptions(), 1);
    }
}

#[test]
fn clean_start_ends_the_session_that_was() {
    for other in [0, 1] {
        let mut bench = Bench::new(2);
        let first = bench.connect(0, lasting("same", 60));
        bench.subscribe(first, "a", QoS::AtLeastOnce);
        let (second, present) = bench.connect_present(other, v5("same"));
        assert!(!present);
        let publisher = bench.connect(0, v5("publisher"));
        bench.publish(publisher, "a", "hello", QoS::AtLeastOnce);
        bench.run();
        assert!(bench.payloads(second).is_empty());
        assert!(bench.shared.routes.is_bare());
        assert_eq!(bench.counters().sessions(), 2);
    }
}

#[test]
fn taking_over_a_session_without_expiry_begins_a_new_one() {
    for other in [0, 1] {
        let mut bench = Bench::new(2);
        let first = bench.connect(0, lasting("same", 0));
        bench.subscribe(first, "a", QoS::AtLeastOnce);
        let (_, present) = bench.connect_present(other, lasting("same", 0));
        assert!(!present);
        assert!(bench.shared.routes.is_bare());
    }
}

#[test]
fn an_offline_session_keeps_what_is_acknowledged() {
    for other in [0, 1] {
        let mut bench = Bench::new(2);
        let subscriber = bench.connect(0, v311("subscriber", false));
        bench.subscribe(subscriber, "a", QoS::ExactlyOnce);
        bench.drop_socket(subscriber);
        let publisher = bench.connect(1, v5("publisher"));
        for (qos, payload) in [(QoS::AtMostOnce, "0"), (QoS::AtLeastOnce, "1"), (QoS::ExactlyOnce, "2")] {
            bench.publish(publisher, "a", payload, qos);
        }
        bench.run();
        assert_eq!(bench.counters().dropped_offline, 1, "QoS 0 does not wait");
        let (back, present) = bench.connect_present(other, v311("subscriber", false));
        assert!(present);
        assert_eq!(bench.payloads(back), ["1", "2"], "MQTT-4.5.0-1");
    }
}

#[test]
fn what_was_not_acknowledged_is_sent_again_after_a_takeover() {
    let mut bench = Bench::new(2);
    let subscriber = bench.connect(0, lasting("subscriber", 60));
    bench.subscribe(subscriber, "a", QoS::AtLeastOnce);
    bench.silence(subscriber);
    let publisher = bench.connect(0, v5("publisher"));
    bench.publish(publisher, "a", "again", QoS::AtLeastOnce);
    bench.run();
    assert!(!bench.publishes(subscriber)[0].dup);
    let back = bench.connect(1, lasting("subscriber", 60));
    let resent = bench.publishes(back);
    assert_eq!((resent.len(), resent[0].dup), (1, true), "MQTT-4.4.0-1");
}

#[test]
fn a_session_expires_after_its_interval() {
    let mut bench = Bench::new(1);
    let subscriber = bench.connect(0, lasting("subscriber", 60));
    bench.subscribe(subscriber, "a", QoS::AtLeastOnce);
    bench.drop_socket(subscriber);
    bench.advance(Duration::from_secs(59));
    assert_eq!(bench.counters().sessions(), 1);
    bench.advance(Duration::from_secs(1));
    assert_eq!(bench.counters().sessions(), 0);
    assert!(bench.shared.routes.is_bare());
    let (_, present) = bench.connect_present(0, lasting("subscriber", 60));
    assert!(!present);
}

#[test]
fn a_session_that_is_connected_does_not_expire() {
    let mut bench = Bench::new(1);
    let first = bench.connect(0, lasting("subscriber", 60));
    bench.drop_socket(first);
    bench.advance(Duration::from_secs(30));
    let (_, present) = bench.connect_present(0, lasting("subscriber", 60));
    assert!(present);
    bench.advance(Duration::from_secs(3600));
    assert_eq!(bench.counters().sessions(), 1);
}

#[test]
fn an_expiring_session_expires_on_the_worker_that_fetched_it() {
    let mut bench = Bench::new(2);
    let subscriber = bench.connect(0, lasting("subscriber", 60));
    bench.subscribe(subscriber, "a", QoS::AtLeastOnce);
    let taker = bench.dial(1, lasting("subscriber", 60));
    // The claim is on its way when the claimant goes.
    while bench.owners("subscriber") < 2 {
        assert!(bench.step());
    }
    bench.drop_socket(taker);
    bench.run();
    assert_eq!(bench.owners("subscriber"), 1);
    bench.advance(Duration::from_secs(61));
    assert_eq!(bench.owners("subscriber"), 0);
    assert!(bench.shared.routes.is_bare());
}

#[test]
fn disconnect_may_change_the_expiry() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, lasting("client", 60));
    let properties = [Property::SessionExpiryInterval(0)].into_iter().collect();
    bench.send(client, &Packet::Disconnect(protocol::Disconnect { reason: ReasonCode::Success, properties }));
    bench.run();
    assert_eq!(bench.counters().sessions(), 0);
}

#[test]
fn a_client_without_identifier_gets_one() {
    // MQTT-3.1.3-6, MQTT-3.1.3-7; MQTT-3.1.3-8 in 3.1.1.
    let mut bench = Bench::new(1);
    let client = bench.dial(0, v5(""));
    bench.run();
    let Some(Packet::ConnAck(connack)) = bench.next(client) else { panic!("CONNACK") };
    let assigned = connack.properties.iter().find(|property| property.id() == PropertyId::AssignedClientIdentifier);
    let Some(Property::AssignedClientIdentifier(name)) = assigned else { panic!("MQTT-3.2.2-16") };
    assert_eq!(bench.owners(name), 1);
    bench.connect(0, v311("", true));
    let refused = bench.dial(0, v311("", false));
    bench.run();
    match bench.next(refused) {
        Some(Packet::ConnAck(connack)) => assert_eq!(connack.reason, ReasonCode::ClientIdentifierNotValid),
        other => panic!("{other:?}"),
    }
    assert!(bench.is_closed(refused));
}

#[test]
fn a_client_that_falls_silent_is_closed() {
    let mut bench = Bench::new(1);
    let mut connect = v5("client");
    connect.keep_alive = 10;
    let client = bench.connect(0, connect);
    bench.advance(Duration::from_secs(10));
    bench.send(client, &Packet::PingReq);
    bench.run();
    assert!(matches!(bench.next(client), Some(Packet::PingResp)));
    bench.advance(Duration::from_secs(14));
    assert!(!bench.is_closed(client));
    bench.advance(Duration::from_secs(2));
    assert_eq!(disconnect_reason(bench.next(client)), ReasonCode::KeepAliveTimeout);
    assert!(bench.is_closed(client));
    assert_eq!(bench.counters().connections(), 0);
}

#[test]
fn a_broker_that_stood_still_blames_nobody() {
    let mut bench = Bench::new(1);
    let mut connect = v5("lively");
    connect.keep_alive = 10;
    let lively = bench.connect(0, connect.clone());
    connect.client_id = protocol::Utf8String::new("silent").unwrap();
    let silent = bench.connect(0, connect);
    let stranger = bench.dial(0, v5("stranger"));
    bench.send(lively, &Packet::PingReq);
    bench.freeze(Duration::from_secs(60));
    bench.run();
    assert!(matches!(bench.next(lively), Some(Packet::PingResp)));
    assert!(matches!(bench.next(stranger), Some(Packet::ConnAck(_))));
    bench.advance(Duration::from_secs(1));
    assert!(bench.is_closed(silent) && !bench.is_closed(lively));
    bench.advance(Duration::from_secs(14));
    assert!(bench.is_closed(lively));
}

#[test]
fn a_socket_that_says_nothing_is_closed() {
    let mut bench = Bench::new(1);
    let silent = bench.dial_silently(0);
    bench.advance(Duration::from_secs(9));
    assert!(!bench.is_closed(silent));
    bench.advance(Duration::from_secs(2));
    assert!(bench.is_closed(silent));
    assert_eq!(bench.counters().connections(), 0);
}

#[test]
fn a_malformed_packet_closes_only_its_connection() {
    let mut bench = Bench::new(1);
    let good = bench.connect(0, v5("good"));
    let bad = bench.connect(0, v5("bad"));
    // PUBLISH with QoS 3.
    bench.send_raw(bad, &[0x36, 0x05, 0x00, 0x01, b'a', 0x00, 0x01]);
    bench.run();
    assert_eq!(disconnect_reason(bench.next(bad)), ReasonCode::MalformedPacket);
    assert!(bench.is_closed(bad));
    bench.send(good, &Packet::PingReq);
    bench.run();
    assert!(matches!(bench.next(good), Some(Packet::PingResp)));
    assert_eq!(bench.counters().violations, 1);
}

#[test]
fn shutting_down_tells_5_0_clients() {
    let mut bench = Bench::new(2);
    let one = bench.connect(0, v5("one"));
    let two = bench.connect(1, v311("two", true));
    bench.shut_down();
    assert_eq!(disconnect_reason(bench.next(one)), ReasonCode::ServerShuttingDown);
    assert!(bench.next(two).is_none());
    assert!(bench.is_closed(one) && bench.is_closed(two));
}

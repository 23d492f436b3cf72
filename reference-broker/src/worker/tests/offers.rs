//! What the broker tells and offers by configuration, to clients of both versions.

use std::time::Duration;

use protocol::{
    Connect, Packet, Properties, Property, PropertyId, QoS, ReasonCode, SubscriptionOptions, Utf8String, Version,
};

use super::bench::{Bench, PeerId, lasting, v5, v311, with_will};
use crate::{Config, Overlap, Redirect};

fn text(text: &str) -> Utf8String {
    Utf8String::new(text).unwrap()
}

fn bench(change: impl FnOnce(&mut Config)) -> Bench {
    let mut config = Config { workers: 1, ..Config::default() };
    change(&mut config);
    Bench::seeded(0, config)
}

/// Dials and runs; the outcome and properties of CONNACK.
fn connack(bench: &mut Bench, connect: Connect) -> (PeerId, ReasonCode, Properties) {
    let peer = bench.dial(0, connect);
    bench.run();
    match bench.next(peer) {
        Some(Packet::ConnAck(connack)) => (peer, connack.reason, connack.properties),
        other => panic!("no CONNACK: {other:?}"),
    }
}

/// What DISCONNECT told last, if the connection was closed.
fn farewell(bench: &mut Bench, peer: PeerId) -> Option<(ReasonCode, Properties)> {
    assert!(bench.is_closed(peer));
    match std::iter::from_fn(|| bench.next(peer)).last() {
        Some(Packet::Disconnect(disconnect)) => Some((disconnect.reason, disconnect.properties)),
        _ => None,
    }
}

fn with_property(mut connect: Connect, property: Property) -> Connect {
    connect.properties.push(property);
    connect
}

#[test]
fn every_client_is_sent_to_another_server() {
    // 4.11. Nothing of the client is touched before.
    for (permanent, reason) in [(false, ReasonCode::UseAnotherServer), (true, ReasonCode::ServerMoved)] {
        let server = Some(text("broker-2:1883 broker-3"));
        let mut bench = bench(|config| config.redirect = Some(Redirect { permanent, server }));
        let (peer, told, properties) = connack(&mut bench, with_will(v5("new"), "never", 0, true));
        assert_eq!((told, properties.server_reference()), (reason, Some(&text("broker-2:1883 broker-3"))));
        assert!(bench.is_closed(peer));
        let (peer, told, _) = connack(&mut bench, v311("old", true));
        // Return code 3 of 3.1.1.
        assert_eq!(told, ReasonCode::ServerUnavailable);
        assert!(bench.is_closed(peer));
        assert_eq!((bench.counters().sessions(), bench.shared.retained.size().0), (0, 0));
    }
}

#[test]
fn connected_clients_are_sent_to_another_server() {
    let mut bench = bench(|_| {});
    let new = bench.connect(0, with_will(lasting("new", 60), "gone", 0, false));
    let old = bench.connect(0, v311("old", false));
    bench.subscribe(old, "will", QoS::AtLeastOnce);
    bench.redirect(Some(Redirect { permanent: true, server: Some(text("broker-2")) }));
    let properties = [Property::ServerReference(text("broker-2"))].into_iter().collect();
    assert_eq!(farewell(&mut bench, new), Some((ReasonCode::ServerMoved, properties)));
    assert_eq!(farewell(&mut bench, old), None);
    assert_eq!(connack(&mut bench, v5("later")).1, ReasonCode::ServerMoved);
    // Sessions stay, and the Will was published.
    bench.redirect(None);
    let (old, present) = bench.connect_present(0, v311("old", false));
    assert!(present);
    assert_eq!(bench.payloads(old), ["gone"]);
    assert!(bench.connect_present(0, lasting("new", 60)).1);
}

#[test]
fn a_redirection_without_a_reference_tells_the_reason_alone() {
    let mut bench = bench(|config| config.redirect = Some(Redirect { permanent: false, server: None }));
    let (_, reason, properties) = connack(&mut bench, v5("client"));
    assert_eq!((reason, properties), (ReasonCode::UseAnotherServer, Properties::EMPTY));
}

#[test]
fn response_information_is_told_to_who_asks() {
    // MQTT-3.1.2-28, 3.2.2.3.15.
    let asks = |asks, id| with_property(v5(id), Property::RequestResponseInformation(asks));
    let config = |config: &mut Config| config.response_information = Some("reply/{client_id}".into());
    for (connect, told) in [
        (asks(true, "one"), Some("reply/one")),
        (asks(false, "one"), None),
        (v5("one"), None),
        // It would be no topic, or another client's.
        (asks(true, "one/two"), None),
        (asks(true, "+"), None),
        (asks(true, "#"), None),
    ] {
        let mut bench = bench(config);
        let (_, reason, properties) = connack(&mut bench, connect);
        assert_eq!(reason, ReasonCode::Success);
        assert_eq!(properties.response_information().map(|text| text.as_str()), told);
    }
    // One that was assigned counts; nothing is told where nothing is configured.
    let mut bench = bench(config);
    let (_, _, properties) = connack(&mut bench, asks(true, ""));
    let Some(Property::AssignedClientIdentifier(id)) =
        properties.iter().find(|property| property.id() == PropertyId::AssignedClientIdentifier)
    else {
        panic!("no identifier")
    };
    assert_eq!(properties.response_information().map(|text| text.as_str()), Some(&*format!("reply/{}", id.as_str())));
    let mut bench = self::bench(|_| {});
    assert!(!connack(&mut bench, asks(true, "one")).2.contains(PropertyId::ResponseInformation));
}

#[test]
fn a_server_keep_alive_takes_the_place_of_the_clients() {
    // MQTT-3.1.2-22, MQTT-3.2.2-22 (MQTT-3.1.2-24 in 3.1.1).
    for (connect, told, seconds) in [
        (Connect { keep_alive: 60, ..v5("client") }, Some(10), 15),
        (Connect { keep_alive: 0, ..v5("client") }, Some(10), 15),
        (Connect { keep_alive: 60, ..v311("client", true) }, None, 90),
    ] {
        let mut bench = bench(|config| config.protocol.server_keep_alive = Some(10));
        let (client, _, properties) = connack(&mut bench, connect);
        assert_eq!(properties.server_keep_alive(), told);
        bench.advance(Duration::from_secs(seconds) - Duration::from_millis(1));
        assert!(!bench.is_closed(client));
        bench.advance(Duration::from_millis(1));
        assert!(bench.is_closed(client));
    }
}

#[test]
fn request_problem_information_0_leaves_publish_and_disconnect_whole() {
    // MQTT-3.1.2-29.
    let mut bench = bench(|_| {});
    let asks = with_property(v5("client"), Property::RequestProblemInformation(false));
    let (client, _, _) = connack(&mut bench, asks);
    bench.subscribe(client, "a", QoS::AtLeastOnce);
    let mut properties = Properties::EMPTY;
    properties.push_user(text("name"), text("value"));
    bench.publish_with(client, "a", "x", QoS::AtLeastOnce, false, properties.clone());
    bench.run();
    let mut seen = 0;
    while let Some(packet) = bench.next(client) {
        match packet {
            Packet::PubAck(ack) => assert!(ack.properties.is_empty()),
            Packet::Publish(publish) => {
                assert_eq!(publish.properties, properties);
                seen += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, 1);
    bench.redirect(Some(Redirect { permanent: false, server: Some(text("other")) }));
    assert!(
        farewell(&mut bench, client).is_some_and(|(_, properties)| properties.contains(PropertyId::ServerReference))
    );
}

#[test]
fn mqtt_3_1_is_served_or_refused() {
    // Keep Alive 10 s, client "a".
    const CONNECT: &[u8] = b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x0a\x00\x01a";
    let mut bench = bench(|_| {});
    let client = bench.dial_as(0, Version::V311);
    bench.send_raw(client, CONNECT);
    bench.run();
    assert!(matches!(bench.next(client), Some(Packet::ConnAck(connack)) if connack.reason == ReasonCode::Success));
    bench.subscribe(client, "a", QoS::AtLeastOnce);
    bench.publish(client, "a", "x", QoS::AtLeastOnce);
    bench.run();
    assert_eq!(bench.payloads(client), ["x"]);
    let mut bench = self::bench(|config| config.protocol.mqtt_3_1 = false);
    let client = bench.dial_as(0, Version::V311);
    bench.send_raw(client, CONNECT);
    bench.run();
    let Some(Packet::ConnAck(connack)) = bench.next(client) else { panic!("no CONNACK") };
    assert_eq!(connack.reason, ReasonCode::UnsupportedProtocolVersion);
    assert!(bench.is_closed(client));
}

/// Switches one offer off, says how CONNACK announces that, and makes a packet that asks for it anyway.
type Offer = (fn(&mut Config), Property, fn(&mut Bench, PeerId), ReasonCode);

fn offers() -> [Offer; 5] {
    [
        (
            |config| config.protocol.retain_available = false,
            Property::RetainAvailable(false),
            |bench, peer| bench.publish_with(peer, "a", "x", QoS::AtMostOnce, true, Properties::EMPTY),
            ReasonCode::RetainNotSupported,
        ),
        (
            |config| config.protocol.maximum_qos = QoS::AtLeastOnce,
            Property::MaximumQos(QoS::AtLeastOnce),
            |bench, peer| bench.publish(peer, "a", "x", QoS::ExactlyOnce),
            ReasonCode::QosNotSupported,
        ),
        (
            |config| config.protocol.wildcard_available = false,
            Property::WildcardSubscriptionAvailable(false),
            |bench, peer| bench.subscribe_quietly(peer, "a/#", QoS::AtMostOnce),
            ReasonCode::WildcardSubscriptionsNotSupported,
        ),
        (
            |config| config.protocol.shared_available = false,
            Property::SharedSubscriptionAvailable(false),
            |bench, peer| bench.subscribe_quietly(peer, "$share/group/a", QoS::AtMostOnce),
            ReasonCode::SharedSubscriptionsNotSupported,
        ),
        (
            |config| config.protocol.subscription_ids_available = false,
            Property::SubscriptionIdentifierAvailable(false),
            |bench, peer| bench.put_subscribe(peer, "a", SubscriptionOptions::default(), Some(7)),
            ReasonCode::SubscriptionIdentifiersNotSupported,
        ),
    ]
}

#[test]
fn what_is_switched_off_is_announced_and_refused_in_5_0() {
    // MQTT-3.2.2-9, MQTT-4.13.1-1; 3.2.2.3.4 to 3.2.2.3.13.
    for (switch_off, announced, ask, reason) in offers() {
        let mut bench = bench(|_| {});
        let (client, _, properties) = connack(&mut bench, v5("client"));
        assert!(!properties.contains(announced.id()), "what is offered needs no announcement");
        ask(&mut bench, client);
        bench.run();
        assert!(!bench.is_closed(client), "{announced:?}");
        let mut bench = self::bench(switch_off);
        let (client, _, properties) = connack(&mut bench, v5("client"));
        assert!(properties.iter().any(|property| *property == announced), "{announced:?}");
        ask(&mut bench, client);
        bench.run();
        assert_eq!(farewell(&mut bench, client).map(|(reason, _)| reason), Some(reason));
    }
}

#[test]
fn what_is_switched_off_is_refused_in_3_1_1() {
    // MQTT-3.8.3-2 in 3.1.1: a filter fails alone. A PUBLISH has no answer that says so, so the connection closes.
    for (switch_off, announced, ask, _) in offers() {
        let mut bench = bench(switch_off);
        let client = bench.connect(0, v311("client", true));
        ask(&mut bench, client);
        bench.run();
        match announced.id() {
            PropertyId::RetainAvailable | PropertyId::MaximumQos => assert!(bench.is_closed(client)),
            // 3.1.1 has no Subscription Identifiers.
            PropertyId::SubscriptionIdentifierAvailable => assert!(!bench.is_closed(client)),
            _ => {
                let Some(Packet::SubAck(suback)) = bench.next(client) else { panic!("no SUBACK") };
                assert_eq!(suback.reasons, [ReasonCode::UnspecifiedError]);
                assert!(!bench.is_closed(client));
                assert_eq!(bench.counters().subscriptions(), 0);
            }
        }
    }
}

#[test]
fn a_will_beyond_what_is_offered_is_refused_in_both() {
    // MQTT-3.2.2-12, MQTT-3.2.2-13; 3.1.1 closes without CONNACK.
    for (switch_off, reason) in [
        (
            (|config: &mut Config| config.protocol.retain_available = false) as fn(&mut Config),
            ReasonCode::RetainNotSupported,
        ),
        (|config| config.protocol.maximum_qos = QoS::AtMostOnce, ReasonCode::QosNotSupported),
    ] {
        let mut bench = bench(switch_off);
        let retain = reason == ReasonCode::RetainNotSupported;
        let (client, told, _) = connack(&mut bench, with_will(v5("client"), "gone", 0, retain));
        assert_eq!(told, reason);
        assert!(bench.is_closed(client));
        let old = bench.dial(0, with_will(v311("client", true), "gone", 0, retain));
        bench.run();
        assert!(bench.is_closed(old) && bench.next(old).is_none());
    }
}

#[test]
fn overlapping_subscriptions_are_delivered_as_configured() {
    // MQTT-3.3.4-2, MQTT-3.3.4-3, MQTT-3.3.4-4, MQTT-3.3.4-5 (MQTT-3.3.5-1 in 3.1.1).
    for connect in [v5("client"), v311("client", true)] {
        for (overlap, expected) in [
            (Overlap::Merged, vec![(QoS::ExactlyOnce, vec![1, 2])]),
            (Overlap::OneByOne, vec![(QoS::AtMostOnce, vec![1]), (QoS::ExactlyOnce, vec![2])]),
        ] {
            let mut bench = bench(|config| config.overlap = overlap);
            let client = bench.connect(0, connect.clone());
            for (filter, qos, id) in [("a/+", QoS::AtMostOnce, 1), ("a/#", QoS::ExactlyOnce, 2)] {
                let options = SubscriptionOptions { qos, ..SubscriptionOptions::default() };
                let identifier = (connect.version == Version::V5).then_some(id);
                bench.subscribe_with(client, filter, options, identifier);
            }
            bench.publish(client, "a/b", "x", QoS::ExactlyOnce);
            bench.run();
            let mut got: Vec<_> = bench
                .publishes(client)
                .iter()
                .map(|it| (it.qos, it.properties.subscription_ids().copied().collect::<Vec<_>>()))
                .collect();
            got.sort();
            got.iter_mut().for_each(|(_, ids)| ids.sort_unstable());
            let strip = |ids: Vec<u32>| if connect.version == Version::V5 { ids } else { Vec::new() };
            let expected: Vec<_> = expected.into_iter().map(|(qos, ids)| (qos, strip(ids))).collect();
            assert_eq!(got, expected);
        }
    }
}

#[test]
fn topic_aliases_hold_between_a_client_and_the_broker_alone() {
    // MQTT-3.3.2-7, MQTT-3.3.2-11, MQTT-3.3.2-12, MQTT-3.1.2-26, MQTT-3.1.2-27: two of the publisher's, one of the keen
    // subscriber's, none of the plain one's.
    let mut bench = bench(|config| config.protocol.outgoing_topic_alias_maximum = 10);
    let keen = bench.connect(0, with_property(v5("keen"), Property::TopicAliasMaximum(1)));
    let plain = bench.connect(0, v5("plain"));
    for subscriber in [keen, plain] {
        bench.subscribe(subscriber, "#", QoS::AtMostOnce);
    }
    let publisher = bench.connect(0, v5("publisher"));
    bench.send_raw(publisher, b"\x30\x07\x00\x01a\x03\x23\x00\x07\x30\x07\x00\x01b\x03\x23\x00\x40");
    bench.send_raw(publisher, b"\x30\x06\x00\x00\x03\x23\x00\x40\x30\x06\x00\x00\x03\x23\x00\x07");
    bench.run();
    let mut seen = |subscriber| -> Vec<(Option<String>, Option<u16>)> {
        let got = bench.publishes(subscriber);
        got.iter().map(|it| (it.topic.as_ref().map(|name| name.as_str().into()), it.properties.topic_alias())).collect()
    };
    let named = |topic: &str| (Some(topic.to_owned()), None);
    assert_eq!(seen(plain), ["a", "b", "b", "a"].map(named));
    let (first, last) = ((Some("a".to_owned()), Some(1)), (None, Some(1)));
    assert_eq!(seen(keen), [first, named("b"), named("b"), last]);
}

//! Subscriptions and what they deliver.

use protocol::{
    Packet, Properties, Property, QoS, ReasonCode, SubscriptionOptions, TopicName, UserProperty, Utf8String,
};

use super::bench::{Bench, lasting, v5, v311};

fn options(qos: QoS) -> SubscriptionOptions {
    SubscriptionOptions { qos, ..SubscriptionOptions::default() }
}

#[test]
fn overlapping_subscriptions_deliver_once() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, v5("client"));
    bench.subscribe_with(client, "a/+", options(QoS::AtMostOnce), Some(1));
    bench.subscribe_with(client, "a/#", options(QoS::ExactlyOnce), Some(2));
    bench.subscribe_with(client, "a/b", options(QoS::AtLeastOnce), None);
    bench.publish(client, "a/b", "x", QoS::ExactlyOnce);
    bench.run();
    let got = bench.publishes(client);
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].qos, QoS::ExactlyOnce, "MQTT-3.3.4-2");
    let mut ids: Vec<_> = got[0].properties.subscription_ids().copied().collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2], "MQTT-3.3.4-3, MQTT-3.3.4-4");
}

#[test]
fn no_local_spares_the_publisher_only() {
    let mut bench = Bench::new(2);
    let one = bench.connect(0, v5("one"));
    let two = bench.connect(1, v5("two"));
    for client in [one, two] {
        bench.subscribe_with(client, "a", SubscriptionOptions { no_local: true, ..options(QoS::AtLeastOnce) }, None);
    }
    bench.publish(one, "a", "x", QoS::AtLeastOnce);
    bench.run();
    assert!(bench.payloads(one).is_empty(), "MQTT-3.8.3-3");
    assert_eq!(bench.payloads(two), ["x"]);
}

#[test]
fn the_lower_qos_counts() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, v5("client"));
    bench.subscribe(client, "a", QoS::AtLeastOnce);
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
        bench.publish(client, "a", "x", qos);
    }
    bench.run();
    let qos: Vec<_> = bench.publishes(client).iter().map(|publish| publish.qos).collect();
    assert_eq!(qos, [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::AtLeastOnce], "MQTT-3.8.4-8");
}

#[test]
fn a_repeated_subscription_replaces_the_first() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, v5("client"));
    bench.subscribe(client, "a", QoS::ExactlyOnce);
    bench.subscribe(client, "a", QoS::AtMostOnce);
    bench.publish(client, "a", "x", QoS::ExactlyOnce);
    bench.run();
    assert_eq!(bench.publishes(client)[0].qos, QoS::AtMostOnce, "MQTT-3.8.4-3");
    assert_eq!(bench.counters().subscriptions(), 1);
}

#[test]
fn unsubscribing_ends_deliveries() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, v5("client"));
    bench.subscribe(client, "a/+", QoS::AtMostOnce);
    // MQTT-3.10.4-1.
    assert_eq!(bench.unsubscribe(client, "a/b"), [ReasonCode::NoSubscriptionExisted]);
    assert_eq!(bench.unsubscribe(client, "a/+"), [ReasonCode::Success]);
    bench.publish(client, "a/b", "x", QoS::AtMostOnce);
    bench.run();
    assert!(bench.payloads(client).is_empty());
    assert!(bench.shared.routes.is_bare());
}

#[test]
fn a_publisher_hears_that_nobody_subscribed() {
    let mut bench = Bench::new(1);
    let new = bench.connect(0, v5("new"));
    let old = bench.connect(0, v311("old", true));
    for client in [new, old] {
        bench.publish(client, "nobody", "x", QoS::AtLeastOnce);
    }
    bench.run();
    let reason = |packet| match packet {
        Some(Packet::PubAck(ack)) => protocol::Ack::clone(&ack).reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(bench.next(new)), ReasonCode::NoMatchingSubscribers);
    assert_eq!(reason(bench.next(old)), ReasonCode::Success);
}

#[test]
fn members_of_a_shared_subscription_take_turns_across_workers() {
    let mut bench = Bench::new(2);
    let one = bench.connect(0, v5("one"));
    let two = bench.connect(1, v5("two"));
    let publisher = bench.connect(0, v5("publisher"));
    for client in [one, two] {
        bench.subscribe(client, "$share/group/a/#", QoS::AtLeastOnce);
    }
    for number in 0..10 {
        bench.publish(publisher, "a/b", &number.to_string(), QoS::AtLeastOnce);
    }
    bench.run();
    let (one, two) = (bench.payloads(one), bench.payloads(two));
    assert_eq!((one.len(), two.len()), (5, 5));
}

#[test]
fn a_shared_subscription_prefers_who_is_connected() {
    let mut bench = Bench::new(2);
    let one = bench.connect(0, lasting("one", 60));
    let two = bench.connect(1, lasting("two", 60));
    let publisher = bench.connect(0, v5("publisher"));
    for client in [one, two] {
        bench.subscribe(client, "$share/group/a", QoS::AtLeastOnce);
    }
    bench.drop_socket(one);
    for number in 0..4 {
        bench.publish(publisher, "a", &number.to_string(), QoS::AtLeastOnce);
    }
    bench.run();
    assert_eq!(bench.payloads(two).len(), 4);
}

#[test]
fn clients_do_not_publish_under_a_dollar() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, v5("client"));
    bench.subscribe(client, "$SYS/#", QoS::AtMostOnce);
    bench.publish(client, "$SYS/broker/uptime", "x", QoS::AtLeastOnce);
    bench.run();
    match bench.next(client) {
        Some(Packet::PubAck(ack)) => assert_eq!(ack.reason, ReasonCode::NotAuthorized),
        other => panic!("{other:?}"),
    }
    assert!(bench.next(client).is_none());
    assert_eq!(bench.counters().dropped_denied, 1);
}

#[test]
fn properties_travel_unaltered_and_in_order() {
    let mut bench = Bench::new(2);
    let subscriber = bench.connect(0, v5("subscriber"));
    let publisher = bench.connect(1, v5("publisher"));
    bench.subscribe(subscriber, "a", QoS::AtLeastOnce);
    let text = |text: &str| Utf8String::new(text).unwrap();
    let user = |value| Property::UserProperty(UserProperty { name: text("n"), value: text(value) });
    let sent: Properties = [
        Property::PayloadFormatIndicator(true),
        Property::ContentType(text("text/plain")),
        Property::ResponseTopic(TopicName::new("reply").unwrap()),
        Property::CorrelationData("corr".into()),
        user("1"),
        user("2"),
        user("1"),
    ]
    .into_iter()
    .collect();
    bench.publish_with(publisher, "a", "x", QoS::AtLeastOnce, false, sent.clone());
    bench.run();
    let got: Properties = bench.publishes(subscriber)[0].properties.iter().cloned().collect();
    assert_eq!(got, sent, "MQTT-3.3.2-4, -15, -16, -17, -18, -20");
}

#[test]
fn a_message_expires_in_a_queue() {
    let mut bench = Bench::new(1);
    let subscriber = bench.connect(0, lasting("subscriber", 600));
    bench.subscribe(subscriber, "a", QoS::AtLeastOnce);
    bench.drop_socket(subscriber);
    let publisher = bench.connect(0, v5("publisher"));
    for (payload, seconds) in [("short", 10), ("long", 100)] {
        let properties = [Property::MessageExpiryInterval(seconds)].into_iter().collect();
        bench.publish_with(publisher, "a", payload, QoS::AtLeastOnce, false, properties);
    }
    bench.run();
    bench.advance(std::time::Duration::from_secs(30));
    let back = bench.connect(0, lasting("subscriber", 600));
    let got = bench.publishes(back);
    assert_eq!(got.len(), 1, "MQTT-3.3.2-5");
    assert_eq!(got[0].properties.message_expiry_interval(), Some(70), "MQTT-3.3.2-6");
}

#[test]
fn overlapping_subscriptions_may_deliver_one_by_one() {
    let config = crate::Config { workers: 2, overlap: crate::Overlap::OneByOne, ..crate::Config::default() };
    let mut bench = Bench::seeded(0, config);
    let client = bench.connect(0, v5("client"));
    let publisher = bench.connect(1, v5("publisher"));
    bench.subscribe_with(client, "a/+", options(QoS::AtMostOnce), Some(1));
    bench.subscribe_with(client, "a/#", options(QoS::ExactlyOnce), Some(2));
    bench.subscribe_with(client, "a/b", options(QoS::AtLeastOnce), None);
    bench.publish(publisher, "a/b", "x", QoS::ExactlyOnce);
    bench.run();
    let got = bench.publishes(client);
    let mut got: Vec<(QoS, Vec<u32>)> =
        got.iter().map(|it| (it.qos, it.properties.subscription_ids().copied().collect())).collect();
    got.sort();
    let expected = [(QoS::AtMostOnce, vec![1]), (QoS::AtLeastOnce, vec![]), (QoS::ExactlyOnce, vec![2])];
    assert_eq!(got, expected, "MQTT-3.3.4-5");
}

#[test]
fn retain_as_published_holds_for_each_way_to_subscribe() {
    let mut bench = Bench::new(2);
    let keen = SubscriptionOptions { retain_as_published: true, ..options(QoS::AtLeastOnce) };
    let sharing = bench.connect(0, v5("sharing"));
    bench.subscribe_with(sharing, "$share/g/a", keen, None);
    let plain = bench.connect(0, v5("plain"));
    bench.subscribe(plain, "$share/h/a", QoS::AtLeastOnce);
    let overlapping = bench.connect(1, v5("overlapping"));
    bench.subscribe(overlapping, "+", QoS::AtLeastOnce);
    bench.subscribe_with(overlapping, "a", keen, None);
    let publisher = bench.connect(1, v5("publisher"));
    bench.publish_with(publisher, "a", "x", QoS::AtLeastOnce, true, Properties::EMPTY);
    bench.run();
    assert!(bench.publishes(sharing)[0].retain, "MQTT-3.3.1-13");
    assert!(!bench.publishes(plain)[0].retain, "MQTT-3.3.1-12");
    assert!(bench.publishes(overlapping)[0].retain, "the merged copy serves the subscription that asked");
}

#[test]
fn an_expired_message_is_dropped_and_counted_on_every_path() {
    let mut bench = Bench::new(2);
    let mut connect = lasting("subscriber", 600);
    connect.properties.push(Property::ReceiveMaximum(1));
    let subscriber = bench.connect(0, connect);
    bench.silence(subscriber);
    bench.subscribe(subscriber, "a", QoS::AtLeastOnce);
    let publisher = bench.connect(1, v5("publisher"));
    let within = |seconds| -> Properties { [Property::MessageExpiryInterval(seconds)].into_iter().collect() };
    // The first is in flight, the second waits for the flow control, the third has no time at all.
    for (payload, seconds) in [("sent", 10), ("waits", 10), ("late", 0)] {
        bench.publish_with(publisher, "a", payload, QoS::AtLeastOnce, false, within(seconds));
    }
    bench.run();
    assert_eq!(bench.counters().dropped_expired, 1);
    bench.advance(std::time::Duration::from_secs(20));
    bench.drop_socket(subscriber);
    let back = bench.connect(1, lasting("subscriber", 600));
    let got = bench.publishes(back);
    let got: Vec<_> = got.iter().map(|it| (&it.payload[..], it.properties.message_expiry_interval())).collect();
    assert_eq!(got, [(&b"sent"[..], Some(0))], "MQTT-3.3.2-5, MQTT-4.3.3-7: its delivery had begun");
    assert_eq!(bench.counters().dropped_expired, 2);
}

#[test]
fn a_message_too_large_for_one_subscriber_reaches_the_others() {
    let mut bench = Bench::new(1);
    let mut connect = v5("small");
    connect.properties.push(Property::MaximumPacketSize(30));
    connect.properties.push(Property::ReceiveMaximum(1));
    let small = bench.connect(0, connect);
    let large = bench.connect(0, v5("large"));
    for client in [small, large] {
        bench.subscribe(client, "a", QoS::AtLeastOnce);
    }
    let payload = "x".repeat(100);
    for payload in [&payload, "fits", &payload, "fits too"] {
        bench.publish(large, "a", payload, QoS::AtLeastOnce);
    }
    bench.run();
    assert_eq!(bench.payloads(small), ["fits", "fits too"], "MQTT-3.1.2-24, MQTT-3.1.2-25");
    assert_eq!(bench.payloads(large).len(), 4);
    assert_eq!(bench.counters().dropped_too_large, 2);
    assert!(!bench.is_closed(small));
}

#[test]
fn what_has_begun_is_finished_after_unsubscribing() {
    let mut bench = Bench::new(1);
    let mut connect = lasting("client", 60);
    connect.properties.push(Property::ReceiveMaximum(1));
    let client = bench.connect(0, connect);
    bench.subscribe(client, "a", QoS::ExactlyOnce);
    let publisher = bench.connect(0, v5("publisher"));
    bench.silence(client);
    bench.publish(publisher, "a", "begun", QoS::ExactlyOnce);
    bench.run();
    assert_eq!(bench.payloads(client), ["begun"]);
    assert_eq!(bench.unsubscribe(client, "a"), [ReasonCode::Success]);
    bench.publish(publisher, "a", "later", QoS::ExactlyOnce);
    bench.run();
    bench.drop_socket(client);
    let back = bench.connect(0, lasting("client", 60));
    let got = bench.publishes(back);
    assert_eq!(got.len(), 1, "MQTT-3.10.4-2");
    assert!(got[0].dup && got[0].payload == "begun", "MQTT-3.10.4-3");
}

#[test]
fn each_filter_of_a_packet_has_its_own_outcome_in_its_place() {
    use protocol::{PacketId, Subscribe, SubscribeFilter, TopicFilter, Unsubscribe};
    let limits = crate::Limits { topic_levels: 2, ..crate::Limits::default() };
    let mut bench = Bench::seeded(0, crate::Config { workers: 1, limits, ..crate::Config::default() });
    let client = bench.connect(0, v5("client"));
    let filter = |text: &str, qos| SubscribeFilter { filter: TopicFilter::new(text).unwrap(), options: options(qos) };
    let packet_id = PacketId(std::num::NonZeroU16::new(77).unwrap());
    let filters = vec![
        filter("a", QoS::ExactlyOnce),
        filter("a/b/c", QoS::AtMostOnce),
        filter("b", QoS::AtMostOnce),
        filter("a", QoS::AtLeastOnce),
    ];
    bench.send(client, &Packet::Subscribe(Subscribe { packet_id, properties: Properties::EMPTY, filters }));
    let filters = ["b", "c", "b"].map(|text| TopicFilter::new(text).unwrap()).to_vec();
    bench.send(client, &Packet::Unsubscribe(Unsubscribe { packet_id, properties: Properties::EMPTY, filters }));
    bench.publish(client, "a", "x", QoS::ExactlyOnce);
    bench.run();
    let Some(Packet::SubAck(suback)) = bench.next(client) else { panic!("MQTT-3.8.4-1, MQTT-3.8.4-5") };
    let (two, zero, one) = (ReasonCode::GrantedQos2, ReasonCode::Success, ReasonCode::GrantedQos1);
    assert_eq!(
        suback.reasons,
        [two, ReasonCode::TopicFilterInvalid, zero, one],
        "MQTT-3.9.3-1, MQTT-3.8.4-6, MQTT-3.8.4-7"
    );
    assert_eq!(suback.packet_id, packet_id, "MQTT-3.8.4-2, MQTT-2.2.1-6");
    let Some(Packet::UnsubAck(unsuback)) = bench.next(client) else { panic!("MQTT-3.10.4-4, MQTT-3.10.4-6") };
    let none = ReasonCode::NoSubscriptionExisted;
    assert_eq!(unsuback.reasons, [zero, none, none], "MQTT-3.11.3-1");
    assert_eq!(unsuback.packet_id, packet_id, "MQTT-3.10.4-5, MQTT-2.2.1-6");
    assert_eq!(bench.publishes(client)[0].qos, QoS::AtLeastOnce, "the last of equal filters counts (MQTT-3.8.4-5)");
}

#[test]
fn a_repeated_publish_is_passed_on_as_a_first_one() {
    let mut bench = Bench::new(2);
    let subscriber = bench.connect(1, v5("subscriber"));
    bench.subscribe(subscriber, "a", QoS::ExactlyOnce);
    let publisher = bench.connect(0, v311("publisher", true));
    // DUP at QoS 1 with id 1, twice, and at QoS 2 with id 2, twice before its PUBREL and once after.
    bench.silence(publisher);
    bench.send_raw(publisher, b"\x3a\x06\x00\x01a\x00\x01p\x3a\x06\x00\x01a\x00\x01q");
    bench.send_raw(publisher, b"\x3c\x06\x00\x01a\x00\x02r\x3c\x06\x00\x01a\x00\x02s\x62\x02\x00\x02");
    bench.send_raw(publisher, b"\x3c\x06\x00\x01a\x00\x02t");
    bench.run();
    let got = bench.publishes(subscriber);
    assert!(got.iter().all(|publish| !publish.dup), "MQTT-3.3.1-3 in both: of a 3.1.1 publisher, to a 5.0 subscriber");
    let got: Vec<_> = got.iter().map(|publish| publish.payload[0]).collect();
    assert_eq!(got, *b"pqrt", "MQTT-4.3.2-5, MQTT-4.3.3-10, MQTT-4.3.3-12 (MQTT-4.3.2-2, MQTT-4.3.3-2 in 3.1.1)");
}

#[test]
fn the_exchange_of_an_expired_message_is_completed() {
    let mut bench = Bench::new(1);
    let publisher = bench.connect(0, v5("publisher"));
    bench.silence(publisher);
    let properties = [Property::MessageExpiryInterval(1)].into_iter().collect();
    bench.publish_with(publisher, "a", "x", QoS::ExactlyOnce, true, properties);
    bench.run();
    assert!(matches!(bench.next(publisher), Some(Packet::PubRec(_))));
    bench.advance(std::time::Duration::from_secs(5));
    bench.send_raw(publisher, b"\x62\x02\x00\x01");
    bench.run();
    assert!(matches!(bench.next(publisher), Some(Packet::PubComp(_))), "MQTT-4.3.3-13");
}

#[test]
fn a_byte_order_mark_belongs_to_its_topic() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, v5("client"));
    bench.subscribe(client, "\u{feff}a", QoS::AtMostOnce);
    bench.subscribe(client, "a", QoS::AtMostOnce);
    bench.publish(client, "\u{feff}a", "x", QoS::AtMostOnce);
    bench.run();
    let got = bench.publishes(client);
    assert_eq!(got.len(), 1, "MQTT-1.5.4-3, MQTT-4.7.3-4 (MQTT-1.5.3-3 in 3.1.1)");
    assert_eq!(got[0].topic.as_ref().map(TopicName::as_str), Some("\u{feff}a"));
}

#[test]
fn replacing_a_subscription_loses_nothing() {
    for seed in 0..10 {
        let mut bench = Bench::seeded(seed, crate::Config { workers: 2, ..crate::Config::default() });
        let subscriber = bench.connect(0, v5("subscriber"));
        bench.subscribe(subscriber, "a", QoS::AtLeastOnce);
        let publisher = bench.connect(1, v5("publisher"));
        for number in 0..100 {
            bench.publish(publisher, "a", &number.to_string(), QoS::AtLeastOnce);
            if number % 7 == 0 {
                bench.subscribe_quietly(subscriber, "a", QoS::AtLeastOnce);
            }
        }
        bench.run();
        let expected: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        assert_eq!(bench.payloads(subscriber), expected, "seed {seed}: MQTT-3.8.4-4 (MQTT-3.8.4-3 in 3.1.1)");
    }
}

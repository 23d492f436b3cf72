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
    assert_eq!(ids, [1, 2], "MQTT-3.3.4-4");
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

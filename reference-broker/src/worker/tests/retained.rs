//! Retained messages as clients see them.

use std::time::Duration;

use protocol::{Packet, Properties, Property, QoS, RetainHandling, SubscriptionOptions};

use super::bench::{Bench, PeerId, lasting, v5};

fn retain(bench: &mut Bench, peer: PeerId, topic: &str, payload: &str) {
    bench.publish_with(peer, topic, payload, QoS::AtLeastOnce, true, Properties::EMPTY);
    bench.run();
}

#[test]
fn a_new_subscription_gets_what_is_retained() {
    let mut bench = Bench::new(2);
    let client = bench.connect(0, v5("client"));
    retain(&mut bench, client, "a/b", "old");
    retain(&mut bench, client, "a/b", "new");
    let late = bench.connect(1, v5("late"));
    bench.subscribe(late, "a/#", QoS::AtLeastOnce);
    let got = bench.publishes(late);
    assert_eq!(got.len(), 1);
    assert_eq!((&got[0].payload[..], got[0].retain), (&b"new"[..], true), "MQTT-3.3.1-5; 3.3.1.3");
}

#[test]
fn an_empty_payload_deletes() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, v5("client"));
    retain(&mut bench, client, "a", "x");
    retain(&mut bench, client, "a", "");
    bench.subscribe(client, "a", QoS::AtLeastOnce);
    assert!(bench.publishes(client).is_empty(), "MQTT-3.3.1-6, MQTT-3.3.1-7");
    assert_eq!(bench.shared.retained.size(), (0, 0));
}

#[test]
fn live_messages_carry_retain_only_where_it_was_asked_for() {
    let mut bench = Bench::new(1);
    let plain = bench.connect(0, v5("plain"));
    let keen = bench.connect(0, v5("keen"));
    bench.subscribe(plain, "a", QoS::AtMostOnce);
    let options = SubscriptionOptions { retain_as_published: true, ..SubscriptionOptions::default() };
    bench.subscribe_with(keen, "a", options, None);
    retain(&mut bench, plain, "a", "x");
    assert!(!bench.publishes(plain)[0].retain, "MQTT-3.3.1-12");
    assert!(bench.publishes(keen)[0].retain, "MQTT-3.3.1-13");
}

#[test]
fn retain_handling_decides_what_a_subscription_gets() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, v5("client"));
    retain(&mut bench, client, "a", "x");
    let mut count = |handling| {
        let options = SubscriptionOptions { retain_handling: handling, ..SubscriptionOptions::default() };
        bench.subscribe_with(client, "a", options, None);
        bench.publishes(client).len()
    };
    assert_eq!(count(RetainHandling::Never), 0, "MQTT-3.3.1-11");
    assert_eq!(count(RetainHandling::IfNew), 0, "MQTT-3.3.1-10");
    assert_eq!(count(RetainHandling::Always), 1, "MQTT-3.3.1-9");
    assert_eq!(count(RetainHandling::Always), 1);
}

#[test]
fn a_shared_subscription_gets_nothing_retained() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, v5("client"));
    retain(&mut bench, client, "a", "x");
    bench.subscribe(client, "$share/g/a", QoS::AtLeastOnce);
    assert!(bench.publishes(client).is_empty());
}

#[test]
fn a_retained_message_expires_and_tells_what_is_left() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, v5("client"));
    let properties: Properties = [Property::MessageExpiryInterval(100)].into_iter().collect();
    bench.publish_with(client, "a", "x", QoS::AtLeastOnce, true, properties);
    bench.run();
    bench.advance(Duration::from_secs(40));
    bench.subscribe(client, "a", QoS::AtLeastOnce);
    assert_eq!(bench.publishes(client)[0].properties.message_expiry_interval(), Some(60));
    bench.advance(Duration::from_secs(60));
    bench.subscribe(client, "a", QoS::AtLeastOnce);
    assert!(bench.publishes(client).is_empty());
}

#[test]
fn thousands_of_retained_messages_all_arrive() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, v5("client"));
    for number in 0..3000 {
        let topic = format!("a/{number}");
        bench.publish_with(client, &topic, &number.to_string(), QoS::AtMostOnce, true, Properties::EMPTY);
    }
    bench.run();
    let late = bench.connect(0, v5("late"));
    bench.subscribe(late, "a/+", QoS::AtLeastOnce);
    let mut got: Vec<u32> = bench.payloads(late).iter().map(|payload| payload.parse().unwrap()).collect();
    got.sort_unstable();
    assert_eq!(got, (0..3000).collect::<Vec<_>>());
}

#[test]
fn retained_messages_that_waited_arrive_after_the_return() {
    let mut bench = Bench::new(2);
    let client = bench.connect(0, v5("client"));
    for number in 0..300 {
        let topic = format!("a/{number}");
        bench.publish_with(client, &topic, &number.to_string(), QoS::AtLeastOnce, true, Properties::EMPTY);
    }
    bench.run();
    let mut connect = lasting("late", 60);
    connect.properties.push(Property::ReceiveMaximum(5));
    let late = bench.connect(0, connect.clone());
    bench.silence(late);
    bench.subscribe(late, "a/+", QoS::AtLeastOnce);
    assert_eq!(bench.publishes(late).len(), 5, "MQTT-3.3.4-9");
    bench.drop_socket(late);
    let back = bench.dial(1, connect);
    bench.run();
    assert!(matches!(bench.next(back), Some(Packet::ConnAck(_))));
    assert_eq!(bench.payloads(back).len(), 300);
}

#[test]
fn a_refused_replacement_takes_the_old_message_with_it() {
    let limits = crate::Limits { retained_bytes: 10, ..crate::Limits::default() };
    let mut bench = Bench::seeded(0, crate::Config { workers: 1, limits, ..crate::Config::default() });
    let client = bench.connect(0, v5("client"));
    retain(&mut bench, client, "a", "old");
    retain(&mut bench, client, "a", "too large to be retained");
    assert_eq!(bench.counters().retained_refused, 1);
    bench.subscribe(client, "a", QoS::AtLeastOnce);
    // MQTT-3.3.1-5: it was replaced; what is no longer the topic's last word is not passed off as that.
    assert!(bench.publishes(client).is_empty());
}

#[test]
fn no_local_spares_the_publisher_its_own_retained_message() {
    let mut bench = Bench::new(2);
    let one = bench.connect(0, v5("one"));
    let two = bench.connect(1, v5("two"));
    retain(&mut bench, one, "a", "x");
    let options = SubscriptionOptions { no_local: true, ..SubscriptionOptions::default() };
    bench.subscribe_with(two, "a", options, None);
    assert_eq!(bench.publishes(two).len(), 1);
    bench.drop_socket(one);
    let again = bench.connect(1, v5("one"));
    bench.subscribe_with(again, "a", options, None);
    assert!(bench.publishes(again).is_empty(), "MQTT-3.8.3-3: by Client Identifier, whatever the connection");
}

#[test]
fn a_retained_message_arrives_before_what_the_same_client_published_later() {
    for seed in 0..20 {
        let mut bench = Bench::seeded(seed, crate::Config { workers: 2, ..crate::Config::default() });
        let publisher = bench.connect(0, v5("publisher"));
        let mut names = Vec::new();
        for number in 0..200 {
            let topic = format!("a/{number}");
            bench.publish_with(publisher, &topic, "0", QoS::AtLeastOnce, true, Properties::EMPTY);
            names.push(topic);
        }
        bench.run();
        let late = bench.connect(1, v5("late"));
        bench.subscribe_quietly(late, "a/+", QoS::AtLeastOnce);
        for (number, topic) in names.iter().enumerate() {
            for later in 1..3 {
                let retain = number % 2 == 0;
                bench.publish_with(publisher, topic, &later.to_string(), QoS::AtLeastOnce, retain, Properties::EMPTY);
            }
        }
        bench.run();
        let got = bench.publishes(late);
        for topic in &names {
            let on = got.iter().filter(|it| it.topic.as_ref().is_some_and(|name| name.as_str() == topic));
            let seen: Vec<_> = on.map(|publish| publish.payload[0]).collect();
            assert!(!seen.is_empty() && seen.is_sorted(), "seed {seed}: {topic}: {seen:?} (MQTT-4.6.0-5)");
        }
    }
}

#[test]
fn a_retained_message_carries_the_lower_qos_and_the_identifier() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, v5("client"));
    retain(&mut bench, client, "a", "at least once");
    let mut got = |qos, identifier| {
        bench.subscribe_with(client, "a", SubscriptionOptions { qos, ..SubscriptionOptions::default() }, identifier);
        let got = bench.publishes(client);
        (got[0].qos, got[0].properties.subscription_ids().copied().collect::<Vec<_>>())
    };
    assert_eq!(got(QoS::AtMostOnce, Some(7)), (QoS::AtMostOnce, vec![7]), "MQTT-3.8.4-8, MQTT-3.3.4-3");
    assert_eq!(got(QoS::ExactlyOnce, Some(8)), (QoS::AtLeastOnce, vec![8]));
    assert_eq!(got(QoS::ExactlyOnce, None), (QoS::AtLeastOnce, vec![]), "3.8.4: it is replaced with the subscription");
}

#[test]
fn a_retained_message_that_waits_is_skipped_once_replaced() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, v5("client"));
    for number in 0..300 {
        bench.publish_with(client, &format!("a/{number}"), "old", QoS::AtLeastOnce, true, Properties::EMPTY);
    }
    bench.run();
    let mut connect = v5("late");
    connect.properties.push(Property::ReceiveMaximum(5));
    let late = bench.connect(0, connect);
    bench.stall(late);
    bench.subscribe_quietly(late, "a/+", QoS::AtLeastOnce);
    bench.run();
    for number in 0..300 {
        bench.publish_with(client, &format!("a/{number}"), "new", QoS::AtLeastOnce, true, Properties::EMPTY);
    }
    bench.run();
    // Only what had left the backlog is sent although it is old.
    bench.unstall(late);
    bench.run();
    let got = bench.payloads(late);
    assert_eq!(got.iter().filter(|payload| *payload == "new").count(), 300);
    assert!(got.len() < 400, "{}", got.len());
}

//! The rules that 3.1.1 numbers on its own, seen by its clients. What both versions share is tested for both elsewhere.

use std::{sync::Arc, time::Duration};

use protocol::{
    Packet, PacketId, Properties, Publish, QoS, ReasonCode, Subscribe, SubscribeFilter, SubscriptionOptions,
    TopicFilter, Unsubscribe, Version,
};

use super::bench::{Bench, PeerId, v5, v311, with_will};
use crate::{Access, AllowAll, Attempt, Authenticate, Decision, Identity, Refusal};

fn client(bench: &mut Bench, worker: usize, name: &str) -> PeerId {
    bench.connect(worker, v311(name, true))
}

fn publish(bench: &mut Bench, peer: PeerId, topic: &str, payload: &str, qos: QoS) {
    bench.publish(peer, topic, payload, qos);
    bench.run();
}

fn retain(bench: &mut Bench, peer: PeerId, topic: &str, payload: &str, qos: QoS) {
    bench.publish_with(peer, topic, payload, qos, true, Properties::EMPTY);
    bench.run();
}

/// Payload, QoS and RETAIN of what `peer` got.
fn got(bench: &mut Bench, peer: PeerId) -> Vec<(String, QoS, bool)> {
    let text = |publish: &Publish| String::from_utf8(publish.payload.to_vec()).unwrap();
    bench.publishes(peer).iter().map(|publish| (text(publish), publish.qos, publish.retain)).collect()
}

fn one(payload: &str, qos: QoS, retain: bool) -> Vec<(String, QoS, bool)> {
    vec![(payload.to_owned(), qos, retain)]
}

#[test]
fn a_session_without_clean_session_waits_for_its_client() {
    // MQTT-3.1.2-4, MQTT-3.1.2-5, MQTT-3.1.4-3, MQTT-3.2.2-2, MQTT-3.2.2-3, MQTT-4.1.0-1, MQTT-4.1.0-2, MQTT-4.5.0-1 in 3.1.1.
    for other in [0, 1] {
        let mut bench = Bench::new(2);
        let (away, present) = bench.connect_present(0, v311("away", false));
        assert!(!present);
        bench.subscribe(away, "a", QoS::ExactlyOnce);
        bench.advance(Duration::from_secs(20_000));
        bench.disconnect(away, ReasonCode::Success);
        bench.run();
        let publisher = client(&mut bench, 1, "publisher");
        publish(&mut bench, publisher, "a", "1", QoS::AtLeastOnce);
        publish(&mut bench, publisher, "a", "2", QoS::ExactlyOnce);
        bench.advance(Duration::from_secs(100_000));
        let (back, present) = bench.connect_present(other, v311("away", false));
        assert!(present);
        assert_eq!(bench.payloads(back), ["1", "2"]);
    }
}

#[test]
fn clean_session_begins_and_ends_with_nothing() {
    // MQTT-3.1.2-6, MQTT-3.2.2-1, MQTT-3.1.4-3 in 3.1.1.
    let mut bench = Bench::new(1);
    let first = bench.connect(0, v311("same", false));
    bench.subscribe(first, "a", QoS::AtLeastOnce);
    bench.drop_socket(first);
    let publisher = client(&mut bench, 0, "publisher");
    publish(&mut bench, publisher, "a", "old", QoS::AtLeastOnce);
    let (second, present) = bench.connect_present(0, v311("same", true));
    assert!(!present);
    publish(&mut bench, publisher, "a", "new", QoS::AtLeastOnce);
    assert!(bench.payloads(second).is_empty());
    bench.drop_socket(second);
    assert_eq!(bench.owners("same"), 0);
    assert!(!bench.connect_present(0, v311("same", false)).1);
}

#[test]
fn each_client_identifier_has_its_own_session() {
    // MQTT-3.1.3-2 in both; MQTT-3.1.3-6, MQTT-3.1.3-5 in 3.1.1: so have two clients that sent none.
    let mut bench = Bench::new(1);
    for (one, two) in [(v311("one", true), v311("two", true)), (v311("", true), v311("", true)), (v5(""), v5(""))] {
        let one = bench.connect(0, one);
        let two = bench.connect(0, two);
        bench.subscribe(one, "one", QoS::AtMostOnce);
        bench.subscribe(two, "two", QoS::AtMostOnce);
        publish(&mut bench, one, "one", "for one", QoS::AtMostOnce);
        publish(&mut bench, one, "two", "for two", QoS::AtMostOnce);
        assert!(!bench.is_closed(one) && !bench.is_closed(two));
        assert_eq!((bench.payloads(one), bench.payloads(two)), (vec!["for one".into()], vec!["for two".into()]));
        bench.drop_socket(one);
        bench.drop_socket(two);
    }
}

#[test]
fn a_will_is_published_once_and_never_after_a_good_bye() {
    // MQTT-3.1.2-8, MQTT-3.1.2-10, MQTT-3.1.2-12 in 3.1.1; MQTT-3.14.4-3 in both; MQTT-3.1.2-7, MQTT-3.1.2-8, MQTT-3.1.2-10.
    for version in [Version::V311, Version::V5] {
        let mut bench = Bench::new(1);
        let watcher = client(&mut bench, 0, "watcher");
        bench.subscribe(watcher, "#", QoS::AtMostOnce);
        let connect = protocol::Connect { version, ..v311("client", false) };
        let lost = bench.connect(0, with_will(connect.clone(), "gone", 0, false));
        bench.drop_socket(lost);
        bench.run();
        assert_eq!(bench.payloads(watcher), ["gone"]);
        let plain = bench.connect(0, connect.clone());
        bench.drop_socket(plain);
        let polite = bench.connect(0, with_will(connect, "never", 0, false));
        bench.disconnect(polite, ReasonCode::Success);
        bench.advance(Duration::from_secs(1_000));
        assert!(bench.payloads(watcher).is_empty());
    }
}

#[test]
fn a_will_is_retained_if_it_asks_for_that() {
    // MQTT-3.1.2-16, MQTT-3.1.2-17 in 3.1.1; MQTT-3.1.2-14, MQTT-3.1.2-15.
    for connect in [v311("client", true), v5("client")] {
        for (retains, kept) in [(false, vec![]), (true, one("gone", QoS::AtLeastOnce, true))] {
            let mut bench = Bench::new(1);
            let watcher = client(&mut bench, 0, "watcher");
            bench.subscribe(watcher, "will", QoS::AtLeastOnce);
            let lost = bench.connect(0, with_will(connect.clone(), "gone", 0, retains));
            bench.drop_socket(lost);
            bench.run();
            assert_eq!(got(&mut bench, watcher), one("gone", QoS::AtLeastOnce, false), "live, so without RETAIN");
            let late = client(&mut bench, 0, "late");
            bench.subscribe(late, "will", QoS::AtLeastOnce);
            assert_eq!(got(&mut bench, late), kept);
        }
    }
}

#[test]
fn a_refused_client_identifier_is_told_and_closed() {
    // MQTT-3.1.3-9, MQTT-3.2.2-4, MQTT-3.2.2-5 in 3.1.1; MQTT-3.1.3-8, MQTT-3.1.4-2. Refused by access.
    for (connect, reason) in [
        (v311("bad id", false), ReasonCode::ClientIdentifierNotValid),
        (v5("bad id"), ReasonCode::ClientIdentifierNotValid),
    ] {
        let access = Access::new(Arc::new(NoBlanks), Arc::new(AllowAll));
        let mut bench = Bench::seeded(0, crate::Config { workers: 1, access, ..crate::Config::default() });
        let refused = bench.dial(0, connect);
        bench.run();
        let Some(Packet::ConnAck(connack)) = bench.next(refused) else { panic!("no CONNACK") };
        assert_eq!((connack.reason, connack.session_present), (reason, false));
        assert!(bench.is_closed(refused));
        assert_eq!(bench.counters().sessions(), 0);
    }
}

/// Refuses Client Identifiers with a blank.
#[derive(Debug)]
struct NoBlanks;

impl Authenticate for NoBlanks {
    fn connect(&self, attempt: &Attempt<'_>) -> Decision<Result<Identity, Refusal>> {
        let refused = Refusal::Denied(ReasonCode::ClientIdentifierNotValid);
        Decision::Now(if attempt.client_id.contains(' ') { Err(refused) } else { Ok(attempt.identity(None)) })
    }
}

#[test]
fn retained_messages_are_kept_replaced_and_deleted() {
    // MQTT-3.3.1-5, MQTT-3.3.1-6, MQTT-3.3.1-7, MQTT-3.3.1-8, MQTT-3.3.1-9, MQTT-3.3.1-10, MQTT-3.3.1-11, MQTT-3.3.1-12
    // in 3.1.1; MQTT-3.3.1-5, MQTT-3.3.1-6, MQTT-3.3.1-7, MQTT-3.3.1-8, MQTT-3.3.1-12.
    for version in [Version::V311, Version::V5] {
        keep_replace_and_delete(version);
    }
}

fn keep_replace_and_delete(version: Version) {
    let client = |bench: &mut Bench, worker, name: &str| {
        bench.connect(worker, protocol::Connect { version, ..v311(name, true) })
    };
    let mut bench = Bench::new(1);
    let live = client(&mut bench, 0, "live");
    bench.subscribe(live, "a/+", QoS::ExactlyOnce);
    let publisher = client(&mut bench, 0, "publisher");
    let mut late = 0;
    let mut retained = |bench: &mut Bench| {
        late += 1;
        let late = client(bench, 0, &format!("late-{late}"));
        bench.subscribe(late, "a/#", QoS::ExactlyOnce);
        got(bench, late)
    };
    retain(&mut bench, publisher, "a/b", "first", QoS::ExactlyOnce);
    assert_eq!(got(&mut bench, live), one("first", QoS::ExactlyOnce, false));
    assert_eq!(retained(&mut bench), one("first", QoS::ExactlyOnce, true));
    publish(&mut bench, publisher, "a/b", "passing", QoS::AtLeastOnce);
    assert_eq!(got(&mut bench, live), one("passing", QoS::AtLeastOnce, false));
    assert_eq!(retained(&mut bench), one("first", QoS::ExactlyOnce, true), "RETAIN 0 changes nothing");
    retain(&mut bench, publisher, "a/b", "at most once", QoS::AtMostOnce);
    assert_eq!(retained(&mut bench), one("at most once", QoS::AtMostOnce, true));
    retain(&mut bench, publisher, "a/c", "other", QoS::AtLeastOnce);
    let mut both = retained(&mut bench);
    both.sort();
    assert_eq!(both, [one("at most once", QoS::AtMostOnce, true), one("other", QoS::AtLeastOnce, true)].concat());
    bench.publishes(live);
    for topic in ["a/b", "a/c"] {
        retain(&mut bench, publisher, topic, "", QoS::AtLeastOnce);
        assert_eq!(got(&mut bench, live), one("", QoS::AtLeastOnce, false), "an empty one is passed on");
    }
    assert_eq!(retained(&mut bench), []);
}

#[test]
fn overlapping_subscriptions_get_the_highest_qos() {
    // MQTT-3.3.5-1 in 3.1.1; MQTT-3.3.4-2.
    for connect in [v311("client", true), v5("client")] {
        let mut bench = Bench::new(1);
        let subscriber = bench.connect(0, connect);
        for (filter, qos) in [("a/+", QoS::AtMostOnce), ("a/#", QoS::ExactlyOnce), ("a/b", QoS::AtLeastOnce)] {
            bench.subscribe(subscriber, filter, qos);
        }
        publish(&mut bench, subscriber, "a/b", "x", QoS::ExactlyOnce);
        let got: Vec<_> = got(&mut bench, subscriber).iter().map(|it| it.1).collect();
        assert_eq!(got, [QoS::ExactlyOnce]);
    }
}

#[test]
fn each_qos_is_the_lower_of_published_and_granted() {
    // MQTT-3.8.4-6 in 3.1.1; MQTT-3.8.4-8.
    for connect in [v311("client", true), v5("client")] {
        for granted in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
            let mut bench = Bench::new(1);
            let subscriber = bench.connect(0, connect.clone());
            bench.subscribe(subscriber, "a", granted);
            for published in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
                publish(&mut bench, subscriber, "a", "x", published);
                assert_eq!(got(&mut bench, subscriber), one("x", published.min(granted), false));
            }
        }
    }
}

#[test]
fn a_repeated_filter_replaces_and_replays() {
    // MQTT-3.8.4-3 in 3.1.1; MQTT-3.8.4-3, MQTT-3.8.4-4, MQTT-3.3.1-9.
    for connect in [v311("client", true), v5("client")] {
        let mut bench = Bench::new(1);
        let subscriber = bench.connect(0, connect);
        retain(&mut bench, subscriber, "a", "kept", QoS::ExactlyOnce);
        for qos in [QoS::ExactlyOnce, QoS::AtMostOnce] {
            bench.subscribe(subscriber, "a", qos);
            assert_eq!(got(&mut bench, subscriber), one("kept", qos, true));
        }
        publish(&mut bench, subscriber, "a", "live", QoS::ExactlyOnce);
        assert_eq!(got(&mut bench, subscriber), one("live", QoS::AtMostOnce, false));
    }
}

#[test]
fn the_filters_of_one_packet_count_as_if_each_came_alone() {
    // MQTT-3.8.4-1, MQTT-3.8.4-4, MQTT-3.8.4-5, MQTT-3.9.3-1, MQTT-3.10.4-6, MQTT-3.10.4-4, MQTT-3.10.4-5 in 3.1.1.
    let mut bench = Bench::new(1);
    let subscriber = client(&mut bench, 0, "client");
    let filter = |(text, qos)| SubscribeFilter {
        filter: TopicFilter::new(text).unwrap(),
        options: SubscriptionOptions { qos, ..SubscriptionOptions::default() },
    };
    let filters = [("a", QoS::ExactlyOnce), ("b", QoS::AtMostOnce), ("c", QoS::AtLeastOnce)].map(filter).to_vec();
    let packet_id = PacketId::new(77).unwrap();
    bench.send(subscriber, &Packet::Subscribe(Subscribe { packet_id, properties: Properties::EMPTY, filters }));
    bench.run();
    let Some(Packet::SubAck(suback)) = bench.next(subscriber) else { panic!("no SUBACK") };
    assert_eq!(suback.reasons, [ReasonCode::GrantedQos2, ReasonCode::Success, ReasonCode::GrantedQos1]);
    let filters = ["a", "unknown", "c"].map(|text| TopicFilter::new(text).unwrap()).to_vec();
    bench.send(subscriber, &Packet::Unsubscribe(Unsubscribe { packet_id, properties: Properties::EMPTY, filters }));
    bench.run();
    let Some(Packet::UnsubAck(unsuback)) = bench.next(subscriber) else { panic!("no UNSUBACK") };
    assert_eq!(unsuback.packet_id, packet_id);
    for topic in ["a", "b", "c"] {
        publish(&mut bench, subscriber, topic, topic, QoS::AtMostOnce);
    }
    assert_eq!(bench.payloads(subscriber), ["b"]);
    // Nothing is left to remove, and UNSUBACK comes all the same.
    bench.unsubscribe(subscriber, "a");
}

#[test]
fn an_unsubscribed_filter_is_compared_by_its_text_and_ends() {
    // MQTT-3.10.4-1, MQTT-3.10.4-2, MQTT-3.10.4-3 in both.
    for version in [Version::V311, Version::V5] {
        let connect = || protocol::Connect { version, ..super::bench::lasting("client", 60) };
        let mut bench = Bench::new(1);
        let subscriber = bench.connect(0, connect());
        bench.subscribe(subscriber, "a/+", QoS::ExactlyOnce);
        bench.silence(subscriber);
        publish(&mut bench, subscriber, "a/b", "begun", QoS::ExactlyOnce);
        bench.publishes(subscriber);
        bench.unsubscribe(subscriber, "a/b");
        publish(&mut bench, subscriber, "a/b", "still", QoS::AtMostOnce);
        bench.publishes(subscriber);
        bench.unsubscribe(subscriber, "a/+");
        publish(&mut bench, subscriber, "a/b", "no more", QoS::ExactlyOnce);
        assert!(bench.payloads(subscriber).is_empty());
        bench.drop_socket(subscriber);
        let back = bench.connect(0, connect());
        assert_eq!(bench.payloads(back), ["begun"]);
    }
}

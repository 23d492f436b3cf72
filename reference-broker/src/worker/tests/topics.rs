//! Topics and filters between the standard's bounds, and the order of what is published to them.

use protocol::{Connect, Packet, QoS, ReasonCode, TopicFilter, TopicName, Version};

use super::bench::{Bench, PeerId, v5, v311};
use crate::{Config, Limits};

/// A bench whose limits leave topics as the standard has them.
fn open_bench(workers: usize) -> Bench {
    let limits = Limits { topic_levels: usize::MAX, ..Limits::default() };
    Bench::seeded(0, Config { workers, limits, ..Config::default() })
}

fn both() -> [Connect; 2] {
    [v311("client", true), v5("client")]
}

fn publish(bench: &mut Bench, peer: PeerId, topic: &str, payload: &str, qos: QoS) {
    bench.publish(peer, topic, payload, qos);
    bench.run();
}

#[test]
fn filters_get_what_they_match_and_nothing_else() {
    // MQTT-3.3.2-3, MQTT-4.7.2-1, MQTT-4.7.3-4 in both. Topics below `$` come from the broker itself.
    let filters = ["a/b", "a/+", "a/#", "+/b", "#", "+", "/+", "+/+", "$SYS/#", "$SYS/+/d", "A/b", "a/b/", "e\u{301}"];
    let topics: [(&str, &[&str]); 8] = [
        ("a/b", &["a/b", "a/+", "a/#", "+/b", "#", "+/+"]),
        ("a", &["a/#", "#", "+"]),
        ("a/", &["a/+", "a/#", "#", "+/+"]),
        ("/b", &["+/b", "#", "/+", "+/+"]),
        ("A/b", &["+/b", "#", "+/+", "A/b"]),
        ("$SYS/c/d", &["$SYS/#", "$SYS/+/d"]),
        ("e\u{301}", &["#", "+", "e\u{301}"]),
        ("\u{e9}", &["#", "+"]),
    ];
    for connect in both() {
        let mut bench = Bench::new(1);
        let publisher = bench.connect(0, v5("publisher"));
        for filter in filters {
            let subscriber = bench.connect(0, connect.clone());
            bench.subscribe(subscriber, filter, QoS::AtMostOnce);
            for (topic, matching) in topics {
                if topic.starts_with('$') {
                    bench.publish_as_broker(topic, "x");
                } else {
                    bench.publish(publisher, topic, "x", QoS::AtMostOnce);
                }
                bench.run();
                let got: Vec<_> = bench.publishes(subscriber).into_iter().filter_map(|it| it.topic).collect();
                assert_eq!(got.len(), usize::from(matching.contains(&filter)), "{filter} {topic}");
                assert!(got.iter().all(|name| name.as_str() == topic), "{filter} {topic}");
            }
        }
    }
}

#[test]
fn clients_do_not_speak_below_dollar() {
    // 4.7.2.
    for connect in both() {
        let mut bench = Bench::new(1);
        let client = bench.connect(0, connect);
        bench.subscribe(client, "$SYS/#", QoS::AtMostOnce);
        publish(&mut bench, client, "$SYS/mine", "x", QoS::AtMostOnce);
        assert!(bench.payloads(client).is_empty());
        assert_eq!(bench.counters().dropped_denied, 1);
    }
}

#[test]
fn a_topic_of_65535_bytes_works_both_ways() {
    // MQTT-4.7.3-3 in both: one byte more cannot be written.
    let level = format!("{}/", "t".repeat(64));
    let many = format!("{}{}", level.repeat(999), "t".repeat(65_535 - 999 * 65));
    let one = "t".repeat(65_535);
    for connect in both() {
        for (topic, filter) in
            [(&one, one.as_str()), (&many, many.as_str()), (&many, "+/#"), (&many, &format!("{}+", "+/".repeat(999)))]
        {
            let mut bench = open_bench(2);
            let client = bench.connect(0, connect.clone());
            assert_eq!(bench.subscribe(client, filter, QoS::AtLeastOnce), ReasonCode::GrantedQos1);
            bench.publish_with(client, topic, "x", QoS::AtLeastOnce, true, protocol::Properties::EMPTY);
            bench.run();
            let got: Vec<_> = bench.publishes(client).into_iter().filter_map(|it| it.topic).collect();
            assert_eq!(got.iter().map(TopicName::as_str).collect::<Vec<_>>(), [topic.as_str()]);
            // Retained, for another worker.
            let late = Connect { client_id: protocol::Utf8String::new("late").unwrap(), ..connect.clone() };
            let late = bench.connect(1, late);
            bench.subscribe(late, filter, QoS::AtMostOnce);
            assert_eq!(bench.payloads(late), ["x"]);
            bench.unsubscribe(client, filter);
        }
    }
    assert!(TopicName::new("t".repeat(65_536)).is_err() && TopicFilter::new("t".repeat(65_536)).is_err());
}

#[test]
fn a_topic_of_32768_levels_is_refused_and_does_no_harm() {
    let deep = format!("{}t", "t/".repeat(32_767));
    for connect in both() {
        let mut bench = open_bench(1);
        let version = connect.version;
        let client = bench.connect(0, connect);
        let refused =
            if version == Version::V5 { ReasonCode::TopicFilterInvalid } else { ReasonCode::UnspecifiedError };
        assert_eq!(bench.subscribe(client, &deep, QoS::AtLeastOnce), refused);
        bench.publish_with(client, &deep, "x", QoS::AtLeastOnce, true, protocol::Properties::EMPTY);
        bench.run();
        let Some(Packet::PubAck(ack)) = bench.next(client) else { panic!("no PUBACK") };
        assert_eq!(ack.reason == ReasonCode::TopicNameInvalid, version == Version::V5);
        assert_eq!(bench.shared.retained.size(), (0, 0));
    }
}

#[test]
fn a_null_character_in_a_topic_or_a_filter_closes() {
    // MQTT-4.7.3-2, MQTT-4.7.3-1 in both; MQTT-4.7.0-1 (MQTT-4.7.1-1 in 3.1.1); MQTT-3.10.3-1 in both: so do an empty one,
    // a wildcard in a Topic Name, and bytes that are no UTF-8 in UNSUBSCRIBE.
    let packets: [(&'static [u8], &'static [u8]); 6] = [
        (b"\x30\x03\x00\x01\x00", b"\x30\x04\x00\x01\x00\x00"),
        (b"\x82\x06\x00\x01\x00\x01\x00\x00", b"\x82\x07\x00\x01\x00\x00\x01\x00\x00"),
        (b"\x30\x02\x00\x00", b"\x30\x03\x00\x00\x00"),
        (b"\x82\x05\x00\x01\x00\x00\x00", b"\x82\x06\x00\x01\x00\x00\x00\x00"),
        (b"\x30\x03\x00\x01#", b"\x30\x04\x00\x01#\x00"),
        (b"\xa2\x05\x00\x01\x00\x01\xff", b"\xa2\x06\x00\x01\x00\x00\x01\xff"),
    ];
    for (old, new) in packets {
        for (connect, packet) in both().into_iter().zip([old, new]) {
            let mut bench = Bench::new(1);
            let version = connect.version;
            let client = bench.connect(0, connect);
            bench.send_raw(client, packet);
            bench.run();
            assert!(bench.is_closed(client), "{packet:?}");
            let told = bench.next(client);
            assert_eq!(matches!(told, Some(Packet::Disconnect(_))), version == Version::V5, "{packet:?} {told:?}");
        }
    }
}

#[test]
fn each_publishers_messages_arrive_in_their_order_at_each_qos() {
    // MQTT-4.6.0-5, MQTT-4.6.0-6 in both: at every QoS of the publications and of the subscription, across workers.
    for connect in both() {
        for (published, granted) in [0, 1, 2].map(|at| [0, 1, 2].map(|to| (at, to))).concat() {
            let [published, granted] = [published, granted].map(|value| QoS::from_value(value).unwrap());
            for seed in 0..3 {
                let mut config = Config { workers: 2, ..Config::default() };
                // Most wait in the session for their turn.
                config.protocol.maximum_inflight = 3;
                let mut bench = Bench::seeded(seed, config);
                let subscriber = bench.connect(0, connect.clone());
                bench.subscribe(subscriber, "a/#", granted);
                let publishers = ["one", "two"].map(|name| bench.connect(1, v311(name, true)));
                for number in 0..40 {
                    for publisher in publishers {
                        bench.publish(publisher, "a/b", &format!("{publisher:?} {number:02}"), published);
                    }
                }
                bench.run();
                let got = bench.payloads(subscriber);
                assert_eq!(got.len(), 80, "seed {seed}");
                for publisher in publishers.map(|id| format!("{id:?}")) {
                    let of_one: Vec<_> = got.iter().filter(|text| text.starts_with(&publisher)).collect();
                    assert!(of_one.is_sorted(), "seed {seed}: {of_one:?}");
                }
            }
        }
    }
}

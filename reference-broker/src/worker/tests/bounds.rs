//! Every limit: what it refuses and how, its counter, and that nobody else is disturbed.

use std::time::Duration;

use protocol::{Packet, PacketId, Properties, Property, QoS, ReasonCode, server};

use super::{
    bench::{Bench, PeerId, lasting, v5, v311},
    bystander::Bystander,
};
use crate::{Config, Limits, memory::Kind};

fn bench_with(limits: Limits, protocol: server::Config) -> (Bench, Bystander) {
    let mut bench = Bench::seeded(0, Config { workers: 1, limits, protocol, ..Config::default() });
    let bystander = Bystander::new(&mut bench, 0);
    (bench, bystander)
}

fn bench(limits: Limits) -> (Bench, Bystander) {
    bench_with(limits, server::Config::default())
}

fn refusal(bench: &mut Bench, peer: PeerId) -> ReasonCode {
    bench.run();
    match bench.next(peer) {
        Some(Packet::ConnAck(connack)) => connack.reason,
        other => panic!("no CONNACK: {other:?}"),
    }
}

/// The reason of the DISCONNECT that ended the connection, after whatever came before it.
fn farewell(bench: &mut Bench, peer: PeerId) -> ReasonCode {
    bench.run();
    assert!(bench.is_closed(peer));
    loop {
        match bench.next(peer) {
            Some(Packet::Disconnect(disconnect)) => return disconnect.reason,
            Some(_) => {}
            None => panic!("no DISCONNECT"),
        }
    }
}

#[test]
fn connect_rate_refuses_with_connection_rate_exceeded() {
    let (mut bench, mut bystander) = bench(Limits { connect_rate: Some(3), ..Limits::default() });
    bench.connect(0, v5("a"));
    bench.connect(0, v5("b"));
    let late = bench.dial(0, v5("c"));
    assert_eq!(refusal(&mut bench, late), ReasonCode::ConnectionRateExceeded);
    let late = bench.dial(0, v311("c", true));
    // Return code 3, the nearest of 3.1.1.
    assert_eq!(refusal(&mut bench, late), ReasonCode::ServerUnavailable);
    assert!(bench.is_closed(late));
    assert_eq!((bench.counters().connects_over_rate, bench.counters().connects_refused), (2, 2));
    bystander.check(&mut bench);
    bench.advance(Duration::from_secs(1));
    bench.connect(0, v5("c"));
}

#[test]
fn connect_timeout_closes_who_says_nothing_or_too_little() {
    let (mut bench, mut bystander) = bench(Limits::default());
    let silent = bench.dial_silently(0);
    let slow = bench.dial_silently(0);
    bench.send_raw(slow, b"\x10");
    bench.run();
    bench.advance(Duration::from_secs(9));
    bench.send_raw(slow, b"\x0d\x00\x04MQTT\x04\x02\x00\x00\x00");
    bench.run();
    assert!(!bench.is_closed(silent) && !bench.is_closed(slow));
    bench.advance(Duration::from_secs(1));
    assert!(bench.is_closed(silent) && bench.is_closed(slow), "one byte at a time gains no time");
    assert_eq!(bench.counters().connect_timeouts, 2);
    bystander.check(&mut bench);
}

#[test]
fn sessions_are_refused_beyond_their_number() {
    let (mut bench, mut bystander) = bench(Limits { sessions: 2, ..Limits::default() });
    let first = bench.connect(0, lasting("first", 60));
    let second = bench.dial(0, v5("second"));
    assert_eq!(refusal(&mut bench, second), ReasonCode::QuotaExceeded);
    assert_eq!(bench.counters().sessions_refused, 1);
    bench.drop_socket(first);
    bench.connect(0, lasting("first", 60));
    bystander.check(&mut bench);
}

#[test]
fn session_expiry_is_shortened_and_told() {
    let (mut bench, mut bystander) = bench(Limits { session_expiry: 60, ..Limits::default() });
    let client = bench.dial(0, lasting("client", u32::MAX));
    bench.run();
    match bench.next(client) {
        Some(Packet::ConnAck(connack)) => assert_eq!(connack.properties.session_expiry_interval(), Some(60)),
        other => panic!("{other:?}"),
    }
    let old = bench.connect(0, v311("old", false));
    bench.drop_socket(client);
    bench.drop_socket(old);
    bench.advance(Duration::from_secs(61));
    assert_eq!((bench.counters().sessions(), bench.counters().session_expiries_shortened), (1, 1));
    bystander.check(&mut bench);
}

#[test]
fn keep_alive_is_shortened_for_both_versions() {
    let protocol = server::Config { maximum_keep_alive: 60, ..server::Config::default() };
    let (mut bench, mut bystander) = bench_with(Limits::default(), protocol);
    let mut asleep = v5("asleep");
    asleep.keep_alive = u16::MAX;
    let asleep = bench.connect(0, asleep);
    let silent = bench.connect(0, v311("silent", true));
    bench.advance(Duration::from_secs(80));
    assert!(!bench.is_closed(asleep) && !bench.is_closed(silent));
    bystander.check(&mut bench);
    bench.advance(Duration::from_secs(10));
    assert_eq!(farewell(&mut bench, asleep), ReasonCode::KeepAliveTimeout);
    assert!(bench.is_closed(silent));
    assert_eq!(bench.counters().keep_alives_shortened, 3, "the bystander's too");
    bystander.check(&mut bench);
}

#[test]
fn subscriptions_are_refused_beyond_their_number_per_session_and_in_total() {
    let (mut bench, mut bystander) = bench(Limits { subscriptions: 2, all_subscriptions: 4, ..Limits::default() });
    let first = bench.connect(0, v5("first"));
    let second = bench.connect(0, v5("second"));
    let reasons = ["a", "b", "c"].map(|filter| bench.subscribe(first, filter, QoS::AtMostOnce));
    assert_eq!(reasons, [ReasonCode::Success, ReasonCode::Success, ReasonCode::QuotaExceeded]);
    let reasons = ["a", "b"].map(|filter| bench.subscribe(second, filter, QoS::AtMostOnce));
    assert_eq!(reasons, [ReasonCode::Success, ReasonCode::QuotaExceeded]);
    let counters = bench.counters();
    assert_eq!((counters.subscriptions_refused, counters.all_subscriptions_refused), (1, 1));
    bystander.check(&mut bench);
    bench.unsubscribe(first, "a");
    assert_eq!(bench.subscribe(second, "b", QoS::AtMostOnce), ReasonCode::Success);
}

#[test]
fn topic_levels_and_length_are_refused_in_publish_subscribe_and_will() {
    let (mut bench, mut bystander) = bench(Limits { topic_levels: 3, topic_length: 9, ..Limits::default() });
    let client = bench.connect(0, v5("client"));
    for (bad, counted) in [("a/b/c/d", (3, 0)), ("0123456789", (3, 3))] {
        assert_eq!(bench.subscribe(client, bad, QoS::AtMostOnce), ReasonCode::TopicFilterInvalid);
        bench.publish(client, bad, "x", QoS::AtLeastOnce);
        bench.run();
        match bench.next(client) {
            Some(Packet::PubAck(ack)) => assert_eq!(ack.reason, ReasonCode::TopicNameInvalid),
            other => panic!("{other:?}"),
        }
        let mut connect = super::bench::with_will(v5("other"), "gone", 0, false);
        connect.will.as_mut().unwrap().message.topic = protocol::TopicName::new(bad).unwrap();
        let other = bench.dial(0, connect);
        assert_eq!(refusal(&mut bench, other), ReasonCode::TopicNameInvalid);
        assert_eq!((bench.counters().topics_too_deep, bench.counters().topics_too_long), counted);
    }
    bystander.check(&mut bench);
}

/// MQTT-3.1.3-8 (MQTT-3.1.3-9 in 3.1.1), and MQTT-3.1.3-5 in both.
#[test]
fn client_id_length_refuses_with_client_identifier_not_valid() {
    for (limit, longest) in [(30, 30), (1, 23)] {
        let (mut bench, mut bystander) = bench(Limits { client_id_length: limit, ..Limits::default() });
        let long = "x".repeat(longest + 1);
        for connect in [v5(&long), v311(&long, true)] {
            let client = bench.dial(0, connect);
            assert_eq!(refusal(&mut bench, client), ReasonCode::ClientIdentifierNotValid);
            assert!(bench.is_closed(client));
        }
        assert_eq!((bench.counters().client_ids_too_long, bench.counters().connects_refused), (2, 2));
        bench.connect(0, v5(&long[1..]));
        // One that the broker makes is its own business.
        bench.connect(0, v5(""));
        bystander.check(&mut bench);
    }
}

#[test]
fn packet_size_closes_with_packet_too_large() {
    let protocol = server::Config { maximum_packet_size: 100, ..server::Config::default() };
    let (mut bench, mut bystander) = bench_with(Limits::default(), protocol);
    let client = bench.connect(0, v5("client"));
    bench.publish(client, "a", &"x".repeat(100), QoS::AtMostOnce);
    assert_eq!(farewell(&mut bench, client), ReasonCode::PacketTooLarge);
    assert_eq!(bench.counters().packets_too_large, 1);
    bystander.check(&mut bench);
}

#[test]
fn inflight_closes_with_receive_maximum_exceeded() {
    let protocol = server::Config { receive_maximum: 2, ..server::Config::default() };
    let (mut bench, mut bystander) = bench_with(Limits::default(), protocol);
    let client = bench.connect(0, v5("client"));
    bench.silence(client);
    for _ in 0..3 {
        bench.publish(client, "a", "x", QoS::ExactlyOnce);
    }
    assert_eq!(farewell(&mut bench, client), ReasonCode::ReceiveMaximumExceeded);
    assert_eq!(bench.counters().receive_maximum_exceeded, 1);
    bystander.check(&mut bench);
}

#[test]
fn lists_and_aliases_close_with_quota_exceeded() {
    let protocol =
        server::Config { maximum_properties: 2, maximum_filters: 1, topic_alias_bytes: 3, ..server::Config::default() };
    let (mut bench, mut bystander) = bench_with(Limits::default(), protocol);
    let mut many = Properties::EMPTY;
    (0..3).for_each(|_| many.push_user(protocol::Utf8String::EMPTY, protocol::Utf8String::EMPTY));
    let alias: Properties = [Property::TopicAlias(1)].into_iter().collect();
    for (topic, properties) in [("a", many), ("long", alias)] {
        let client = bench.connect(0, v5("client"));
        bench.publish_with(client, topic, "x", QoS::AtMostOnce, false, properties);
        assert_eq!(farewell(&mut bench, client), ReasonCode::QuotaExceeded);
    }
    let client = bench.connect(0, v5("client"));
    let filter = |text: &str| protocol::SubscribeFilter {
        filter: protocol::TopicFilter::new(text).unwrap(),
        options: protocol::SubscriptionOptions::default(),
    };
    let packet_id = PacketId(std::num::NonZeroU16::MIN);
    let filters = vec![filter("a"), filter("b")];
    bench.send(client, &Packet::Subscribe(protocol::Subscribe { packet_id, properties: Properties::EMPTY, filters }));
    assert_eq!(farewell(&mut bench, client), ReasonCode::QuotaExceeded);
    assert_eq!(bench.counters().packets_over_quota, 3);
    bystander.check(&mut bench);
}

#[test]
fn retained_messages_are_not_stored_beyond_their_number_and_bytes() {
    for limits in
        [Limits { retained_messages: 1, ..Limits::default() }, Limits { retained_bytes: 4, ..Limits::default() }]
    {
        let (mut bench, mut bystander) = bench(limits);
        let client = bench.connect(0, v5("client"));
        bench.subscribe(client, "#", QoS::AtMostOnce);
        for topic in ["a", "b"] {
            bench.publish_with(client, topic, "123", QoS::AtMostOnce, true, Properties::EMPTY);
        }
        bench.run();
        assert_eq!(bench.publishes(client).len(), 2, "both are delivered");
        assert_eq!((bench.counters().retained_refused, bench.shared.retained.size().0), (1, 1));
        bystander.check(&mut bench);
    }
}

#[test]
fn mail_waits_in_bytes_and_loses_nothing() {
    let limits = Limits { mailbox_bytes: 2_000, ..Limits::default() };
    let mut bench = Bench::seeded(0, Config { workers: 2, limits, ..Config::default() });
    let mut bystander = Bystander::new(&mut bench, 0);
    let subscriber = bench.connect(1, v5("subscriber"));
    bench.subscribe(subscriber, "a", QoS::AtMostOnce);
    let publisher = bench.connect(0, v5("publisher"));
    // In one read, so that nothing but the bound on mail ends the turn.
    let one = [&[0x30, 106, 0, 1, b'a', 0][..], &[b'x'; 102]].concat();
    let many: &'static [u8] = one.repeat(1_000).leak();
    bench.send_raw(publisher, many);
    let mut most = 0;
    while bench.step() {
        most = most.max(bench.mail_in_outboxes());
    }
    assert!((2..30).contains(&most), "{most} pieces of mail waited at once");
    assert_eq!(bench.publishes(subscriber).len(), 1_000);
    assert_eq!(bench.counters().dropped(), 0);
    bystander.check(&mut bench);
}

#[test]
fn a_connection_that_closes_with_mail_to_get_rid_of_says_all_it_had_to_say() {
    let limits = Limits { mailbox_bytes: 100, ..Limits::default() };
    let mut bench = Bench::seeded(0, Config { workers: 2, limits, ..Config::default() });
    let subscriber = bench.connect(1, v5("subscriber"));
    bench.subscribe(subscriber, "a", QoS::AtMostOnce);
    let publisher = bench.connect(0, super::bench::with_will(v5("publisher"), "gone", 0, false));
    bench.send_raw(publisher, b"\x30\x05\x00\x01a\x00p\x30\x05\x00\x01a\x00q\x30\x05\x00\x01a\x00r\xe0\x00");
    assert!(bench.step());
    bench.drop_socket(publisher);
    bench.run();
    assert_eq!(bench.payloads(subscriber), ["p", "q", "r"]);
    assert_eq!((bench.counters().wills_published, bench.counters().sessions()), (0, 1), "its DISCONNECT was heard");
}

#[test]
fn a_client_that_reads_nothing_is_not_answered_without_end() {
    let (mut bench, mut bystander) = bench(Limits { outbound_bytes: 4_000, ..Limits::default() });
    let client = bench.connect(0, v5("client"));
    bench.stall(client);
    for _ in 0..1_000 {
        bench.send_raw(client, &[0xC0, 0, 0xC0, 0, 0xC0, 0, 0xC0, 0, 0xC0, 0, 0xC0, 0, 0xC0, 0, 0xC0, 0]);
    }
    bench.run();
    assert!(!bench.reads(client), "its socket is left alone");
    // Beside what the socket holds: twice the bound, and the answers to one read.
    assert!(bench.pending_bytes(client) <= 8_000 + 16, "{}", bench.pending_bytes(client));
    bystander.check(&mut bench);
    bench.unstall(client);
    bench.run();
    assert!(bench.reads(client));
    while bench.next(client).is_some() {}
}

#[test]
fn a_client_that_reads_slowly_outlives_its_keep_alive_and_one_that_reads_nothing_does_not() {
    for reads in [true, false] {
        let (mut bench, mut bystander) = bench(Limits { outbound_bytes: 4_000, ..Limits::default() });
        let mut connect = v5("client");
        connect.keep_alive = 10;
        let client = bench.connect(0, connect);
        bench.stall(client);
        for _ in 0..3_000 {
            bench.send_raw(client, &[0xC0, 0, 0xC0, 0, 0xC0, 0, 0xC0, 0, 0xC0, 0, 0xC0, 0, 0xC0, 0, 0xC0, 0]);
        }
        bench.run();
        for _ in 0..10 {
            bench.advance(Duration::from_secs(9));
            if reads {
                bench.take_some(client, 10);
            }
        }
        assert_eq!(bench.is_closed(client), !reads);
        bystander.check(&mut bench);
    }
}

#[test]
fn retained_messages_that_wait_are_bounded_however_often_they_are_asked_for() {
    let limits = Limits { outbound_bytes: 4_000, backlog_messages: 250, ..Limits::default() };
    let (mut bench, mut bystander) = bench(limits);
    let publisher = bench.connect(0, v5("publisher"));
    for number in 0..200 {
        let topic = format!("r/{number}");
        bench.publish_with(publisher, &topic, &"x".repeat(100), QoS::AtMostOnce, true, Properties::EMPTY);
    }
    bench.run();
    let client = bench.connect(0, v5("client"));
    bench.stall(client);
    for _ in 0..50 {
        bench.subscribe_quietly(client, "r/#", QoS::AtMostOnce);
        bench.run();
    }
    let held = bench.shared.memory.of(Kind::Backlogs);
    assert!((100..=200).contains(&held.items), "{held:?}");
    assert_eq!(bench.counters().retained_cut, 0);
    for filter in ["#", "r/+", "+/+"] {
        bench.subscribe_quietly(client, filter, QoS::AtMostOnce);
        bench.run();
    }
    assert!(bench.shared.memory.of(Kind::Backlogs).items <= 250);
    assert!(bench.counters().retained_cut >= 2);
    bystander.check(&mut bench);
    bench.drop_socket(client);
    bench.run();
    assert_eq!(bench.shared.memory.of(Kind::Backlogs).bytes, 0);
}

#[test]
fn the_bytes_of_retained_messages_that_wait_are_bounded() {
    let limits = Limits { outbound_bytes: 500, backlog_bytes: 2_000, ..Limits::default() };
    let (mut bench, mut bystander) = bench(limits);
    let publisher = bench.connect(0, v5("publisher"));
    for number in 0..100 {
        let topic = format!("r/{number}");
        bench.publish_with(publisher, &topic, &"x".repeat(96), QoS::AtMostOnce, true, Properties::EMPTY);
    }
    bench.run();
    let client = bench.connect(0, v5("client"));
    bench.stall(client);
    bench.subscribe_quietly(client, "r/#", QoS::AtMostOnce);
    bench.run();
    assert_eq!(bench.counters().retained_cut, 1);
    bench.unstall(client);
    bench.run();
    let got = bench.publishes(client).len();
    assert!((15..=20).contains(&got), "{got}");
    bystander.check(&mut bench);
}

//! A reloaded configuration: limits hold for what is to come, offers for connections that begin afterwards.

use protocol::{Packet, Properties, QoS, ReasonCode, server};

use super::bench::{Bench, PeerId, lasting, v5};
use crate::{Config, Limits, Overlap};

fn bench() -> Bench {
    Bench::seeded(0, Config { workers: 2, ..Config::default() })
}

fn limited(limits: Limits) -> Config {
    Config { workers: 2, limits, ..Config::default() }
}

/// What CONNACK says.
fn answer(bench: &mut Bench, peer: PeerId) -> ReasonCode {
    bench.run();
    match bench.next(peer) {
        Some(Packet::ConnAck(connack)) => connack.reason,
        other => panic!("no CONNACK: {other:?}"),
    }
}

#[test]
fn lower_limits_hold_at_once_and_leave_what_is_there() {
    let mut bench = bench();
    let keen = bench.connect(0, lasting("keen", 60));
    let publisher = bench.connect(1, v5("publisher"));
    bench.subscribe(keen, "a", QoS::AtLeastOnce);
    bench.subscribe(keen, "b/c", QoS::AtLeastOnce);
    bench.set_config(&limited(Limits {
        subscriptions: 2,
        topic_levels: 2,
        sessions: 2,
        connect_rate: Some(1),
        ..Limits::default()
    }));
    assert_eq!(bench.subscribe(keen, "third", QoS::AtLeastOnce), ReasonCode::QuotaExceeded);
    assert_eq!(bench.subscribe(keen, "a/b/c", QoS::AtLeastOnce), ReasonCode::TopicFilterInvalid);
    bench.publish(publisher, "b/c", "still", QoS::AtLeastOnce);
    bench.run();
    assert_eq!(bench.payloads(keen), ["still"]);
    let third = bench.dial(0, v5("third"));
    assert_eq!(answer(&mut bench, third), ReasonCode::QuotaExceeded);
    let fourth = bench.dial(1, v5("fourth"));
    assert_eq!(answer(&mut bench, fourth), ReasonCode::ConnectionRateExceeded);
    bench.set_config(&limited(Limits::default()));
    assert_eq!(bench.subscribe(keen, "third", QoS::AtLeastOnce), ReasonCode::GrantedQos1);
    let fifth = bench.dial(1, v5("fifth"));
    assert_eq!(answer(&mut bench, fifth), ReasonCode::Success);
}

#[test]
fn a_shorter_queue_drops_from_then_on() {
    let mut bench = bench();
    let away = bench.connect(0, lasting("away", 60));
    let publisher = bench.connect(1, v5("publisher"));
    bench.subscribe(away, "t", QoS::AtLeastOnce);
    bench.drop_socket(away);
    for payload in ["1", "2", "3"] {
        bench.publish(publisher, "t", payload, QoS::AtLeastOnce);
        bench.run();
    }
    bench.set_config(&limited(Limits { queued_messages: 2, ..Limits::default() }));
    bench.publish(publisher, "t", "4", QoS::AtLeastOnce);
    bench.run();
    bench.set_config(&limited(Limits { queued_messages: 4, ..Limits::default() }));
    bench.publish(publisher, "t", "5", QoS::AtLeastOnce);
    bench.run();
    let (back, present) = bench.connect_present(0, lasting("away", 60));
    assert!(present);
    assert_eq!(bench.payloads(back), ["1", "2", "3", "5"]);
}

#[test]
fn fewer_retained_messages_are_kept_from_then_on() {
    let mut bench = bench();
    let publisher = bench.connect(0, v5("publisher"));
    bench.publish_with(publisher, "a", "1", QoS::AtLeastOnce, true, Properties::EMPTY);
    bench.run();
    bench.set_config(&limited(Limits { retained_messages: 1, ..Limits::default() }));
    bench.publish_with(publisher, "b", "2", QoS::AtLeastOnce, true, Properties::EMPTY);
    bench.run();
    let late = bench.connect(1, v5("late"));
    bench.subscribe(late, "#", QoS::AtLeastOnce);
    assert_eq!(bench.payloads(late), ["1"]);
}

#[test]
fn what_connack_announced_holds_as_long_as_the_connection() {
    let mut bench = bench();
    let early = bench.connect(0, v5("early"));
    let protocol = server::Config { retain_available: false, ..server::Config::default() };
    bench.set_config(&Config { workers: 2, protocol, ..Config::default() });
    let late = bench.dial(0, v5("late"));
    bench.run();
    let Some(Packet::ConnAck(connack)) = bench.next(late) else { panic!("no CONNACK") };
    assert_eq!(connack.properties.retain_available(), Some(false));
    bench.publish_with(early, "t", "kept", QoS::AtLeastOnce, true, Properties::EMPTY);
    bench.run();
    assert!(!bench.is_closed(early));
    bench.publish_with(late, "t", "refused", QoS::AtLeastOnce, true, Properties::EMPTY);
    bench.run();
    assert!(bench.is_closed(late));
}

#[test]
fn overlapping_subscriptions_are_delivered_in_the_new_way() {
    let mut bench = bench();
    let client = bench.connect(0, v5("client"));
    bench.subscribe(client, "a/+", QoS::AtMostOnce);
    bench.subscribe(client, "a/b", QoS::AtMostOnce);
    bench.publish(client, "a/b", "merged", QoS::AtMostOnce);
    bench.run();
    bench.set_config(&Config { workers: 2, overlap: Overlap::OneByOne, ..Config::default() });
    bench.publish(client, "a/b", "each", QoS::AtMostOnce);
    bench.run();
    assert_eq!(bench.payloads(client), ["merged", "each", "each"]);
}

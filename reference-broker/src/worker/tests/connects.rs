//! CONNECT packets that are refused, die, or ask for much.

use std::{sync::Arc, time::Duration};

use protocol::{Connect, Packet, Property, QoS, ReasonCode, TopicName, Utf8String, Version};

use super::bench::{Bench, PeerId, lasting, v5, v311, with_will};
use crate::{Access, AllowAll, Attempt, Authenticate, Config, Decision, Identity, Refusal};

/// Refuses whoever brings a User Name.
#[derive(Debug)]
struct NoNames;

impl Authenticate for NoNames {
    fn connect(&self, attempt: &Attempt<'_>) -> Decision<Result<Identity, Refusal>> {
        Decision::Now(match attempt.user_name {
            Some(_) => Err(Refusal::Denied(ReasonCode::NotAuthorized)),
            None => Ok(attempt.identity(None)),
        })
    }
}

fn refusal(bench: &mut Bench, peer: PeerId) -> ReasonCode {
    let Some(Packet::ConnAck(connack)) = bench.next(peer) else { panic!("no CONNACK") };
    assert!(!connack.session_present && bench.is_closed(peer), "MQTT-3.2.2-6, MQTT-3.2.2-7");
    connack.reason
}

#[test]
fn a_refused_connect_touches_nothing() {
    // By access; by an Authentication Method (MQTT-4.12.0-1); by a Will on `$`. Clean Start would have ended the session.
    let name = |connect: Connect| Connect { user_name: Some(Utf8String::new("name").unwrap()), ..connect };
    let method = |mut connect: Connect| {
        connect.properties.push(Property::AuthenticationMethod(Utf8String::new("m").unwrap()));
        connect
    };
    let forbidden = |connect| {
        let mut connect = with_will(connect, "x", 0, false);
        if let Some(will) = &mut connect.will {
            will.message.topic = TopicName::new("$SYS/x").unwrap();
        }
        connect
    };
    for (connect, reason) in [
        (name(v5("same")), ReasonCode::NotAuthorized),
        (name(v311("same", true)), ReasonCode::NotAuthorized),
        (method(v5("same")), ReasonCode::BadAuthenticationMethod),
        (forbidden(v5("same")), ReasonCode::NotAuthorized),
    ] {
        for (online, worker) in [(true, 0), (true, 1), (false, 0), (false, 1)] {
            let config =
                Config { workers: 2, access: Access::new(Arc::new(NoNames), Arc::new(AllowAll)), ..Config::default() };
            let mut bench = Bench::seeded(0, config);
            let watcher = bench.connect(0, v5("watcher"));
            bench.subscribe(watcher, "will", QoS::AtMostOnce);
            let mut client = bench.connect(0, with_will(lasting("same", 60), "old", 30, false));
            bench.subscribe(client, "a", QoS::AtLeastOnce);
            if !online {
                bench.drop_socket(client);
            }
            let refused = bench.dial(worker, with_will_if_none(connect.clone()));
            bench.run();
            assert_eq!(refusal(&mut bench, refused), reason);
            assert_eq!(bench.is_closed(client), !online);
            if !online {
                let (back, present) = bench.connect_present(0, lasting("same", 60));
                assert!(present);
                client = back;
            }
            bench.publish(watcher, "a", "still here", QoS::AtLeastOnce);
            bench.run();
            assert_eq!(bench.payloads(client), ["still here"]);
            bench.advance(Duration::from_secs(100));
            assert!(bench.payloads(watcher).is_empty(), "no Will of either");
        }
    }
}

fn with_will_if_none(connect: Connect) -> Connect {
    if connect.will.is_some() { connect } else { with_will(connect, "refused", 0, false) }
}

#[test]
fn a_connect_that_dies_on_its_way_keeps_the_delayed_will() {
    let mut bench = Bench::new(2);
    let watcher = bench.connect(0, v5("watcher"));
    bench.subscribe(watcher, "will", QoS::AtMostOnce);
    let client = bench.connect(0, with_will(lasting("client", 60), "gone", 10, false));
    bench.drop_socket(client);
    let taker = bench.dial(1, with_will(lasting("client", 60), "never", 0, false));
    while bench.owners("client") < 2 {
        assert!(bench.step());
    }
    bench.drop_socket(taker);
    bench.run();
    bench.advance(Duration::from_secs(9));
    assert!(bench.payloads(watcher).is_empty());
    bench.advance(Duration::from_secs(1));
    assert_eq!(bench.payloads(watcher), ["gone"], "MQTT-3.1.2-8");
    bench.advance(Duration::from_secs(100));
    assert!(bench.payloads(watcher).is_empty(), "MQTT-3.1.2-10");
}

#[test]
fn a_connack_that_the_client_cannot_take_leaves_no_will() {
    let mut bench = Bench::new(1);
    let watcher = bench.connect(0, v5("watcher"));
    bench.subscribe(watcher, "will", QoS::AtMostOnce);
    let mut connect = with_will(v5("client"), "never", 0, false);
    connect.properties.push(Property::MaximumPacketSize(5));
    let client = bench.dial(0, connect);
    bench.run();
    assert_eq!(refusal(&mut bench, client), ReasonCode::PacketTooLarge);
    assert!(bench.payloads(watcher).is_empty());
    assert_eq!(bench.counters().sessions(), 1);
    assert_eq!(bench.counters().connects_refused, 1);
}

#[test]
fn sessions_begin_resume_and_end_as_asked() {
    // MQTT-3.1.2-4, -5, -6; MQTT-3.1.4-4; MQTT-3.2.2-2, -3 (and the same in 3.1.1); MQTT-4.1.0-1, MQTT-4.1.0-2. What
    // the first CONNECT asked for, how many seconds later the second comes, whether it is told of a session.
    let resuming = |connect: Connect| Connect { clean_start: false, ..connect };
    let leaving = |seconds| Connect { clean_start: true, ..lasting("same", seconds) };
    for (first, seconds, second, present) in [
        (v5("same"), 0, resuming(v5("same")), false),
        (leaving(10), 9, resuming(v5("same")), true),
        (leaving(10), 10, resuming(v5("same")), false),
        (leaving(10), 0, v5("same"), false),
        (leaving(u32::MAX), 1_000_000_000, resuming(v5("same")), true),
        (v311("same", false), 1_000_000_000, v311("same", false), true),
        (v311("same", false), 0, v311("same", true), false),
        (v311("same", true), 0, v311("same", false), false),
        (v311("same", false), 5, resuming(v5("same")), true),
        (leaving(10), 5, v311("same", false), true),
        (leaving(10), 5, resuming(v5("other")), false),
    ] {
        for worker in [0, 1] {
            let limits = crate::Limits { session_expiry: u32::MAX, ..crate::Limits::default() };
            let mut bench = Bench::seeded(0, Config { workers: 2, limits, ..Config::default() });
            let client = bench.connect(0, first.clone());
            bench.drop_socket(client);
            bench.advance(Duration::from_secs(seconds));
            let (client, found) = bench.connect_present(worker, second.clone());
            assert_eq!(found, present, "{first:?} {seconds} {second:?}");
            // The second one's own wish counts from now on (MQTT-3.1.2-6 in 3.1.1).
            bench.drop_socket(client);
            let lasts = second.version == Version::V311 && !second.clean_start;
            assert_eq!(bench.owners(second.client_id.as_str()), usize::from(lasts));
        }
    }
}

#[test]
fn what_is_retained_outlives_the_session() {
    // MQTT-3.1.2-7 in 3.1.1.
    let mut bench = Bench::new(1);
    let client = bench.connect(0, v311("client", true));
    bench.publish_with(client, "a", "kept", QoS::AtLeastOnce, true, protocol::Properties::EMPTY);
    bench.run();
    bench.drop_socket(client);
    assert_eq!(bench.counters().sessions(), 0);
    let late = bench.connect(0, v311("late", true));
    bench.subscribe(late, "a", QoS::AtMostOnce);
    assert_eq!(bench.payloads(late), ["kept"]);
}

#[test]
fn the_longest_session_expiry_is_the_brokers() {
    // 3.2.2.3.2.
    let mut config = Config { workers: 1, ..Config::default() };
    config.limits.session_expiry = 20;
    let mut bench = Bench::seeded(0, config);
    let client = bench.dial(0, lasting("client", 60));
    bench.run();
    let Some(Packet::ConnAck(connack)) = bench.next(client) else { panic!("no CONNACK") };
    assert_eq!(connack.properties.session_expiry_interval(), Some(20));
    bench.drop_socket(client);
    bench.advance(Duration::from_secs(19));
    assert_eq!(bench.counters().sessions(), 1);
    bench.advance(Duration::from_secs(1));
    assert_eq!(bench.counters().sessions(), 0);
}

#[test]
fn every_plain_client_identifier_is_accepted() {
    // MQTT-3.1.3-5, MQTT-3.1.3-2: each has a session of its own.
    let mut bench = Bench::new(2);
    let alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let letters = alphabet.char_indices().map(|(at, _)| &alphabet[at..=at]);
    let long = (0..alphabet.len() - 22).map(|at| &alphabet[at..at + 23]);
    let mut count = 0;
    for name in letters.chain(long) {
        assert!(!bench.connect_present(count % 2, v311(name, false)).1);
        count += 1;
    }
    assert_eq!(bench.counters().sessions(), count as u64);
}

#[test]
fn a_broker_below_qos_2_grants_what_it_has() {
    // MQTT-3.2.2-10.
    let mut config = Config { workers: 1, ..Config::default() };
    config.protocol.maximum_qos = QoS::AtLeastOnce;
    let mut bench = Bench::seeded(0, config);
    for connect in [v5("client"), v311("client", true)] {
        let client = bench.connect(0, connect);
        assert_eq!(bench.subscribe(client, "a", QoS::ExactlyOnce), ReasonCode::GrantedQos1);
    }
}

#[test]
fn strangers_that_announce_much_are_closed_by_their_first_bytes() {
    let mut bench = Bench::new(1);
    let strangers: Vec<_> = (0..1_000).map(|_| bench.dial_silently(0)).collect();
    for stranger in &strangers {
        // CONNECT of 256 MB.
        bench.send_raw(*stranger, &[0x10, 0xFF, 0xFF, 0xFF, 0x7F]);
    }
    bench.run();
    assert!(strangers.iter().all(|stranger| bench.is_closed(*stranger)));
    assert_eq!(bench.counters().violations, 1_000);
}

//! Clients that try to make the broker hold without end: what they reach is bounded, and a bystander notices nothing.
//!
//! Sizes are those that the broker accounts for; `tests/end_to_end/hostile.rs` looks at those of a real process.

use std::time::{Duration, Instant};

use protocol::{Connect, Packet, Properties, QoS, ReasonCode, TopicName, Utf8String, server};

use super::{
    bench::{Bench, PeerId, lasting, v5, v311, with_will},
    bystander::Bystander,
};
use crate::{Config, Limits, memory::Kind};

const MEBIBYTE: usize = 1 << 20;

fn bench(workers: usize, limits: Limits) -> (Bench, Bystander) {
    // Without a maximum Keep Alive, which would end a bystander that is silent for days.
    let protocol = server::Config::default();
    let mut bench = Bench::seeded(0, Config { workers, limits, protocol, ..Config::default() });
    let bystander = Bystander::new(&mut bench, 0);
    (bench, bystander)
}

fn held(bench: &Bench) -> usize {
    bench.held_bytes() + bench.shared.memory.bytes()
}

fn reason(bench: &mut Bench, peer: PeerId) -> ReasonCode {
    bench.run();
    match bench.next(peer) {
        Some(Packet::ConnAck(connack)) => connack.reason,
        other => panic!("no CONNACK: {other:?}"),
    }
}

/// PUBLISH at QoS 2 with `ids`, of which none is ever released.
fn unreleased(ids: std::ops::Range<u32>) -> &'static [u8] {
    let one = |id: u32| {
        let [high, low] = (id as u16).max(1).to_be_bytes();
        [0x34, 6, 0, 1, b'a', high, low, b'x']
    };
    ids.flat_map(one).collect::<Vec<_>>().leak()
}

fn qos_2_ids_that_are_never_released_hold_four_bytes_each(messages: u32) {
    let (mut bench, mut bystander) = bench(1, Limits::default());
    let before = held(&bench);
    let client = bench.connect(0, v311("client", true));
    bench.silence(client);
    let with_client = held(&bench) - before;
    for start in (0..messages).step_by(1_000) {
        bench.send_raw(client, unreleased(start..start + 1_000));
        bench.run();
        while bench.next(client).is_some() {}
    }
    let most = 65_535 * 4;
    assert!((held(&bench) - before - with_client) <= most, "{}", held(&bench));
    bystander.check(&mut bench);
    bench.drop_socket(client);
    bench.run();
    assert_eq!(held(&bench), before);
}

#[test]
fn qos_2_ids_that_are_never_released_hold_four_bytes_each_over_100_000() {
    qos_2_ids_that_are_never_released_hold_four_bytes_each(100_000);
}

#[test]
#[ignore = "takes minutes unoptimized; tests/run --peers runs it"]
fn qos_2_ids_that_are_never_released_hold_four_bytes_each_over_1_000_000() {
    qos_2_ids_that_are_never_released_hold_four_bytes_each(1_000_000);
}

#[test]
fn topics_of_65_535_levels_leave_nothing_behind() {
    let (mut bench, mut bystander) = bench(1, Limits::default());
    let before = held(&bench);
    let client = bench.connect(0, v5("client"));
    let deep = "/".repeat(65_534);
    for _ in 0..20 {
        assert_eq!(bench.subscribe(client, &deep, QoS::AtMostOnce), ReasonCode::TopicFilterInvalid);
        bench.publish_with(client, &deep, "x", QoS::AtMostOnce, true, Properties::EMPTY);
    }
    bench.run();
    assert_eq!(bench.counters().topics_too_deep, 40);
    bystander.check(&mut bench);
    bench.drop_socket(client);
    bench.run();
    assert_eq!(held(&bench), before);
}

#[test]
fn a_property_bomb_is_refused_before_it_is_unpacked() {
    let protocol = server::Config { maximum_packet_size: 8 << 20, ..server::Config::default() };
    let mut bench = Bench::seeded(0, Config { workers: 1, protocol, ..Config::default() });
    let mut bystander = Bystander::new(&mut bench, 0);
    // A million empty User Properties in five bytes each: seventy times as much in memory.
    let properties = [0x26, 0, 0, 0, 0].repeat(1_000_000);
    let length = |mut value: usize| {
        let mut bytes = Vec::new();
        loop {
            let more = value > 127;
            bytes.push((value & 127) as u8 | u8::from(more) << 7);
            value >>= 7;
            if !more {
                return bytes;
            }
        }
    };
    let body = [&[0, 1, b'a'][..], &length(properties.len()), &properties].concat();
    let bomb: &'static [u8] = [&[0x30][..], &length(body.len()), &body].concat().leak();
    let start = Instant::now();
    for _ in 0..10 {
        let client = bench.connect(0, v5("client"));
        bench.send_raw(client, bomb);
        bench.run();
        assert!(bench.is_closed(client));
    }
    assert!(start.elapsed() < Duration::from_secs(10), "ten bombs of 5 MB took {:?}", start.elapsed());
    assert_eq!(bench.counters().packets_over_quota, 10);
    bystander.check(&mut bench);
}

#[test]
fn as_many_properties_as_are_taken_cost_no_more_than_their_bytes() {
    let (mut bench, mut bystander) = bench(1, Limits { queued_bytes: MEBIBYTE, ..Limits::default() });
    let away = bench.connect(0, lasting("away", 60));
    bench.subscribe(away, "a", QoS::AtLeastOnce);
    bench.drop_socket(away);
    let client = bench.connect(0, v5("client"));
    let mut many = Properties::EMPTY;
    (0..1024).for_each(|_| many.push_user(Utf8String::EMPTY, Utf8String::EMPTY));
    for _ in 0..100 {
        bench.publish_with(client, "a", "", QoS::AtLeastOnce, false, many.clone());
        bench.run();
    }
    // In memory each takes seventy bytes, and is weighed so.
    assert!(bench.held_bytes() > MEBIBYTE / 2 && bench.held_bytes() <= MEBIBYTE + 20_000, "{}", bench.held_bytes());
    assert!(bench.counters().dropped_queue_full > 80);
    bystander.check(&mut bench);
}

#[test]
fn a_flood_of_retained_topics_stops_at_the_memory_of_the_broker() {
    // Each topic has 100 levels of its own: the bytes of the topics are a hundredth of what the trie takes.
    let limits = Limits { memory: Some(2 * MEBIBYTE), ..Limits::default() };
    let (mut bench, mut bystander) = bench(1, limits);
    let client = bench.connect(0, v5("client"));
    for number in 0..500 {
        let topic = format!("{number}{}", "/".repeat(99));
        bench.publish_with(client, &topic, "x", QoS::AtMostOnce, true, Properties::EMPTY);
        bench.run();
    }
    let retained = bench.shared.memory.of(Kind::Retained);
    assert!(held(&bench) <= 2 * MEBIBYTE && retained.items < 150, "{retained:?}");
    assert_eq!(bench.counters().retained_refused_memory as usize + retained.items, 500);
    bystander.check(&mut bench);
    // What is there can be replaced and removed.
    for number in 0..500 {
        let topic = format!("{number}{}", "/".repeat(99));
        bench.publish_with(client, &topic, "", QoS::AtMostOnce, true, Properties::EMPTY);
    }
    bench.run();
    assert_eq!(bench.shared.memory.of(Kind::Retained).bytes, 0);
}

#[test]
fn subscribing_and_unsubscribing_shared_topics_leaves_nothing_behind() {
    for workers in [1, 2] {
        let (mut bench, mut bystander) = bench(workers, Limits::default());
        let before = held(&bench);
        let clients: Vec<_> = (0..4).map(|number| bench.connect(number % workers, v5(&number.to_string()))).collect();
        let with_clients = held(&bench);
        for round in 0..300 {
            for client in &clients {
                for filter in [format!("$share/g{}/t/{}", round % 7, round % 11), format!("$share/g/{round}/+/#")] {
                    bench.subscribe_quietly(*client, &filter, QoS::AtLeastOnce);
                }
            }
            bench.publish(clients[0], "t/1", "x", QoS::AtLeastOnce);
            bench.run();
            for client in &clients {
                while bench.next(*client).is_some() {}
                for filter in [format!("$share/g{}/t/{}", round % 7, round % 11), format!("$share/g/{round}/+/#")] {
                    bench.unsubscribe(*client, &filter);
                }
            }
        }
        bystander.check(&mut bench);
        assert_eq!(held(&bench), with_clients, "{workers} workers");
        clients.iter().for_each(|client| bench.drop_socket(*client));
        bench.run();
        assert_eq!(held(&bench), before);
        assert_eq!(bench.counters().subscriptions(), 1);
    }
}

#[test]
fn subscriptions_to_long_and_deep_filters_stop_at_the_memory_of_the_broker() {
    let (mut bench, mut bystander) = bench(1, Limits { memory: Some(2 * MEBIBYTE), ..Limits::default() });
    let client = bench.connect(0, v5("client"));
    let mut refused = 0;
    for number in 0..200 {
        let filter = format!("{number}{}{}", "/".repeat(100), "x".repeat(20_000));
        match bench.subscribe(client, &filter, QoS::AtMostOnce) {
            ReasonCode::Success => {}
            ReasonCode::QuotaExceeded => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!(refused > 100 && held(&bench) <= 2 * MEBIBYTE);
    assert_eq!(bench.counters().subscriptions_refused_memory, refused);
    bystander.check(&mut bench);
    bench.drop_socket(client);
    bench.run();
    assert_eq!(bench.shared.memory.of(Kind::Subscriptions).items, 1, "the bystander's");
}

/// `connect` with a Will of `size` bytes.
fn with_large_will(connect: Connect, size: usize, delay: u32) -> Connect {
    let mut connect = with_will(connect, "", delay, false);
    connect.will.as_mut().unwrap().message.payload = vec![b'x'; size].into();
    connect
}

#[test]
fn a_flood_of_wills_stops_at_the_memory_of_the_broker() {
    let (mut bench, mut bystander) = bench(1, Limits { memory: Some(2 * MEBIBYTE), ..Limits::default() });
    let mut refused = 0;
    let mut peers = Vec::new();
    for number in 0..100 {
        // An offline session holds its Will for as long as the Will Delay Interval says.
        let peer = bench.dial(0, with_large_will(lasting(&number.to_string(), 600), 60_000, 600));
        match reason(&mut bench, peer) {
            ReasonCode::Success => peers.push(peer),
            ReasonCode::QuotaExceeded => refused += 1,
            other => panic!("{other}"),
        }
        bench.drop_socket(peer);
    }
    assert!((50..80).contains(&refused), "{refused}");
    assert_eq!(bench.counters().sessions_refused_memory, refused);
    assert!(held(&bench) <= 2 * MEBIBYTE);
    bystander.check(&mut bench);
    bench.advance(Duration::from_secs(601));
    assert_eq!(bench.counters().wills_published, 100 - refused);
    assert!(held(&bench) < 10_000, "{}", held(&bench));
    bystander.check(&mut bench);
}

#[test]
fn sessions_for_ever_under_many_names_stop_at_the_memory_of_the_broker() {
    let (mut bench, mut bystander) = bench(1, Limits { memory: Some(MEBIBYTE), ..Limits::default() });
    for number in 0..2_000 {
        let name = format!("{number}-{}", "x".repeat(1_000));
        let peer = bench.dial(0, lasting(&name, u32::MAX));
        bench.run();
        bench.drop_socket(peer);
        bench.forget(peer);
    }
    let refused = bench.counters().sessions_refused_memory;
    assert!((1_400..1_600).contains(&refused), "{refused}");
    assert!(held(&bench) <= MEBIBYTE);
    bystander.check(&mut bench);
    // Whoever has a session still gets it.
    bench.connect(0, lasting(&format!("0-{}", "x".repeat(1_000)), 60));
    // A week later the broker has forgotten those that never came back.
    bench.advance(Duration::from_secs(8 * 24 * 3600));
    assert_eq!(bench.counters().sessions(), 2);
    bystander.check(&mut bench);
}

#[test]
fn a_storm_of_connects_with_one_identifier_holds_one_session() {
    for workers in [1, 3] {
        let (mut bench, mut bystander) = bench(workers, Limits::default());
        let before = held(&bench);
        let mut peers = Vec::new();
        for number in 0..600 {
            let mut connect = with_large_will(lasting("same", 60), 10_000, 60);
            connect.clean_start = number % 5 == 0;
            let peer = bench.dial(number % workers, connect);
            if number % 3 == 0 {
                bench.subscribe_quietly(peer, "a/#", QoS::AtLeastOnce);
            }
            for _ in 0..number % 7 {
                bench.step();
            }
            peers.push(peer);
        }
        bench.run();
        assert_eq!((bench.owners("same"), bench.counters().connections(), bench.counters().sessions()), (1, 2, 2));
        assert!(held(&bench) - before < 20_000, "{} bytes more", held(&bench) - before);
        bystander.check(&mut bench);
        peers.iter().for_each(|peer| bench.disconnect(*peer, ReasonCode::Success));
        bench.run();
        bench.advance(Duration::from_secs(61));
        assert_eq!(held(&bench), before, "{workers} workers, {:?}", bench.counters());
    }
}

#[test]
fn queues_stop_at_the_memory_of_the_broker() {
    let (mut bench, mut bystander) = bench(2, Limits { memory: Some(MEBIBYTE), ..Limits::default() });
    for number in 0..20 {
        let peer = bench.connect(number % 2, lasting(&number.to_string(), 600));
        bench.subscribe(peer, "a", QoS::AtLeastOnce);
        bench.drop_socket(peer);
    }
    let publisher = bench.connect(0, v5("publisher"));
    for _ in 0..100 {
        bench.publish(publisher, "a", &"x".repeat(1_000), QoS::AtLeastOnce);
        bench.run();
    }
    assert!(held(&bench) > MEBIBYTE / 2 && held(&bench) <= MEBIBYTE, "{}", held(&bench));
    let counters = bench.counters();
    assert_eq!(counters.dropped_memory_full, counters.dropped());
    assert!(counters.dropped_memory_full > 1_000);
    bench.advance(Duration::from_secs(601));
    bystander.check(&mut bench);
}

#[test]
fn aliases_for_the_longest_topics_close_the_connection() {
    let (mut bench, mut bystander) = bench(1, Limits::default());
    let client = bench.connect(0, v5("client"));
    for alias in 1..=2 {
        let properties = [protocol::Property::TopicAlias(alias)].into_iter().collect();
        let topic = TopicName::new("x".repeat(65_535)).unwrap();
        bench.publish_with(client, topic.as_str(), "", QoS::AtMostOnce, false, properties);
    }
    bench.run();
    assert!(bench.is_closed(client));
    assert_eq!(bench.counters().packets_over_quota, 1, "the first is taken, whatever its length");
    bystander.check(&mut bench);
}

#[test]
fn publications_that_match_very_many_filters_of_one_client_share_the_turn() {
    let (mut bench, mut bystander) = bench(1, Limits::default());
    let client = bench.connect(0, v311("client", true));
    for number in 0..1024 {
        let level = |bit| if number >> bit & 1 == 0 { "a" } else { "+" };
        let filter = (0..10).map(level).collect::<Vec<_>>().join("/");
        bench.subscribe(client, &filter, QoS::AtMostOnce);
    }
    for _ in 0..50 {
        bench.publish(client, "a/a/a/a/a/a/a/a/a/a", "x", QoS::AtMostOnce);
    }
    let mut shared = false;
    while bench.step() {
        shared |= bench.has_stalled(0);
    }
    assert!(shared, "one client had a turn for itself");
    assert_eq!(bench.payloads(client).len(), 50);
    bystander.check(&mut bench);
}

#[test]
fn a_session_that_ends_with_shared_messages_costs_no_walk_for_each() {
    let (mut bench, mut bystander) = bench(1, Limits::default());
    let topic = ["a"; 10].join("/");
    let shared = format!("$share/group/{topic}");
    let leaver = bench.connect(0, lasting("leaver", 600));
    bench.subscribe(leaver, &shared, QoS::AtLeastOnce);
    bench.drop_socket(leaver);
    let stayer = bench.connect(0, v5("stayer"));
    for _ in 0..200 {
        bench.publish(stayer, &topic, "x", QoS::AtLeastOnce);
    }
    bench.run();
    bench.subscribe(stayer, &shared, QoS::AtLeastOnce);
    // From now on a walk for this topic looks at 2,047 places.
    for number in 0..1024 {
        let level = |bit| if number >> bit & 1 == 0 { "a" } else { "+" };
        let filter = (0..10).map(level).collect::<Vec<_>>().join("/");
        bench.subscribe(stayer, &filter, QoS::AtMostOnce);
    }
    assert!(bench.publishes(stayer).is_empty());
    bench.dial(0, v5("leaver"));
    bench.publish(stayer, "elsewhere", "x", QoS::AtLeastOnce);
    while bench.step() {
        assert!(!bench.has_stalled(0), "the end of one session had a turn for itself");
    }
    assert_eq!(bench.publishes(stayer).len(), 200);
    bystander.check(&mut bench);
}

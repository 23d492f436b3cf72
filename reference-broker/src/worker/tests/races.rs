//! Several workers, interleaved by seed. A failure names its seed.

use std::collections::BTreeMap;

use protocol::{QoS, ReasonCode};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::bench::{Bench, PeerId, lasting, v5};
use crate::Config;

const WORKERS: usize = 3;

fn seeds() -> std::ops::Range<u64> {
    0..150
}

fn bench(seed: u64) -> Bench {
    Bench::seeded(seed, Config { workers: WORKERS, ..Config::default() })
}

/// Lets things happen for a while.
fn stir(bench: &mut Bench, choice: &mut ChaCha8Rng) {
    for _ in 0..choice.random_range(0..40) {
        bench.step();
    }
}

#[test]
fn takeovers_lose_nothing_and_keep_the_order() {
    for seed in seeds() {
        let mut bench = bench(seed);
        let mut choice = ChaCha8Rng::seed_from_u64(seed);
        let mut subscriber = bench.connect(0, lasting("subscriber", 600));
        bench.subscribe(subscriber, "a/#", QoS::ExactlyOnce);
        let publishers: Vec<_> = (0..WORKERS).map(|worker| bench.connect(worker, v5(&format!("p{worker}")))).collect();
        let mut connections = vec![subscriber];
        let mut sent = 0;
        for _ in 0..8 {
            for (index, publisher) in publishers.iter().enumerate() {
                for _ in 0..choice.random_range(1..5) {
                    bench.publish(*publisher, &format!("a/{index}"), &format!("{index}:{sent}"), QoS::ExactlyOnce);
                    sent += 1;
                }
            }
            stir(&mut bench, &mut choice);
            if choice.random_bool(0.3) {
                bench.drop_socket(subscriber);
            }
            subscriber = bench.dial(choice.random_range(0..WORKERS), lasting("subscriber", 600));
            connections.push(subscriber);
            stir(&mut bench, &mut choice);
        }
        bench.run();
        assert_eq!(bench.owners("subscriber"), 1, "seed {seed}");
        assert_eq!(bench.counters().dropped(), 0, "seed {seed}");
        assert_eq!(bench.held_bytes(), 0, "seed {seed}");
        check_order(&mut bench, &connections, sent, seed);
    }
}

/// Every message arrived, and the first arrivals of each publisher's messages are in their order (MQTT-4.6.0-5, -6).
/// What is sent again after a lost connection repeats; the bench's sockets lose what was on its way.
fn check_order(bench: &mut Bench, connections: &[PeerId], sent: u32, seed: u64) {
    let mut first_seen = Vec::new();
    for connection in connections {
        for payload in bench.payloads(*connection) {
            if !first_seen.contains(&payload) {
                first_seen.push(payload);
            }
        }
    }
    assert_eq!(first_seen.len(), sent as usize, "seed {seed}: lost");
    let mut last = BTreeMap::<String, u32>::new();
    for payload in first_seen {
        let (publisher, number) = payload.split_once(':').unwrap();
        let number = number.parse().unwrap();
        let before = last.insert(publisher.to_owned(), number);
        assert!(before.is_none_or(|before| before < number), "seed {seed}: {payload} came after {before:?}");
    }
}

#[test]
fn one_of_many_connects_with_the_same_identifier_wins() {
    for seed in seeds() {
        let mut bench = bench(seed);
        let mut choice = ChaCha8Rng::seed_from_u64(seed);
        let peers: Vec<_> = (0..9)
            .map(|number| {
                let mut connect = lasting("same", choice.random_range(0..2) * 60);
                connect.clean_start = choice.random_bool(0.3);
                stir(&mut bench, &mut choice);
                bench.dial(number % WORKERS, connect)
            })
            .collect();
        bench.run();
        assert_eq!(bench.owners("same"), 1, "seed {seed}");
        let open = peers.iter().filter(|peer| !bench.is_closed(**peer)).count();
        assert_eq!(open, 1, "seed {seed}: exactly one connection is left");
        assert_eq!(bench.counters().sessions(), 1, "seed {seed}");
    }
}

#[test]
fn sessions_that_come_and_go_leave_no_routes() {
    for seed in seeds() {
        let mut bench = bench(seed);
        let mut choice = ChaCha8Rng::seed_from_u64(seed);
        let publisher = bench.connect(0, v5("publisher"));
        let mut last = None;
        for round in 0..6 {
            let mut connect = lasting("same", 60);
            connect.clean_start = choice.random_bool(0.3);
            let peer = bench.dial(choice.random_range(0..WORKERS), connect);
            bench.run();
            bench.subscribe(peer, &format!("a/{round}"), QoS::AtLeastOnce);
            bench.subscribe(peer, "$share/group/a/#", QoS::AtLeastOnce);
            bench.publish(publisher, "a/0", "x", QoS::AtLeastOnce);
            if choice.random_bool(0.3) {
                bench.drop_socket(peer);
            }
            last = Some(peer);
        }
        bench.run();
        let peer = bench.connect(choice.random_range(0..WORKERS), v5("same"));
        bench.disconnect(peer, ReasonCode::Success);
        bench.run();
        assert!(last.is_some());
        assert_eq!(bench.owners("same"), 0, "seed {seed}");
        assert!(bench.shared.routes.is_bare(), "seed {seed}");
        assert_eq!(bench.counters().subscriptions(), 0, "seed {seed}");
    }
}

#[test]
fn a_subscription_that_was_acknowledged_misses_nothing() {
    for seed in seeds() {
        let mut bench = bench(seed);
        let subscriber = bench.connect(0, v5("subscriber"));
        let publishers: Vec<_> = (0..WORKERS).map(|worker| bench.connect(worker, v5(&format!("p{worker}")))).collect();
        // Make every worker hold an old view.
        for publisher in &publishers {
            bench.publish(*publisher, "a", "before", QoS::AtLeastOnce);
        }
        bench.run();
        bench.subscribe(subscriber, "a", QoS::AtLeastOnce);
        for publisher in &publishers {
            bench.publish(*publisher, "a", "after", QoS::AtLeastOnce);
        }
        bench.run();
        assert_eq!(bench.payloads(subscriber), ["after"; WORKERS], "seed {seed}");
    }
}

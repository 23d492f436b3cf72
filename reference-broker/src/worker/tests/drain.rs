//! How workers end, in many orders.

use protocol::{Packet, Publish, QoS, ReasonCode};

use super::bench::{Bench, lasting, v5};
use crate::Config;

const SEEDS: u64 = 200;

fn bench(seed: u64) -> Bench {
    Bench::seeded(seed, Config { workers: 3, ..Config::default() })
}

/// What was acknowledged before the end reaches its subscriber before DISCONNECT 0x8B (MQTT-4.13.2-1), on whichever workers
/// they are and in whichever order these hear that they shall end.
#[test]
fn what_was_acknowledged_is_delivered_before_the_good_bye() {
    for seed in 0..SEEDS {
        let mut bench = bench(seed);
        let subscribers = ["a", "b", "c"].map(|name| bench.connect(usize::from(name > "a"), v5(name)));
        for subscriber in subscribers {
            bench.subscribe(subscriber, "t", QoS::AtLeastOnce);
        }
        let publisher = bench.connect(2, v5("publisher"));
        for number in 0..10 {
            bench.publish(publisher, "t", &number.to_string(), QoS::AtLeastOnce);
        }
        let mut acknowledged = 0;
        while acknowledged < 5 {
            assert!(bench.step(), "seed {seed}");
            while let Some(packet) = bench.next(publisher) {
                acknowledged += usize::from(matches!(packet, Packet::PubAck(_)));
            }
        }
        for worker in [2, 0, 1] {
            for _ in 0..seed % 7 {
                bench.step();
            }
            bench.drain(worker);
        }
        bench.run();
        while let Some(packet) = bench.next(publisher) {
            acknowledged += usize::from(matches!(packet, Packet::PubAck(_)));
        }
        for subscriber in subscribers {
            let mut got = 0;
            let good_bye = loop {
                match bench.next(subscriber) {
                    Some(Packet::Publish(Publish { .. })) => got += 1,
                    Some(Packet::Disconnect(disconnect)) => break disconnect.reason,
                    other => panic!("seed {seed}: {other:?}"),
                }
            };
            assert_eq!(good_bye, ReasonCode::ServerShuttingDown, "seed {seed}");
            assert!(got >= acknowledged, "seed {seed}: {got} of {acknowledged}");
            assert!(bench.is_closed(subscriber), "seed {seed}");
        }
    }
}

/// A session that moves while the workers end takes its messages along.
#[test]
fn a_session_on_the_move_does_not_stop_the_end() {
    for seed in 0..SEEDS {
        let mut bench = bench(seed);
        let old = bench.connect(0, lasting("client", 60));
        bench.subscribe(old, "t", QoS::AtLeastOnce);
        let publisher = bench.connect(2, v5("publisher"));
        bench.publish(publisher, "t", "1", QoS::AtLeastOnce);
        bench.dial(1, lasting("client", 60));
        for worker in 0..3 {
            for _ in 0..seed % 5 {
                bench.step();
            }
            bench.drain(worker);
        }
        bench.run();
        assert!(bench.is_closed(old) && bench.is_closed(publisher), "seed {seed}");
        assert_eq!(bench.counters().connections(), 0, "seed {seed}");
    }
}

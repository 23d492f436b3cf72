//! Over random programs: every message that a session should get is delivered, or counted as dropped once and by its cause;
//! what is held is never more than allowed, and nothing once all sessions have ended.

use std::{collections::BTreeSet, time::Duration};

use protocol::{Property, QoS};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::bench::{Bench, PeerId, lasting, v5, with_will};
use crate::{Config, FullQueue, Limits};

const MEMORY: usize = 60_000;
const NAMES: [&str; 4] = ["s0", "s1", "s2", "s3"];

/// One session, from its first CONNECT to its end.
struct Subscriber {
    name: &'static str,
    peer: PeerId,
    connected: bool,
    got: BTreeSet<String>,
}

struct Program {
    bench: Bench,
    choice: ChaCha8Rng,
    workers: usize,
    publisher: PeerId,
    subscribers: Vec<Subscriber>,
    /// What sessions should have got.
    wanted: u64,
    /// What they got, those that ended included.
    got: u64,
    sent: u32,
}

impl Program {
    fn new(seed: u64, workers: usize, full_queue: FullQueue) -> Self {
        let limits = Limits {
            queued_messages: 6,
            queued_bytes: 2_000,
            all_queued_bytes: 5_000,
            outbound_bytes: 1_500,
            memory: Some(MEMORY),
            full_queue,
            ..Limits::default()
        };
        let mut bench = Bench::seeded(seed, Config { workers, limits, ..Config::default() });
        let publisher = bench.connect(0, v5("publisher"));
        let choice = ChaCha8Rng::seed_from_u64(seed);
        Self { bench, choice, workers, publisher, subscribers: Vec::new(), wanted: 0, got: 0, sent: 0 }
    }

    fn step(&mut self) {
        match self.choice.random_range(0..10) {
            0 => self.connect(),
            1 => self.drop_socket(),
            2 => self.stall(),
            3 => self.unstall(),
            4 => self.bench.advance(Duration::from_secs(self.choice.random_range(0..12))),
            _ => self.publish(),
        }
        self.bench.run();
        self.collect();
    }

    /// A new session, a resumed one, or a takeover.
    fn connect(&mut self) {
        let name = NAMES[self.choice.random_range(0..NAMES.len())];
        let worker = self.choice.random_range(0..self.workers);
        let known = self.subscribers.iter().position(|subscriber| subscriber.name == name);
        if let Some(at) = known {
            // What a socket held is lost with it; a client that reads again before it is taken over loses nothing.
            self.drop_unless_stalled(at);
        }
        let mut connect = lasting(name, 20);
        connect.properties.push(Property::ReceiveMaximum(2));
        let (peer, present) = self.bench.connect_present(worker, connect);
        match known {
            Some(at) if present => {
                self.subscribers[at].peer = peer;
                self.subscribers[at].connected = true;
            }
            _ => {
                self.forget(name);
                self.bench.subscribe(peer, "t", QoS::ExactlyOnce);
                self.subscribers.push(Subscriber { name, peer, connected: true, got: BTreeSet::new() });
            }
        }
    }

    fn drop_unless_stalled(&mut self, at: usize) {
        let peer = self.subscribers[at].peer;
        if self.subscribers[at].connected && !self.bench.is_closed(peer) {
            self.bench.unstall(peer);
            self.bench.run();
            self.collect();
            self.bench.drop_socket(peer);
        }
        self.subscribers[at].connected = false;
    }

    /// A session that has ended is counted and forgotten.
    fn forget(&mut self, name: &str) {
        if let Some(at) = self.subscribers.iter().position(|subscriber| subscriber.name == name) {
            self.got += self.subscribers.swap_remove(at).got.len() as u64;
        }
    }

    fn drop_socket(&mut self) {
        if !self.subscribers.is_empty() {
            let at = self.choice.random_range(0..self.subscribers.len());
            self.drop_unless_stalled(at);
        }
    }

    fn stall(&mut self) {
        if let Some(peer) = self.pick() {
            self.bench.unstall(peer);
            self.bench.run();
            self.collect();
            self.bench.stall(peer);
        }
    }

    fn unstall(&mut self) {
        if let Some(peer) = self.pick() {
            self.bench.unstall(peer);
        }
    }

    /// A connected subscriber.
    fn pick(&mut self) -> Option<PeerId> {
        let online = self.subscribers.iter().filter(|one| one.connected && !self.bench.is_closed(one.peer));
        let peers: Vec<_> = online.map(|one| one.peer).collect();
        (!peers.is_empty()).then(|| peers[self.choice.random_range(0..peers.len())])
    }

    fn publish(&mut self) {
        let alive = NAMES.iter().map(|name| self.bench.owners(name) as u64).sum::<u64>();
        let before = self.bench.counters().refused_queue_full;
        let qos = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce][self.choice.random_range(0..3)];
        let payload = format!("{}:{}", self.sent, "x".repeat(self.choice.random_range(0..400)));
        self.sent += 1;
        let mut properties = protocol::Properties::EMPTY;
        if self.choice.random_bool(0.3) {
            properties.push(Property::MessageExpiryInterval(self.choice.random_range(1..10)));
        }
        self.bench.publish_with(self.publisher, "t", &payload, qos, false, properties);
        self.bench.run();
        self.bench.publishes(self.publisher);
        let refused = self.bench.counters().refused_queue_full > before;
        self.wanted += if refused { 0 } else { alive };
    }

    fn collect(&mut self) {
        for subscriber in &mut self.subscribers {
            if subscriber.connected && self.bench.is_closed(subscriber.peer) {
                // What the socket held at QoS 0 still arrives; the rest the session sends again, or gives up and counts.
                subscriber.connected = false;
                self.bench.unstall(subscriber.peer);
                let publishes = self.bench.publishes(subscriber.peer).into_iter();
                let at_most_once = publishes.filter(|publish| publish.qos == QoS::AtMostOnce);
                subscriber.got.extend(at_most_once.map(|publish| String::from_utf8(publish.payload.to_vec()).unwrap()));
                continue;
            }
            let payloads = self.bench.payloads(subscriber.peer);
            subscriber.got.extend(payloads);
        }
    }

    /// Everybody takes what is left, and then all sessions end.
    fn end(&mut self) {
        for name in NAMES {
            if self.bench.owners(name) == 0 {
                continue;
            }
            let at = self.subscribers.iter().position(|subscriber| subscriber.name == name).unwrap();
            self.drop_unless_stalled(at);
            let (peer, present) = self.bench.connect_present(0, lasting(name, 20));
            assert!(present);
            self.subscribers[at].peer = peer;
            self.collect();
            self.bench.drop_socket(peer);
        }
        self.bench.advance(Duration::from_secs(30));
        self.got += self.subscribers.drain(..).map(|subscriber| subscriber.got.len() as u64).sum::<u64>();
        self.bench.drop_socket(self.publisher);
        self.bench.run();
    }
}

#[test]
fn every_message_is_delivered_or_counted_as_dropped_once() {
    let policies = [FullQueue::DropNewest, FullQueue::Disconnect, FullQueue::RefusePublisher];
    let mut dropped = crate::Counters::default();
    for seed in 0..90 {
        let policy = policies[seed as usize % 3];
        let workers = 1 + seed as usize / 3 % 2;
        let mut program = Program::new(seed, workers, policy);
        for _ in 0..120 {
            program.step();
            let memory = program.bench.held_bytes() + program.bench.shared.memory.bytes();
            assert!(memory <= MEMORY, "seed {seed}: {memory} bytes are held");
        }
        program.end();
        let counters = program.bench.counters();
        assert_eq!(program.got + counters.dropped(), program.wanted, "seed {seed}, {policy:?}: {counters:?}");
        assert_eq!(counters.sessions(), 0, "seed {seed}");
        assert_eq!(program.bench.held_bytes(), 0, "seed {seed}");
        assert_eq!(program.bench.shared.memory.bytes(), 0, "seed {seed}");
        assert!(program.bench.shared.routes.is_bare(), "seed {seed}");
        dropped += counters;
    }
    // The programs went where they should.
    for (cause, count) in [
        ("queue full", dropped.dropped_queue_full),
        ("broker full", dropped.dropped_broker_full),
        ("slow", dropped.dropped_slow),
        ("offline", dropped.dropped_offline),
        ("session ended", dropped.dropped_session_ended),
        ("expired", dropped.dropped_expired),
        ("refused", dropped.refused_queue_full),
        ("disconnected", dropped.disconnected_queue_full),
    ] {
        assert!(count > 0, "{cause} never happened");
    }
}

/// Sessions of every shape end in every way.
#[test]
fn what_is_held_returns_to_nothing() {
    for seed in 0..60 {
        let workers = 1 + seed as usize % 3;
        let mut bench = Bench::seeded(seed, Config { workers, ..Config::default() });
        let mut choice = ChaCha8Rng::seed_from_u64(seed);
        let publisher = bench.connect(0, v5("publisher"));
        let mut peers: Vec<PeerId> = Vec::new();
        for number in 0..60 {
            match choice.random_range(0..6) {
                0 | 1 => {
                    let name = NAMES[choice.random_range(0..NAMES.len())];
                    let mut connect = with_will(lasting(name, 60), "gone", choice.random_range(0..90), true);
                    connect.clean_start = choice.random_bool(0.3);
                    let peer = bench.dial(choice.random_range(0..workers), connect);
                    if choice.random_bool(0.3) {
                        bench.silence(peer);
                    }
                    for filter in ["t/#", "$share/g/t/+", "t/1", "will"] {
                        bench.subscribe_quietly(peer, filter, QoS::ExactlyOnce);
                    }
                    peers.push(peer);
                }
                2 if !peers.is_empty() => bench.drop_socket(peers[choice.random_range(0..peers.len())]),
                3 if !peers.is_empty() => bench.stall(peers[choice.random_range(0..peers.len())]),
                4 => bench.advance(Duration::from_secs(choice.random_range(0..20))),
                _ => {
                    let topic = format!("t/{}", choice.random_range(0..3));
                    let retain = choice.random_bool(0.3);
                    let payload = if choice.random_bool(0.2) { String::new() } else { number.to_string() };
                    let none = protocol::Properties::EMPTY;
                    bench.publish_with(publisher, &topic, &payload, QoS::ExactlyOnce, retain, none);
                }
            }
            for _ in 0..choice.random_range(0..60) {
                bench.step();
            }
        }
        bench.run();
        peers.iter().for_each(|peer| bench.drop_socket(*peer));
        bench.advance(Duration::from_secs(200));
        for topic in ["t/0", "t/1", "t/2", "will"] {
            bench.publish_with(publisher, topic, "", QoS::AtMostOnce, true, protocol::Properties::EMPTY);
        }
        bench.run();
        bench.drop_socket(publisher);
        bench.run();
        assert_eq!((bench.held_bytes(), bench.shared.memory.bytes()), (0, 0), "seed {seed}");
        assert_eq!((bench.counters().sessions(), bench.counters().connections()), (0, 0), "seed {seed}");
        assert_eq!(bench.counters().subscriptions(), 0, "seed {seed}");
    }
}

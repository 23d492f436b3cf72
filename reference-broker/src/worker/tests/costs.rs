//! What one message costs inside a worker, without sockets. Measurements, not tests: run them by hand.

use std::{hint::black_box, sync::Arc, time::Instant};

use bytes::{Bytes, BytesMut};
use protocol::{
    Message, Packet, PacketId, Properties, Publish, QoS, Subscribe, SubscribeFilter, SubscriptionOptions, Time,
    TopicFilter, TopicName, Version,
};

use super::bench::{origin, v311};
use crate::{
    Config, Limits,
    retained::Retained,
    routing::WorkerId,
    worker::{ConnectionId, Shared, Worker},
};

const NOW: Time = Time::from_secs(1);
/// PUBLISH packets that one read brings.
const BATCH: u32 = 32;
const PUBLISHERS: usize = 50;
const ROUNDS: u32 = 2_000;

#[test]
#[ignore = "a measurement: cargo test --release -p reference-broker -- --ignored --nocapture cost_of"]
fn cost_of_a_message_through_a_worker() {
    for (what, subscribers, qos, size) in [
        ("fan-in of 50, QoS 0, 256 B", 1, QoS::AtMostOnce, 256),
        ("fan-in of 50, QoS 1 to QoS 0, 256 B", 1, QoS::AtLeastOnce, 256),
        ("fan-out to 100, QoS 0, 64 B", 100, QoS::AtMostOnce, 64),
    ] {
        let mut worker = Line::new(0);
        for number in 0..subscribers {
            worker.subscriber(&format!("s{number}"), "bench/#");
        }
        let delivered = worker.publish(PUBLISHERS / subscribers.min(10), qos, false, size, "bench/p");
        println!("{what}: {delivered:.0} ns for each delivery");
    }
}

#[test]
#[ignore = "a measurement: cargo test --release -p reference-broker -- --ignored --nocapture cost_of"]
fn cost_of_a_publication_by_number_of_retained_topics() {
    for count in [10, 10_000, 1_000_000] {
        let mut worker = Line::new(count);
        worker.subscriber("s", "farm/7/device/7/telemetry");
        let plain = worker.publish(1, QoS::AtMostOnce, false, 64, "farm/7/device/7/telemetry");
        let retained = worker.publish(1, QoS::AtMostOnce, true, 64, "farm/7/device/7/telemetry");
        println!("{count} retained topics: publish {plain:.0} ns, publish and retain {retained:.0} ns");
    }
}

/// A worker and its connections.
struct Line(Worker);

impl Line {
    /// With `retained` topics kept.
    fn new(retained: usize) -> Self {
        let limits = Limits {
            retained_messages: 2_000_000,
            retained_bytes: 1 << 30,
            memory: Some(8 << 30),
            ..Limits::default()
        };
        let shared = Arc::new(Shared::new(&Config { workers: 1, limits, ..Config::default() }));
        let mut store = shared.retained.open(NOW);
        for number in 0..retained {
            let message = message(&format!("farm/{}/device/{number}/telemetry", number % 100), 64);
            let retained =
                Retained { message: Arc::new(message), qos: QoS::AtMostOnce, expires_at: None, source: None };
            store.set(retained).unwrap();
        }
        drop(store);
        Self(Worker::new(WorkerId(0), shared))
    }

    fn client(&mut self, id: &str) -> ConnectionId {
        let connection = self.0.opened(NOW, origin());
        self.receive(connection, &[Packet::Connect(Box::new(v311(id, true)))]);
        connection
    }

    fn subscriber(&mut self, id: &str, filter: &str) {
        let connection = self.client(id);
        let options = SubscriptionOptions::default();
        let filters = vec![SubscribeFilter { filter: TopicFilter::new(filter).unwrap(), options }];
        let packet_id = PacketId::new(1).unwrap();
        self.receive(connection, &[Packet::Subscribe(Subscribe { packet_id, properties: Properties::EMPTY, filters })]);
        self.transmit();
    }

    /// Nanoseconds for each delivery of what `publishers` send in batches, every batch followed by a turn's transmissions.
    fn publish(&mut self, publishers: usize, qos: QoS, retain: bool, size: usize, topic: &str) -> f64 {
        let before = self.0.shared.tallies[0].snapshot().messages_delivered;
        let publishers: Vec<_> = (0..publishers).map(|number| self.client(&format!("p{number}"))).collect();
        let packet_id = (qos > QoS::AtMostOnce).then(|| PacketId::new(1).unwrap());
        let Message { topic, payload, properties } = message(topic, size);
        let publish = Publish { dup: false, qos, retain, topic: Some(topic), packet_id, properties, payload };
        let batch = encoded(&vec![Packet::Publish(publish); BATCH as usize]);
        let mut time = std::time::Duration::ZERO;
        for _ in 0..ROUNDS / publishers.len() as u32 {
            let started = Instant::now();
            for publisher in &publishers {
                self.0.received(NOW, *publisher, batch.clone());
            }
            self.transmit();
            time += started.elapsed();
        }
        let delivered = self.0.shared.tallies[0].snapshot().messages_delivered - before;
        time.as_nanos() as f64 / delivered as f64
    }

    fn receive(&mut self, connection: ConnectionId, packets: &[Packet]) {
        self.0.received(NOW, connection, encoded(packets));
    }

    fn transmit(&mut self) {
        let (mut dirty, mut out) = (Vec::new(), Vec::new());
        self.0.take_dirty(&mut dirty);
        for connection in dirty {
            out.clear();
            self.0.transmit(NOW, connection, 0, &mut out);
            black_box(&out);
        }
    }
}

fn message(topic: &str, size: usize) -> Message {
    let payload = BytesMut::zeroed(size).freeze();
    Message { topic: TopicName::new(topic).unwrap(), payload, properties: Properties::EMPTY }
}

fn encoded(packets: &[Packet]) -> Bytes {
    let mut bytes = Vec::new();
    for packet in packets {
        packet.encode(Version::V311, &mut bytes).unwrap();
    }
    bytes.into()
}

//! Two workers on two threads: what no interleaving of whole steps can show.

use std::{
    num::NonZeroU16,
    sync::{
        Arc, Barrier,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use bytes::Bytes;
use protocol::{
    Decoder, Packet, PacketId, PacketLimits, Properties, Publish, QoS, Role, Subscribe, SubscribeFilter,
    SubscriptionOptions, Time, TopicFilter, TopicName, Version,
};

use super::{
    super::{ConnectionId, Shared, Worker},
    bench::{origin, v5},
};
use crate::{Config, mail::Mail, routing::WorkerId};

const NOW: Time = Time::from_secs(1);
const ROUNDS: u16 = 5_000;

/// A worker with one connected client.
struct Side {
    worker: Worker,
    client: ConnectionId,
    decoder: Decoder,
}

impl Side {
    fn new(id: u16, shared: &Arc<Shared>) -> Self {
        let mut worker = Worker::new(WorkerId(id), shared.clone());
        let client = worker.opened(NOW, origin());
        let mut decoder = Decoder::new(Role::Client, PacketLimits::default());
        decoder.set_version(Version::V5);
        let mut side = Self { worker, client, decoder };
        side.send(&Packet::Connect(Box::new(v5(&format!("client-{id}")))));
        side
    }

    fn send(&mut self, packet: &Packet) {
        let mut bytes = Vec::new();
        packet.encode(Version::V5, &mut bytes).unwrap();
        self.worker.received(NOW, self.client, bytes.into());
    }

    /// The topics of the messages that arrived.
    fn read(&mut self, into: &mut Vec<String>) {
        let mut out = Vec::new();
        let mut dirty = Vec::new();
        while self.worker.has_dirty() {
            self.worker.take_dirty(&mut dirty);
            for id in dirty.drain(..) {
                self.worker.transmit(NOW, id, 0, &mut out);
            }
        }
        let mut bytes = Bytes::from(out);
        while let Some(packet) = self.decoder.decode(&mut bytes).unwrap() {
            if let Packet::Publish(Publish { topic: Some(topic), .. }) = packet {
                into.push(topic.as_str().to_owned());
            }
        }
    }
}

fn publish_all(mut side: Side, start: &Barrier, mail: &Sender<Mail>) {
    for round in 0..ROUNDS {
        let topic = Some(TopicName::new(format!("t/{round}")).unwrap());
        let packet = Packet::Publish(Publish {
            dup: false,
            qos: QoS::AtMostOnce,
            retain: true,
            topic,
            packet_id: None,
            properties: Properties::EMPTY,
            payload: Bytes::from_static(b"x"),
        });
        start.wait();
        side.send(&packet);
        side.worker.outbox(WorkerId(1)).drain(..).for_each(|letter| mail.send(letter).unwrap());
        start.wait();
    }
}

fn subscribe_all(mut side: Side, start: &Barrier, mail: &Receiver<Mail>) -> Vec<String> {
    let mut got = Vec::new();
    for round in 0..ROUNDS {
        let filter = TopicFilter::new(format!("t/{round}")).unwrap();
        let packet = Packet::Subscribe(Subscribe {
            packet_id: PacketId(NonZeroU16::new(round + 1).unwrap()),
            properties: Properties::EMPTY,
            filters: vec![SubscribeFilter { filter, options: SubscriptionOptions::default() }],
        });
        start.wait();
        side.send(&packet);
        start.wait();
        mail.try_iter().for_each(|letter| side.worker.mail(NOW, letter));
        side.read(&mut got);
    }
    got
}

#[test]
fn what_is_retained_while_a_client_subscribes_arrives_once() {
    let shared = Arc::new(Shared::new(&Config { workers: 2, ..Config::default() }));
    let (publisher, subscriber) = (Side::new(0, &shared), Side::new(1, &shared));
    let start = Barrier::new(2);
    let (sender, receiver) = mpsc::channel();
    let got = thread::scope(|scope| {
        scope.spawn(|| publish_all(publisher, &start, &sender));
        subscribe_all(subscriber, &start, &receiver)
    });
    let expected: Vec<String> = (0..ROUNDS).map(|round| format!("t/{round}")).collect();
    assert_eq!(got, expected);
}

//! Several workers, their mail and their clients in one thread. What could happen next happens in an order that a seed
//! decides, so that a race is found by trying seeds and found again by its seed.

mod asked;
mod gauges;
mod operator;
mod packets;

use std::{collections::VecDeque, net::Ipv4Addr, num::NonZeroU16, sync::Arc, time::Duration};

use bytes::Bytes;
use protocol::{
    Connect, Decoder, Disconnect, Packet, PacketId, PacketLimits, Properties, Property, Publish, QoS, ReasonCode, Role,
    Subscribe, SubscribeFilter, SubscriptionOptions, Time, TopicFilter, TopicName, Unsubscribe, Version,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use transport::{Address, Scheme};

pub(crate) use self::packets::{lasting, v5, v311, with_will};
use self::{asked::Asked, packets::acknowledgement};
use super::super::{After, ConnectionId, Shared, Worker};
use crate::{Config, Entrance, Log, Origin, mail::Mail, routing::WorkerId};

/// How much mail waits between two workers before the sender must keep it: small, so that tests see congestion.
const MAILBOX: usize = 3;

pub(super) struct Bench {
    pub(super) shared: Arc<Shared>,
    workers: Vec<Worker>,
    pub(super) now: Time,
    rng: ChaCha8Rng,
    peers: Vec<Peer>,
    /// `[to][from]`
    inboxes: Vec<Vec<VecDeque<Mail>>>,
    asked: Asked,
}

/// Where the clients of the bench come from.
pub(super) fn origin() -> Origin {
    let address = Address::Tcp((Ipv4Addr::LOCALHOST, 1883).into());
    let entrance = Entrance {
        name: address.to_string(),
        url: format!("mqtt://{address}"),
        address,
        anonymous: true,
        certificate_user: false,
    };
    Origin {
        entrance: Arc::new(entrance),
        peer: transport::Peer::new(Some(([192, 0, 2, 1], 50_000).into()), Scheme::Mqtt),
    }
}

/// Names a client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PeerId(usize);

struct Peer {
    worker: usize,
    id: ConnectionId,
    version: Version,
    decoder: Decoder,
    to_send: VecDeque<Bytes>,
    received: VecDeque<Packet>,
    /// Acknowledges by itself.
    polite: bool,
    closed: bool,
    /// Whether the driver would read from it.
    reads: bool,
    /// What its socket holds while it reads nothing.
    unread: Option<Vec<u8>>,
    next_id: u16,
}

/// What can happen next.
enum Step {
    Read(usize),
    Post(usize, usize),
    Mail(usize, usize),
    Transmit(usize, ConnectionId),
    Decide(usize),
    Resume(usize),
}

impl Bench {
    pub(super) fn new(workers: usize) -> Self {
        Self::seeded(0, Config { workers, ..Config::default() })
    }

    /// Without `$SYS` and the digest of the log: a deadline every ten seconds makes a century long.
    pub(super) fn seeded(seed: u64, config: Config) -> Self {
        let log = Log { digest_interval: Duration::ZERO, ..config.log };
        Self::with_status(seed, Config { sys_interval: Duration::ZERO, log, ..config })
    }

    pub(super) fn with_status(seed: u64, config: Config) -> Self {
        let shared = Arc::new(Shared::new(&config));
        let count = config.workers;
        let worker = |index| Worker::new(WorkerId(u16::try_from(index).unwrap()), shared.clone());
        Self {
            workers: (0..count).map(worker).collect(),
            shared,
            now: Time::from_secs(1),
            rng: ChaCha8Rng::seed_from_u64(seed),
            peers: Vec::new(),
            inboxes: (0..count).map(|_| (0..count).map(|_| VecDeque::new()).collect()).collect(),
            asked: Asked::default(),
        }
    }

    /// Opens a connection and puts CONNECT on its way.
    pub(super) fn dial(&mut self, worker: usize, connect: Connect) -> PeerId {
        let peer = self.dial_as(worker, connect.version);
        self.send(peer, &Packet::Connect(Box::new(connect)));
        peer
    }

    /// Opens a connection and says nothing.
    pub(super) fn dial_silently(&mut self, worker: usize) -> PeerId {
        self.dial_as(worker, Version::V5)
    }

    /// Opens a connection, which is to speak `version`, and says nothing.
    pub(super) fn dial_as(&mut self, worker: usize, version: Version) -> PeerId {
        let id = self.workers[worker].opened(self.now, origin());
        let mut decoder = Decoder::new(Role::Client, PacketLimits::default());
        decoder.set_version(version);
        self.peers.push(Peer {
            worker,
            id,
            version,
            decoder,
            to_send: VecDeque::new(),
            received: VecDeque::new(),
            polite: true,
            closed: false,
            reads: true,
            unread: None,
            next_id: 0,
        });
        PeerId(self.peers.len() - 1)
    }

    /// Opens a connection and checks that it is accepted; whether a session was present.
    pub(super) fn connect(&mut self, worker: usize, connect: Connect) -> PeerId {
        self.connect_present(worker, connect).0
    }

    pub(super) fn connect_present(&mut self, worker: usize, connect: Connect) -> (PeerId, bool) {
        let peer = self.dial(worker, connect);
        self.run();
        match self.next(peer) {
            Some(Packet::ConnAck(connack)) if connack.reason == ReasonCode::Success => (peer, connack.session_present),
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// Makes the client acknowledge nothing.
    pub(super) fn silence(&mut self, peer: PeerId) {
        self.peers[peer.0].polite = false;
    }

    /// Puts a packet on its way.
    pub(super) fn send(&mut self, peer: PeerId, packet: &Packet) {
        let peer = &mut self.peers[peer.0];
        let mut bytes = Vec::new();
        packet.encode(peer.version, &mut bytes).unwrap();
        peer.to_send.push_back(bytes.into());
    }

    pub(super) fn send_raw(&mut self, peer: PeerId, bytes: &'static [u8]) {
        self.peers[peer.0].to_send.push_back(Bytes::from_static(bytes));
    }

    fn packet_id(&mut self, peer: PeerId) -> PacketId {
        let next = &mut self.peers[peer.0].next_id;
        *next += 1;
        PacketId(NonZeroU16::new(*next).unwrap())
    }

    /// Subscribes and runs; the reason.
    pub(super) fn subscribe(&mut self, peer: PeerId, filter: &str, qos: QoS) -> ReasonCode {
        self.subscribe_with(peer, filter, SubscriptionOptions { qos, ..SubscriptionOptions::default() }, None)
    }

    pub(super) fn subscribe_with(
        &mut self,
        peer: PeerId,
        filter: &str,
        options: SubscriptionOptions,
        identifier: Option<u32>,
    ) -> ReasonCode {
        self.put_subscribe(peer, filter, options, identifier);
        self.run();
        let at = self.peers[peer.0].received.iter().position(|packet| matches!(packet, Packet::SubAck(_)));
        match self.peers[peer.0].received.remove(at.expect("SUBACK")) {
            Some(Packet::SubAck(suback)) => suback.reasons[0],
            _ => unreachable!(),
        }
    }

    /// Puts a SUBSCRIBE on its way.
    pub(super) fn subscribe_quietly(&mut self, peer: PeerId, filter: &str, qos: QoS) {
        self.put_subscribe(peer, filter, SubscriptionOptions { qos, ..SubscriptionOptions::default() }, None);
    }

    pub(super) fn put_subscribe(
        &mut self,
        peer: PeerId,
        filter: &str,
        options: SubscriptionOptions,
        identifier: Option<u32>,
    ) {
        let filters = vec![SubscribeFilter { filter: TopicFilter::new(filter).unwrap(), options }];
        let properties = identifier.into_iter().map(Property::SubscriptionIdentifier).collect();
        let packet_id = self.packet_id(peer);
        self.send(peer, &Packet::Subscribe(Subscribe { packet_id, properties, filters }));
    }

    pub(super) fn unsubscribe(&mut self, peer: PeerId, filter: &str) -> Vec<ReasonCode> {
        let filters = vec![TopicFilter::new(filter).unwrap()];
        let packet_id = self.packet_id(peer);
        self.send(peer, &Packet::Unsubscribe(Unsubscribe { packet_id, properties: Properties::EMPTY, filters }));
        self.run();
        match self.next(peer) {
            Some(Packet::UnsubAck(unsuback)) => unsuback.reasons,
            other => panic!("no UNSUBACK: {other:?}"),
        }
    }

    /// Puts a PUBLISH on its way.
    pub(super) fn publish(&mut self, peer: PeerId, topic: &str, payload: &str, qos: QoS) {
        self.publish_with(peer, topic, payload, qos, false, Properties::EMPTY);
    }

    pub(super) fn publish_with(
        &mut self,
        peer: PeerId,
        topic: &str,
        payload: &str,
        qos: QoS,
        retain: bool,
        properties: Properties,
    ) {
        let packet_id = (qos > QoS::AtMostOnce).then(|| self.packet_id(peer));
        let topic = Some(TopicName::new(topic).unwrap());
        let payload = Bytes::copy_from_slice(payload.as_bytes());
        self.send(peer, &Packet::Publish(Publish { dup: false, qos, retain, topic, packet_id, properties, payload }));
    }

    pub(super) fn disconnect(&mut self, peer: PeerId, reason: ReasonCode) {
        self.send(peer, &Packet::Disconnect(Disconnect { reason, properties: Properties::EMPTY }));
    }

    /// The client's socket dies without a word; what it had sent and what was on its way to it is lost.
    pub(super) fn drop_socket(&mut self, peer: PeerId) {
        let peer = &mut self.peers[peer.0];
        peer.to_send.clear();
        if !std::mem::replace(&mut peer.closed, true) {
            let (worker, id) = (peer.worker, peer.id);
            self.workers[worker].transport_closed(self.now, id);
        }
    }

    /// Lets go of the last client.
    pub(super) fn forget(&mut self, peer: PeerId) {
        assert_eq!(peer.0 + 1, self.peers.len());
        self.peers.pop();
    }

    /// Does everything there is to do, in an order that the seed decides.
    pub(super) fn run(&mut self) {
        for _ in 0..1_000_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the workers never come to rest");
    }

    /// Does one thing; whether there was one.
    pub(super) fn step(&mut self) -> bool {
        let mut steps = Vec::new();
        for (index, peer) in self.peers.iter().enumerate() {
            // What a client sends at once may all come with one read; one that is stalled sends for long.
            let reads = peer.reads || peer.unread.is_none();
            let reads = reads && !self.workers[peer.worker].is_draining();
            if !peer.to_send.is_empty() && !peer.closed && reads {
                steps.push(Step::Read(index));
            }
        }
        for from in 0..self.workers.len() {
            for to in (0..self.workers.len()).filter(|to| *to != from) {
                let waiting = !self.workers[from].outbox(WorkerId(u16::try_from(to).unwrap())).is_empty();
                if waiting && self.inboxes[to][from].len() < MAILBOX {
                    steps.push(Step::Post(from, to));
                }
                if !self.inboxes[to][from].is_empty() {
                    steps.push(Step::Mail(from, to));
                }
            }
            let posted = (0..self.workers.len())
                .all(|to| self.workers[from].outbox(WorkerId(u16::try_from(to).unwrap())).is_empty());
            if posted && self.workers[from].has_stalled() {
                steps.push(Step::Resume(from));
            }
            let mut dirty = Vec::new();
            self.workers[from].take_dirty(&mut dirty);
            for id in dirty {
                self.workers[from].touch_again(id);
                steps.push(Step::Transmit(from, id));
            }
        }
        self.asked.ask(&mut self.workers);
        steps.extend((0..self.asked.answers.len()).map(Step::Decide));
        if steps.is_empty() {
            return false;
        }
        let chosen = self.rng.random_range(0..steps.len());
        self.perform(steps.swap_remove(chosen));
        true
    }

    fn perform(&mut self, step: Step) {
        match step {
            Step::Read(index) => {
                let peer = &mut self.peers[index];
                let Some(bytes) = peer.to_send.pop_front() else { return };
                peer.reads &= self.workers[peer.worker].received(self.now, peer.id, bytes);
            }
            Step::Post(from, to) => {
                let mail = self.workers[from].outbox(WorkerId(u16::try_from(to).unwrap())).pop_front();
                self.inboxes[to][from].extend(mail);
            }
            Step::Mail(from, to) => {
                let mail = self.inboxes[to][from].pop_front();
                mail.into_iter().for_each(|mail| self.workers[to].mail(self.now, mail));
            }
            Step::Transmit(worker, id) => self.transmit(worker, id),
            Step::Decide(index) => {
                let (worker, question, answer) = self.asked.answers.swap_remove(index);
                self.workers[worker].decided(self.now, question, Some(answer));
            }
            Step::Resume(worker) => self.workers[worker].resume(self.now),
        }
    }

    /// Whether packets of a worker's connections wait for its next turn.
    pub(super) fn has_stalled(&self, worker: usize) -> bool {
        self.workers[worker].has_stalled()
    }

    /// How many questions a driver would still be at.
    pub(super) fn open_questions(&mut self) -> usize {
        self.asked.ask(&mut self.workers);
        self.asked.questions.len()
    }

    fn transmit(&mut self, worker: usize, id: ConnectionId) {
        self.workers[worker].untouch(id);
        let index = self.peers.iter().position(|peer| peer.worker == worker && peer.id == id);
        let unread = index.and_then(|index| self.peers[index].unread.as_ref()).map_or(0, Vec::len);
        let mut out = Vec::new();
        let after = self.workers[worker].transmit(self.now, id, unread, &mut out);
        let Some(index) = index else { return };
        self.peers[index].closed |= after == After::Close;
        self.peers[index].reads = after == After::Open { reads: true };
        match &mut self.peers[index].unread {
            Some(unread) => unread.append(&mut out),
            None => self.read(index, out),
        }
    }

    /// The client takes in what arrived and acknowledges it.
    fn read(&mut self, index: usize, bytes: Vec<u8>) {
        let mut bytes = Bytes::from(bytes);
        let mut acks = Vec::new();
        let peer = &mut self.peers[index];
        while let Some(packet) = peer.decoder.decode(&mut bytes).expect("the broker keeps to the standard") {
            if peer.polite {
                acks.extend(acknowledgement(&packet));
            }
            if !(peer.polite && matches!(packet, Packet::PubRel(_))) {
                peer.received.push_back(packet);
            }
        }
        acks.iter().for_each(|ack| self.send(PeerId(index), ack));
    }

    /// The client stops reading.
    pub(super) fn stall(&mut self, peer: PeerId) {
        self.peers[peer.0].unread = Some(Vec::new());
    }

    /// The client takes `bytes` from its socket and goes on reading nothing.
    pub(super) fn take_some(&mut self, peer: PeerId, bytes: usize) {
        if let Some(unread) = &mut self.peers[peer.0].unread {
            unread.drain(..bytes.min(unread.len()));
        }
        let (worker, id) = (self.peers[peer.0].worker, self.peers[peer.0].id);
        self.workers[worker].touch(id);
        self.run();
    }

    /// The client reads again, and the driver asks again for a connection that was behind.
    pub(super) fn unstall(&mut self, peer: PeerId) {
        let unread = self.peers[peer.0].unread.take().unwrap_or_default();
        self.read(peer.0, unread);
        let (worker, id) = (self.peers[peer.0].worker, self.peers[peer.0].id);
        self.workers[worker].touch(id);
    }

    /// Moves the clock, deadline by deadline.
    pub(super) fn advance(&mut self, by: Duration) {
        let end = self.now.after(by);
        loop {
            let next = self.workers.iter().filter_map(Worker::poll_timeout).min();
            self.now = next.map_or(end, |at| at.max(self.now)).min(end);
            for worker in &mut self.workers {
                worker.handle_timeout(self.now);
            }
            self.run();
            if self.now == end && self.workers.iter().filter_map(Worker::poll_timeout).all(|at| at > end) {
                return;
            }
        }
    }

    /// Every worker stands still for a while and then looks at its deadlines before it reads.
    pub(super) fn freeze(&mut self, by: Duration) {
        self.now = self.now.after(by);
        self.workers.iter_mut().for_each(|worker| worker.handle_timeout(self.now));
    }

    /// The next packet that the client received.
    pub(super) fn next(&mut self, peer: PeerId) -> Option<Packet> {
        self.peers[peer.0].received.pop_front()
    }

    pub(super) fn is_closed(&self, peer: PeerId) -> bool {
        self.peers[peer.0].closed
    }

    /// The PUBLISH packets that the client received so far; other packets are dropped.
    pub(super) fn publishes(&mut self, peer: PeerId) -> Vec<Publish> {
        let received = self.peers[peer.0].received.drain(..);
        received
            .filter_map(|packet| match packet {
                Packet::Publish(publish) => Some(publish),
                _ => None,
            })
            .collect()
    }

    /// The payloads of the messages that the client received so far.
    pub(super) fn payloads(&mut self, peer: PeerId) -> Vec<String> {
        let text = |publish: Publish| String::from_utf8(publish.payload.to_vec()).unwrap();
        self.publishes(peer).into_iter().map(text).collect()
    }
}

//! A broker that misbehaves on purpose: `protocol`'s server machine on loopback, all connections in one task.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use protocol::{
    ConnAck, Delivery, Machine, Message, Properties, QoS, ReasonCode, Time, TopicFilter,
    server::{Answer, Closed, Config, Event, Server},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
    sync::mpsc,
};

/// What becomes of the nth stamped publication, counted from 0.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// Acknowledged and delivered to nobody.
    pub(crate) swallow: Vec<u64>,
    /// Delivered twice.
    pub(crate) double: Vec<u64>,
    /// Delivered, and once more when a subscriber unsubscribes, just before the answer.
    pub(crate) double_late: Vec<u64>,
    /// Delivered after the next publication of the same topic.
    pub(crate) delay: Vec<u64>,
    /// From this publication on the broker does nothing at all for so long.
    pub(crate) freeze: Option<(u64, Duration)>,
    /// From this publication on the broker is gone, with all its connections.
    pub(crate) die: Option<u64>,
    /// These commands, counted from 0, reach nobody.
    pub(crate) mute: Vec<u64>,
    /// From this command on the broker does nothing at all for so long.
    pub(crate) freeze_at_command: Option<(u64, Duration)>,
    /// Every CONNECT is refused for this reason.
    pub(crate) refuse: Option<ReasonCode>,
}

/// What the broker did: the stamps of the publications that it mistreated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deeds {
    pub(crate) swallowed: Vec<Vec<u8>>,
    pub(crate) doubled: Vec<Vec<u8>>,
    pub(crate) delayed: Vec<Vec<u8>>,
    /// The topics of commands that reached nobody, in order.
    pub(crate) muted: Vec<String>,
    pub(crate) retained: HashMap<String, Vec<u8>>,
    /// The Client Identifiers of everybody who connected.
    pub(crate) clients: Vec<String>,
    /// How many connections ended with DISCONNECT.
    pub(crate) farewells: usize,
}

enum Input {
    Accepted(TcpStream),
    Bytes(usize, bytes::Bytes),
    Closed(usize),
}

struct Peer {
    machine: Server,
    writer: OwnedWriteHalf,
    filters: Vec<(TopicFilter, QoS)>,
}

/// Starts the broker on a free port; it ends with the runtime. The deeds come at each change.
pub(crate) async fn start(script: Script) -> (String, tokio::sync::watch::Receiver<Deeds>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("mqtt://{}", listener.local_addr().unwrap());
    let (sender, inputs) = mpsc::unbounded_channel();
    let (told, deeds) = tokio::sync::watch::channel(Deeds::default());
    let accepting = sender.clone();
    let door = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ended = accepting.send(Input::Accepted(stream));
        }
    });
    let broker = Broker {
        script,
        deeds: Deeds::default(),
        peers: HashMap::new(),
        stamped: 0,
        commands: 0,
        held: Vec::new(),
        late: Vec::new(),
        told,
        door,
    };
    tokio::spawn(broker.serve(sender, inputs));
    (address, deeds)
}

struct Broker {
    script: Script,
    deeds: Deeds,
    peers: HashMap<usize, Peer>,
    stamped: u64,
    commands: u64,
    held: Vec<Arc<Message>>,
    /// Copies for who unsubscribes.
    late: Vec<(Arc<Message>, QoS)>,
    told: tokio::sync::watch::Sender<Deeds>,
    door: tokio::task::JoinHandle<()>,
}

impl Broker {
    async fn serve(mut self, sender: mpsc::UnboundedSender<Input>, mut inputs: mpsc::UnboundedReceiver<Input>) {
        let epoch = Instant::now();
        let mut next = 0;
        while let Some(input) = inputs.recv().await {
            let now = Time::ZERO.after(epoch.elapsed());
            match input {
                Input::Accepted(stream) => {
                    stream.set_nodelay(true).unwrap();
                    let (mut reader, writer) = stream.into_split();
                    // Small, so that a freeze holds up what publishers would send, as a full socket does.
                    let config = Config { receive_maximum: 2, ..Config::default() };
                    let machine = Server::new(Arc::new(config), now);
                    self.peers.insert(next, Peer { machine, writer, filters: Vec::new() });
                    let (sender, id) = (sender.clone(), next);
                    next += 1;
                    tokio::spawn(async move {
                        let mut buffer = bytes::BytesMut::with_capacity(1 << 16);
                        while reader.read_buf(&mut buffer).await.is_ok_and(|read| read > 0) {
                            let _ended = sender.send(Input::Bytes(id, buffer.split().freeze()));
                        }
                        let _ended = sender.send(Input::Closed(id));
                    });
                }
                Input::Bytes(id, bytes) => {
                    let Some(peer) = self.peers.get_mut(&id) else { continue };
                    peer.machine.receive(now, bytes);
                    self.answer(id, now).await;
                }
                Input::Closed(id) => {
                    self.peers.remove(&id);
                }
            }
            for peer in self.peers.values_mut() {
                let mut out = Vec::new();
                peer.machine.poll_transmit(&mut out);
                let _gone = peer.writer.write_all(&out).await;
                if peer.machine.is_closed() {
                    let _gone = peer.writer.shutdown().await;
                }
            }
            self.told.send_replace(self.deeds.clone());
            if self.script.die.is_some_and(|at| self.stamped > at) {
                self.door.abort();
                return;
            }
        }
    }

    async fn answer(&mut self, id: usize, now: Time) {
        loop {
            let Some(peer) = self.peers.get_mut(&id) else { return };
            let Some(event) = peer.machine.poll_event() else { return };
            match event {
                Event::Connect { token, connect, .. } => {
                    self.deeds.clients.push(connect.client_id.to_string());
                    let connack =
                        ConnAck { session_present: false, reason: ReasonCode::Success, properties: Properties::EMPTY };
                    let answer = match self.script.refuse {
                        None => Answer::Accept { connack: Box::new(connack), session: Box::default() },
                        Some(reason) => Answer::Refuse { reason, properties: Properties::EMPTY },
                    };
                    peer.machine.answer(now, token, answer);
                }
                Event::Closed(Closed::Client(_)) => self.deeds.farewells += 1,
                Event::Subscribe { token, subscribe } => {
                    let reasons = subscribe.filters.iter().map(|one| match one.options.qos {
                        QoS::AtMostOnce => ReasonCode::Success,
                        QoS::AtLeastOnce => ReasonCode::GrantedQos1,
                        QoS::ExactlyOnce => ReasonCode::GrantedQos2,
                    });
                    peer.machine.answer(now, token, Answer::Subscribe(reasons.collect(), Properties::EMPTY));
                    peer.filters.extend(subscribe.filters.into_iter().map(|one| (one.filter, one.options.qos)));
                }
                Event::Unsubscribe { token, unsubscribe } => {
                    for (message, qos) in std::mem::take(&mut self.late) {
                        self.deliver(&message, qos, now);
                    }
                    let Some(peer) = self.peers.get_mut(&id) else { return };
                    let reasons = vec![ReasonCode::Success; unsubscribe.filters.len()];
                    peer.machine.answer(now, token, Answer::Unsubscribe(reasons, Properties::EMPTY));
                }
                Event::Publish { token, message, qos, retain, .. } => {
                    if let Some(token) = token {
                        peer.machine.answer(now, token, Answer::Publish(ReasonCode::Success, Properties::EMPTY));
                    }
                    self.publish(Arc::new(message), qos, retain, now).await;
                }
                _ => {}
            }
        }
    }

    async fn publish(&mut self, message: Arc<Message>, qos: QoS, retain: bool, now: Time) {
        if retain {
            let topic = message.topic.as_str().to_owned();
            match message.payload.len() {
                0 => self.deeds.retained.remove(&topic),
                _ => self.deeds.retained.insert(topic, message.payload.to_vec()),
            };
        }
        if message.topic.as_str().contains("/commands/") {
            let number = self.commands;
            self.commands += 1;
            if let Some((_, lasts)) = self.script.freeze_at_command.filter(|(at, _)| *at == number) {
                // The script's freeze, not a wait for anything.
                tokio::time::sleep(lasts).await;
            }
            if self.script.mute.contains(&number) {
                self.deeds.muted.push(message.topic.to_string());
                return;
            }
        }
        if loadgen::Stamp::parse(&message.payload).is_none() {
            return self.deliver(&message, qos, now);
        }
        let number = self.stamped;
        self.stamped += 1;
        if let Some((at, lasts)) = self.script.freeze
            && number == at
        {
            // The script's freeze, not a wait for anything.
            tokio::time::sleep(lasts).await;
        }
        let payload = message.payload.to_vec();
        if self.script.swallow.contains(&number) {
            self.deeds.swallowed.push(payload);
        } else if self.script.delay.contains(&number) {
            self.deeds.delayed.push(payload);
            self.held.push(message);
        } else {
            self.deliver(&message, qos, now);
            if self.script.double_late.contains(&number) {
                self.deeds.doubled.push(payload.clone());
                self.late.push((Arc::clone(&message), qos));
            }
            if self.script.double.contains(&number) {
                self.deeds.doubled.push(payload);
                self.deliver(&message, qos, now);
            }
            let (due, held) = std::mem::take(&mut self.held).into_iter().partition(|one| one.topic == message.topic);
            self.held = held;
            let due: Vec<Arc<Message>> = due;
            for late in due {
                self.deliver(&late, qos, now);
            }
        }
    }

    fn deliver(&mut self, message: &Arc<Message>, qos: QoS, now: Time) {
        for peer in self.peers.values_mut() {
            let granted = peer.filters.iter().filter(|(filter, _)| filter.matches(&message.topic)).map(|(_, qos)| *qos);
            if let Some(granted) = granted.max() {
                peer.machine.deliver(now, Delivery::new(Arc::clone(message), qos.min(granted)));
            }
        }
    }
}

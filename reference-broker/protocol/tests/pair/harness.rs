//! The two machines, a wire with latency between them, and an owner for each.

use std::{collections::VecDeque, mem, sync::Arc, time::Duration};

use bytes::Bytes;
use protocol::{
    ConnAck, Connect, Delivery, Fate, Machine, Message, Properties, QoS, ReasonCode, Session, Tag, Time, Token,
    TopicName, Utf8String, Version, client, server,
};

use crate::observer::Observer;

/// One side of the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// A publication that arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) number: u32,
    pub(crate) qos: QoS,
    pub(crate) dup: bool,
    pub(crate) token: Option<Token>,
    /// Which connection it came on.
    pub(crate) connection: u32,
}

/// What the owner of one side knows.
#[derive(Debug, Default)]
pub(crate) struct Owner {
    /// Every arrival, in order.
    pub(crate) arrivals: Vec<Arrival>,
    /// Arrivals that wait for an answer.
    pub(crate) open: Vec<Arrival>,
    /// Numbers that the owner took responsibility for, by answering (or at once, at QoS 0).
    pub(crate) taken: Vec<u32>,
    /// Its own publications that ended.
    pub(crate) ended: Vec<u32>,
}

pub(crate) struct Pair {
    pub(crate) now: Time,
    pub(crate) latency: Duration,
    pub(crate) client: client::Client,
    pub(crate) server: server::Server,
    pub(crate) client_owner: Owner,
    pub(crate) server_owner: Owner,
    pub(crate) client_closed: Option<client::Closed>,
    pub(crate) server_closed: Option<server::Closed>,
    /// Whether the owners answer publications as they come.
    pub(crate) answers_at_once: bool,
    pub(crate) connection: u32,
    pub(crate) session_present: Option<bool>,
    client_config: client::Config,
    server_config: Arc<server::Config>,
    stored: Option<Box<Session>>,
    to_server: VecDeque<(Time, Bytes)>,
    to_client: VecDeque<(Time, Bytes)>,
    from_client: Observer,
    from_server: Observer,
    published: u32,
}

impl Pair {
    /// Both machines, nothing exchanged. `receive_maximum` binds both directions (5.0).
    pub(crate) fn new(version: Version, receive_maximum: u16) -> Self {
        let properties = match version {
            Version::V5 => [protocol::Property::ReceiveMaximum(receive_maximum)].into_iter().collect(),
            Version::V311 => Properties::default(),
        };
        let connect = Connect {
            version,
            clean_start: false,
            keep_alive: 60,
            client_id: Utf8String::new("pair").unwrap(),
            will: None,
            user_name: None,
            password: None,
            properties,
        };
        let client_config = client::Config { maximum_inflight: receive_maximum, ..client::Config::new(connect) };
        let server_config = server::Config {
            // Beyond it decoding pauses in 3.1.1, and an acknowledgement that was not decoded did not arrive.
            receive_maximum: if version == Version::V5 { receive_maximum } else { 1_000 },
            maximum_inflight: receive_maximum,
            ..server::Config::default()
        };
        let server_config = Arc::new(server_config);
        Self {
            now: Time::ZERO,
            latency: Duration::from_millis(10),
            client: client::Client::new(client_config.clone(), Box::default(), Time::ZERO),
            server: server::Server::new(Arc::clone(&server_config), Time::ZERO),
            client_owner: Owner::default(),
            server_owner: Owner::default(),
            client_closed: None,
            server_closed: None,
            answers_at_once: true,
            connection: 0,
            session_present: None,
            client_config,
            server_config,
            stored: None,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            from_client: Observer::new(receive_maximum),
            from_server: Observer::new(receive_maximum),
            published: 0,
        }
    }

    /// A pair after CONNACK.
    pub(crate) fn connected(version: Version, receive_maximum: u16) -> Self {
        let mut pair = Self::new(version, receive_maximum);
        pair.drive();
        assert_eq!(pair.session_present, Some(false));
        pair
    }

    /// Publishes the next number from `side`.
    pub(crate) fn publish(&mut self, side: Side, qos: QoS) -> (u32, Fate) {
        let number = self.published;
        self.published += 1;
        let message = Message {
            topic: TopicName::new("t").unwrap(),
            payload: Bytes::copy_from_slice(&number.to_be_bytes()),
            properties: Properties::default(),
        };
        let delivery = Delivery { tag: Some(Tag(number.into())), ..Delivery::new(Arc::new(message), qos) };
        let fate = match side {
            Side::Client => self.client.publish(self.now, delivery),
            Side::Server => match self.stored.as_mut() {
                Some(session) => {
                    session.push(delivery);
                    Fate::Queued
                }
                None => self.server.deliver(self.now, delivery),
            },
        };
        self.pump();
        (number, fate)
    }

    /// The owner of `side` answers what waits longest but for `index`.
    pub(crate) fn answer(&mut self, side: Side, index: usize) {
        let owner = self.owner(side);
        if owner.open.is_empty() {
            return;
        }
        let index = index % owner.open.len();
        let arrival = owner.open.remove(index);
        owner.taken.push(arrival.number);
        let token = arrival.token.unwrap();
        let (reason, properties) = (ReasonCode::Success, Properties::default());
        match side {
            Side::Client => self.client.answer(self.now, token, client::Answer::Publish(reason, properties)),
            Side::Server => self.server.answer(self.now, token, server::Answer::Publish(reason, properties)),
        }
        self.pump();
    }

    pub(crate) fn owner(&mut self, side: Side) -> &mut Owner {
        match side {
            Side::Client => &mut self.client_owner,
            Side::Server => &mut self.server_owner,
        }
    }

    /// Lets the next bytes arrive; false when none are under way.
    pub(crate) fn step(&mut self) -> bool {
        let next = |wire: &VecDeque<(Time, Bytes)>| wire.front().map_or(u64::MAX, |(at, _)| at.as_nanos());
        let to_server = next(&self.to_server) <= next(&self.to_client);
        let wire = if to_server { &mut self.to_server } else { &mut self.to_client };
        let Some((at, bytes)) = wire.pop_front() else { return false };
        self.now = self.now.max(at);
        if to_server {
            if !self.server.is_closed() {
                self.from_server.acknowledged(&bytes);
            }
            self.server.receive(self.now, bytes);
        } else {
            if !self.client.is_closed() {
                self.from_client.acknowledged(&bytes);
            }
            self.client.receive(self.now, bytes);
        }
        self.pump();
        true
    }

    /// Lets everything arrive that is under way or follows from it.
    pub(crate) fn drive(&mut self) {
        self.pump();
        while self.step() {}
    }

    /// Lets `duration` pass: bytes arrive and timers fire, each at its time.
    pub(crate) fn advance(&mut self, duration: Duration) {
        let end = self.now.after(duration);
        self.pump();
        loop {
            let arrival = self.to_server.front().into_iter().chain(self.to_client.front()).map(|(at, _)| *at).min();
            let timers = [self.client.poll_timeout(), self.server.poll_timeout()];
            let timer = timers.into_iter().flatten().min();
            match (arrival, timer) {
                (Some(arrival), timer) if arrival <= end && timer.is_none_or(|timer| arrival <= timer) => {
                    self.step();
                }
                (_, Some(timer)) if timer <= end => {
                    self.now = self.now.max(timer);
                    self.client.handle_timeout(self.now);
                    self.server.handle_timeout(self.now);
                    self.pump();
                }
                _ => break,
            }
        }
        self.now = end;
    }

    /// Severs the wire: what is under way is lost. `commits` tells whether the owners still answer what is open, so that
    /// it counts as taken, or let it go.
    pub(crate) fn cut(&mut self, commits: bool) {
        self.client.transport_closed(self.now);
        self.server.transport_closed(self.now);
        self.pump();
        for side in [Side::Client, Side::Server] {
            while commits && !self.owner(side).open.is_empty() {
                self.answer(side, 0);
            }
            self.owner(side).open.clear();
        }
        self.to_server.clear();
        self.to_client.clear();
        self.from_client.cut();
        self.from_server.cut();
        if self.stored.is_none() {
            let fresh = server::Server::new(Arc::clone(&self.server_config), self.now);
            self.stored = mem::replace(&mut self.server, fresh).into_session();
        }
    }

    /// Connects anew with the Sessions of both sides.
    pub(crate) fn reconnect(&mut self) {
        self.connection += 1;
        (self.client_closed, self.server_closed, self.session_present) = (None, None, None);
        let placeholder = client::Client::new(self.client_config.clone(), Box::default(), self.now);
        let session = mem::replace(&mut self.client, placeholder).into_session();
        self.client = client::Client::new(self.client_config.clone(), session, self.now);
        self.server = server::Server::new(Arc::clone(&self.server_config), self.now);
        self.pump();
    }

    /// Loses what the server knew.
    pub(crate) fn forget_stored_session(&mut self) {
        self.stored = None;
    }

    fn pump(&mut self) {
        while let Some(event) = self.client.poll_event() {
            self.client_event(event);
        }
        while let Some(event) = self.server.poll_event() {
            self.server_event(event);
        }
        let mut out = Vec::new();
        if self.client.poll_transmit(&mut out) {
            self.from_client.sent(&out);
            self.to_server.push_back((self.now.after(self.latency), Bytes::from(mem::take(&mut out))));
        }
        if self.server.poll_transmit(&mut out) {
            self.from_server.sent(&out);
            self.to_client.push_back((self.now.after(self.latency), Bytes::from(out)));
        }
    }

    fn client_event(&mut self, event: client::Event) {
        match event {
            client::Event::Connected(connack) => self.session_present = Some(connack.session_present),
            client::Event::Message { token, message, qos, dup, .. } => {
                self.arrived(Side::Client, token, &message, qos, dup);
            }
            client::Event::Published { tag, .. } => self.client_owner.ended.push(tag.0 as u32),
            client::Event::Closed(closed) => self.client_closed = Some(closed),
            _ => {}
        }
    }

    fn server_event(&mut self, event: server::Event) {
        match event {
            server::Event::Connect { token, connect } => {
                let kept = self.stored.take().filter(|_| !connect.clean_start);
                let connack = ConnAck {
                    session_present: kept.is_some(),
                    reason: ReasonCode::Success,
                    properties: Properties::default(),
                };
                let session = kept.unwrap_or_default();
                let answer = server::Answer::Accept { connack: Box::new(connack), session };
                self.server.answer(self.now, token, answer);
            }
            server::Event::Publish { token, message, qos, dup, .. } => {
                self.arrived(Side::Server, token, &message, qos, dup);
            }
            server::Event::Delivered { tag, .. } => self.server_owner.ended.push(tag.0 as u32),
            server::Event::Closed(closed) => self.server_closed = Some(closed),
            _ => {}
        }
    }

    fn arrived(&mut self, side: Side, token: Option<Token>, message: &Message, qos: QoS, dup: bool) {
        let number = u32::from_be_bytes(message.payload[..].try_into().unwrap());
        let arrival = Arrival { number, qos, dup, token, connection: self.connection };
        let at_once = self.answers_at_once;
        let owner = self.owner(side);
        owner.arrivals.push(arrival);
        if token.is_none() {
            owner.taken.push(number);
            return;
        }
        owner.open.push(arrival);
        if at_once {
            let last = self.owner(side).open.len() - 1;
            self.answer(side, last);
        }
    }
}

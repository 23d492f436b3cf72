//! The client's side of one connection.
//!
//! ```text
//!   new()            CONNACK Success            disconnect(), DISCONNECT, violation, time-out
//!  ───────▶ Asking ──────────────────▶ Serving ───────────────────────────────────────▶ Closed
//!             │ CONNACK refused, time-out                                                 ▲
//!             └───────────────────────────────────────────────────────────────────────────┘
//! ```

mod commands;
mod config;
mod event;
mod packets;
mod plain;
mod requests;
mod state;

use std::{collections::VecDeque, mem};

use bytes::Bytes;

use self::state::{Asking, State};
pub use self::{
    config::Config,
    event::{Answer, Closed, Event},
    plain::{Arrival, Arrivals, Plain, PlainPublish},
};
use crate::{
    Decoder, Disconnect, Machine, Packet, PacketLimits, Properties, Role, Session, Time, Token, Version, Violation,
    link::{Link, Note, Outbox},
    machine,
};

/// The client's side of one connection.
///
/// What a server can make it hold is bounded as in [`crate::server::Server`]; the bounds are those that its CONNECT
/// announces.
#[derive(Debug)]
pub struct Client {
    /// The latest time that the owner told.
    now: Time,
    decoder: Decoder,
    /// Received and not decoded.
    input: Bytes,
    outbox: Outbox,
    /// How many questions were asked.
    asked: u64,
    /// Outcomes of requests that were never sent.
    unsent: VecDeque<Event>,
    /// Whether the transport ended; what it brought is still heard.
    transport_ended: bool,
    state: State,
}

impl Client {
    /// A connection whose transport was just established; queues CONNECT. `session` is new, or what
    /// [`Client::into_session`] gave back. When the server says that it has no Session, what was in flight is given up
    /// with [`DropCause::SessionLost`](crate::DropCause::SessionLost) (MQTT-3.2.2-5); what waits is sent.
    pub fn new(config: Config, session: Box<Session>, now: Time) -> Self {
        let connect = &config.connect;
        let mut limits = PacketLimits::default();
        if let Some(maximum) = connect.properties.maximum_packet_size() {
            limits.maximum_packet_size = maximum;
        }
        let version = connect.version;
        let mut decoder = Decoder::new(Role::Client, limits);
        decoder.set_version(version);
        let mut outbox = Outbox::new(version);
        let sent = outbox.packet(Packet::Connect(Box::new(connect.clone())));
        let deadline = now.after(config.connack_timeout);
        let state = State::Asking(Box::new(Asking::new(config, session, now, deadline)));
        let mut client = Self {
            now,
            decoder,
            input: Bytes::new(),
            outbox,
            asked: 0,
            unsent: VecDeque::new(),
            transport_ended: false,
            state,
        };
        if let Err(error) = sent {
            client.end(Closed::Unsendable(error));
        }
        client
    }

    /// Sends DISCONNECT and closes: [`Closed::Client`].
    pub fn disconnect(&mut self, now: Time, disconnect: Disconnect) {
        self.now = now;
        if !self.is_closed() {
            // MQTT-3.14.4-1 and MQTT-3.14.4-2, in either order of the two versions: the last packet, then the close.
            // One that cannot be encoded is as good as a close without it.
            let _ = self.outbox.packet(Packet::Disconnect(disconnect));
            self.end(Closed::Client);
        }
    }

    /// The transport ended: [`Machine::poll_event`] reports what was received, without waiting for answers, and then
    /// [`Closed::Transport`], unless the connection was closed already, by a refusal or a DISCONNECT perhaps.
    pub fn transport_closed(&mut self, now: Time) {
        self.now = now;
        self.transport_ended = true;
    }

    /// Whether [`Machine::poll_transmit`] would append anything.
    pub const fn wants_transmit(&self) -> bool {
        self.outbox.len() > 0
    }

    /// How many bytes [`Machine::poll_transmit`] would append.
    pub const fn pending_bytes(&self) -> usize {
        self.outbox.len()
    }

    /// Whether the owner should go on reading: see [`crate::server::Server::wants_read`].
    pub fn wants_read(&self) -> bool {
        match &self.state {
            State::Asking(_) => true,
            State::Serving(serving) => !serving.link.is_congested(),
            State::Closed { .. } => false,
        }
    }

    /// The Session.
    pub fn session(&self) -> &Session {
        match &self.state {
            State::Asking(asking) => &asking.session,
            State::Serving(serving) => &serving.link.session,
            State::Closed { link, .. } => &link.session,
        }
    }

    /// The Session, to drop waiting publications when the owner's bound is reached.
    pub fn session_mut(&mut self) -> &mut Session {
        match &mut self.state {
            State::Asking(asking) => &mut asking.session,
            State::Serving(serving) => &mut serving.link.session,
            State::Closed { link, .. } => &mut link.session,
        }
    }

    /// Ends the machine and gives the Session back for the next connection. QoS 2 messages whose token was not answered
    /// are forgotten: the server sends them again, so the owner must not process them.
    pub fn into_session(self) -> Box<Session> {
        match self.state {
            State::Asking(asking) => asking.session,
            State::Serving(serving) => serving.link.into_session(),
            State::Closed { link, .. } => link.into_session(),
        }
    }

    /// Goes to `Closed`, once.
    fn end(&mut self, closed: Closed) {
        let state = mem::replace(&mut self.state, State::nowhere());
        let link = match state {
            State::Closed { .. } => {
                self.state = state;
                return;
            }
            State::Serving(serving) => serving.link,
            State::Asking(asking) => asking.into_link(),
        };
        self.state = State::Closed { report: Some(closed), link };
        self.input = Bytes::new();
    }

    fn violated(&mut self, violation: Violation) {
        if self.outbox.version == Version::V5 {
            let disconnect = Disconnect { reason: violation.reason_code(), properties: Properties::EMPTY };
            // What the server cannot take it is not told; the close says enough.
            let _ = self.outbox.packet(Packet::Disconnect(disconnect));
        }
        self.end(Closed::Violation(violation));
    }
}

impl Machine for Client {
    type Event = Event;
    type Answer = Answer;

    fn receive(&mut self, now: Time, bytes: Bytes) {
        self.now = now;
        if self.transport_ended || self.is_closed() {
            return;
        }
        machine::append(&mut self.input, bytes);
    }

    fn answer(&mut self, now: Time, token: Token, answer: Answer) {
        self.now = now;
        match answer {
            Answer::Publish(reason, properties) => self.answer_publish(token, reason, properties),
            Answer::Auth(properties) => self.answer_auth(token, properties),
        }
    }

    fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        match &mut self.state {
            State::Asking(asking) if asking.deadline <= now => self.end(Closed::ConnackTimeout),
            State::Serving(serving) => {
                if serving.ping.is_overdue(now) {
                    self.end(Closed::PingTimeout);
                } else if serving.ping.is_due(now) {
                    // MQTT-3.1.2-20 (MQTT-3.1.2-23 in 3.1.1).
                    serving.ping.began(now);
                    let _ = self.outbox.packet(Packet::PingReq);
                }
            }
            State::Asking(_) | State::Closed { .. } => {}
        }
    }

    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        let any = self.outbox.drain_into(out);
        if any {
            match &mut self.state {
                State::Asking(asking) => asking.last_sent = self.now,
                State::Serving(serving) => serving.ping.last_sent = self.now,
                State::Closed { .. } => {}
            }
        }
        any
    }

    fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(note) = self.state.link_mut().and_then(Link::take_note) {
                return Some(match note {
                    Note::Ended(tag, reason) => Event::Published { tag, reason },
                    Note::Dropped(tag, cause) => Event::Dropped { tag, cause },
                });
            }
            if let Some(outcome) = self.unsent.pop_front() {
                return Some(outcome);
            }
            if let State::Closed { report, .. } = &mut self.state {
                return report.take().map(Event::Closed);
            }
            if !self.transport_ended && !self.wants_read() {
                return None;
            }
            match self.decoder.decode(&mut self.input) {
                Ok(None) if self.transport_ended => self.end(Closed::Transport),
                Ok(None) => {
                    // An empty slice would keep the read buffer alive.
                    self.input = Bytes::new();
                    return None;
                }
                Ok(Some(packet)) => match self.packet(packet) {
                    Ok(None) => {}
                    Ok(Some(event)) => return Some(event),
                    Err(violation) => self.violated(violation),
                },
                Err(violation) => self.violated(violation),
            }
        }
    }

    fn poll_timeout(&self) -> Option<Time> {
        match &self.state {
            State::Asking(asking) => Some(asking.deadline),
            State::Serving(serving) => serving.ping.deadline(),
            State::Closed { .. } => None,
        }
    }

    fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }
}

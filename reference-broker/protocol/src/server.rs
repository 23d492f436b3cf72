//! The server's side of one connection.
//!
//! ```text
//!            CONNECT              answer(Accept)            DISCONNECT, violation, time-out, close()
//!  Waiting ───────────▶ Asking ─────────────────▶ Serving ───────────────────────────▶ Closed
//!     │ time-out, not CONNECT │ answer(Refuse)                                            ▲
//!     └───────────────────────┴───────────────────────────────────────────────────────────┘
//! ```

mod answers;
mod config;
mod event;
mod packets;
mod questions;
mod state;

use std::{mem, sync::Arc};

use bytes::Bytes;

use self::state::{State, Turn};
pub use self::{
    config::Config,
    event::{Answer, Closed, Event},
};
use crate::{
    ConnAck, Decoder, Delivery, DeliveryRef, Disconnect, DropCause, Fate, Machine, Packet, PacketLimits, PacketType,
    Properties, QoS, ReasonCode, Role, Session, Time, Token, Traffic, Version, Violation,
    link::{About, Link, Note, Outbox},
    machine,
};

/// The server's side of one connection.
///
/// What a client can make it hold is bounded: one unfinished packet of at most [`Config::maximum_packet_size`], 16 open
/// SUBSCRIBE and UNSUBSCRIBE questions, one AUTH question, [`Config::receive_maximum`] open publications,
/// [`Config::topic_alias_maximum`] topics, 65,535 QoS 2 ids of four bytes, and what the owner hands to
/// [`receive`](Machine::receive) while [`wants_read`](Self::wants_read) is false. What it transmits in answer is never
/// longer than what it received; the owner stops reading from a client that does not read.
#[derive(Debug)]
pub struct Server {
    config: Arc<Config>,
    /// The latest time that the owner told.
    now: Time,
    decoder: Decoder,
    /// Received and not decoded.
    input: Bytes,
    outbox: Outbox,
    /// How many questions were asked.
    asked: u64,
    /// Whether the transport ended; what it brought is still heard.
    transport_ended: bool,
    state: State,
}

impl Server {
    /// A connection that was just accepted; CONNECT is due within [`Config::connect_timeout`] of `now`.
    pub fn new(config: Arc<Config>, now: Time) -> Self {
        let limits = PacketLimits {
            maximum_packet_size: config.maximum_packet_size,
            maximum_connect_size: config.maximum_connect_size,
            maximum_properties: config.maximum_properties,
            maximum_filters: config.maximum_filters,
            mqtt_3_1: config.mqtt_3_1,
        };
        let deadline = now.after(config.connect_timeout);
        let mut decoder = Decoder::new(Role::Server, limits);
        // AUTH comes before it is known who sends it.
        decoder.distrust(true);
        Self {
            config,
            now,
            decoder,
            input: Bytes::new(),
            outbox: Outbox::new(Version::V311),
            asked: 0,
            transport_ended: false,
            state: State::Waiting { deadline },
        }
    }

    /// Sends `delivery`, or queues it in the [`Session`] while the flow control of the client is exhausted. QoS 0 is
    /// written at once, whatever backlog the transport has (see [`Server::pending_bytes`]), unless QoS 0 deliveries that
    /// were pushed to the Session while nobody was connected still wait before it.
    ///
    /// After the close, QoS 1 and 2 are queued in the Session that the machine still holds. What finds no Session is
    /// dropped. A delivery with a tag is reported when it ends; at QoS 0 that is at once.
    pub fn deliver(&mut self, now: Time, delivery: Delivery) -> Fate {
        self.deliver_ref(now, delivery.borrowed())
    }

    /// As [`Server::deliver`], for a message that goes to many: clones the `Arc` only when it must be kept.
    pub fn deliver_ref(&mut self, now: Time, delivery: DeliveryRef<'_>) -> Fate {
        self.now = now;
        match &mut self.state {
            State::Serving(serving) => serving.link.deliver(now, &mut self.outbox, &delivery, &|_| false),
            State::Closed { link: Some(link), .. } if delivery.qos > QoS::AtMostOnce => {
                link.session.push(delivery.to_delivery());
                Fate::Queued
            }
            _ => Fate::Dropped(DropCause::NotConnected),
        }
    }

    /// Whether [`Server::deliver`] would write a QoS 1 or 2 delivery at once: the flow control of the client has room and
    /// nothing waits before it. The owner's bound on what waits does not concern such a delivery.
    pub fn sends_at_once(&self) -> bool {
        matches!(&self.state, State::Serving(serving) if serving.link.sends_at_once())
    }

    /// Ends the connection with [`Closed::Server`]. In 5.0 the client is told `reason` by DISCONNECT, or by CONNACK while
    /// its CONNECT is unanswered; in 3.1.1 by the nearest return code of CONNACK, or not at all.
    pub fn close(&mut self, now: Time, reason: ReasonCode, properties: Properties) {
        self.now = now;
        self.tell(reason, properties);
        self.end(Closed::Server(reason));
    }

    /// The transport ended: [`Machine::poll_event`] reports what was received on an accepted connection, a DISCONNECT
    /// perhaps (MQTT-3.14.4-3 in both), without waiting for answers, and then [`Closed::Transport`], unless the connection was
    /// closed already. A CONNECT that was not accepted never will be.
    pub fn transport_closed(&mut self, now: Time) {
        self.now = now;
        match self.state {
            State::Serving(_) => self.transport_ended = true,
            // Neither before it is accepted nor once it is closed.
            _ => self.end(Closed::Transport),
        }
    }

    /// Whether [`Machine::poll_transmit`] would append anything.
    pub const fn wants_transmit(&self) -> bool {
        self.outbox.len() > 0
    }

    /// How many bytes [`Machine::poll_transmit`] would append. Slow-consumer policy is the owner's: it adds its own
    /// transport backlog and drops QoS 0 beyond its limit.
    pub const fn pending_bytes(&self) -> usize {
        self.outbox.len()
    }

    /// Whether the owner should go on reading: false while so many questions wait for answers that the machine has
    /// stopped decoding, and after the close. What was received stays buffered until answers came and
    /// [`Machine::poll_event`] is drained again.
    pub fn wants_read(&self) -> bool {
        match &self.state {
            State::Waiting { .. } => true,
            State::Asking(asking) => asking.is_decoding(),
            State::Serving(serving) => serving.is_decoding(),
            State::Closed { .. } => false,
        }
    }

    /// The Session, from [`Answer::Accept`] on.
    pub fn session(&self) -> Option<&Session> {
        self.state.link().map(|link| &*link.session)
    }

    /// The Session, to drop waiting deliveries when the owner's bound is reached.
    pub fn session_mut(&mut self) -> Option<&mut Session> {
        self.state.link_mut().map(|link| &mut *link.session)
    }

    /// Ends the machine and gives the Session back, after the close or on takeover. QoS 2 messages whose token was not
    /// answered are forgotten: their sender sends them again, so the owner must not deliver them.
    pub fn into_session(self) -> Option<Box<Session>> {
        self.state.into_session()
    }

    /// What was received and sent since the last call.
    pub fn take_traffic(&mut self) -> Traffic {
        mem::take(&mut self.outbox.traffic)
    }

    /// The client was not listened to until `now`, so its silence does not count (MQTT-3.1.2-22; MQTT-3.1.2-24 in 3.1.1).
    pub fn excuse_silence(&mut self, now: Time) {
        self.now = now;
        if let State::Serving(serving) = &mut self.state {
            serving.keep_alive.last_heard = now;
        }
    }

    /// The version, from CONNECT on.
    pub fn version(&self) -> Option<Version> {
        self.decoder.version()
    }

    /// Whether that is MQTT 3.1, which counts as 3.1.1: it knows no Session Present and no failure in SUBACK.
    pub fn speaks_mqtt_3_1(&self) -> bool {
        self.decoder.speaks_mqtt_3_1()
    }

    /// Tells the client why the connection ends, where its version and the state allow it.
    fn tell(&mut self, reason: ReasonCode, properties: Properties) {
        let version = self.outbox.version;
        let packet = match &self.state {
            // MQTT-3.14.0-1: DISCONNECT only after a successful CONNACK.
            State::Asking(_) => {
                // MQTT-3.2.2-8.
                let reason = if reason.allowed_in(PacketType::ConnAck) { reason } else { ReasonCode::UnspecifiedError };
                // MQTT-3.2.2-6 (MQTT-3.2.2-4 in 3.1.1).
                Packet::ConnAck(Box::new(ConnAck { session_present: false, reason, properties }))
            }
            State::Serving(_) if version == Version::V5 => {
                Packet::Disconnect(Disconnect { reason: disconnect_reason(reason), properties })
            }
            State::Waiting { .. } | State::Serving(_) | State::Closed { .. } => return,
        };
        // What a client cannot take it is not told; the close says enough.
        let _ = self.outbox.packet(packet);
    }

    /// Goes to `Closed`, once.
    fn end(&mut self, closed: Closed) {
        let link = match mem::replace(&mut self.state, State::Closed { report: None, link: None }) {
            State::Closed { report, link } => {
                self.state = State::Closed { report, link };
                return;
            }
            State::Serving(serving) => Some(serving.link),
            State::Waiting { .. } | State::Asking(_) => None,
        };
        self.state = State::Closed { report: Some(closed), link };
        // MQTT-3.1.4-6 (MQTT-3.1.4-5 in 3.1.1), MQTT-4.13.2-1, and nothing that follows a DISCONNECT.
        // MQTT-3.14.4-1, MQTT-3.14.4-2: what is queued goes out, nothing is added, and the owner closes.
        self.input = Bytes::new();
    }

    fn violated(&mut self, violation: Violation) {
        match &self.state {
            State::Waiting { .. } => self.refuse_unread_connect(violation),
            // MQTT-3.1.4-1 in both: no CONNACK in 3.1.1.
            State::Asking(_) if self.outbox.version == Version::V311 => {}
            // MQTT-4.13.1-1; the close that follows is MQTT-4.8.0-1 in 3.1.1.
            _ => self.tell(violation.reason_code(), Properties::EMPTY),
        }
        self.end(Closed::Violation(violation));
    }

    fn next_token(&mut self) -> Token {
        self.asked += 1;
        About::Question.token(self.asked)
    }
}

/// The code of DISCONNECT (MQTT-3.14.2-1) nearest to `reason`, which may be one of CONNACK.
fn disconnect_reason(reason: ReasonCode) -> ReasonCode {
    match reason {
        allowed if allowed.allowed_in(PacketType::Disconnect) => allowed,
        ReasonCode::BadUserNameOrPassword | ReasonCode::Banned => ReasonCode::NotAuthorized,
        ReasonCode::ServerUnavailable => ReasonCode::ServerBusy,
        // A second CONNECT that could not be the first one either.
        _ => ReasonCode::ProtocolError,
    }
}

impl Machine for Server {
    type Event = Event;
    type Answer = Answer;

    fn receive(&mut self, now: Time, bytes: Bytes) {
        self.now = now;
        if self.transport_ended || matches!(self.state, State::Closed { .. }) {
            return;
        }
        machine::append(&mut self.input, bytes);
    }

    fn answer(&mut self, now: Time, token: Token, answer: Answer) {
        self.now = now;
        self.take_answer(token, answer);
    }

    fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        if self.poll_timeout().is_none_or(|deadline| now < deadline) {
            return;
        }
        match &mut self.state {
            State::Waiting { .. } => self.end(Closed::ConnectTimeout),
            State::Asking(_) => {
                self.tell(ReasonCode::UnspecifiedError, Properties::EMPTY);
                self.end(Closed::ConnectTimeout);
            }
            // What the client sent meanwhile waits here, unread: the silence is ours.
            State::Serving(serving) if !serving.is_decoding() && !self.input.is_empty() => {
                serving.keep_alive.last_heard = now;
            }
            State::Serving(_) => {
                self.tell(ReasonCode::KeepAliveTimeout, Properties::EMPTY);
                self.end(Closed::KeepAlive);
            }
            State::Closed { .. } => {}
        }
    }

    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        self.outbox.drain_into(out)
    }

    fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(note) = self.state.link_mut().and_then(Link::take_note) {
                return Some(match note {
                    Note::Ended(tag, reason) => Event::Delivered { tag, reason },
                    Note::Dropped(tag, cause) => Event::Dropped { tag, cause },
                });
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
                Ok(Some(packet)) => {
                    self.outbox.traffic.packets_received += 1;
                    match self.packet(packet) {
                        Ok(None) => {}
                        Ok(Some(event)) => return Some(event),
                        Err(violation) => self.violated(violation),
                    }
                }
                Err(violation) => self.violated(violation),
            }
        }
    }

    fn poll_timeout(&self) -> Option<Time> {
        match &self.state {
            State::Waiting { deadline } => Some(*deadline),
            State::Asking(asking) => match asking.turn {
                Turn::Client => Some(asking.deadline),
                Turn::Owner(_) => None,
            },
            State::Serving(serving) => serving.keep_alive.deadline(),
            State::Closed { .. } => None,
        }
    }

    fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }
}

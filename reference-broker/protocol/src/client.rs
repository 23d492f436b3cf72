//! The client's side of one connection.
//!
//! ```text
//!          new()            CONNACK Success            disconnect(), DISCONNECT, violation, time-out
//!  Opening ─────▶ Asking ──────────────────▶ Serving ───────────────────────────────────────▶ Closed
//!                   │ CONNACK refused, time-out                                                 ▲
//!                   └───────────────────────────────────────────────────────────────────────────┘
//! ```

mod config;
mod event;

use bytes::Bytes;

pub use self::{
    config::Config,
    event::{Answer, Closed, Event},
};
use crate::{
    Delivery, DeliveryRef, Disconnect, Fate, Machine, Properties, Session, SubscribeFilter, Tag, Time, Token,
    TopicFilter,
};

/// The client's side of one connection.
#[derive(Debug)]
pub struct Client {
    config: Box<Config>,
}

impl Client {
    /// A connection whose transport was just established; queues CONNECT. `session` is new, or what
    /// [`Client::into_session`] gave back; it is emptied when the server says that it has none (MQTT-3.2.2-4 in 5.0).
    pub fn new(config: Config, session: Box<Session>, now: Time) -> Self {
        todo!()
    }

    /// Sends `delivery`, or queues it in the [`Session`] before CONNACK and while the flow control is exhausted. QoS 0
    /// is queued only before CONNACK. [`Event::Published`] tells the end when it has a tag.
    pub fn publish(&mut self, now: Time, delivery: Delivery) -> Fate {
        todo!()
    }

    /// As [`Client::publish`], for a message that the owner keeps: clones the `Arc` only when it must be kept.
    pub fn publish_ref(&mut self, now: Time, delivery: DeliveryRef<'_>) -> Fate {
        todo!()
    }

    /// Sends SUBSCRIBE, after CONNACK when that is still due. `filters` is not empty (MQTT-3.8.3-2).
    pub fn subscribe(&mut self, now: Time, filters: Vec<SubscribeFilter>, properties: Properties, tag: Tag) {
        todo!()
    }

    /// Sends UNSUBSCRIBE, after CONNACK when that is still due. `filters` is not empty (MQTT-3.10.3-2).
    pub fn unsubscribe(&mut self, now: Time, filters: Vec<TopicFilter>, properties: Properties, tag: Tag) {
        todo!()
    }

    /// Begins a re-authentication (4.12.1); the machine adds the Authentication Method of the CONNECT. Ignored when
    /// the CONNECT had none or one is under way.
    pub fn reauthenticate(&mut self, now: Time, properties: Properties) {
        todo!()
    }

    /// Sends DISCONNECT and closes: [`Closed::Client`].
    pub fn disconnect(&mut self, now: Time, disconnect: Disconnect) {
        todo!()
    }

    /// The transport ended: reports [`Closed::Transport`] unless the connection was closed already.
    pub fn transport_closed(&mut self, now: Time) {
        todo!()
    }

    /// Whether [`Machine::poll_transmit`] would append anything.
    pub fn wants_transmit(&self) -> bool {
        todo!()
    }

    /// How many bytes [`Machine::poll_transmit`] would append.
    pub fn pending_bytes(&self) -> usize {
        todo!()
    }

    /// Whether the owner should go on reading: see [`crate::server::Server::wants_read`].
    pub fn wants_read(&self) -> bool {
        todo!()
    }

    /// The Session.
    pub fn session(&self) -> &Session {
        todo!()
    }

    /// The Session, to drop waiting publications when the owner's bound is reached.
    pub fn session_mut(&mut self) -> &mut Session {
        todo!()
    }

    /// Ends the machine and gives the Session back for the next connection. QoS 2 messages whose token was not answered
    /// are forgotten: the server sends them again, so the owner must not process them.
    pub fn into_session(self) -> Box<Session> {
        todo!()
    }
}

impl Machine for Client {
    type Event = Event;
    type Answer = Answer;

    fn receive(&mut self, now: Time, bytes: Bytes) {
        todo!()
    }

    fn answer(&mut self, now: Time, token: Token, answer: Answer) {
        todo!()
    }

    fn handle_timeout(&mut self, now: Time) {
        todo!()
    }

    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        todo!()
    }

    fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }

    fn poll_timeout(&self) -> Option<Time> {
        todo!()
    }

    fn is_closed(&self) -> bool {
        todo!()
    }
}

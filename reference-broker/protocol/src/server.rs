//! The server's side of one connection.
//!
//! ```text
//!            CONNECT              answer(Accept)            DISCONNECT, violation, time-out, close()
//!  Waiting ───────────▶ Asking ─────────────────▶ Serving ───────────────────────────▶ Closed
//!     │ time-out, not CONNECT │ answer(Refuse)                                            ▲
//!     └───────────────────────┴───────────────────────────────────────────────────────────┘
//! ```

mod config;
mod event;

use std::sync::Arc;

use bytes::Bytes;

pub use self::{
    config::Config,
    event::{Answer, Closed, Event},
};
use crate::{Delivery, DeliveryRef, Fate, Machine, Properties, ReasonCode, Session, Time, Token, Version};

/// The server's side of one connection.
#[derive(Debug)]
pub struct Server {
    config: Arc<Config>,
}

impl Server {
    /// A connection that was just accepted; CONNECT is due within [`Config::connect_timeout`] of `now`.
    pub fn new(config: Arc<Config>, now: Time) -> Self {
        todo!()
    }

    /// Sends `delivery`, or queues it in the [`Session`] while the flow control of the client is exhausted. QoS 0 is
    /// never queued: it is written at once, whatever backlog the transport has (see [`Server::pending_bytes`]).
    ///
    /// Before the CONNECT is accepted and after the close, QoS 1 and 2 are queued when the machine holds a Session, and
    /// everything else is dropped.
    pub fn deliver(&mut self, now: Time, delivery: Delivery) -> Fate {
        todo!()
    }

    /// As [`Server::deliver`], for a message that goes to many: clones the `Arc` only when it must be kept.
    pub fn deliver_ref(&mut self, now: Time, delivery: DeliveryRef<'_>) -> Fate {
        todo!()
    }

    /// Ends the connection: DISCONNECT with `reason` in 5.0 (CONNACK while the CONNECT is unanswered), nothing in 3.1.1,
    /// then [`Closed::Server`].
    pub fn close(&mut self, now: Time, reason: ReasonCode, properties: Properties) {
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

    /// How many bytes [`Machine::poll_transmit`] would append. Slow-consumer policy is the owner's: it adds its own
    /// transport backlog and drops QoS 0 beyond its limit.
    pub fn pending_bytes(&self) -> usize {
        todo!()
    }

    /// Whether the owner should go on reading: false while so many questions wait for answers that the machine has
    /// stopped decoding, and after the close. What was received stays buffered until answers came and
    /// [`Machine::poll_event`] is drained again.
    pub fn wants_read(&self) -> bool {
        todo!()
    }

    /// The Session, from [`Answer::Accept`] on.
    pub fn session(&self) -> Option<&Session> {
        todo!()
    }

    /// The Session, to drop waiting deliveries when the owner's bound is reached.
    pub fn session_mut(&mut self) -> Option<&mut Session> {
        todo!()
    }

    /// Ends the machine and gives the Session back, after the close or on takeover. QoS 2 messages whose token was not
    /// answered are forgotten: their sender sends them again, so the owner must not deliver them.
    pub fn into_session(self) -> Option<Box<Session>> {
        todo!()
    }

    /// The version, from CONNECT on.
    pub fn version(&self) -> Option<Version> {
        todo!()
    }
}

impl Machine for Server {
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

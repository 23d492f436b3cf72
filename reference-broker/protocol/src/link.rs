//! The exchange of publications on one accepted connection: the same for both roles.
//!
//! [`outgoing`] sends within the flow control and keeps what is unacknowledged; [`incoming`] asks the owner and sends
//! acknowledgements in order. What a peer can make a link hold is bounded: at most Receive Maximum open questions (5.0: a
//! violation beyond it; 3.1.1: decoding pauses), 65,535 QoS 2 ids of four bytes, and Topic Alias Maximum topics.

mod acks;
mod aliases;
mod incoming;
mod outbox;
mod outgoing;

use std::num::NonZeroU16;

pub use self::outbox::Traffic;
use self::{
    acks::AckQueue,
    aliases::{Incoming, Outgoing},
};
pub(crate) use self::{incoming::Arrived, outbox::Outbox};
use crate::{DropCause, PacketId, QoS, ReasonCode, Session, Tag, Token, Version, queue::Queue};

/// See the module.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) session: Box<Session>,
    limits: Limits,
    notes: Queue<Note>,

    /// How many QoS 1 and 2 PUBLISH packets may be sent before one is acknowledged (4.9).
    quota: u16,
    /// What the Session had in flight and is not sent again yet, in order.
    resend: Queue<PacketId>,
    outgoing_aliases: Option<Box<Outgoing>>,

    /// How many QoS 1 and 2 PUBLISH packets the peer counts as unacknowledged by us.
    unacknowledged: u16,
    at_least_once: AckQueue,
    exactly_once: AckQueue,
    incoming_aliases: Option<Box<Incoming>>,
}

/// What the two sides agreed on in CONNECT and CONNACK.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) version: Version,
    /// Ours toward the peer, 1 to 65,535.
    pub(crate) receive_maximum: u16,
    /// Ours toward the peer; 0 for none.
    pub(crate) topic_alias_maximum: u16,
    /// Of the topics that aliases stand for, each way.
    pub(crate) topic_alias_bytes: usize,
    /// How many PUBLISH packets we may have in flight, 1 to 65,535.
    pub(crate) send_maximum: u16,
    /// How many aliases we use; 0 for none.
    pub(crate) outgoing_topic_alias_maximum: u16,
    /// The highest QoS that the peer takes.
    pub(crate) maximum_qos: QoS,
    /// Whether the peer takes RETAIN.
    pub(crate) retain_available: bool,
}

impl Limits {
    /// Those of a connection that ended before it was accepted.
    pub(crate) const fn unaccepted(version: Version) -> Self {
        Self {
            version,
            receive_maximum: 1,
            topic_alias_maximum: 0,
            topic_alias_bytes: 0,
            send_maximum: 1,
            outgoing_topic_alias_maximum: 0,
            maximum_qos: QoS::ExactlyOnce,
            retain_available: true,
        }
    }
}

/// What the owner hears of its own deliveries.
#[derive(Debug)]
pub(crate) enum Note {
    /// One ended.
    Ended(Tag, ReasonCode),
    /// One was given up.
    Dropped(Tag, DropCause),
}

impl Link {
    /// Starts with nothing sent; [`resume`](Self::resume) sends what the Session has.
    pub(crate) fn new(mut session: Box<Session>, limits: Limits) -> Self {
        session.in_flight.uncount_all();
        Self {
            session,
            limits,
            notes: Queue::default(),
            quota: limits.send_maximum,
            resend: Queue::default(),
            outgoing_aliases: NonZeroU16::new(limits.outgoing_topic_alias_maximum)
                .map(|maximum| Box::new(Outgoing::new(maximum, limits.topic_alias_bytes))),
            unacknowledged: 0,
            at_least_once: AckQueue::default(),
            exactly_once: AckQueue::default(),
            incoming_aliases: None,
        }
    }

    /// What happened to the owner's deliveries since the last call.
    pub(crate) fn take_note(&mut self) -> Option<Note> {
        self.notes.pop_front()
    }

    /// Whether the owner must answer before more is decoded.
    pub(crate) fn is_congested(&self) -> bool {
        self.at_least_once.len() + self.exactly_once.len() >= usize::from(self.limits.receive_maximum)
            && self.limits.version == Version::V311
    }

    /// Gives the Session back.
    pub(crate) fn into_session(mut self) -> Box<Session> {
        self.session.received.forget_pending();
        self.session
    }

    /// Whether [`take_note`](Self::take_note) has something.
    pub(crate) fn has_notes(&self) -> bool {
        !self.notes.is_empty()
    }

    fn note(&mut self, tag: Option<Tag>, note: impl FnOnce(Tag) -> Note) {
        if let Some(tag) = tag {
            self.notes.edit().push_back(note(tag));
        }
    }
}

/// The two lowest bits of a [`Token`] tell what it is about; the rest is a serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    AtLeastOnce,
    ExactlyOnce,
    /// CONNECT, SUBSCRIBE, UNSUBSCRIBE or AUTH.
    Question,
}

impl About {
    pub(crate) const fn token(self, serial: u64) -> Token {
        Token(serial << 2 | self as u64)
    }

    pub(crate) const fn of(token: Token) -> (Self, u64) {
        let about = match token.0 & 0b11 {
            0 => Self::AtLeastOnce,
            1 => Self::ExactlyOnce,
            _ => Self::Question,
        };
        (about, token.0 >> 2)
    }
}

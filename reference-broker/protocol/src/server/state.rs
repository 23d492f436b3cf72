//! What a connection is, and what belongs to it while it is that.

use super::{Closed, questions::Questions};
use crate::{Session, Time, Token, Utf8String, Version, link::Link};

/// The states of the diagram in [`super`].
#[derive(Debug)]
pub(super) enum State {
    /// Nothing came yet.
    Waiting {
        /// When a whole CONNECT is due.
        deadline: Time,
    },
    /// CONNECT came, CONNACK is due.
    Asking(Box<Asking>),
    /// Accepted.
    Serving(Serving),
    /// Over.
    Closed {
        /// Why, until the owner heard it.
        report: Option<Closed>,
        /// Kept until the owner takes the Session; answers still settle QoS 2 messages.
        link: Option<Link>,
    },
}

/// What CONNECT said that matters after CONNACK.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) facts: Facts,
    pub(super) turn: Turn,
    pub(super) deadline: Time,
}

/// Whose move it is before CONNACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The owner's: it holds this token.
    Owner(Token),
    /// The client's: AUTH is due.
    Client,
}

/// What CONNECT announced.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) version: Version,
    pub(super) keep_alive: u16,
    pub(super) receive_maximum: u16,
    pub(super) topic_alias_maximum: u16,
    pub(super) session_outlives: bool,
    pub(super) wants_response_information: bool,
    pub(super) authentication_method: Option<Box<Utf8String>>,
}

/// An accepted connection.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) link: Link,
    pub(super) questions: Questions,
    pub(super) keep_alive: KeepAlive,
    /// Whether CONNECT asked for a Session that outlives the connection.
    pub(super) session_outlives: bool,
    pub(super) authentication: Option<Box<Authentication>>,
}

/// Re-authentication (4.12.1), for connections that named a method.
#[derive(Debug)]
pub(super) struct Authentication {
    pub(super) method: Utf8String,
    pub(super) progress: Progress,
}

/// How far a re-authentication is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// None is under way.
    Idle,
    /// The owner was asked.
    Asked(Token),
    /// The client was asked for more.
    Challenged,
}

/// One and a half times the Keep Alive, from the last packet on.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeepAlive {
    /// In seconds; 0 turns it off.
    pub(super) seconds: u16,
    pub(super) last_heard: Time,
}

impl KeepAlive {
    /// MQTT-3.1.2-22 (MQTT-3.1.2-24 in 3.1.1).
    pub(super) fn deadline(self) -> Option<Time> {
        let allowed = std::time::Duration::from_millis(u64::from(self.seconds) * 1500);
        (self.seconds > 0).then(|| self.last_heard.after(allowed))
    }
}

impl State {
    pub(super) fn link(&self) -> Option<&Link> {
        match self {
            Self::Serving(serving) => Some(&serving.link),
            Self::Closed { link, .. } => link.as_ref(),
            Self::Waiting { .. } | Self::Asking(_) => None,
        }
    }

    pub(super) fn link_mut(&mut self) -> Option<&mut Link> {
        match self {
            Self::Serving(serving) => Some(&mut serving.link),
            Self::Closed { link, .. } => link.as_mut(),
            Self::Waiting { .. } | Self::Asking(_) => None,
        }
    }

    pub(super) fn into_session(self) -> Option<Box<Session>> {
        match self {
            Self::Serving(serving) => Some(serving.link.into_session()),
            Self::Closed { link, .. } => link.map(Link::into_session),
            Self::Waiting { .. } | Self::Asking(_) => None,
        }
    }
}

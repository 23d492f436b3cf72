//! A small language: which packets, and what happens to them.
//!
//! ```
//! use faults::{Rules, client, client_closes, keep_open, server};
//! use wire::{Connack, Disconnect, Kind, Publish, Suback};
//!
//! // "PUBACK with a wrong Packet Identifier"
//! let rules: Rules = server(Kind::Puback).replace(|draft| draft.replace("packet_identifier", [0xff, 0xff])).into();
//! // "RETAIN set on live messages"
//! let rules: Rules = server(Kind::Publish).edit(|publish: &mut Publish| publish.retain = true).into();
//! // "Session Present always 1"
//! let rules: Rules = server(Kind::Connack).edit(|connack: &mut Connack| connack.session_present = true).into();
//! // "subscriptions are granted and ignored"
//! let rules: Rules =
//!     client(Kind::Subscribe).answer_instead(|seen| Suback::new(seen.id()).reason(0)).into();
//! // "the connection stays open after a second CONNECT"
//! let rules: Rules = client(Kind::Connect).after(1).drop().into();
//! // "a PUBLISH comes before the CONNACK"
//! let rules: Rules = server(Kind::Connack).precede(|_| Publish::to("t")).into();
//! // "takeover does not disconnect the old connection"
//! let rules: Rules = keep_open();
//! // "the Will is published after a DISCONNECT": the broker never hears of it
//! let rules: Rules = client(Kind::Disconnect).drop().into();
//! // "the Will is not published": the broker hears of one
//! let rules: Rules = client_closes().inject_to_server(|_| Disconnect::normal()).into();
//! // "a QoS 0 message is delivered twice"
//! let rules: Rules = server(Kind::Publish).when(|frame| frame.qos() == Some(0)).duplicate().into();
//! // "reserved flags of SUBSCRIBE are not checked": the broker is never told of wrong ones
//! let rules: Rules = client(Kind::Subscribe).bytes(|bytes| bytes[0] = 0x82).into();
//! // "the third PINGREQ is not answered"
//! let rules: Rules = server(Kind::Pingresp).nth(3).drop().into();
//! ```
//!
//! A clause is a *selector* ([`server`], [`client`], and so on), narrowed by *conditions* (`when`, `nth`, `since`, ...), with
//! *effects* (`drop`, `replace`, `duplicate`, ...), all of which happen, in their order. Counting starts at 1 and is per connection
//! unless [`Clause::overall`] says otherwise.

mod condition;
mod effect;
mod part;

use std::{fmt, sync::Arc};

use wire::{Direction, Kind};

use crate::{Actions, Rules};
pub use condition::Sight;
pub use part::Part;

/// What is to happen to which packets. Becomes [`Rules`] with `into()` or [`and`](Self::and).
#[derive(Clone)]
#[must_use = "a clause does nothing until it is among the rules of a proxy"]
pub struct Clause {
    name: String,
    on: On,
    conditions: Vec<Condition>,
    since: Vec<Self>,
    until: Vec<Self>,
    from: u64,
    to: u64,
    /// Identifies the count that all connections share.
    overall: Option<u64>,
    chance: f64,
    effects: Vec<Effect>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    Frame(Direction, Option<Kind>),
    Garbage(Direction),
    Open,
    Close(Direction),
}

type Condition = Arc<dyn Fn(&Sight<'_>) -> bool + Send + Sync>;
type Effect = Arc<dyn Fn(&Sight<'_>, &mut Actions<'_>) + Send + Sync>;

/// Packets of this type that the server sends.
pub fn server(kind: Kind) -> Clause {
    Clause::on(On::Frame(Direction::FromServer, Some(kind)))
}

/// Packets of this type that the client sends.
pub fn client(kind: Kind) -> Clause {
    Clause::on(On::Frame(Direction::FromClient, Some(kind)))
}

/// All packets that the server sends, also those of type 0.
pub fn from_server() -> Clause {
    Clause::on(On::Frame(Direction::FromServer, None))
}

/// All packets that the client sends, also those of type 0.
pub fn from_client() -> Clause {
    Clause::on(On::Frame(Direction::FromClient, None))
}

/// What the client sends that is no packet; see [`Seen::Garbage`](crate::Seen::Garbage).
pub fn client_garbage() -> Clause {
    Clause::on(On::Garbage(Direction::FromClient))
}

/// The connection was made: before the first packet.
pub fn opened() -> Clause {
    Clause::on(On::Open)
}

/// The client closes its connection, or breaks it off. `drop` keeps it from the broker.
pub fn client_closes() -> Clause {
    Clause::on(On::Close(Direction::FromClient))
}

/// The server closes its connection, or breaks it off. `drop` keeps it from the client; see also
/// [`swallow_close`](crate::swallow_close).
pub fn server_closes() -> Clause {
    Clause::on(On::Close(Direction::FromServer))
}

impl Clause {
    fn on(on: On) -> Self {
        Self {
            name: String::new(),
            on,
            conditions: Vec::new(),
            since: Vec::new(),
            until: Vec::new(),
            from: 1,
            to: u64::MAX,
            overall: None,
            chance: 1.0,
            effects: Vec::new(),
        }
    }

    /// Its name in the log.
    pub fn called(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// This and those, as rules.
    pub fn and(self, others: impl Into<Rules>) -> Rules {
        Rules::from(self).and(others)
    }
}

impl fmt::Debug for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clause({} {:?}, {} effects)", self.name, self.on, self.effects.len())
    }
}

//! The client's side of one connection.
//!
//! ```text
//!          new()            CONNACK Success            disconnect(), DISCONNECT, violation, time-out
//!  Opening ─────▶ Asking ──────────────────▶ Serving ───────────────────────────────────────▶ Closed
//!                   │ CONNACK refused, time-out                                                 ▲
//!                   └───────────────────────────────────────────────────────────────────────────┘
//! ```

use std::time::Duration;

use crate::{Auth, ConnAck, Connect, Disconnect, Message, Properties, QoS, ReasonCode, Tag, Token, Violation};

/// How this client behaves on one connection.
#[derive(Clone, Debug)]
pub struct Config {
    /// The CONNECT to send. Its properties announce Receive Maximum, Maximum Packet Size and Topic Alias Maximum, which
    /// the machine then enforces on the server.
    pub connect: Connect,
    /// How long CONNACK may take. Default 10 s.
    pub connack_timeout: Duration,
    /// How long PINGRESP may take before the connection counts as dead. Default 10 s.
    pub ping_timeout: Duration,
    /// How many own publications may be in flight at most, whatever the server allows. Default 65,535.
    pub maximum_inflight: u16,
    /// Whether to use Topic Aliases for repeated topics when the server allows them. Default false.
    pub use_topic_aliases: bool,
}

/// What the server did.
#[derive(Debug)]
pub enum Event {
    /// CONNACK accepted the connection.
    Connected(Box<ConnAck>),
    /// CONNACK refused it; the close follows.
    Refused(Box<ConnAck>),
    /// A message. QoS 1 and 2 carry a token: answer with [`Answer::Publish`]. A QoS 2 duplicate is not reported again.
    Message {
        /// To answer; absent at QoS 0.
        token: Option<Token>,
        /// The message, alias resolved; Subscription Identifiers stay in its properties.
        message: Message,
        /// How the server sent it.
        qos: QoS,
        /// RETAIN.
        retain: bool,
        /// DUP.
        dup: bool,
    },
    /// A publication ended: PUBACK or PUBCOMP arrived, or PUBREC refused it. QoS 0 ends when it is written.
    Published {
        /// The owner's name for it.
        tag: Tag,
        /// The server's verdict.
        reason: ReasonCode,
    },
    /// SUBACK arrived.
    Subscribed {
        /// The owner's name for it.
        tag: Tag,
        /// One outcome per filter, in order.
        reasons: Vec<ReasonCode>,
    },
    /// UNSUBACK arrived.
    Unsubscribed {
        /// The owner's name for it.
        tag: Tag,
        /// One outcome per filter, in order; in 3.1.1 Success for each.
        reasons: Vec<ReasonCode>,
    },
    /// An AUTH packet: answer with [`Answer::Auth`].
    Auth {
        /// To answer.
        token: Token,
        /// What it says.
        auth: Auth,
    },
    /// The connection is over; nothing follows.
    Closed(Closed),
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The owner disconnected.
    Client,
    /// The server sent DISCONNECT (5.0).
    Server(Disconnect),
    /// The server refused the CONNECT.
    Refused(ReasonCode),
    /// The server broke the standard.
    Violation(Violation),
    /// No CONNACK in time.
    ConnackTimeout,
    /// No PINGRESP in time.
    PingTimeout,
    /// The transport ended without a DISCONNECT.
    Transport,
}

/// What the owner says to a token.
#[derive(Debug)]
pub enum Answer {
    /// PUBACK or PUBREC with this outcome.
    Publish(ReasonCode, Properties),
    /// AUTH with Continue authentication.
    Auth(Properties),
}

// `Client` (the machine) offers, besides `Machine`:
//
//   fn new(config: Config, session: Session, now: Time) -> Client   queues CONNECT
//   fn publish(&mut self, now, Delivery)                             sends or queues within the flow control; may be
//                                                                    called before CONNACK (queued until then)
//   fn subscribe(&mut self, now, Vec<SubscribeFilter>, Properties, Tag)
//   fn unsubscribe(&mut self, now, Vec<TopicFilter>, Properties, Tag)
//   fn reauthenticate(&mut self, now, Properties)
//   fn disconnect(&mut self, now, Disconnect)
//   fn transport_closed(&mut self, now)                              the socket ended: reports Closed::Transport
//   fn session(&self) -> &Session, fn into_session(self) -> Session
//
// `server::Server` likewise:
//
//   fn new(config: Arc<Config>, now: Time) -> Server
//   fn deliver(&mut self, now, Delivery)                             sends or queues within the flow control
//   fn close(&mut self, now, reason: ReasonCode, Properties)         DISCONNECT (5.0) and close
//   fn transport_closed(&mut self, now)
//   fn session(&self) -> Option<&Session>, fn into_session(self) -> Option<Session>
//   fn version(&self) -> Option<Version>

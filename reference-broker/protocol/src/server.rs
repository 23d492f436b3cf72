//! The server's side of one connection.
//!
//! ```text
//!            CONNECT              answer(Accept)            DISCONNECT, violation, time-out, close()
//!  Waiting ───────────▶ Asking ─────────────────▶ Serving ───────────────────────────▶ Closed
//!     │ time-out, not CONNECT │ answer(Refuse)                                            ▲
//!     └───────────────────────┴───────────────────────────────────────────────────────────┘
//! ```

use std::time::Duration;

use crate::{
    Auth, ConnAck, Connect, Disconnect, Message, Properties, QoS, ReasonCode, Session, Subscribe, Token, Unsubscribe,
    Violation,
};

/// What this server offers and bounds on every connection.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long a peer may take from the first moment to a whole CONNECT. Default 10 s.
    pub connect_timeout: Duration,
    /// The largest packet accepted, in bytes including its fixed header. Default 1 MiB. Announced when below the limit
    /// of the standard (268,435,460).
    pub maximum_packet_size: u32,
    /// How many QoS 1 and 2 publications the client may have in flight, 1 to 65,535. Default 1,024.
    pub receive_maximum: u16,
    /// The highest Topic Alias accepted; 0 accepts none. Default 64.
    pub topic_alias_maximum: u16,
    /// The highest QoS offered. Default 2.
    pub maximum_qos: QoS,
    /// Whether retained messages are offered. Default true.
    pub retain_available: bool,
    /// Whether wildcard subscriptions are offered. Default true.
    pub wildcard_available: bool,
    /// Whether Subscription Identifiers are offered. Default true.
    pub subscription_ids_available: bool,
    /// Whether shared subscriptions are offered. Default true.
    pub shared_available: bool,
    /// A Keep Alive that replaces the client's, in seconds. Default none.
    pub server_keep_alive: Option<u16>,
    /// How many QoS 1 and 2 deliveries may be in flight to a client at most, whatever it announces. Default 1,024.
    pub maximum_inflight: u16,
}

/// What the client asked or did.
#[derive(Debug)]
pub enum Event {
    /// A whole CONNECT. Answer with [`Answer::Accept`], [`Answer::Refuse`] or [`Answer::Challenge`].
    Connect {
        /// To answer.
        token: Token,
        /// What it asks. An empty Client Identifier is for the owner to assign.
        connect: Box<Connect>,
    },
    /// A message. QoS 1 and 2 carry a token: answer with [`Answer::Publish`]. A QoS 2 duplicate is answered by the
    /// machine with the outcome that the first one got and is not reported again.
    Publish {
        /// To answer; absent at QoS 0.
        token: Option<Token>,
        /// The message, alias resolved.
        message: Message,
        /// How the client sent it.
        qos: QoS,
        /// RETAIN.
        retain: bool,
        /// DUP.
        dup: bool,
    },
    /// Answer with [`Answer::Subscribe`], one reason per filter.
    Subscribe {
        /// To answer.
        token: Token,
        /// What it asks.
        subscribe: Subscribe,
    },
    /// Answer with [`Answer::Unsubscribe`], one reason per filter.
    Unsubscribe {
        /// To answer.
        token: Token,
        /// What it asks.
        unsubscribe: Unsubscribe,
    },
    /// An AUTH packet, during connection or re-authentication. Answer with [`Answer::Challenge`],
    /// [`Answer::Accept`] / [`Answer::Refuse`] (during connection) or [`Answer::Authenticated`].
    Auth {
        /// To answer.
        token: Token,
        /// What it says.
        auth: Auth,
    },
    /// A delivery with a tag ended: PUBACK or PUBCOMP arrived, or PUBREC refused it.
    Delivered {
        /// The owner's name for it.
        tag: crate::Tag,
        /// The client's verdict.
        reason: ReasonCode,
    },
    /// The connection is over; nothing follows. Whether the Will is published follows from this (3.1.2.5).
    Closed(Closed),
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The client sent DISCONNECT; it may change the Session Expiry Interval and (0x04) ask for the Will.
    Client(Disconnect),
    /// The client broke the standard.
    Violation(Violation),
    /// Nothing came for one and a half times the Keep Alive (MQTT-3.1.2-22, MQTT-3.1.2-24).
    KeepAlive,
    /// No whole CONNECT came in time.
    ConnectTimeout,
    /// The owner refused the CONNECT.
    Refused(ReasonCode),
    /// The owner closed: takeover, shutdown, administrative action, quota.
    Server(ReasonCode),
    /// The transport ended without a DISCONNECT.
    Transport,
}

/// What the owner says to a token.
#[derive(Debug)]
pub enum Answer {
    /// CONNECT is accepted; resends what `session` has in flight and then what waits.
    Accept {
        /// Sent as given, plus what the machine's [`Config`] demands (limits and availability). `reason` is Success.
        connack: Box<ConnAck>,
        /// The Session, new or resumed.
        session: Box<Session>,
    },
    /// CONNECT is refused: CONNACK with a failure code, then close (MQTT-3.2.2-4, MQTT-3.2.2-7).
    Refuse {
        /// The failure.
        reason: ReasonCode,
        /// Reason String, User Properties, Server Reference.
        properties: Properties,
    },
    /// More of an enhanced authentication is needed: AUTH with Continue authentication.
    Challenge(Properties),
    /// A re-authentication succeeded: AUTH with Success.
    Authenticated(Properties),
    /// PUBACK or PUBREC with this outcome.
    Publish(ReasonCode, Properties),
    /// SUBACK.
    Subscribe(Vec<ReasonCode>, Properties),
    /// UNSUBACK.
    Unsubscribe(Vec<ReasonCode>, Properties),
}

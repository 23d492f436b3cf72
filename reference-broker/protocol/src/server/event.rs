//! What a server's owner hears and says.

use crate::{
    Auth, ConnAck, Connect, Disconnect, DropCause, Message, Properties, QoS, ReasonCode, Session, Subscribe, Tag,
    Token, Unsubscribe, Violation,
};

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
        /// What it asks. In 3.1.1 without the filters that [`Config`](super::Config) does not offer, and those that begin
        /// as a shared subscription and are none: they fail.
        subscribe: Subscribe,
    },
    /// Answer with [`Answer::Unsubscribe`], one reason per filter.
    Unsubscribe {
        /// To answer.
        token: Token,
        /// What it asks.
        unsubscribe: Unsubscribe,
    },
    /// An AUTH packet. Answer with [`Answer::Challenge`], [`Answer::Refuse`], and [`Answer::Accept`] (during connection) or
    /// [`Answer::Authenticated`] (during re-authentication).
    Auth {
        /// To answer.
        token: Token,
        /// What it says.
        auth: Auth,
    },
    /// A delivery with a tag ended: PUBACK or PUBCOMP arrived, or PUBREC refused it.
    Delivered {
        /// The owner's name for it.
        tag: Tag,
        /// The client's verdict.
        reason: ReasonCode,
    },
    /// A delivery with a tag was given up without reaching the client.
    Dropped {
        /// The owner's name for it.
        tag: Tag,
        /// Why.
        cause: DropCause,
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
    /// The owner refused the CONNECT, or the client cannot take the CONNACK that accepts it (Packet too large).
    Refused(ReasonCode),
    /// The owner closed: takeover, shutdown, administrative action, quota, failed re-authentication.
    Server(ReasonCode),
    /// The transport ended without a DISCONNECT.
    Transport,
}

impl Closed {
    /// Whether the Will, if there is one, is published: always, unless the CONNECT was not accepted or the client said
    /// good-bye with Normal disconnection (MQTT-3.1.2-8, MQTT-3.1.2-10; MQTT-3.14.4-3 in both).
    pub fn publishes_will(&self) -> bool {
        match self {
            Self::Client(disconnect) => disconnect.reason != ReasonCode::Success,
            Self::Refused(_) | Self::ConnectTimeout => false,
            Self::Violation(_) | Self::KeepAlive | Self::Server(_) | Self::Transport => true,
        }
    }
}

/// What the owner says to a token.
#[derive(Debug)]
pub enum Answer {
    /// CONNECT is accepted; resends what `session` has in flight and then what waits.
    Accept {
        /// Sent as given, plus what the machine's [`Config`](super::Config) demands (limits and availability). `reason` is Success.
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

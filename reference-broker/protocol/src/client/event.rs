//! What a client's owner hears and says.

use crate::{
    Auth, ConnAck, Disconnect, DropCause, EncodeError, Message, Properties, QoS, ReasonCode, Tag, Token, Violation,
};

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
    /// A publication was given up without reaching the server.
    Dropped {
        /// The owner's name for it.
        tag: Tag,
        /// Why.
        cause: DropCause,
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
    /// A re-authentication that [`Client::reauthenticate`](super::Client::reauthenticate) began succeeded.
    Authenticated(Auth),
    /// The connection is over; nothing follows.
    Closed(Closed),
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The owner disconnected.
    Client,
    /// The CONNECT of the owner cannot be encoded; nothing was sent.
    Unsendable(EncodeError),
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

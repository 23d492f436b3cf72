//! What clients report.

use std::{io, net::IpAddr, time::Duration};

use protocol::{Message, QoS, ReasonCode, Tag, Time, client::Arrivals};
use transport::{TlsFailure, UpgradeError};

/// What happened to one client.
#[derive(Debug)]
pub enum ClientEvent {
    /// CONNACK accepted the connection.
    Connected {
        /// Whether the broker resumed the client's session.
        session_present: bool,
        /// From CONNECT to CONNACK; absent where the engine cannot tell (rumqttc).
        took: Option<Duration>,
    },
    /// CONNACK refused it. The client is offline.
    Refused {
        /// Why; a 3.1.1 return code is mapped to its 5.0 counterpart.
        reason: ReasonCode,
    },
    /// There was no CONNACK. The client is offline.
    ConnectFailed(ConnectFailure),
    /// A message arrived. The engine has acknowledged it (QoS 1 and 2).
    Message {
        /// The message; its payload is a slice of the read buffer (native engine).
        message: Message,
        /// How the broker sent it.
        qos: QoS,
        /// RETAIN.
        retain: bool,
        /// DUP.
        dup: bool,
        /// When its last byte was read from the socket.
        at: Time,
    },
    /// Messages arrived with one read, for a client that asked to hear of them together
    /// ([`ConnectOptions::bunches`](super::ConnectOptions::bunches)). The engine has acknowledged them.
    Arrived {
        /// Each of them, in slices of the read buffer.
        arrivals: Arrivals,
        /// When their last bytes were read from the socket.
        at: Time,
    },
    /// Tagged publications were handed to the socket for the first time: `count` with consecutive tags.
    ///
    /// `at` is read once per flush, right before the system call that writes the bytes, so it includes the engine's own
    /// queueing (flow control, a slow socket) and excludes the kernel's. Precedes `Published` of the same tag.
    Written {
        /// The owner's name for the first of them.
        tag: Tag,
        /// How many, at least 1.
        count: u32,
        /// When.
        at: Time,
    },
    /// Tagged publications ended, `count` with consecutive tags: PUBACK or PUBCOMP arrived, or PUBREC refused them. QoS 0
    /// ends when it is written.
    Published {
        /// The owner's name for the first of them.
        tag: Tag,
        /// How many, at least 1.
        count: u32,
        /// The broker's verdict; 3.1.1 knows only Success.
        reason: ReasonCode,
        /// When the acknowledgement was read; for QoS 0 when the message was written.
        at: Time,
    },
    /// A tagged publication was given up: the broker did not keep the session in which it was in flight, or what was
    /// taken before CONNACK turned out to be more than the broker offers (5.0).
    Dropped {
        /// The owner's name for it.
        tag: Tag,
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
    },
    /// The connection is over. The client is offline.
    ///
    /// Publications that were neither acknowledged nor survive in the session (Clean Start) report nothing more.
    Closed(Closed),
}

impl ClientEvent {
    /// Whether it says no more than that messages were sent, acknowledged or received as they should.
    pub const fn is_traffic(&self) -> bool {
        matches!(self, Self::Written { .. } | Self::Published { .. } | Self::Arrived { .. })
    }

    /// Takes `next` in, when it says the same of the publication that follows; gives it back otherwise.
    pub(super) fn absorb(&mut self, next: Self) -> Option<Self> {
        match (&mut *self, &next) {
            (Self::Written { tag, count, at }, Self::Written { tag: following, count: more, at: then })
                if tag.0 + u64::from(*count) == following.0 && at == then =>
            {
                *count += more;
                None
            }
            (
                Self::Published { tag, count, reason, at },
                Self::Published { tag: following, count: more, reason: verdict, at: then },
            ) if tag.0 + u64::from(*count) == following.0 && reason == verdict && at == then => {
                *count += more;
                None
            }
            _ => Some(next),
        }
    }
}

/// Why an attempt to connect led to no CONNACK.
#[derive(Debug, thiserror::Error)]
pub enum ConnectFailure {
    /// Resolving the name or connecting failed.
    #[error("cannot connect: {0}")]
    Unreachable(#[source] io::Error),
    /// The address to connect from is not this machine's, or cannot reach the broker.
    #[error("cannot connect from {0}: {1}")]
    Source(IpAddr, #[source] io::Error),
    /// Connections to the broker have every local port of their source address.
    #[error(
        "no local port is left for one more connection to the broker: widen the range (sysctl -w \
         net.ipv4.ip_local_port_range=\"1024 65535\"), or connect from several addresses with --source"
    )]
    NoPort,
    /// TLS did not come about.
    #[error("{0}")]
    Tls(#[source] TlsFailure),
    /// The server does not open a WebSocket on this path.
    #[error("{0}")]
    WebSocket(#[source] UpgradeError),
    /// TLS or WebSocket did not come about, in the words of a library (rumqttc); or nothing says whom to trust.
    #[error("{0}")]
    NotReached(String),
    /// Reaching the broker took longer than [`ConnectOptions::connect_timeout`](super::ConnectOptions::connect_timeout).
    #[error("connecting timed out")]
    ConnectTimeout,
    /// No CONNACK came within [`ConnectOptions::connack_timeout`](super::ConnectOptions::connack_timeout).
    #[error("no CONNACK in time")]
    ConnackTimeout,
    /// The broker ended the connection instead of answering CONNECT, or answered with something else.
    #[error("closed before CONNACK: {0}")]
    Closed(Closed),
    /// The owner called [`ClientEngine::disconnect`](super::ClientEngine::disconnect) or [`ClientEngine::abandon`](super::ClientEngine::abandon) meanwhile.
    #[error("given up")]
    GivenUp,
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// The owner called [`ClientEngine::disconnect`](super::ClientEngine::disconnect).
    #[error("disconnected")]
    Disconnected,
    /// The owner called [`ClientEngine::abandon`](super::ClientEngine::abandon).
    #[error("abandoned")]
    Abandoned,
    /// The broker sent DISCONNECT (5.0).
    #[error("the broker sent DISCONNECT: {0}")]
    Broker(ReasonCode),
    /// The broker broke the standard.
    #[error("the broker broke the standard: {0}")]
    Violation(String),
    /// No PINGRESP came in time.
    #[error("no PINGRESP in time")]
    PingTimeout,
    /// The transport ended without a DISCONNECT: end of stream, reset or an error.
    #[error("the transport ended: {0}")]
    Transport(String),
    /// The CONNECT cannot be encoded: its password or Will payload is longer than 65,535 bytes.
    #[error("the CONNECT cannot be sent: {0}")]
    Unsendable(String),
}

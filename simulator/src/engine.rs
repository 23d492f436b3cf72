//! Many MQTT clients on one thread, behind one trait.
//!
//! ```text
//!             connect()                    CONNACK Success
//!   (absent) ──────────▶ Opening ──────────────────────────▶ Online ──┐ Closed
//!                 ▲         │ ConnectFailed, Refused                  │
//!     reconnect() │         ▼                                         │
//!                 └────── Offline ◀───────────────────────────────────┘
//!                           │ forget()
//!                           ▼
//!                        (absent)
//! ```
//!
//! Every attempt to connect ends in exactly one of [`ClientEvent::Connected`], [`ClientEvent::Refused`] and
//! [`ClientEvent::ConnectFailed`]; every `Connected` is followed by exactly one [`ClientEvent::Closed`]. An engine never
//! reconnects by itself: when to try again is its owner's policy.

mod clock;
mod native;
mod options;
mod roster;
mod rumqttc;

use std::io;

use protocol::{Message, QoS, ReasonCode, SubscribeFilter, Tag, Time, TopicFilter, Will};

pub use self::{
    clock::Clock,
    native::{Native, NativeOptions},
    options::ConnectOptions,
    rumqttc::Rumqttc,
};

/// Names one client of one engine. Stays the same over reconnects and is never given to another client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientKey {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl ClientKey {
    /// A small number, unique among the clients that an engine has at one time: an index for the owner's own table.
    pub const fn slot(self) -> usize {
        self.slot as usize
    }
}

/// A message on its way to the broker.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// What is published.
    pub message: Message,
    /// How it is published.
    pub qos: QoS,
    /// RETAIN.
    pub retain: bool,
    /// The owner's name for it. Only messages with a tag report [`ClientEvent::Written`] and
    /// [`ClientEvent::Published`].
    pub tag: Option<Tag>,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// The client is offline or forgotten; [`Outgoing`] was dropped.
    #[error("the client is offline")]
    Offline,
    /// [`ConnectOptions::queue_limit`] messages wait already, or the broker does not read.
    #[error("too many messages wait to be written")]
    Full,
    /// It is larger than the broker's Maximum Packet Size (5.0).
    #[error("larger than the broker accepts")]
    TooLarge,
    /// The broker announced a lower Maximum QoS, or no retained messages (5.0).
    #[error("qos or retain that the broker does not offer")]
    NotOffered,
}

/// What happened to one client.
#[derive(Debug)]
pub enum ClientEvent {
    /// CONNACK accepted the connection.
    Connected {
        /// Whether the broker resumed the client's session.
        session_present: bool,
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
    /// A tagged publication was handed to the socket for the first time.
    ///
    /// `at` is read once per flush, right before the system call that writes the bytes, so it includes the engine's own
    /// queueing (flow control, a slow socket) and excludes the kernel's. Precedes `Published` of the same tag.
    Written {
        /// The owner's name for it.
        tag: Tag,
        /// When.
        at: Time,
    },
    /// A tagged publication ended: PUBACK or PUBCOMP arrived, or PUBREC refused it. QoS 0 ends when it is written.
    Published {
        /// The owner's name for it.
        tag: Tag,
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

/// Why an attempt to connect led to no CONNACK.
#[derive(Debug, thiserror::Error)]
pub enum ConnectFailure {
    /// Resolving the name or connecting failed.
    #[error("cannot connect: {0}")]
    Unreachable(#[source] io::Error),
    /// Resolving the name and connecting took longer than [`ConnectOptions::connect_timeout`].
    #[error("connecting timed out")]
    ConnectTimeout,
    /// No CONNACK came within [`ConnectOptions::connack_timeout`].
    #[error("no CONNACK in time")]
    ConnackTimeout,
    /// The broker ended the connection instead of answering CONNECT, or answered with something else.
    #[error("closed before CONNACK: {0}")]
    Closed(Closed),
    /// The owner called [`ClientEngine::disconnect`] or [`ClientEngine::abandon`] meanwhile.
    #[error("given up")]
    GivenUp,
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// The owner called [`ClientEngine::disconnect`].
    #[error("disconnected")]
    Disconnected,
    /// The owner called [`ClientEngine::abandon`].
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

/// Many clients, owned by one thread that runs a current-thread tokio runtime.
///
/// Commands only queue work: nothing is written and no event appears before [`turn`](Self::turn). The owner's loop is
///
/// ```text
///   loop { issue commands; engine.turn(next deadline).await; while let Some(event) = engine.poll_event() { ... } }
/// ```
///
/// Commands for a forgotten key are ignored.
pub trait ClientEngine {
    /// The engine's clock, which stamps its events.
    fn clock(&self) -> Clock;

    /// Adds a client and starts to connect it.
    fn connect(&mut self, options: ConnectOptions) -> ClientKey;

    /// Starts to connect an offline client again, with its options, this Will and what is left of its session: with Clean
    /// Start off, publications in flight are sent again when the broker resumes the session. Ignored unless offline.
    fn reconnect(&mut self, client: ClientKey, will: Option<Box<Will>>);

    /// Publishes. Allowed from `connect` on: what comes before CONNACK waits for it.
    ///
    /// # Errors
    ///
    /// The message was not taken and nothing will be reported about it.
    fn publish(&mut self, client: ClientKey, outgoing: Outgoing) -> Result<(), Unsent>;

    /// Subscribes; reports [`ClientEvent::Subscribed`]. Ignored while offline.
    fn subscribe(&mut self, client: ClientKey, filters: Vec<SubscribeFilter>, tag: Tag);

    /// Unsubscribes; reports [`ClientEvent::Unsubscribed`]. Ignored while offline.
    fn unsubscribe(&mut self, client: ClientKey, filters: Vec<TopicFilter>, tag: Tag);

    /// Writes what the broker's flow control lets through and DISCONNECT, then closes: the broker discards the Will. The
    /// client is then offline.
    fn disconnect(&mut self, client: ClientKey);

    /// Closes the transport at once without DISCONNECT: the broker publishes the Will. The client is then offline.
    fn abandon(&mut self, client: ClientKey);

    /// Drops a client and everything known of it; what was open is abandoned. No event of it follows.
    fn forget(&mut self, client: ClientKey);

    /// Whether [`publish`](Self::publish) would take one more message of this client now.
    fn takes(&self, client: ClientKey) -> bool;

    /// How many messages of this client wait to be written or acknowledged.
    fn backlog(&self, client: ClientKey) -> usize;

    /// The next event, in the order in which they happened.
    fn poll_event(&mut self) -> Option<(ClientKey, ClientEvent)>;

    /// Does input and output until there is an event to poll or `until` has come, and at least once. Dropping the
    /// future loses nothing.
    fn turn(&mut self, until: Time) -> impl Future<Output = ()>;
}

/// Which engine runs the clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// [`Native`]: on the `protocol` crate. Fast and strict.
    #[default]
    Native,
    /// [`Rumqttc`]: on the rumqttc library, an independent client. For samples, never an oracle.
    Rumqttc,
}

/// Either engine, chosen at run time.
#[expect(missing_debug_implementations, reason = "engines hold thousands of connections")]
pub enum Engine {
    /// The native engine.
    Native(Box<Native>),
    /// The engine on rumqttc.
    Rumqttc(Box<Rumqttc>),
}

impl Engine {
    /// An engine without clients, for the current-thread tokio runtime (with I/O and time) in which it is made.
    ///
    /// # Errors
    ///
    /// What the operating system says: no file descriptor is left for a timer.
    pub fn new(kind: EngineKind, clock: Clock) -> io::Result<Self> {
        Ok(match kind {
            EngineKind::Native => Self::Native(Box::new(Native::new(NativeOptions::default(), clock)?)),
            EngineKind::Rumqttc => Self::Rumqttc(Box::new(Rumqttc::new(clock)?)),
        })
    }
}

macro_rules! either {
    ($engine:expr, $inner:ident => $body:expr) => {
        match $engine {
            Engine::Native($inner) => $body,
            Engine::Rumqttc($inner) => $body,
        }
    };
}

impl ClientEngine for Engine {
    fn clock(&self) -> Clock {
        either!(self, engine => engine.clock())
    }

    fn connect(&mut self, options: ConnectOptions) -> ClientKey {
        either!(self, engine => engine.connect(options))
    }

    fn reconnect(&mut self, client: ClientKey, will: Option<Box<Will>>) {
        either!(self, engine => engine.reconnect(client, will));
    }

    fn publish(&mut self, client: ClientKey, outgoing: Outgoing) -> Result<(), Unsent> {
        either!(self, engine => engine.publish(client, outgoing))
    }

    fn subscribe(&mut self, client: ClientKey, filters: Vec<SubscribeFilter>, tag: Tag) {
        either!(self, engine => engine.subscribe(client, filters, tag));
    }

    fn unsubscribe(&mut self, client: ClientKey, filters: Vec<TopicFilter>, tag: Tag) {
        either!(self, engine => engine.unsubscribe(client, filters, tag));
    }

    fn disconnect(&mut self, client: ClientKey) {
        either!(self, engine => engine.disconnect(client));
    }

    fn abandon(&mut self, client: ClientKey) {
        either!(self, engine => engine.abandon(client));
    }

    fn forget(&mut self, client: ClientKey) {
        either!(self, engine => engine.forget(client));
    }

    fn takes(&self, client: ClientKey) -> bool {
        either!(self, engine => engine.takes(client))
    }

    fn backlog(&self, client: ClientKey) -> usize {
        either!(self, engine => engine.backlog(client))
    }

    fn poll_event(&mut self) -> Option<(ClientKey, ClientEvent)> {
        either!(self, engine => engine.poll_event())
    }

    async fn turn(&mut self, until: Time) {
        either!(self, engine => engine.turn(until).await);
    }
}

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
mod event;
mod mixed;
mod native;
mod options;
mod roster;
mod rumqttc;

use bytes::Bytes;
use protocol::{Message, Properties, QoS, SubscribeFilter, Tag, Time, TopicFilter, Will, client::PlainPublish};

pub use self::{
    clock::Clock,
    event::{ClientEvent, Closed, ConnectFailure},
    mixed::{Engine, EngineKind},
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

impl From<&PlainPublish<'_>> for Outgoing {
    fn from(plain: &PlainPublish<'_>) -> Self {
        let message = Message {
            topic: plain.topic.clone(),
            payload: Bytes::copy_from_slice(plain.payload),
            properties: Properties::EMPTY,
        };
        Self { message, qos: plain.qos, retain: plain.retain, tag: plain.tag }
    }
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

/// Many clients, owned by one thread that runs a current-thread tokio runtime.
///
/// Commands only queue work: nothing is written and no event appears before [`turn`](Self::turn) or
/// [`flush`](Self::flush). The owner's loop is
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

    /// Publishes what the caller keeps; copied as far as it must be kept here. Otherwise as [`publish`](Self::publish); the tag
    /// counts at every QoS.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    fn publish_plain(&mut self, client: ClientKey, publish: &PlainPublish<'_>) -> Result<(), Unsent> {
        self.publish(client, Outgoing::from(publish))
    }

    /// Publishes `count` messages as [`publish_plain`](Self::publish_plain) does, which differ in nothing but what `renew` makes of the
    /// payload of one for the next, and in their tags, which follow each other. Gives how many were taken: as many as can leave at
    /// once, which may be none; the rest is left to `publish_plain`.
    fn publish_plain_run(
        &mut self,
        client: ClientKey,
        publish: &PlainPublish<'_>,
        count: u32,
        renew: &mut dyn FnMut(&mut [u8]),
    ) -> u32 {
        let _ = (client, publish, count, renew);
        0
    }

    /// Subscribes; reports [`ClientEvent::Subscribed`]. Ignored while offline.
    fn subscribe(&mut self, client: ClientKey, filters: Vec<SubscribeFilter>, tag: Tag);

    /// Unsubscribes; reports [`ClientEvent::Unsubscribed`]. Ignored while offline.
    fn unsubscribe(&mut self, client: ClientKey, filters: Vec<TopicFilter>, tag: Tag);

    /// Writes what the broker's flow control lets through and DISCONNECT, then closes: the broker discards the Will. The
    /// client is then offline.
    fn disconnect(&mut self, client: ClientKey);

    /// Closes the transport at once without DISCONNECT: the broker publishes the Will. The client is then offline.
    fn abandon(&mut self, client: ClientKey);

    /// Stops reading from a client's connection: what the broker sends waits on the way, and TCP slows the broker down. Ends
    /// with the connection. Ignored while offline, and by an engine that cannot (rumqttc).
    fn pause(&mut self, client: ClientKey);

    /// Reads again from the connection of a paused client.
    fn resume(&mut self, client: ClientKey);

    /// Drops a client and everything known of it; what was open is abandoned. No event of it follows.
    fn forget(&mut self, client: ClientKey);

    /// Whether [`publish`](Self::publish) would take one more message of this client now.
    fn takes(&self, client: ClientKey) -> bool;

    /// How many messages of this client wait to be written or acknowledged.
    fn backlog(&self, client: ClientKey) -> usize;

    /// The next event, in the order in which they happened.
    fn poll_event(&mut self) -> Option<(ClientKey, ClientEvent)>;

    /// Writes what commands queued, as far as the sockets take it. What engines cannot do apart they do in a short turn.
    fn flush(&mut self) -> impl Future<Output = ()> {
        self.turn(Time::ZERO)
    }

    /// Does input and output until there is an event to poll or `until` has come, and at least once. Dropping the
    /// future loses nothing.
    fn turn(&mut self, until: Time) -> impl Future<Output = ()>;

    /// As [`turn`](Self::turn), for an owner who need not hear of each message at once: [traffic](ClientEvent::is_traffic) does not end
    /// it before a few hundred events of it wait. Booking many messages together costs less than each when it comes.
    fn linger(&mut self, until: Time) -> impl Future<Output = ()> {
        self.turn(until)
    }
}

//! What goes out of a device and what comes in.

use bytestring::ByteString;
use protocol::QoS;

/// A message that a device publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Where; always a valid Topic Name. Cloning it shares the bytes.
    pub topic: ByteString,
    /// What: one JSON object, without white space at its end; bytes for [`Kind::Plain`].
    pub payload: Vec<u8>,
    /// The delivery guarantee.
    pub qos: QoS,
    /// Whether the broker keeps it.
    pub retain: bool,
    /// Why it is published.
    pub kind: Kind,
}

impl Publication {
    /// Of a plain device, without anything yet.
    pub(crate) const fn plain() -> Self {
        Self { topic: ByteString::new(), payload: Vec::new(), qos: QoS::AtMostOnce, retain: false, kind: Kind::Plain }
    }
}

/// Why a device publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A measurement or an event of its trade.
    Telemetry,
    /// The bytes of a plain device.
    Plain,
    /// A value beyond a threshold.
    Alert,
    /// A status that is kept: birth, will, farewell.
    Status,
    /// A sign of life.
    Heartbeat,
    /// The answer to a configuration or a command.
    Answer,
}

/// A message that reached a device through one of its subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its payload: any bytes.
    pub payload: &'a [u8],
    /// RETAIN was set: the message is older than the subscription. Configuration is state and is applied; a command is
    /// not, and is refused.
    pub retained: bool,
}

/// Where a device is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialogue {
    /// The topic of commands to this device alone.
    pub command: ByteString,
    /// The topic of its answers.
    pub answer: ByteString,
}

/// A filter that a device subscribes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The Topic Filter; always valid.
    pub filter: ByteString,
    /// The greatest QoS it wants.
    pub qos: QoS,
}

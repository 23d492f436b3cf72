//! Delivery state that outlives a connection (4.1): what is in flight, what waits, which QoS 2 ids are known.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::{Message, QoS, Tag, Time};

/// One message on its way to one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message, shared among its receivers.
    pub message: Arc<Message>,
    /// The QoS of this delivery: the lower of publish and subscription QoS on a server.
    pub qos: QoS,
    /// The RETAIN flag as this peer shall see it.
    pub retain: bool,
    /// The Subscription Identifiers of the matching subscriptions (5.0 servers), each 1 to 268,435,455.
    pub subscription_ids: SmallVec<[u32; 2]>,
    /// When the message expires on the owner's clock. Expired messages are dropped unsent; the rest carry what is left
    /// (MQTT-3.3.2-5, MQTT-3.3.2-6).
    pub expires_at: Option<Time>,
    /// The owner's name for this delivery; reported when it is acknowledged. Servers that do not care pass `None`.
    pub tag: Option<Tag>,
}

/// The protocol's share of a Session: packet ids, messages in flight both ways, messages that wait to be sent.
///
/// A machine holds the `Session` while a connection lasts and gives it back afterwards. While nobody is connected the
/// owner pushes to it directly. Bounds (how much may wait) are the owner's policy: it reads [`Session::queued`] and
/// [`Session::queued_bytes`] before it pushes.
#[derive(Debug, Default)]
pub struct Session {
    _fields: (),
}

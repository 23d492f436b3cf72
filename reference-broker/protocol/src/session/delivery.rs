//! One message on its way to one peer.

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

impl Delivery {
    /// `message` at `qos`, without RETAIN, Subscription Identifiers, expiry or tag.
    pub fn new(message: Arc<Message>, qos: QoS) -> Self {
        Self { message, qos, retain: false, subscription_ids: SmallVec::new(), expires_at: None, tag: None }
    }

    /// Whether the message is not to be sent any more.
    pub fn has_expired(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// The same, borrowed.
    pub fn borrowed(&self) -> DeliveryRef<'_> {
        DeliveryRef {
            message: &self.message,
            shared: Some(&self.message),
            qos: self.qos,
            retain: self.retain,
            subscription_ids: &self.subscription_ids,
            expires_at: self.expires_at,
            tag: self.tag,
        }
    }
}

/// A [`Delivery`] whose message is not owned yet: what is written at once and not kept needs no memory of its own.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the fields are those of Delivery")]
pub struct DeliveryRef<'a> {
    pub message: &'a Message,
    /// The same message, if it is shared already: what must be kept is kept by that, and copied otherwise.
    pub shared: Option<&'a Arc<Message>>,
    pub qos: QoS,
    pub retain: bool,
    pub subscription_ids: &'a [u32],
    pub expires_at: Option<Time>,
    pub tag: Option<Tag>,
}

impl DeliveryRef<'_> {
    /// The same, owned.
    pub fn to_delivery(&self) -> Delivery {
        Delivery {
            message: self.shared.map_or_else(|| Arc::new(self.message.detached()), Arc::clone),
            qos: self.qos,
            retain: self.retain,
            subscription_ids: match self.subscription_ids {
                [] => SmallVec::new(),
                ids => SmallVec::from_slice(ids),
            },
            expires_at: self.expires_at,
            tag: self.tag,
        }
    }
}

/// What became of a delivery that was handed to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is written. QoS 1 and 2 stay in flight until the peer acknowledged them.
    Sent,
    /// It waits in the Session.
    Queued,
    /// It was given up. Counted, and reported as an event when it has a tag.
    Dropped(DropCause),
}

/// Why a delivery was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropCause {
    /// Its packet would exceed the Maximum Packet Size of the peer (MQTT-3.1.2-24, MQTT-3.1.2-25, MQTT-3.2.2-15), or
    /// one of its fields exceeds what can be encoded.
    TooLarge,
    /// It expired before it was sent (MQTT-3.3.2-5).
    Expired,
    /// The server does not take its QoS, or RETAIN (MQTT-3.2.2-11, MQTT-3.2.2-14).
    NotOffered,
    /// It was in flight, and the server has lost the Session (MQTT-3.2.2-5). Whether it arrived is unknown.
    SessionLost,
    /// Nobody is connected, and it is QoS 0 or there is no Session to keep it.
    NotConnected,
}

//! Delivery state that outlives a connection (4.1): what is in flight, what waits, which QoS 2 ids are known.

mod delivery;

pub use self::delivery::{Delivery, DeliveryRef, DropCause, Fate};
use crate::{PacketId, ReasonCode, Tag, Time};

/// The protocol's share of a Session: packet ids, messages in flight both ways, messages that wait to be sent.
///
/// A machine holds the `Session` while a connection lasts and gives it back afterwards. While nobody is connected the
/// owner pushes to it directly. Bounds (how much may wait) are the owner's policy: it reads [`Session::queued`] and
/// [`Session::queued_bytes`] before it pushes.
#[derive(Debug, Default)]
pub struct Session {
    _fields: (),
}

/// One outgoing exchange that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFlight<'a> {
    /// PUBLISH was sent; PUBACK or PUBREC is due.
    Published(&'a Delivery),
    /// PUBREC came, PUBREL was sent (or is owed); PUBCOMP is due.
    Released(Option<Tag>),
}

impl Session {
    /// A new, empty Session.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `delivery` behind everything that waits. For a Session that no machine holds.
    pub fn push(&mut self, delivery: Delivery) {
        todo!()
    }

    /// How many deliveries wait to be sent for the first time.
    pub fn queued(&self) -> usize {
        todo!()
    }

    /// The topic and payload bytes of what waits.
    pub fn queued_bytes(&self) -> usize {
        todo!()
    }

    /// Gives up what has waited longest.
    pub fn drop_oldest(&mut self) -> Option<Delivery> {
        todo!()
    }

    /// Gives up what was pushed last.
    pub fn drop_newest(&mut self) -> Option<Delivery> {
        todo!()
    }

    /// Drops what waits and has expired by `now` (MQTT-3.3.2-5); how many. What is in flight stays: its delivery began.
    pub fn purge_expired(&mut self, now: Time) -> usize {
        todo!()
    }

    /// How many outgoing exchanges are unfinished.
    pub fn in_flight(&self) -> usize {
        todo!()
    }

    /// Whether nothing is in flight in either direction and nothing waits.
    pub fn is_empty(&self) -> bool {
        todo!()
    }

    /// What waits, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &Delivery> {
        std::iter::empty()
    }

    /// The unfinished outgoing exchanges, in the order in which their last packet was sent.
    pub fn outgoing(&self) -> impl Iterator<Item = (PacketId, InFlight<'_>)> {
        std::iter::empty()
    }

    /// The ids of received QoS 2 messages whose PUBREL has not come, with the outcome that PUBREC told, ascending.
    pub fn incoming(&self) -> impl Iterator<Item = (PacketId, ReasonCode)> {
        std::iter::empty()
    }
}

//! Delivery state that outlives a connection (4.1): what is in flight, what waits, which QoS 2 ids are known.

mod delivery;
mod inflight;
mod received;
mod weight;

use std::mem;

pub use self::{
    delivery::{Delivery, DeliveryRef, DropCause, Fate},
    weight::Scale,
};
pub(crate) use self::{
    inflight::{InFlightTable, Stage},
    received::{Received, Verdict},
    weight::Weight,
};
use crate::{PacketId, QoS, ReasonCode, Tag, Time, queue::Queue};

/// The protocol's share of a Session: packet ids, messages in flight both ways, messages that wait to be sent.
///
/// A machine holds the `Session` while a connection lasts and gives it back afterwards. While nobody is connected the
/// owner pushes to it directly. It is plain data in four parts, each readable on its own:
///
/// * [`waiting`](Self::waiting): deliveries never sent. How many may wait is the owner's policy: it reads
///   [`queued`](Self::queued) and [`held_bytes`](Self::held_bytes) before it pushes.
/// * [`outgoing`](Self::outgoing): exchanges begun and not finished, at most 65,535 (one per Packet Identifier) and no
///   more than the flow control let out.
/// * [`incoming`](Self::incoming): QoS 2 ids whose PUBREL is due, at most 65,535 of four bytes.
/// * [`last_packet_id`](Self::last_packet_id): where the search for the next unused id goes on.
#[derive(Debug, Default)]
pub struct Session {
    waiting: Queue<Delivery>,
    waiting_weight: Weight,
    waiting_at_qos0: usize,
    /// Nothing that waits expires before this.
    soonest_expiry: Option<Time>,
    pub(crate) in_flight: InFlightTable,
    pub(crate) received: Received,
    dropped: Dropped,
}

/// How many deliveries of a Session were given up, since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// For [`DropCause::TooLarge`].
    pub too_large: u64,
    /// For [`DropCause::Expired`].
    pub expired: u64,
    /// For any other cause.
    pub other: u64,
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

    /// Keeps places for so many outgoing exchanges when the last one ends, instead of giving their memory back: for an owner
    /// whose Sessions are busy again at once. Default 8.
    pub fn keep_room(&mut self, exchanges: u16) {
        self.in_flight.keep_room(exchanges);
    }

    /// Adds `delivery` behind everything that waits. For a Session that no machine holds.
    pub fn push(&mut self, delivery: Delivery) {
        self.waiting_weight.add(&delivery.message);
        self.waiting_at_qos0 += usize::from(delivery.qos == QoS::AtMostOnce);
        self.soonest_expiry = sooner(self.soonest_expiry, delivery.expires_at);
        self.waiting.edit().push_back(delivery);
    }

    /// How many deliveries wait to be sent for the first time.
    pub fn queued(&self) -> usize {
        self.waiting.len()
    }

    /// The bytes of what waits: topics, payloads and properties.
    pub const fn queued_bytes(&self) -> usize {
        self.waiting_weight.bytes()
    }

    /// The bytes of what waits and of what is in flight and may have to be sent again.
    pub const fn held_bytes(&self) -> usize {
        self.waiting_weight.bytes() + self.in_flight.bytes()
    }

    /// Counts what the Session holds on `scale`, and no longer on the one before. Whoever hands the Session to another
    /// thread takes it off first.
    pub fn weigh_on(&mut self, scale: Option<&Scale>) {
        self.waiting_weight.weigh_on(scale);
        self.in_flight.weigh_on(scale);
        self.received.weigh_on(scale);
    }

    /// Before this nothing that waits expires; none when nothing of it ever does.
    pub const fn soonest_expiry(&self) -> Option<Time> {
        self.soonest_expiry
    }

    /// Gives up what has waited longest.
    pub fn drop_oldest(&mut self) -> Option<Delivery> {
        let delivery = self.waiting.pop_front()?;
        Some(self.left(delivery))
    }

    /// Gives up what was pushed last.
    pub fn drop_newest(&mut self) -> Option<Delivery> {
        let delivery = self.waiting.edit().pop_back()?;
        Some(self.left(delivery))
    }

    /// Drops what waits and has expired by `now` (MQTT-3.3.2-5); how many. What is in flight stays: its delivery began
    /// (MQTT-4.3.3-7). Looks at the queue only when something in it may have expired.
    pub fn purge_expired(&mut self, now: Time) -> usize {
        if self.soonest_expiry.is_none_or(|at| at > now) {
            return 0;
        }
        self.soonest_expiry = None;
        let before = self.waiting.len();
        for delivery in mem::take(&mut self.waiting) {
            if delivery.has_expired(now) {
                self.left(delivery);
                self.dropped.expired += 1;
            } else {
                self.soonest_expiry = sooner(self.soonest_expiry, delivery.expires_at);
                self.waiting.edit().push_back(delivery);
            }
        }
        before - self.waiting.len()
    }

    /// Gives up what waits and `keep` does not want; how many that were.
    pub fn retain_waiting(&mut self, mut keep: impl FnMut(&Delivery) -> bool) -> usize {
        let before = self.waiting.len();
        for delivery in mem::take(&mut self.waiting) {
            if keep(&delivery) {
                self.waiting.edit().push_back(delivery);
            } else {
                self.left(delivery);
            }
        }
        before - self.waiting.len()
    }

    /// Gives up what was sent, is not acknowledged and `keep` does not want, so that it is not sent again; how many that
    /// were. Of a QoS 2 message the client may have taken note, so its Packet Identifier is freed by PUBREL and PUBCOMP.
    /// For a Session that no machine holds.
    pub fn retain_published(&mut self, mut keep: impl FnMut(&Delivery) -> bool) -> usize {
        let unwanted = |(packet_id, stage): (PacketId, &Stage)| match stage {
            Stage::Published(delivery) if !keep(delivery) => Some((packet_id, delivery.qos)),
            Stage::Published(_) | Stage::Unkept(_) | Stage::Released(_) => None,
        };
        let unwanted: Vec<_> = self.in_flight.in_order().into_iter().filter_map(unwanted).collect();
        for (packet_id, qos) in &unwanted {
            match qos {
                QoS::ExactlyOnce => self.in_flight.release(*packet_id),
                QoS::AtMostOnce | QoS::AtLeastOnce => drop(self.in_flight.remove(*packet_id)),
            }
        }
        unwanted.len()
    }

    /// How many outgoing exchanges are unfinished.
    pub const fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether nothing is in flight in either direction and nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.len() == 0 && self.received.is_empty()
    }

    /// What waits, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &Delivery> {
        self.waiting.iter()
    }

    /// The unfinished outgoing exchanges, in the order in which their last packet was first sent; without those that nobody can
    /// finish on another connection.
    pub fn outgoing(&self) -> impl Iterator<Item = (PacketId, InFlight<'_>)> {
        self.in_flight.in_order().into_iter().filter_map(|(packet_id, stage)| {
            let stage = match stage {
                Stage::Published(delivery) => InFlight::Published(delivery),
                Stage::Unkept(_) => return None,
                Stage::Released(tag) => InFlight::Released(*tag),
            };
            Some((packet_id, stage))
        })
    }

    /// The ids of received QoS 2 messages whose PUBREL has not come, with the outcome that PUBREC told, ascending.
    pub fn incoming(&self) -> impl Iterator<Item = (PacketId, ReasonCode)> {
        self.received.told()
    }

    /// The Packet Identifier that was given out last.
    pub const fn last_packet_id(&self) -> Option<PacketId> {
        self.in_flight.last_packet_id()
    }

    /// What was given up so far.
    pub const fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// Whether QoS 0 deliveries wait, so that later ones must wait behind them.
    pub(crate) const fn holds_qos0(&self) -> bool {
        self.waiting_at_qos0 > 0
    }

    pub(crate) fn next_waiting(&self) -> Option<&Delivery> {
        self.waiting.front()
    }

    pub(crate) const fn count_drop(&mut self, cause: DropCause) {
        match cause {
            DropCause::TooLarge => self.dropped.too_large += 1,
            DropCause::Expired => self.dropped.expired += 1,
            _ => self.dropped.other += 1,
        }
    }

    /// Forgets what the peer no longer knows; the tags of what was in flight. What waits was never sent and stays.
    pub(crate) fn lose(&mut self) -> Vec<Option<Tag>> {
        self.received.clear();
        self.in_flight.clear_in_order()
    }

    /// Accounts for a delivery that was just taken from the queue.
    fn left(&mut self, delivery: Delivery) -> Delivery {
        self.waiting_weight.remove(&delivery.message);
        self.waiting_at_qos0 -= usize::from(delivery.qos == QoS::AtMostOnce);
        if self.waiting.is_empty() {
            // A Session that once had a backlog is as small as one that never had.
            self.waiting = Queue::default();
        }
        delivery
    }
}

fn sooner(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    [one, other].into_iter().flatten().min()
}

//! The outgoing exchanges of a Session, found by Packet Identifier in one step.

use std::num::NonZeroU16;

use super::{
    Delivery, Scale,
    weight::{Pile, Weight},
};
use crate::{PacketId, QoS, Tag};

/// A table of slots in which the exchange with Packet Identifier `id` stands at `id % slots`.
///
/// An id is given out only when its slot is free, so a lookup is one index and never a search. The table is kept at most
/// half full (until it has a slot for each of the 65,535 ids), which keeps the next free slot close.
#[derive(Debug)]
pub(crate) struct InFlightTable {
    /// A power of two of slots, or none.
    slots: Vec<Option<Slot>>,
    used: u32,
    /// The most that were used since it was last empty.
    peak: u32,
    /// With how many slots it begins when it is used again: what it needed last time.
    expected: u32,
    /// More slots than this are given back when the last exchange ends.
    kept: u16,
    /// Of what may have to be sent again.
    weight: Weight,
    last: Option<PacketId>,
    /// Numbers the packets sent, so that a resumed connection repeats them in the same order.
    next_order: u64,
}

#[derive(Debug)]
struct Slot {
    packet_id: PacketId,
    /// Whether its PUBLISH was sent on this connection and so took from the send quota.
    counted: bool,
    order: u64,
    stage: Stage,
}

/// How far an exchange came.
#[derive(Debug)]
pub(crate) enum Stage {
    /// PUBLISH was sent; PUBACK or PUBREC is due (MQTT-4.3.2-3, MQTT-4.3.3-3; MQTT-4.3.2-1, MQTT-4.3.3-1 in 3.1.1).
    Published(Delivery),
    /// The same at QoS 1, of a message that was not kept, because its Session ends with the connection.
    Unkept(Option<Tag>),
    /// PUBREC came, PUBREL is sent or owed; PUBCOMP is due (MQTT-4.3.3-5).
    Released(Option<Tag>),
}

impl Stage {
    pub(crate) const fn tag(&self) -> Option<Tag> {
        match self {
            Self::Published(delivery) => delivery.tag,
            Self::Unkept(tag) | Self::Released(tag) => *tag,
        }
    }
}

/// Slots that are kept without being asked for.
const KEPT_WHEN_EMPTY: u16 = 16;
/// One for each value of a Packet Identifier, of which 0 stays empty.
const MOST_SLOTS: usize = 1 << 16;

impl Default for InFlightTable {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            used: 0,
            peak: 0,
            expected: 0,
            kept: KEPT_WHEN_EMPTY,
            weight: Weight::of(Pile::InFlight),
            last: None,
            next_order: 0,
        }
    }
}

impl InFlightTable {
    pub(crate) const fn len(&self) -> usize {
        self.used as usize
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.weight.bytes()
    }

    pub(crate) fn weigh_on(&mut self, scale: Option<&Scale>) {
        self.weight.weigh_on(scale);
    }

    /// Keeps places for so many exchanges when the last one ends.
    pub(crate) fn keep_room(&mut self, exchanges: u16) {
        // At most half full: see above.
        self.kept = exchanges.saturating_mul(2).max(KEPT_WHEN_EMPTY).checked_next_power_of_two().unwrap_or(u16::MAX);
    }

    pub(crate) const fn last_packet_id(&self) -> Option<PacketId> {
        self.last
    }

    /// The next id that neither this table nor `taken` holds; none while all 65,535 are in use.
    pub(crate) fn free_packet_id(&mut self, taken: impl Fn(PacketId) -> bool) -> Option<PacketId> {
        if self.len() * 2 >= self.slots.len() && self.slots.len() < MOST_SLOTS {
            self.grow();
        }
        let mut candidate = self.last;
        for _ in 0..usize::from(u16::MAX) {
            let next = following(candidate);
            // MQTT-2.2.1-3, MQTT-2.2.1-4, MQTT-4.3.2-1, MQTT-4.3.3-1; MQTT-2.3.1-2, MQTT-2.3.1-4, MQTT-4.3.2-1,
            // MQTT-4.3.3-1 in 3.1.1.
            if self.slots[self.index(next)].is_none() && !taken(next) {
                self.last = Some(next);
                return Some(next);
            }
            candidate = Some(next);
        }
        None
    }

    /// Begins an exchange whose id came from [`free_packet_id`](Self::free_packet_id).
    pub(crate) fn insert(&mut self, packet_id: PacketId, delivery: Delivery) {
        self.weight.add(&delivery.message);
        self.begin(packet_id, Stage::Published(delivery));
    }

    /// The same for a message that is not kept.
    pub(crate) fn insert_unkept(&mut self, packet_id: PacketId, tag: Option<Tag>) {
        self.begin(packet_id, Stage::Unkept(tag));
    }

    fn begin(&mut self, packet_id: PacketId, stage: Stage) {
        let order = self.stamp();
        let index = self.index(packet_id);
        debug_assert!(self.slots[index].is_none(), "the id came from free_packet_id");
        // MQTT-4.3.2-3, MQTT-4.3.3-3 (MQTT-4.3.2-1, MQTT-4.3.3-1 in 3.1.1): unacknowledged until it is removed or released.
        self.slots[index] = Some(Slot { packet_id, counted: true, order, stage });
        self.used += 1;
        self.peak = self.peak.max(self.used);
    }

    pub(crate) fn stage(&self, packet_id: PacketId) -> Option<&Stage> {
        self.slot(packet_id).map(|slot| &slot.stage)
    }

    /// Ends an exchange, whose id is free again only now (MQTT-2.3.1-3 in 3.1.1); what it was, and whether it gives
    /// back send quota.
    pub(crate) fn remove(&mut self, packet_id: PacketId) -> Option<(Stage, bool)> {
        self.slot(packet_id)?;
        let index = self.index(packet_id);
        let slot = self.slots[index].take()?;
        self.used -= 1;
        if let Stage::Published(delivery) = &slot.stage {
            self.weight.remove(&delivery.message);
        }
        if self.used == 0 && self.slots.len() > usize::from(self.kept) {
            self.slots = Vec::new();
            self.expected = 2 * std::mem::take(&mut self.peak) + 1;
        }
        Some((slot.stage, slot.counted))
    }

    /// Ends the exchange of a QoS 1 publication whose tag `suits`: whether it gives back send quota. `None` when there is no such
    /// exchange, which is all that happened then.
    pub(crate) fn end_published(
        &mut self,
        packet_id: PacketId,
        suits: impl FnOnce(Option<Tag>) -> bool,
    ) -> Option<bool> {
        let Slot { stage, counted, .. } = self.slot(packet_id)?;
        let (tag, is_kept) = match stage {
            Stage::Unkept(tag) => (*tag, false),
            Stage::Published(delivery) if delivery.qos == QoS::AtLeastOnce => (delivery.tag, true),
            Stage::Published(_) | Stage::Released(_) => return None,
        };
        if !suits(tag) {
            return None;
        }
        if is_kept || self.used == 1 {
            return self.remove(packet_id).map(|(_, counted)| counted);
        }
        // By far the most, and nothing of them need be moved.
        let (counted, index) = (*counted, self.index(packet_id));
        self.slots[index] = None;
        self.used -= 1;
        Some(counted)
    }

    /// PUBREC came: the message is forgotten (MQTT-4.3.3-6), its PUBREL takes the next place in the order
    /// (MQTT-4.6.0-4 in both) and is unacknowledged until PUBCOMP (MQTT-4.3.3-5).
    pub(crate) fn release(&mut self, packet_id: PacketId) {
        let order = self.stamp();
        let index = self.index(packet_id);
        if let Some(slot) = &mut self.slots[index]
            && let Stage::Published(delivery) = &slot.stage
        {
            self.weight.remove(&delivery.message);
            slot.stage = Stage::Released(delivery.tag);
            slot.order = order;
        }
    }

    /// Marks whether the PUBLISH of an exchange took from the quota of this connection.
    pub(crate) fn count(&mut self, packet_id: PacketId) {
        let index = self.index(packet_id);
        if let Some(slot) = &mut self.slots[index] {
            slot.counted = true;
        }
    }

    /// A new connection begins: nothing was sent on it yet.
    pub(crate) fn uncount_all(&mut self) {
        for slot in self.slots.iter_mut().flatten() {
            slot.counted = false;
        }
    }

    /// Every exchange in the order in which its last packet was first sent.
    pub(crate) fn in_order(&self) -> Vec<(PacketId, &Stage)> {
        let mut slots: Vec<&Slot> = self.slots.iter().flatten().collect();
        slots.sort_unstable_by_key(|slot| slot.order);
        slots.into_iter().map(|slot| (slot.packet_id, &slot.stage)).collect()
    }

    /// Ends every exchange; their tags, in order.
    pub(crate) fn clear_in_order(&mut self) -> Vec<Option<Tag>> {
        let tags = self.in_order().into_iter().map(|(_, stage)| stage.tag()).collect();
        self.slots = Vec::new();
        self.used = 0;
        self.weight.clear();
        tags
    }

    fn slot(&self, packet_id: PacketId) -> Option<&Slot> {
        if self.slots.is_empty() {
            return None;
        }
        self.slots[self.index(packet_id)].as_ref().filter(|slot| slot.packet_id == packet_id)
    }

    fn index(&self, packet_id: PacketId) -> usize {
        usize::from(packet_id.0.get()) & (self.slots.len() - 1)
    }

    const fn stamp(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.slots);
        let expected = if old.is_empty() { (self.expected as usize).next_power_of_two() } else { old.len() * 2 };
        self.slots.resize_with(expected.clamp(4, MOST_SLOTS), || None);
        for slot in old.into_iter().flatten() {
            let index = self.index(slot.packet_id);
            self.slots[index] = Some(slot);
        }
    }
}

/// The id after `packet_id` in the cycle of 1 to 65,535.
fn following(packet_id: Option<PacketId>) -> PacketId {
    let next = packet_id.map_or(1, |id| id.0.get().wrapping_add(1));
    PacketId(NonZeroU16::new(next).unwrap_or(NonZeroU16::MIN))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use bytes::Bytes;

    use super::*;
    use crate::{Message, Properties, TopicName};

    fn delivery() -> Delivery {
        let topic = TopicName::new("t").unwrap();
        let message = Message { topic, payload: Bytes::new(), properties: Properties::default() };
        Delivery::new(Arc::new(message), QoS::ExactlyOnce)
    }

    fn id(value: u16) -> PacketId {
        PacketId(NonZeroU16::new(value).unwrap())
    }

    #[test]
    fn all_ids_can_be_in_flight_and_no_more() {
        let mut table = InFlightTable::default();
        let mut seen = BTreeSet::new();
        let delivery = delivery();
        while let Some(packet_id) = table.free_packet_id(|_| false) {
            assert!(seen.insert(packet_id));
            table.insert(packet_id, delivery.clone());
        }
        assert_eq!(seen.len(), 65_535);
        table.remove(id(40_000));
        assert_eq!(table.free_packet_id(|_| false), Some(id(40_000)));
    }

    #[test]
    fn room_that_is_kept_is_there_again() {
        for (kept, slots) in [(0, 0), (10, 32), (u16::MAX, 32)] {
            let mut table = InFlightTable::default();
            table.keep_room(kept);
            let ids: Vec<PacketId> = (0..10)
                .map(|_| {
                    let packet_id = table.free_packet_id(|_| false).unwrap();
                    table.insert(packet_id, delivery());
                    packet_id
                })
                .collect();
            assert_eq!(table.slots.len(), 32);
            ids.into_iter().for_each(|packet_id| assert!(table.remove(packet_id).is_some()));
            assert_eq!(table.slots.len(), slots, "{kept} kept");
        }
    }

    #[test]
    fn ids_go_round_past_one_that_is_stuck() {
        // MQTT-2.3.1-2, MQTT-2.3.1-3 in 3.1.1; MQTT-2.2.1-3, MQTT-2.2.1-4 in 5.0.
        let mut table = InFlightTable::default();
        let delivery = delivery();
        let stuck = table.free_packet_id(|_| false).unwrap();
        table.insert(stuck, delivery.clone());
        for _ in 0..200_000 {
            let packet_id = table.free_packet_id(|_| false).unwrap();
            assert_ne!(packet_id, stuck);
            table.insert(packet_id, delivery.clone());
            assert!(table.remove(packet_id).is_some());
        }
        assert!(table.slots.len() <= 4);
    }

    #[test]
    fn a_released_exchange_moves_behind_what_was_sent_meanwhile() {
        let mut table = InFlightTable::default();
        for _ in 0..3 {
            let packet_id = table.free_packet_id(|_| false).unwrap();
            table.insert(packet_id, delivery());
        }
        table.release(id(1));
        let order: Vec<_> = table.in_order().into_iter().map(|(packet_id, _)| packet_id).collect();
        assert_eq!(order, [id(2), id(3), id(1)]);
    }

    #[test]
    fn a_burst_leaves_no_memory_behind() {
        let mut table = InFlightTable::default();
        let ids: Vec<_> = (0..1_000)
            .map(|_| {
                let packet_id = table.free_packet_id(|_| false).unwrap();
                table.insert(packet_id, delivery());
                packet_id
            })
            .collect();
        for packet_id in ids {
            table.remove(packet_id);
        }
        assert_eq!(table.slots.capacity(), 0);
    }
}

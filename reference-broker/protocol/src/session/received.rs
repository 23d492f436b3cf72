//! The QoS 2 messages that were received and not yet released.

use super::{Scale, weight::Ids};
use crate::{PacketId, ReasonCode, queue::Queue};

/// Packet Identifiers whose PUBREL is due, ascending.
///
/// Peers count ids up and release them in the same order, so insertion at the back and removal at the front are the rule
/// and cost one step; any other order costs a binary search and a move of at most half of the four-byte entries.
#[derive(Debug, Default)]
pub(crate) struct Received {
    entries: Queue<(PacketId, Verdict)>,
    ids: Ids,
}

const ENTRY: usize = size_of::<(PacketId, Verdict)>();

/// What the sender knows of the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The owner was asked and has not answered.
    Pending,
    /// PUBREC carried this code, below 0x80.
    Told(ReasonCode),
}

impl Received {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn verdict(&self, packet_id: PacketId) -> Option<Verdict> {
        let index = self.find(packet_id).ok()?;
        Some(self.entries[index].1)
    }

    pub(crate) fn set(&mut self, packet_id: PacketId, verdict: Verdict) {
        match self.find(packet_id) {
            Ok(index) => self.entries.edit()[index].1 = verdict,
            Err(index) => {
                self.entries.edit().insert(index, (packet_id, verdict));
                self.weigh();
            }
        }
    }

    /// Forgets the id; whether it was known.
    pub(crate) fn remove(&mut self, packet_id: PacketId) -> bool {
        let Ok(index) = self.find(packet_id) else { return false };
        if index == 0 {
            self.entries.pop_front();
        } else {
            self.entries.edit().remove(index);
        }
        self.weigh();
        true
    }

    /// Forgets what the owner never answered: its sender sends it again.
    pub(crate) fn forget_pending(&mut self) {
        if !self.is_empty() {
            self.entries.edit().retain(|(_, verdict)| *verdict != Verdict::Pending);
            self.weigh();
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.entries = Queue::default();
        self.weigh();
    }

    pub(crate) fn weigh_on(&mut self, scale: Option<&Scale>) {
        self.ids.weigh_on(scale);
    }

    fn weigh(&mut self) {
        self.ids.set(self.entries.len() * ENTRY);
    }

    pub(crate) fn told(&self) -> impl Iterator<Item = (PacketId, ReasonCode)> {
        self.entries.iter().filter_map(|(packet_id, verdict)| match verdict {
            Verdict::Told(reason) => Some((*packet_id, *reason)),
            Verdict::Pending => None,
        })
    }

    fn find(&self, packet_id: PacketId) -> Result<usize, usize> {
        match self.entries.back() {
            Some((last, _)) if *last < packet_id => Err(self.entries.len()),
            _ => self.entries.binary_search_by_key(&packet_id, |(id, _)| *id),
        }
    }
}

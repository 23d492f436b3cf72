//! Acknowledgements that wait for the owner's answer and leave in the order of the PUBLISH packets.

use crate::{PacketId, Properties, ReasonCode, queue::Queue};

/// One queue per QoS: PUBACKs follow the order of QoS 1 publications, PUBRECs that of QoS 2 (MQTT-4.6.0-2,
/// MQTT-4.6.0-3 in both), and neither waits for the other.
///
/// A publication is known by its serial number, from which its place follows. When answers come at once, the queue holds
/// one entry in memory that it already has.
#[derive(Debug, Default)]
pub(super) struct AckQueue {
    /// The serial number of the front.
    first: u64,
    entries: Queue<(PacketId, Due)>,
}

/// What is known of an acknowledgement.
#[derive(Debug)]
pub(super) enum Due {
    /// The owner has not answered.
    Open,
    /// The owner answered; only older ones hold it up.
    Answered(ReasonCode, Properties),
    /// A repeated QoS 2 PUBLISH: it gets what the first one got (MQTT-4.3.3-10).
    Repeat,
}

impl AckQueue {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn holds(&self, packet_id: PacketId) -> bool {
        self.entries.iter().any(|(id, _)| *id == packet_id)
    }

    /// Adds one behind all others; its serial number.
    pub(super) fn push(&mut self, packet_id: PacketId, due: Due) -> u64 {
        let serial = self.first + self.entries.len() as u64;
        self.entries.edit().push_back((packet_id, due));
        serial
    }

    /// Takes the oldest one out, if it is the one with `serial` and the owner has not answered it yet; its id.
    pub(super) fn take_first(&mut self, serial: u64) -> Option<PacketId> {
        let (packet_id, due) = self.entries.front()?;
        let packet_id = (serial == self.first && matches!(due, Due::Open)).then_some(*packet_id)?;
        self.first += 1;
        self.entries.pop_front();
        Some(packet_id)
    }

    /// Takes the owner's answer; the id, unless the serial number is unknown or answered already.
    pub(super) fn answer(&mut self, serial: u64, reason: ReasonCode, properties: Properties) -> Option<PacketId> {
        let index = usize::try_from(serial.checked_sub(self.first)?).ok()?;
        let (packet_id, due) = self.entries.edit().get_mut(index)?;
        if !matches!(due, Due::Open) {
            return None;
        }
        *due = Due::Answered(reason, properties);
        Some(*packet_id)
    }

    /// Settles every repeat of `packet_id`, whose first copy was refused.
    pub(super) fn refuse_repeats(&mut self, packet_id: PacketId, reason: ReasonCode) {
        for (id, due) in self.entries.edit() {
            if *id == packet_id && matches!(due, Due::Repeat) {
                *due = Due::Answered(reason, Properties::default());
            }
        }
    }

    /// The next acknowledgement that may leave.
    pub(super) fn pop(&mut self) -> Option<(PacketId, Due)> {
        if matches!(self.entries.front()?.1, Due::Open) {
            return None;
        }
        self.first += 1;
        self.entries.pop_front()
    }
}

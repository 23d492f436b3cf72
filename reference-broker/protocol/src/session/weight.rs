//! What the messages of Sessions weigh in memory.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use super::Delivery;
use crate::Message;

/// What the messages of some Sessions take together: see [`Session::weigh_on`](super::Session::weigh_on).
///
/// All those Sessions belong to one thread at a time, so that counting costs no locked instruction; any thread reads.
#[derive(Clone, Debug, Default)]
pub struct Scale(Arc<Line>);

/// Apart from what other threads write.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Line {
    bytes: AtomicUsize,
    waiting: AtomicUsize,
    in_flight: AtomicUsize,
}

/// Which of the two a [`Weight`] weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pile {
    #[default]
    Waiting,
    InFlight,
}

impl Scale {
    /// What keeping one delivery takes beside the bytes of its message.
    pub const PER_DELIVERY: usize = size_of::<Delivery>() + size_of::<Message>();

    /// The bytes: topics, payloads, properties, what keeping each delivery takes, and the ids of QoS 2 messages whose PUBREL
    /// is due. A message that several Sessions share counts for each.
    pub fn bytes(&self) -> usize {
        self.0.bytes.load(Relaxed)
    }

    /// How many deliveries wait to be sent for the first time.
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Relaxed)
    }

    /// How many deliveries are sent and may have to be sent again.
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.load(Relaxed)
    }

    fn add(&self, pile: Pile, bytes: usize, messages: usize) {
        let count = self.count(pile);
        self.0.bytes.store(self.bytes().wrapping_add(bytes), Relaxed);
        count.store(count.load(Relaxed).wrapping_add(messages), Relaxed);
    }

    fn remove(&self, pile: Pile, bytes: usize, messages: usize) {
        let count = self.count(pile);
        self.0.bytes.store(self.bytes().wrapping_sub(bytes), Relaxed);
        count.store(count.load(Relaxed).wrapping_sub(messages), Relaxed);
    }

    fn count(&self, pile: Pile) -> &AtomicUsize {
        match pile {
            Pile::Waiting => &self.0.waiting,
            Pile::InFlight => &self.0.in_flight,
        }
    }
}

/// The bytes of some messages, which may lie on a scale.
#[derive(Debug, Default)]
pub(crate) struct Weight {
    bytes: usize,
    messages: usize,
    pile: Pile,
    scale: Option<Scale>,
}

impl Weight {
    pub(crate) fn of(pile: Pile) -> Self {
        Self { bytes: 0, messages: 0, pile, scale: None }
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn add(&mut self, message: &Message) {
        let bytes = message.weight();
        self.bytes += bytes;
        self.messages += 1;
        if let Some(scale) = &self.scale {
            scale.add(self.pile, bytes + Scale::PER_DELIVERY, 1);
        }
    }

    pub(crate) fn remove(&mut self, message: &Message) {
        let bytes = message.weight();
        self.bytes -= bytes;
        self.messages -= 1;
        if let Some(scale) = &self.scale {
            scale.remove(self.pile, bytes + Scale::PER_DELIVERY, 1);
        }
    }

    /// Takes everything away.
    pub(crate) fn clear(&mut self) {
        if let Some(scale) = &self.scale {
            scale.remove(self.pile, self.total(), self.messages);
        }
        (self.bytes, self.messages) = (0, 0);
    }

    /// Moves everything to `scale`.
    pub(crate) fn weigh_on(&mut self, scale: Option<&Scale>) {
        let total = self.total();
        if let Some(scale) = scale {
            scale.add(self.pile, total, self.messages);
        }
        if let Some(old) = mem::replace(&mut self.scale, scale.cloned()) {
            old.remove(self.pile, total, self.messages);
        }
    }

    const fn total(&self) -> usize {
        self.bytes + self.messages * Scale::PER_DELIVERY
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.weigh_on(None);
    }
}

/// The bytes of Packet Identifiers, which may lie on a scale.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    bytes: usize,
    scale: Option<Scale>,
}

impl Ids {
    pub(crate) fn set(&mut self, bytes: usize) {
        if let Some(scale) = &self.scale {
            scale.add(Pile::Waiting, bytes, 0);
            scale.remove(Pile::Waiting, self.bytes, 0);
        }
        self.bytes = bytes;
    }

    /// Moves the bytes to `scale`.
    pub(crate) fn weigh_on(&mut self, scale: Option<&Scale>) {
        let bytes = self.bytes;
        self.set(0);
        self.scale = scale.cloned();
        self.set(bytes);
    }
}

impl Drop for Ids {
    fn drop(&mut self) {
        self.set(0);
    }
}

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

/// What keeping one delivery takes beside the bytes of its message.
const OVERHEAD: usize = size_of::<Delivery>() + size_of::<Message>();

/// The bytes that the messages of some Sessions take together: see [`Session::weigh_on`](super::Session::weigh_on).
///
/// All those Sessions belong to one thread at a time, so that counting costs no locked instruction; any thread reads.
#[derive(Clone, Debug, Default)]
pub struct Scale(Arc<Line>);

/// Apart from what other threads write.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Line(AtomicUsize);

impl Scale {
    /// The bytes: topics, payloads, properties, and what keeping each delivery takes. A message that several Sessions
    /// share counts for each.
    pub fn bytes(&self) -> usize {
        self.0.0.load(Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.0.0.store(self.bytes().wrapping_add(bytes), Relaxed);
    }

    fn remove(&self, bytes: usize) {
        self.0.0.store(self.bytes().wrapping_sub(bytes), Relaxed);
    }
}

/// The bytes of some messages, which may lie on a scale.
#[derive(Debug, Default)]
pub(crate) struct Weight {
    bytes: usize,
    messages: usize,
    scale: Option<Scale>,
}

impl Weight {
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn add(&mut self, message: &Message) {
        let bytes = message.weight();
        self.bytes += bytes;
        self.messages += 1;
        if let Some(scale) = &self.scale {
            scale.add(bytes + OVERHEAD);
        }
    }

    pub(crate) fn remove(&mut self, message: &Message) {
        let bytes = message.weight();
        self.bytes -= bytes;
        self.messages -= 1;
        if let Some(scale) = &self.scale {
            scale.remove(bytes + OVERHEAD);
        }
    }

    /// Takes everything away.
    pub(crate) fn clear(&mut self) {
        if let Some(scale) = &self.scale {
            scale.remove(self.total());
        }
        (self.bytes, self.messages) = (0, 0);
    }

    /// Moves everything to `scale`.
    pub(crate) fn weigh_on(&mut self, scale: Option<&Scale>) {
        let total = self.total();
        if let Some(scale) = scale {
            scale.add(total);
        }
        if let Some(old) = mem::replace(&mut self.scale, scale.cloned()) {
            old.remove(total);
        }
    }

    const fn total(&self) -> usize {
        self.bytes + self.messages * OVERHEAD
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.weigh_on(None);
    }
}

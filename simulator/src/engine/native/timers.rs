//! When which client's machine must be woken.

use std::{cmp::Reverse, collections::BinaryHeap};

use protocol::Time;

use crate::ClientKey;

/// Timers, earliest first. One that is no longer wanted still rings.
#[derive(Debug, Default)]
pub(super) struct Timers(BinaryHeap<Reverse<(Time, ClientKey)>>);

impl Timers {
    pub(super) fn push(&mut self, due: Time, key: ClientKey) {
        self.0.push(Reverse((due, key)));
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.0.peek().map(|Reverse((due, _))| *due)
    }

    pub(super) fn pop_due(&mut self, now: Time) -> Option<(Time, ClientKey)> {
        if self.next()? > now {
            return None;
        }
        self.0.pop().map(|Reverse(timer)| timer)
    }
}

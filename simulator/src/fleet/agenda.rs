//! What is to be done when.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use protocol::Time;

/// Something to do for one device. A duty of an earlier turn of the device is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Duty {
    Connect {
        turn: u32,
    },
    Heartbeat {
        turn: u32,
    },
    /// The next message of what the device kept while it was offline.
    Flush {
        turn: u32,
    },
    /// Natural telemetry, due at this time of the scenario.
    Telemetry {
        at: Duration,
    },
}

/// Duties of devices, given by index, earliest first; at one time by device, so that the order does not depend on how the
/// duties came about.
#[derive(Debug, Default)]
pub(super) struct Agenda(BinaryHeap<Reverse<(Time, usize, Duty)>>);

impl Agenda {
    pub(super) fn add(&mut self, due: Time, device: usize, duty: Duty) {
        self.0.push(Reverse((due, device, duty)));
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.0.peek().map(|Reverse((due, ..))| *due)
    }

    pub(super) fn pop_due(&mut self, now: Time) -> Option<(Time, usize, Duty)> {
        if self.next()? > now {
            return None;
        }
        self.0.pop().map(|Reverse(entry)| entry)
    }
}

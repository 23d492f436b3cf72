//! Evidence for single messages.

use std::{collections::BTreeMap, time::Duration};

use super::ReaderId;
use crate::StreamId;

/// What went wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Confirmed and expected, never received.
    Lost,
    /// Received more often than allowed.
    Duplicated,
    /// Received after a later message of its stream.
    Reordered,
    /// Received after the limit.
    Late,
    /// Never handed to a connection.
    NotSent,
    /// Handed to a connection at QoS 1 or 2; its acknowledgement never came.
    Unacknowledged,
    /// Refused by the broker.
    Refused,
}

/// Evidence for one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// What went wrong.
    pub fault: Fault,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub sequence: u32,
    /// Whom it concerns; nobody when it never left.
    pub reader: Option<ReaderId>,
    /// Its intended start, an offset from the run's start. Absent when it was forgotten.
    pub intended: Option<Duration>,
    /// When it arrived, if it did.
    pub received: Option<Duration>,
}

/// The first few witnesses of each fault.
#[derive(Debug)]
pub(super) struct Witnesses {
    limit: usize,
    kept: BTreeMap<Fault, Vec<Witness>>,
}

impl Witnesses {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, kept: BTreeMap::new() }
    }

    pub(super) fn has_room(&self, fault: Fault) -> bool {
        self.kept.get(&fault).map_or(0, Vec::len) < self.limit
    }

    pub(super) fn keep(&mut self, witness: Witness) {
        if self.has_room(witness.fault) {
            self.kept.entry(witness.fault).or_default().push(witness);
        }
    }

    pub(super) fn into_all(self) -> Vec<Witness> {
        self.kept.into_values().flatten().collect()
    }
}

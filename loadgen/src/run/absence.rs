//! Subscribers that the scenario sent away, and the queues that they find when they come back.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use crate::ledger::ClientId;

/// The queues that are being drained.
#[derive(Debug, Default)]
pub(super) struct Absences {
    queues: HashMap<ClientId, Queue>,
    /// By subscriber group.
    groups: BTreeMap<u16, Drained>,
}

/// What the broker keeps for one client.
#[derive(Clone, Copy, Debug)]
struct Queue {
    group: u16,
    /// When the client came back, an offset from the run's start.
    since: Duration,
    left: u64,
}

/// What the queues of a group held, and how long they took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Drained {
    pub(super) messages: u64,
    /// From the first return to the end of the last queue.
    pub(super) took: Duration,
    begun: Duration,
    open: u64,
}

impl Absences {
    /// `client` of `group` is back at `at`, and `queued` messages wait for it.
    pub(super) fn returned(&mut self, client: ClientId, group: u16, queued: u64, at: Duration) {
        if queued == 0 {
            return;
        }
        self.queues.insert(client, Queue { group, since: at, left: queued });
        let fresh = Drained { begun: at, ..Drained::default() };
        let drained = self.groups.entry(group).or_insert(fresh);
        drained.messages += queued;
        drained.open += 1;
    }

    /// Whether arrivals matter here.
    pub(super) fn are_drained(&self) -> bool {
        !self.queues.is_empty()
    }

    /// A message reached `client` at `at` for the first time, written at `written` (unknown when long ago). How long the
    /// client's queue took, when that was the last of it, and what all queues of its group did, when it was the last one.
    pub(super) fn arrived(
        &mut self,
        client: ClientId,
        written: Option<Duration>,
        at: Duration,
    ) -> Option<(Duration, Option<Drained>)> {
        let queue = self.queues.get_mut(&client)?;
        if written.is_some_and(|written| written > queue.since) {
            return None;
        }
        queue.left -= 1;
        if queue.left > 0 {
            return None;
        }
        let Queue { group, since, .. } = self.queues.remove(&client)?;
        let drained = self.groups.get_mut(&group)?;
        drained.open -= 1;
        drained.took = at.saturating_sub(drained.begun);
        let all = if drained.open == 0 { self.groups.remove(&group) } else { None };
        Some((at.saturating_sub(since), all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_queue_ends_with_its_last_message_and_a_group_with_its_last_queue() {
        let mut absences = Absences::default();
        let (one, other) = (ClientId(3), ClientId(4));
        absences.returned(one, 7, 2, 10 * SECOND);
        absences.returned(other, 7, 1, 11 * SECOND);
        assert_eq!(absences.arrived(one, Some(5 * SECOND), 12 * SECOND), None);
        // Sent after the return: not of the queue.
        assert_eq!(absences.arrived(one, Some(11 * SECOND), 12 * SECOND), None);
        assert_eq!(absences.arrived(one, None, 13 * SECOND), Some((3 * SECOND, None)));
        let (took, all) = absences.arrived(other, Some(SECOND), 15 * SECOND).unwrap();
        let all = all.unwrap();
        assert_eq!((took, all.messages, all.took), (4 * SECOND, 3, 5 * SECOND));
        assert_eq!(absences.arrived(one, Some(SECOND), 16 * SECOND), None);
    }

    #[test]
    fn an_empty_queue_is_none() {
        let mut absences = Absences::default();
        absences.returned(ClientId(0), 0, 0, SECOND);
        assert_eq!(absences.arrived(ClientId(0), Some(SECOND), SECOND), None);
    }
}

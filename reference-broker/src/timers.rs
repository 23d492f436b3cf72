//! Deadlines of one worker: a heap that is corrected when an entry comes up, not whenever a deadline moves.
//!
//! A keep-alive deadline moves with every packet, always into the future. The entry that is in the heap stays; when it
//! comes up early the owner says when it is really due. So a packet costs one comparison and no heap operation.

use std::{cmp::Reverse, collections::BinaryHeap};

use protocol::Time;

/// How many stale entries are not worth looking for.
const SLACK: usize = 1024;

/// When an armed deadline comes up; kept beside what the deadline is about. One word: there are many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Armed(Time);

/// Nothing comes up so late.
const NEVER: Time = Time::from_nanos(u64::MAX);

impl Default for Armed {
    fn default() -> Self {
        Self(NEVER)
    }
}

/// The heap. `K` names what a deadline is about.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    heap: BinaryHeap<Reverse<(Time, K)>>,
}

impl<K: Ord + Copy> Default for Timers<K> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new() }
    }
}

impl<K: Ord + Copy> Timers<K> {
    /// Makes sure that `key` comes up at `due` or earlier.
    pub(crate) fn arm(&mut self, armed: &mut Armed, key: K, due: Option<Time>) {
        let Some(due) = due else { return };
        if due < armed.0 {
            armed.0 = due;
            self.heap.push(Reverse((due, key)));
        }
    }

    /// Lets go of entries for which `counts` does not hold, once they outweigh the `live` ones: what is gone may have
    /// left a deadline that is hours away.
    pub(crate) fn compact(&mut self, live: usize, counts: impl Fn(Time, K) -> bool) {
        if self.heap.len() > 2 * live + SLACK {
            self.heap.retain(|Reverse((at, key))| counts(*at, *key));
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// When the next entry comes up.
    pub(crate) fn next(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// The next entry that is due, with the time it was armed for.
    pub(crate) fn pop(&mut self, now: Time) -> Option<(Time, K)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }
}

impl Armed {
    /// Whether the entry for `at` is the one that counts.
    pub(crate) fn is_for(self, at: Time) -> bool {
        self.0 == at
    }

    /// Notes that the entry for `at` came up; whether it was the one that counts (an earlier one may have replaced it).
    pub(crate) fn came_up(&mut self, at: Time) -> bool {
        let counts = self.0 == at;
        if counts {
            self.0 = NEVER;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_moves_out_costs_no_new_entry() {
        let mut timers = Timers::default();
        let mut armed = Armed::default();
        for second in 1..1000 {
            timers.arm(&mut armed, 7, Some(Time::from_secs(second)));
        }
        assert_eq!(timers.heap.len(), 1);
        assert_eq!(timers.pop(Time::from_secs(1)), Some((Time::from_secs(1), 7)));
        assert!(armed.came_up(Time::from_secs(1)));
        assert_eq!(timers.pop(Time::from_secs(5000)), None);
    }

    #[test]
    fn an_earlier_deadline_replaces_a_later_one() {
        let mut timers = Timers::default();
        let mut armed = Armed::default();
        timers.arm(&mut armed, 7, Some(Time::from_secs(9)));
        timers.arm(&mut armed, 7, Some(Time::from_secs(3)));
        let (at, _) = timers.pop(Time::from_secs(10)).unwrap();
        assert!(armed.came_up(at));
        let (at, _) = timers.pop(Time::from_secs(10)).unwrap();
        assert!(!armed.came_up(at), "the later entry is stale");
    }
}

//! The messages of one stream that are not settled yet.

use std::{
    collections::{BTreeMap, VecDeque},
    iter,
};

use super::Run;

/// A message that is not settled yet, in sixteen bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Nanoseconds since the run's start.
    pub(super) intended: u64,
    /// From `intended` to when it was handed to its client, then to when it was handed to a connection.
    since: Ticks,
    /// Readers that have not got it; in the two highest bits how far it is.
    rest: u32,
}

/// A time span of up to 68 s, rounded up to 16 ns.
#[derive(Clone, Copy, Debug)]
struct Ticks(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Intended,
    Written,
    Confirmed,
    /// Nothing is expected any more; its place waits for the ones before it.
    Settled,
}

const STATE_SHIFT: u32 = 30;
const MISSING: u32 = (1 << STATE_SHIFT) - 1;

impl Entry {
    /// A message with an intended start, handed to its client at `handed`, which `missing` readers must receive.
    pub(super) fn new(intended: u64, handed: u64, missing: u32) -> Self {
        let mut entry = Self { intended, since: Ticks(0), rest: missing.min(MISSING) };
        entry.set_moment(handed);
        entry
    }

    /// When it was handed to its client, then when it was handed to a connection; nanoseconds since the run's start.
    pub(super) const fn moment(&self) -> u64 {
        self.intended + self.since.0 as u64 * Ticks::NANOS
    }

    pub(super) fn set_moment(&mut self, moment: u64) {
        // Never before it was.
        let ticks = moment.saturating_sub(self.intended).div_ceil(Ticks::NANOS);
        self.since = Ticks(u32::try_from(ticks).unwrap_or(u32::MAX));
    }

    pub(super) const fn missing(&self) -> u32 {
        self.rest & MISSING
    }

    /// One more reader has it.
    pub(super) const fn arrived(&mut self) {
        if self.missing() > 0 {
            self.rest -= 1;
        }
    }

    pub(super) const fn state(&self) -> State {
        match self.rest >> STATE_SHIFT {
            0 => State::Intended,
            1 => State::Written,
            2 => State::Confirmed,
            _ => State::Settled,
        }
    }

    pub(super) const fn set_state(&mut self, state: State) {
        self.rest = self.rest & MISSING | (state as u32) << STATE_SHIFT;
    }
}

impl Ticks {
    const NANOS: u64 = 16;
}

/// The messages of one stream that are not settled, by sequence number.
///
/// ```text
///   stragglers (a tree)      recent (a ring, one place for each number from `first` on)
/// ```
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    recent: VecDeque<Entry>,
    /// The sequence number of the ring's first place.
    first: u32,
    stragglers: BTreeMap<u32, Entry>,
}

/// A ring longer than this gives its oldest to the stragglers, so that one lost message does not keep the places of all that
/// came after it.
const RING: usize = 1024;

impl UnderWay {
    /// Adds the message that follows the last one added; the first one has number 0.
    pub(super) fn push(&mut self, entry: Entry) {
        if self.recent.len() >= RING
            && let Some(oldest) = self.recent.pop_front()
        {
            self.stragglers.insert(self.first, oldest);
            self.first += 1;
            self.trim();
        }
        self.recent.push_back(entry);
    }

    pub(super) fn get(&self, sequence: u32) -> Option<&Entry> {
        match sequence.checked_sub(self.first) {
            Some(place) => self.recent.get(place as usize).filter(|entry| entry.state() != State::Settled),
            None => self.stragglers.get(&sequence),
        }
    }

    pub(super) fn get_mut(&mut self, sequence: u32) -> Option<&mut Entry> {
        match sequence.checked_sub(self.first) {
            Some(place) => self.recent.get_mut(place as usize).filter(|entry| entry.state() != State::Settled),
            None => self.stragglers.get_mut(&sequence),
        }
    }

    /// Adds `count` equal ones.
    pub(super) fn push_run(&mut self, entry: Entry, count: u32) {
        if count > 1 && self.recent.len() + count as usize <= RING {
            self.recent.extend(iter::repeat_n(entry, count as usize));
        } else {
            (0..count).for_each(|_| self.push(entry));
        }
    }

    /// Those of `run`, when `is_fit` is true of each; whoever settles one of them calls [`trim`](Self::trim).
    pub(super) fn run_mut(&mut self, run: Run, is_fit: impl Fn(&Entry) -> bool) -> Option<&mut [Entry]> {
        let begin = run.first.checked_sub(self.first)? as usize;
        let end = begin.checked_add(run.count as usize).filter(|end| *end <= self.recent.len())?;
        let seam = self.recent.as_slices().0.len();
        if begin < seam && end > seam {
            // Once in many runs: until the ring's end is reached again they are in one piece.
            self.recent.make_contiguous();
        }
        let (front, back) = self.recent.as_mut_slices();
        let run = match begin.checked_sub(front.len()) {
            None => &mut front[begin..end],
            Some(begin) => &mut back[begin..begin + run.count as usize],
        };
        run.iter().all(is_fit).then_some(run)
    }

    pub(super) fn remove(&mut self, sequence: u32) -> Option<Entry> {
        let Some(place) = sequence.checked_sub(self.first) else { return self.stragglers.remove(&sequence) };
        let entry = self.recent.get_mut(place as usize).filter(|entry| entry.state() != State::Settled)?;
        let removed = *entry;
        entry.set_state(State::Settled);
        self.trim();
        Some(removed)
    }

    /// Takes out the oldest when it was intended before `moment`.
    pub(super) fn take_before(&mut self, moment: u64) -> Option<(u32, Entry)> {
        if let Some(oldest) = self.stragglers.first_entry() {
            return (oldest.get().intended < moment).then(|| oldest.remove_entry());
        }
        let oldest = *self.recent.front().filter(|entry| entry.intended < moment)?;
        let sequence = self.first;
        self.remove(sequence);
        Some((sequence, oldest))
    }

    /// The numbers of all, ascending.
    pub(super) fn sequences(&self) -> impl Iterator<Item = u32> + '_ {
        let recent = (self.first..).zip(&self.recent).filter(|(_, entry)| entry.state() != State::Settled);
        self.stragglers.keys().copied().chain(recent.map(|(sequence, _)| sequence))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        // A B-tree's nodes are two thirds full.
        let stragglers = self.stragglers.len() * (size_of::<(u32, Entry)>() * 3 / 2);
        self.recent.capacity() * size_of::<Entry>() + stragglers
    }

    /// Gives up the places of settled messages at the front, and what a burst took once it is over.
    pub(super) fn trim(&mut self) {
        while self.recent.front().is_some_and(|entry| entry.state() == State::Settled) {
            self.recent.pop_front();
            self.first += 1;
        }
        if self.recent.is_empty() && self.recent.capacity() > KEPT {
            self.recent = VecDeque::new();
        }
    }
}

/// A ring with more places than this is given back when nothing is under way.
const KEPT: usize = 64;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_entry_takes_sixteen_bytes_and_keeps_its_times() {
        assert_eq!(size_of::<Entry>(), 16);
        for (intended, moment) in [(0, 0), (5, 1_000), (1 << 60, (1 << 60) + 60_000_000_000)] {
            let mut entry = Entry::new(intended, intended, 3);
            entry.set_moment(moment);
            entry.set_state(State::Confirmed);
            assert!((moment..moment + 16).contains(&entry.moment()), "{moment} became {}", entry.moment());
            assert_eq!((entry.missing(), entry.state()), (3, State::Confirmed));
        }
        assert!(Entry::new(0, u64::MAX, 0).moment() >= 68_000_000_000);
    }

    proptest! {
        /// Whatever comes, in whatever order: the same as a map.
        #[test]
        fn behaves_as_a_map(
            deeds in prop::collection::vec((0_u8..5, 0_u32..3000), 1..400),
            burst in 0_u32..2500,
        ) {
            let (mut under_way, mut model) = (UnderWay::default(), BTreeMap::new());
            let mut next = 0;
            let mut push = |under_way: &mut UnderWay, model: &mut BTreeMap<u32, u64>, count: u32| {
                let moment = u64::from(next) * 10;
                let entry = Entry::new(moment, moment, 1);
                if count == 1 { under_way.push(entry) } else { under_way.push_run(entry, count) }
                model.extend((next..next + count).map(|number| (number, moment)));
                next += count;
            };
            (0..burst).for_each(|_| push(&mut under_way, &mut model, 1));
            for (deed, number) in deeds {
                match deed {
                    0 | 1 => push(&mut under_way, &mut model, 1),
                    4 => push(&mut under_way, &mut model, number % 200),
                    2 => prop_assert_eq!(under_way.remove(number).map(|it| it.intended), model.remove(&number)),
                    _ => {
                        let oldest = model.first_key_value().filter(|(_, at)| **at < u64::from(number) * 5);
                        let oldest = oldest.map(|(sequence, at)| (*sequence, *at));
                        if let Some((sequence, _)) = oldest {
                            model.remove(&sequence);
                        }
                        let taken = under_way.take_before(u64::from(number) * 5);
                        prop_assert_eq!(taken.map(|(sequence, entry)| (sequence, entry.intended)), oldest);
                    }
                }
                prop_assert_eq!(under_way.get(number).map(|it| it.intended), model.get(&number).copied());
                prop_assert_eq!(under_way.get_mut(number).is_some(), model.contains_key(&number));
            }
            prop_assert!(under_way.sequences().eq(model.keys().copied()));
            prop_assert!(under_way.recent.len() <= RING);
        }
    }
}

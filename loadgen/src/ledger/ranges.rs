//! A set of sequence numbers kept as ranges.

use std::ops::RangeInclusive;

use reports::observation::Spans;

/// A set of `u32`s as ascending, disjoint, non-adjacent ranges: eight bytes per range, however long it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges {
    spans: Vec<(u32, u32)>,
}

impl Ranges {
    /// The empty set.
    pub const fn new() -> Self {
        Self { spans: Vec::new() }
    }

    /// Every value below `end`.
    pub fn up_to(end: u32) -> Self {
        Self { spans: end.checked_sub(1).map(|last| (0, last)).into_iter().collect() }
    }

    /// Adds `value`; whether it was absent.
    pub fn insert(&mut self, value: u32) -> bool {
        // Nearly always the next in sequence.
        if let Some((_, last)) = self.spans.last_mut()
            && value.checked_sub(1) == Some(*last)
        {
            *last = value;
            return true;
        }
        let after = self.spans.partition_point(|(first, _)| *first <= value);
        let before = after.checked_sub(1).map(|at| self.spans[at]);
        if before.is_some_and(|(_, last)| value <= last) {
            return false;
        }
        let joins_before = before.is_some_and(|(_, last)| last + 1 == value);
        let joins_after = self.spans.get(after).is_some_and(|(first, _)| value + 1 == *first);
        match (joins_before, joins_after) {
            (true, true) => {
                self.spans[after - 1].1 = self.spans[after].1;
                self.spans.remove(after);
            }
            (true, false) => self.spans[after - 1].1 = value,
            (false, true) => self.spans[after].0 = value,
            (false, false) => self.spans.insert(after, (value, value)),
        }
        true
    }

    /// Whether every value is below `first`.
    pub fn ends_before(&self, first: u32) -> bool {
        self.spans.last().is_none_or(|(_, last)| *last < first)
    }

    /// Adds the values from `first` to `last`, all of them above every value of the set.
    ///
    /// # Panics
    ///
    /// In debug builds, unless it [`ends_before`](Self::ends_before) `first`.
    pub fn append(&mut self, first: u32, last: u32) {
        debug_assert!(first <= last && self.ends_before(first), "{first} to {last} is not above {self:?}");
        match self.spans.last_mut() {
            Some((_, end)) if *end + 1 == first => *end = last,
            _ => self.spans.push((first, last)),
        }
    }

    /// Adds every value of `other`.
    pub fn extend(&mut self, other: &Self) {
        let mut all = std::mem::take(&mut self.spans);
        all.extend_from_slice(&other.spans);
        all.sort_unstable();
        for (first, last) in all {
            match self.spans.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = (*end).max(last),
                _ => self.spans.push((first, last)),
            }
        }
    }

    /// The values that `other` has as well.
    pub fn shared_with(&self, other: &Self) -> Self {
        let mine = Self { spans: self.without(other).map(RangeInclusive::into_inner).collect() };
        Self { spans: self.without(&mine).map(RangeInclusive::into_inner).collect() }
    }

    /// How many values are below `limit`.
    pub fn below(&self, limit: u32) -> u64 {
        let length = |(first, last): &(u32, u32)| u64::from((*last).min(limit - 1) - first) + 1;
        self.spans.iter().filter(|(first, _)| *first < limit).map(length).sum()
    }

    /// Whether `value` is in the set.
    pub fn contains(&self, value: u32) -> bool {
        let after = self.spans.partition_point(|(first, _)| *first <= value);
        after > 0 && value <= self.spans[after - 1].1
    }

    /// How many values the set has.
    pub fn len(&self) -> u64 {
        self.spans.iter().map(|(first, last)| u64::from(last - first) + 1).sum()
    }

    /// Whether the set has no value.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The lowest range, when it starts at 0: how far the set is complete.
    pub fn complete_below(&self) -> u32 {
        self.spans.first().filter(|(first, _)| *first == 0).map_or(0, |(_, last)| last.saturating_add(1))
    }

    /// The ranges, ascending.
    pub fn iter(&self) -> impl Iterator<Item = RangeInclusive<u32>> {
        self.spans.iter().map(|(first, last)| *first..=*last)
    }

    /// The values of this set that `other` lacks, as ranges, ascending.
    pub fn without<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = RangeInclusive<u32>> + 'a {
        self.spans.iter().flat_map(move |&(first, last)| Gaps { next: Some(first), last, cuts: other.from(first) })
    }

    /// How many bytes the set takes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.spans.capacity() * size_of::<(u32, u32)>()
    }

    fn from(&self, value: u32) -> &[(u32, u32)] {
        &self.spans[self.spans.partition_point(|(_, last)| *last < value)..]
    }
}

impl From<&Spans> for Ranges {
    fn from(spans: &Spans) -> Self {
        Self { spans: spans.ranges().to_vec() }
    }
}

struct Gaps<'a> {
    next: Option<u32>,
    last: u32,
    cuts: &'a [(u32, u32)],
}

impl Iterator for Gaps<'_> {
    type Item = RangeInclusive<u32>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(from) = self.next.filter(|from| *from <= self.last) {
            match self.cuts.split_first() {
                Some((&(first, last), rest)) if first <= self.last => {
                    self.cuts = rest;
                    self.next = last.checked_add(1);
                    if from < first {
                        return Some(from..=first - 1);
                    }
                }
                _ => {
                    self.next = None;
                    return Some(from..=self.last);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(values: &[u32]) -> Ranges {
        let mut set = Ranges::new();
        for value in values {
            set.insert(*value);
        }
        set
    }

    #[test]
    fn a_filled_gap_joins_its_neighbours() {
        let mut set = set(&[0, 2]);
        assert!(set.insert(1));
        assert_eq!(set.iter().collect::<Vec<_>>(), [0..=2]);
        assert_eq!(set.complete_below(), 3);
    }

    #[test]
    fn the_ends_of_the_number_line_are_values() {
        let mut set = set(&[u32::MAX, 0]);
        assert!(!set.insert(u32::MAX));
        assert!(!set.insert(0));
        assert_eq!(set.len(), 2);
        assert_eq!(set.without(&Ranges::new()).count(), 2);
    }

    proptest! {
        #[test]
        fn behaves_as_a_set(values in prop::collection::vec(0_u32..60, 0..120), others in prop::collection::vec(0_u32..60, 0..60)) {
            let mut model = BTreeSet::new();
            let mut set = Ranges::new();
            for value in values {
                prop_assert_eq!(set.insert(value), model.insert(value));
            }
            let other_model: BTreeSet<u32> = others.iter().copied().collect();
            let other = self::set(&others);
            prop_assert_eq!(set.len(), model.len() as u64);
            prop_assert!((0..60).all(|value| set.contains(value) == model.contains(&value)));
            let difference: Vec<u32> = set.without(&other).flatten().collect();
            prop_assert_eq!(difference, model.difference(&other_model).copied().collect::<Vec<_>>());
            let shared: Vec<u32> = set.shared_with(&other).iter().flatten().collect();
            prop_assert_eq!(shared, model.intersection(&other_model).copied().collect::<Vec<_>>());
            prop_assert_eq!(set.below(30), model.range(..30).count() as u64);
            prop_assert_eq!(set.below(0), 0);
            let mut both = set.clone();
            both.extend(&other);
            prop_assert_eq!(both.iter().flatten().collect::<Vec<_>>(), model.union(&other_model).copied().collect::<Vec<_>>());
            let spans: Vec<_> = set.iter().chain([u32::MAX..=u32::MAX]).collect();
            prop_assert!(both.iter().zip(both.iter().skip(1)).all(|(one, next)| *one.end() + 1 < *next.start()));
            prop_assert!(spans.windows(2).all(|pair| *pair[0].end() + 1 < *pair[1].start()));
        }
    }
}

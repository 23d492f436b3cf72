//! The first few of many, and how many there were.

/// The first `KEPT` values in full; the others only counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples<T, const KEPT: usize> {
    kept: Vec<T>,
    count: u64,
}

impl<T, const KEPT: usize> Default for Samples<T, KEPT> {
    fn default() -> Self {
        Self { kept: Vec::new(), count: 0 }
    }
}

impl<T, const KEPT: usize> Samples<T, KEPT> {
    pub(super) fn push(&mut self, value: T, times: u64) {
        self.count = self.count.saturating_add(times);
        if self.kept.len() < KEPT {
            self.kept.push(value);
        }
    }

    pub(super) fn merge(&mut self, later: Self) {
        self.count = self.count.saturating_add(later.count);
        let room = KEPT - self.kept.len();
        self.kept.extend(later.kept.into_iter().take(room));
    }

    /// Those kept, in order.
    pub fn kept(&self) -> &[T] {
        &self.kept
    }

    /// How many there were in all.
    pub fn count(&self) -> u64 {
        self.count
    }
}

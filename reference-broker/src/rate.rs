//! How often something may happen: a token bucket that any thread may ask, on time that is passed in.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use protocol::Time;

/// A token bucket, kept as the one moment at which it would be full again.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Nanoseconds for one token.
    interval: u64,
    /// How far ahead of now the moment may lie when one more token is taken.
    slack: u64,
    full_at: AtomicU64,
}

impl Rate {
    /// `per_second` tokens, at least 1; a bucket that was left alone gives as many at once.
    pub(crate) fn new(per_second: u32) -> Self {
        let per_second = u64::from(per_second.max(1));
        let interval = (1_000_000_000 / per_second).max(1);
        Self { interval, slack: interval * (per_second - 1), full_at: AtomicU64::new(0) }
    }

    /// Takes a token; `false` when there is none.
    pub(crate) fn take(&self, now: Time) -> bool {
        let now = now.as_nanos();
        let next = |full_at: u64| {
            let from = full_at.max(now);
            (from - now <= self.slack).then(|| from.saturating_add(self.interval))
        };
        self.full_at.fetch_update(Relaxed, Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(rate: &Rate, now: Time) -> usize {
        (0..1000).filter(|_| rate.take(now)).count()
    }

    #[test]
    fn a_burst_takes_one_second_of_tokens_and_no_more() {
        let rate = Rate::new(10);
        assert_eq!(taken(&rate, Time::from_secs(5)), 10);
        assert_eq!(taken(&rate, Time::from_millis(5_099)), 0);
        assert_eq!(taken(&rate, Time::from_millis(5_100)), 1);
        assert_eq!(taken(&rate, Time::from_millis(5_600)), 5);
        assert_eq!(taken(&rate, Time::from_secs(500)), 10, "tokens do not pile up");
    }

    #[test]
    fn one_a_second_is_one_a_second() {
        let rate = Rate::new(1);
        assert_eq!(taken(&rate, Time::ZERO), 1);
        assert_eq!(taken(&rate, Time::from_millis(999)), 0);
        assert_eq!(taken(&rate, Time::from_secs(1)), 1);
    }
}

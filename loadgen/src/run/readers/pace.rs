//! How fast a slow consumer reads.

use std::time::Duration;

use protocol::Time;

/// An allowance of messages that grows with time, up to a second's worth. What one read brought may overdraw it; then nothing is
/// read until the debt is paid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Messages per second; above 0.
    rate: f64,
    allowance: f64,
    /// When the allowance was reckoned last.
    at: Time,
}

impl Pace {
    pub(super) fn new(rate: f64, now: Time) -> Self {
        Self { rate, allowance: rate.max(1.0), at: now }
    }

    /// Takes a message; when the next one may be read, if not at once.
    pub(super) fn take(&mut self, now: Time) -> Option<Time> {
        let grown = now.since(self.at).as_secs_f64() * self.rate;
        self.allowance = (self.allowance + grown).min(self.rate.max(1.0)) - 1.0;
        self.at = now;
        (self.allowance < 0.0).then(|| now.after(Duration::from_secs_f64(-self.allowance / self.rate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_holds_however_much_one_read_brings() {
        let mut now = Time::ZERO;
        let mut pace = Pace::new(200.0, now);
        let mut read = 0_u32;
        while now < Time::ZERO.after(Duration::from_secs(30)) {
            // A read brings 70 messages at one time.
            let next = (0..70).filter_map(|_| pace.take(now)).last();
            read += 70;
            now = next.unwrap_or(now);
        }
        // Thirty seconds, the first second's allowance, and what the last read brought.
        assert!((6_000..=6_270).contains(&read), "{read}");
    }

    #[test]
    fn silence_earns_no_more_than_a_second() {
        let mut pace = Pace::new(10.0, Time::ZERO);
        let later = Time::ZERO.after(Duration::from_secs(3600));
        assert_eq!((0..10).filter_map(|_| pace.take(later)).count(), 0);
        assert_eq!(pace.take(later), Some(later.after(Duration::from_millis(100))));
    }
}

//! When a device tries again.

use std::time::Duration;

use rand::Rng;

/// Exponential back-off with jitter: attempt `n` (from 0) waits a random time between half of and the whole of
/// `initial * 2^n`, at most `maximum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait before the first attempt. Default 1 s.
    pub initial: Duration,
    /// The longest wait of all. Default 60 s.
    pub maximum: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { initial: Duration::from_secs(1), maximum: Duration::from_secs(60) }
    }
}

impl Backoff {
    /// How long to wait before attempt number `attempt` (from 0) since the last connection.
    pub fn delay(&self, attempt: u32, random: &mut impl Rng) -> Duration {
        let longest = self.initial.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX)).min(self.maximum);
        longest.mul_f64(random.random_range(0.5..=1.0))
    }
}

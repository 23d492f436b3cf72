//! The monotonic clock that engines, fleets and the load generator share.

use std::time::{Duration, Instant};

use protocol::Time;
use tokio::time::Instant as TokioInstant;

/// A monotonic clock with an epoch of its own. Copies share the epoch, so `Time`s of several threads compare.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// tokio's, so that tests may pause it.
    epoch: TokioInstant,
}

impl Clock {
    /// A clock whose epoch is now.
    #[expect(clippy::new_without_default, reason = "each new clock has another epoch, which a default would hide")]
    pub fn new() -> Self {
        Self { epoch: TokioInstant::now() }
    }

    /// What it shows.
    pub fn now(&self) -> Time {
        Time::ZERO.after(self.epoch.elapsed())
    }

    /// What it showed at `instant`; [`Time::ZERO`] before its epoch.
    pub fn at(&self, instant: Instant) -> Time {
        Time::ZERO.after(instant.saturating_duration_since(self.epoch.into_std()))
    }

    /// The instant that `time` stands for; times beyond a year are as good as a year.
    pub fn instant(&self, time: Time) -> Instant {
        let far = Duration::from_secs(86_400 * 365);
        (self.epoch + time.since(Time::ZERO).min(far)).into_std()
    }
}

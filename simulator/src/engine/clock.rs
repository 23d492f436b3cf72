//! The monotonic clock that engines, fleets and the load generator share.

use std::time::Instant;

use protocol::Time;

/// A monotonic clock with an epoch of its own. Copies share the epoch, so `Time`s of several threads compare.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: Instant,
}

impl Clock {
    /// A clock whose epoch is now.
    #[expect(clippy::new_without_default, reason = "each new clock has another epoch, which a default would hide")]
    pub fn new() -> Self {
        Self { epoch: Instant::now() }
    }

    /// What it shows.
    pub fn now(&self) -> Time {
        Time::ZERO.after(self.epoch.elapsed())
    }

    /// The instant that `time` stands for.
    pub fn instant(&self, time: Time) -> Instant {
        self.epoch + time.since(Time::ZERO)
    }
}

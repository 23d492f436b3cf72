//! Moments, as offsets from the program's beginning, and timers that may run a little early or late.

use std::time::Duration;

/// When something took effect: somewhere between these moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Not before it was asked for.
    pub begin: Duration,
    /// Not after it was acknowledged.
    pub end: Duration,
}

/// What happens some seconds after something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer {
    /// After what.
    pub(super) from: Span,
    /// So many; [`NEVER`] is never.
    pub(super) seconds: u32,
}

/// Where a timer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has not run out for any server.
    Before,
    /// It may have run out.
    Doubtful,
    /// It has run out for every server.
    After,
}

/// The Session Expiry Interval that never ends (section 3.1.2.11.2 of 5.0).
pub(super) const NEVER: u32 = u32::MAX;

/// Servers count whole seconds, and some look once a second only.
const EARLY: Duration = Duration::from_secs(1);
const LATE: Duration = Duration::from_millis(1500);

impl Timer {
    pub(super) fn phase(self, now: Duration) -> Phase {
        if self.seconds == NEVER {
            return Phase::Before;
        }
        let interval = Duration::from_secs(self.seconds.into());
        if now + EARLY < self.from.begin + interval {
            Phase::Before
        } else if now > self.from.end + interval + LATE {
            Phase::After
        } else {
            Phase::Doubtful
        }
    }

    /// The first moment from `at` on when it is in no doubt.
    pub(super) fn settled(self, at: Duration) -> Duration {
        match self.phase(at) {
            Phase::Doubtful => {
                self.from.end + Duration::from_secs(self.seconds.into()) + LATE + Duration::from_millis(1)
            }
            Phase::Before | Phase::After => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_in_doubt_around_its_end() {
        let seconds = Duration::from_secs_f64;
        let timer = Timer { from: Span { begin: seconds(1.0), end: seconds(1.2) }, seconds: 3 };
        let phases = [2.9, 3.1, 5.6, 5.8].map(|now| timer.phase(seconds(now)));
        assert_eq!(phases, [Phase::Before, Phase::Doubtful, Phase::Doubtful, Phase::After]);
        assert_eq!(timer.phase(timer.settled(seconds(3.1))), Phase::After);
        assert_eq!(timer.settled(seconds(2.9)), seconds(2.9));
        assert_eq!(Timer { seconds: NEVER, ..timer }.phase(seconds(1e6)), Phase::Before);
    }
}

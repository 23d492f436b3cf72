//! When a run starts: at once, or at a moment that several processes agreed on.

use std::time::Duration;

use jiff::Timestamp;
use protocol::Time;
use scenarios::model::format_duration;
use simulator::Clock;

use crate::{Exit, judge::Failure};

/// Offset zero of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Appointment {
    /// On the engine's clock; absent for a run that starts when it is ready.
    pub(super) at: Option<Time>,
    /// On the wall clock.
    pub(super) wall: Timestamp,
    /// How far apart the two clocks may have been read.
    pub(super) reading_error: Duration,
}

/// The clocks are read so often; the reading that took least counts.
const READINGS: usize = 16;

impl Appointment {
    /// At once.
    pub(super) fn now() -> Self {
        Self { at: None, wall: Timestamp::now(), reading_error: Duration::ZERO }
    }

    /// At `start`, or at once when the plan names no time.
    ///
    /// # Errors
    ///
    /// The time has passed.
    pub(super) fn at(start: Option<Timestamp>, clock: Clock) -> Result<Self, Failure> {
        let Some(start) = start else { return Ok(Self::now()) };
        let read = || {
            let before = clock.now();
            let wall = Timestamp::now();
            (clock.now().since(before), before, wall)
        };
        let (took, before, wall) = (0..READINGS).map(|_| read()).min_by_key(|(took, ..)| *took).unwrap_or_else(read);
        let here = before.after(took / 2);
        let until = start.duration_since(wall);
        match Duration::try_from(until) {
            Ok(until) => Ok(Self { at: Some(here.after(until)), wall: start, reading_error: took / 2 }),
            Err(_) => Err(Failure {
                exit: Exit::Usage,
                reason: format!(
                    "everybody was ready {} after the agreed start, {start}: agree on a later one (--start-at)",
                    format_duration(Duration::from_millis(until.unsigned_abs().as_millis() as u64))
                ),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_moment_to_come_is_found_on_the_engines_clock() {
        let clock = Clock::new();
        let start = Timestamp::now() + 100 * SECOND;
        let appointment = Appointment::at(Some(start), clock).unwrap();
        let until = appointment.at.unwrap().since(clock.now());
        // However long this process was kept waiting in between, the moment does not come later.
        assert!(until <= 100 * SECOND + appointment.reading_error, "{until:?}");
        assert_eq!(appointment.wall, start);
        let remaining = start.duration_since(Timestamp::now());
        assert!(Duration::try_from(remaining).unwrap() <= until + 2 * appointment.reading_error);
    }

    #[test]
    fn a_moment_that_has_passed_is_refused() {
        let refused = Appointment::at(Some(Timestamp::now() - SECOND), Clock::new()).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert!(refused.reason.contains("after the agreed start"), "{}", refused.reason);
    }
}

//! What the clocks of several segments are worth.

use crate::observation::{Preflight, SegmentInfo};
use std::fmt;
use std::time::Duration;

/// By how much the latency of messages from one segment to another may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skew {
    /// It was not measured: the segments had no agreed start.
    Unmeasured,
    /// At most this much: they read the same clock.
    SameMachine(Duration),
    /// At most this much, as the machines' time services say.
    Bounded(Duration),
    /// Nobody knows.
    Unknown,
}

/// More than this would show in latencies that people look at.
const WANTED: Duration = Duration::from_millis(1);

impl Skew {
    /// What the segments say of their clocks.
    pub fn of(segments: &[SegmentInfo]) -> Self {
        if segments.iter().any(|segment| !segment.agreed) {
            return Self::Unmeasured;
        }
        let reading = two_largest(segments.iter().map(|segment| segment.reading_error));
        let first = segments.first().map_or("", |segment| segment.machine.as_str());
        if !first.is_empty() && segments.iter().all(|segment| segment.machine == first) {
            return Self::SameMachine(reading);
        }
        let errors: Option<Vec<Duration>> = segments.iter().map(|segment| segment.clock_error).collect();
        errors.map_or(Self::Unknown, |errors| Self::Bounded(two_largest(errors.into_iter()).saturating_add(reading)))
    }

    /// The line on it in the report.
    pub(super) fn check(self) -> Preflight {
        Preflight {
            name: "latency between segments".to_owned(),
            observed: self.to_string(),
            wanted: format!("right within {WANTED:?}"),
            ok: match self {
                Self::SameMachine(bound) | Self::Bounded(bound) => Some(bound <= WANTED),
                Self::Unmeasured | Self::Unknown => Some(false),
            },
            why: "The age of a message that another machine sent is what two clocks say.".to_owned(),
            how: String::new(),
        }
    }
}

/// The furthest that two of these can be apart.
fn two_largest(errors: impl Iterator<Item = Duration>) -> Duration {
    let mut errors: Vec<Duration> = errors.collect();
    errors.sort_unstable();
    errors.iter().rev().take(2).fold(Duration::ZERO, |sum, error| sum.saturating_add(*error))
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmeasured => f.write_str("not measured, for want of --start-at"),
            Self::SameMachine(bound) => write!(f, "right within {bound:.1?}: one machine, one clock"),
            Self::Bounded(bound) => write!(f, "right within {bound:.1?}, say the machines' time services"),
            Self::Unknown => f.write_str("wrong by however much the machines' clocks differ, which nobody says"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    fn segment(machine: &str, clock_error: Option<Duration>) -> SegmentInfo {
        SegmentInfo {
            index: 1,
            count: 3,
            started_at: "2026-01-31T12:00:00Z".parse().expect("a time"),
            agreed: true,
            plan: String::new(),
            machine: machine.to_owned(),
            clock_error,
            reading_error: Duration::from_nanos(100),
        }
    }

    #[test]
    fn one_machine_has_one_clock() {
        let skew = Skew::of(&[segment("a", None), segment("a", Some(MILLI)), segment("a", None)]);
        assert_eq!(skew, Skew::SameMachine(Duration::from_nanos(200)));
        assert_eq!(skew.check().ok, Some(true));
    }

    #[test]
    fn the_two_worst_clocks_bound_several_machines() {
        let skew = Skew::of(&[segment("a", Some(MILLI)), segment("b", Some(3 * MILLI)), segment("c", Some(2 * MILLI))]);
        assert_eq!(skew, Skew::Bounded(5 * MILLI + Duration::from_nanos(200)));
        assert_eq!(skew.check().ok, Some(false));
    }

    #[test]
    fn what_nobody_says_is_unknown() {
        assert_eq!(Skew::of(&[segment("a", Some(MILLI)), segment("b", None)]), Skew::Unknown);
        // Machines without a name may be any.
        assert_eq!(Skew::of(&[segment("", None), segment("", None)]), Skew::Unknown);
        let alone = SegmentInfo { agreed: false, ..segment("a", None) };
        assert_eq!(Skew::of(&[segment("a", None), alone]), Skew::Unmeasured);
    }
}

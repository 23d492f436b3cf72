//! What the clocks of several segments are worth.

use std::{fmt, time::Duration};

use reports::merge::Segment;

/// How segments' times go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// How long after the first one each segment started, by its number.
    pub offsets: Vec<(u32, Duration)>,
    /// What the latency of messages between segments is worth.
    pub skew: Skew,
    /// Arrivals from other segments that were not measured.
    pub unmeasured: u64,
}

/// By how much the latency of messages from one segment to another may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// What `segments` say of their clocks.
pub fn clocks(segments: &[Segment]) -> Clocks {
    let offsets = segments.iter().map(|segment| (segment.info.index, segment.offset)).collect();
    let attendances = segments.iter().filter_map(|segment| segment.evidence.attendance);
    Clocks { offsets, skew: skew(segments), unmeasured: attendances.map(|attendance| attendance.unmeasured).sum() }
}

fn skew(segments: &[Segment]) -> Skew {
    if segments.iter().any(|segment| !segment.info.agreed) {
        return Skew::Unmeasured;
    }
    let machine = |segment: &Segment| Some(segment.info.machine.clone()).filter(|machine| !machine.is_empty());
    let first = segments.first().and_then(machine);
    let reading = two_largest(segments.iter().map(|segment| segment.info.reading_error));
    if first.is_some() && segments.iter().all(|segment| machine(segment) == first) {
        return Skew::SameMachine(reading);
    }
    let errors: Option<Vec<Duration>> = segments.iter().map(|segment| segment.info.clock_error).collect();
    errors.map_or(Skew::Unknown, |errors| Skew::Bounded(two_largest(errors.into_iter()) + reading))
}

/// The furthest that two of these can be apart.
fn two_largest(errors: impl Iterator<Item = Duration>) -> Duration {
    let mut errors: Vec<Duration> = errors.collect();
    errors.sort_unstable();
    errors.iter().rev().take(2).sum()
}

impl Clocks {
    /// What a reader of latencies must know.
    pub fn warning(&self) -> Option<String> {
        match self.skew {
            Skew::Unmeasured if self.unmeasured > 0 => Some(format!(
                "the segments had no agreed start (--start-at), so the latency of {} arrivals from other segments was not \
                 measured",
                self.unmeasured
            )),
            Skew::Unknown => Some(
                "nobody says how far the clocks of the segments' machines are apart, and latency between segments is wrong by \
                 that much"
                    .to_owned(),
            ),
            Skew::Unmeasured | Skew::SameMachine(_) | Skew::Bounded(_) => None,
        }
    }
}

impl fmt::Display for Clocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let apart = self.offsets.iter().map(|(_, offset)| *offset).max().unwrap_or_default();
        if apart.is_zero() {
            write!(f, "{} segments, started together", self.offsets.len())?;
        } else {
            let offsets: Vec<String> = self
                .offsets
                .iter()
                .map(|(index, offset)| format!("{index} at {:.3} s", offset.as_secs_f64()))
                .collect();
            write!(f, "{} segments: {}", self.offsets.len(), offsets.join(", "))?;
        }
        match self.skew {
            Skew::Unmeasured => f.write_str("; latency between segments was not measured, for want of --start-at"),
            Skew::SameMachine(bound) => {
                write!(f, "; latency between segments is right within {bound:.1?}: one machine, one clock")
            }
            Skew::Bounded(bound) => {
                write!(f, "; latency between segments is right within {bound:.1?}, say their clocks")
            }
            Skew::Unknown => {
                f.write_str("; latency between segments is wrong by however much their clocks differ: unknown")
            }
        }
    }
}

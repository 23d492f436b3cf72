//! How the times of several segments go together.

use std::{fmt, time::Duration};

use reports::merge::{Segment, Skew};

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

impl Clocks {
    /// What `segments` say.
    pub(super) fn of(segments: &[Segment]) -> Self {
        let infos: Vec<_> = segments.iter().map(|segment| segment.info.clone()).collect();
        let attendances = segments.iter().filter_map(|segment| segment.evidence.attendance);
        Self {
            offsets: segments.iter().map(|segment| (segment.info.index, segment.offset)).collect(),
            skew: Skew::of(&infos),
            unmeasured: attendances.map(|attendance| attendance.unmeasured).sum(),
        }
    }

    /// What is missing from the latencies.
    pub(super) fn warning(&self) -> Option<String> {
        (self.unmeasured > 0).then(|| {
            format!(
                "the segments had no agreed start (--start-at), so the latency of {} arrivals from other segments was not \
                 measured",
                self.unmeasured
            )
        })
    }
}

impl fmt::Display for Clocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let apart = self.offsets.iter().map(|(_, offset)| *offset).max().unwrap_or_default();
        if apart.is_zero() {
            write!(f, "{} segments, started together", self.offsets.len())?;
        } else {
            let offset = |(index, offset): &(u32, Duration)| format!("{index} at {:.3} s", offset.as_secs_f64());
            let offsets: Vec<String> = self.offsets.iter().map(offset).collect();
            write!(f, "{} segments: {}", self.offsets.len(), offsets.join(", "))?;
        }
        write!(f, "; latency between segments is {}", self.skew)
    }
}

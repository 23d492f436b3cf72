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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_that_are_apart_are_told() {
        let offsets = [(1, 0), (2, 1600), (3, 250)].map(|(index, at)| (index, Duration::from_millis(at))).to_vec();
        let clocks = Clocks { offsets, skew: Skew::Unmeasured, unmeasured: 7 };
        assert_eq!(
            clocks.to_string(),
            "3 segments: 1 at 0.000 s, 2 at 1.600 s, 3 at 0.250 s; latency between segments is not measured, for want of \
             --start-at"
        );
        assert!(clocks.warning().is_some_and(|text| text.contains("the latency of 7 arrivals")));
        let together = Clocks { offsets: vec![(1, Duration::ZERO), (2, Duration::ZERO)], unmeasured: 0, ..clocks };
        assert!(together.to_string().starts_with("2 segments, started together; "));
        assert_eq!(together.warning(), None);
    }
}

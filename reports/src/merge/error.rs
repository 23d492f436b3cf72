//! Why segments cannot be joined.

use crate::observation::HistogramError;
use crate::reader::ReadError;

/// Why segments cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// One cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Nothing was given.
    #[error("there is nothing to join: name the run folders of all segments")]
    Nothing,
    /// One does not begin with a run's frame.
    #[error("{name} holds no run of `paddock run`")]
    NotARun {
        /// The segment.
        name: String,
    },
    /// One is the run of a single process.
    #[error("{name} is a whole run, not a segment of one (`paddock run --segment N/COUNT`)")]
    NotASegment {
        /// The segment.
        name: String,
    },
    /// One was made by joining.
    #[error("{name} is joined already: name the run folders of the segments themselves")]
    AlreadyJoined {
        /// The segment.
        name: String,
    },
    /// Two do not belong together.
    #[error("{one} and {other} are not of one run: {what} is {ones} in the first and {others} in the second")]
    Different {
        /// What sets them apart, in words.
        what: &'static str,
        /// A segment.
        one: String,
        /// What it has.
        ones: String,
        /// Another.
        other: String,
        /// What that has.
        others: String,
    },
    /// One is there twice.
    #[error("{one} and {other} are both segment {segment}")]
    Twice {
        /// Which.
        segment: String,
        /// A segment.
        one: String,
        /// Another.
        other: String,
    },
    /// Some are not there.
    #[error("segments are missing: {segments}")]
    Missing {
        /// Which.
        segments: String,
    },
    /// One claims a number that no segment has.
    #[error("{name} claims to be segment {segment}, which does not exist")]
    Impossible {
        /// The segment.
        name: String,
        /// What it claims.
        segment: String,
    },
    /// One ended before its account was closed.
    #[error(
        "{name} was cut off before its account was closed, so nobody can say what was lost; run all segments again"
    )]
    CutOff {
        /// The segment.
        name: String,
    },
    /// One never began.
    #[error("{name} did not run: {reason}")]
    DidNotRun {
        /// The segment.
        name: String,
        /// What it said.
        reason: String,
    },
    /// One holds a distribution that cannot be read.
    #[error("{name}: {cause}")]
    Histogram {
        /// The segment.
        name: String,
        /// What is wrong with it.
        cause: HistogramError,
    },
    /// One holds percentiles without their distribution.
    #[error("{name} holds a window without its distributions, and percentiles cannot be joined")]
    Percentiles {
        /// The segment.
        name: String,
    },
}

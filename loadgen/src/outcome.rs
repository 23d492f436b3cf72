//! How a run came out.

use std::fmt;

use reports::{Summary, observation::Verdict};

/// The exit codes that every verb of the command shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Everything held.
    Pass = 0,
    /// An internal error.
    Internal = 1,
    /// Wrong usage or configuration, the machine's limits included.
    Usage = 2,
    /// Violations found.
    Violations = 3,
    /// Nothing ran.
    NothingRan = 4,
    /// The target could not be reached.
    Unreachable = 5,
    /// Thresholds were missed.
    Thresholds = 6,
    /// The run is invalid: the generator was saturated.
    Invalid = 7,
    /// Too little is known to decide.
    Inconclusive = 8,
}

impl Exit {
    /// What the process ends with when a run that could begin was interrupted, whatever its verdict.
    pub const INTERRUPTED: u8 = 130;

    /// When several apply, the first of these wins; `Pass` when none does.
    const PRECEDENCE: [Self; 8] = [
        Self::Internal,
        Self::Usage,
        Self::Unreachable,
        Self::Invalid,
        Self::Violations,
        Self::Thresholds,
        Self::Inconclusive,
        Self::NothingRan,
    ];

    /// The one of `all` that the process ends with.
    pub fn worst(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().min_by_key(|exit| exit.rank()).unwrap_or(Self::Pass)
    }

    /// Its place in the precedence; the least wins.
    pub(crate) fn rank(self) -> usize {
        Self::PRECEDENCE.iter().position(|other| *other == self).unwrap_or(usize::MAX)
    }

    /// The one that a recorded run stands for: its code, or its verdict where the code says only that it was interrupted.
    /// `Inconclusive` for a code that no version of this one wrote.
    pub fn recorded(code: u8, verdict: Verdict) -> Self {
        Self::from_code(code).unwrap_or(match verdict {
            Verdict::Fail if code == Self::INTERRUPTED => Self::Thresholds,
            Verdict::Invalid if code == Self::INTERRUPTED => Self::Invalid,
            Verdict::Error if code == Self::INTERRUPTED => Self::NothingRan,
            _ => Self::Inconclusive,
        })
    }

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The exit with this number; `None` for other numbers.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::PRECEDENCE.into_iter().chain([Self::Pass]).find(|exit| exit.code() == code)
    }

    /// The verdict that goes with it.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Pass => Verdict::Pass,
            Self::Violations | Self::Thresholds => Verdict::Fail,
            Self::Invalid => Verdict::Invalid,
            Self::Inconclusive | Self::NothingRan => Verdict::Inconclusive,
            Self::Internal | Self::Usage | Self::Unreachable => Verdict::Error,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code().fmt(f)
    }
}

/// How a run came out. Everything in it was recorded as observations too.
#[derive(Debug)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// What the process ends with. After an interrupt the command ends with 130 instead.
    pub exit: Exit,
    /// Why, most important first: one lowercase fragment each; empty for a clean pass.
    pub reasons: Vec<String>,
    /// Whether the target ever answered a CONNECT with success.
    pub answered: bool,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// What of the outputs could not be written; the outputs cannot say it themselves.
    pub unwritten: Option<String>,
    /// The fold of all observations.
    pub summary: Summary,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_precedence_decides() {
        let order = [1, 2, 5, 7, 3, 6, 8, 4];
        assert_eq!(Exit::PRECEDENCE.map(Exit::code), order);
        for (place, exit) in Exit::PRECEDENCE.into_iter().enumerate() {
            let rest = Exit::PRECEDENCE[place..].iter().rev().copied().chain([Exit::Pass]);
            assert_eq!(Exit::worst(rest), exit);
        }
        assert_eq!(
            (0..=255).filter_map(Exit::from_code).map(Exit::code).collect::<Vec<_>>(),
            [0, 1, 2, 3, 4, 5, 6, 7, 8]
        );
        assert_eq!(Exit::worst([]), Exit::Pass);
        assert_eq!(Exit::worst([Exit::Pass, Exit::NothingRan]), Exit::NothingRan);
    }
}

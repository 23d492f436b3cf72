//! What a case finds, and how it stops.

use std::fmt;

use crate::Mark;

/// What a case comes to: `Ok` when it reached its end. Verbs give it, so that `?` stops the case.
pub type CaseResult<T = ()> = Result<T, Stop>;

/// Why a case stops before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The target broke the standard.
    Breach(Finding),
    /// What the case needs first did not work, so its point was not reached.
    Inconclusive(String),
    /// The target does not offer what the case is about.
    NotApplicable(String),
    /// The suite failed, not the target.
    Error(String),
}

/// One departure from the standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it weighs.
    pub weight: Weight,
    /// Which statement it is about.
    pub about: About,
    /// What the standard wants.
    pub expected: String,
    /// What came.
    pub seen: String,
}

/// Which statement a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The first that the case decides in the version that is spoken.
    Case,
    /// This one, if it is of the version that is spoken; otherwise as [`About::Case`].
    Statement(Mark),
    /// This one, whatever the case is about: no connection may see such a thing.
    Watched(Mark),
    /// A rule of the standard that has no number.
    Unnumbered,
}

/// How much a departure weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// A MUST was broken.
    Must,
    /// A SHOULD was departed from.
    Should,
}

impl Finding {
    /// A broken MUST.
    pub fn breach(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { weight: Weight::Must, about: About::Case, expected: expected.into(), seen: seen.into() }
    }

    /// A departure from a SHOULD.
    pub fn departure(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { weight: Weight::Should, ..Self::breach(expected, seen) }
    }

    /// About the statement of `mark`, whatever the case is about.
    pub(crate) fn watched(self, mark: Mark) -> Self {
        Self { about: About::Watched(mark), ..self }
    }

    /// About the statement of `mark`.
    #[must_use]
    pub fn cites(self, mark: Mark) -> Self {
        Self { about: About::Statement(mark), ..self }
    }
}

impl Stop {
    /// A broken MUST.
    pub fn breach(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::Breach(Finding::breach(expected, seen))
    }

    /// A broken MUST that has no number: one of the text, or of a standard that MQTT rests on.
    pub(crate) fn unnumbered(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::Breach(Finding { about: About::Unnumbered, ..Finding::breach(expected, seen) })
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Breach(finding) => write!(f, "expected {}, seen {}", finding.expected, finding.seen),
            Self::Inconclusive(reason) | Self::NotApplicable(reason) | Self::Error(reason) => f.write_str(reason),
        }
    }
}

/// What a case adds to the result of a verb.
pub trait Judge<T> {
    /// A failure here is about the statement of `mark`, not about the first that the case decides. A mark that is about the
    /// other version only changes nothing.
    ///
    /// # Errors
    ///
    /// The same.
    fn cites(self, mark: Mark) -> CaseResult<T>;

    /// A failure here means that the case does not reach its point: `what` did not work.
    ///
    /// # Errors
    ///
    /// Inconclusive instead of a breach; what no connection may see stays a breach.
    fn set_up(self, what: &str) -> CaseResult<T>;
}

impl<T> Judge<T> for CaseResult<T> {
    fn cites(self, mark: Mark) -> Self {
        self.map_err(|stop| match stop {
            // What the strict parser cites stays.
            Stop::Breach(finding) if finding.about == About::Case => Stop::Breach(finding.cites(mark)),
            other => other,
        })
    }

    fn set_up(self, what: &str) -> Self {
        self.map_err(|stop| match stop {
            Stop::Breach(finding) if matches!(finding.about, About::Case | About::Statement(_)) => {
                Stop::Inconclusive(format!("{what}: expected {}, seen {}", finding.expected, finding.seen))
            }
            other => other,
        })
    }
}

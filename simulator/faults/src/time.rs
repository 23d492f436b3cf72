//! Time as the rules see it.

use std::{fmt, time::Duration};

/// Time since the proxy began; in tests, whatever the test says. Never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Duration);

impl Time {
    /// The beginning.
    pub const ZERO: Self = Self(Duration::ZERO);
    /// A time that never comes.
    pub const NEVER: Self = Self(Duration::MAX);

    /// So long after the beginning.
    #[must_use]
    pub const fn at(since_the_beginning: Duration) -> Self {
        Self(since_the_beginning)
    }

    /// So much later; [`Time::NEVER`] when that is beyond counting.
    #[must_use]
    pub const fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// The time since `earlier`; zero when that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The time since the beginning.
    #[must_use]
    pub const fn since_the_beginning(self) -> Duration {
        self.0
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}s", self.0.as_secs_f64())
    }
}

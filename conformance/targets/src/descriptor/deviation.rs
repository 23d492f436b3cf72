//! Where a broker is known to depart from the standard.

use std::{fmt, str::FromStr};

use super::{Version, glob::Glob};

/// Cases that a broker is known to fail, and why that is accepted. One that no case needs any more is an error of the run:
/// the runner, which knows what failed, finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// Which.
    pub cases: Cases,
    /// Why; never empty.
    pub reason: String,
}

impl Deviation {
    /// Whether it excuses the case `id` in `version`.
    #[must_use]
    pub fn covers(&self, id: &str, version: Version) -> bool {
        self.cases.version.is_none_or(|only| only == version) && self.cases.ids.matches(id)
    }
}

/// Cases by their ids, in one version or in all: `publish.*`, `publish.* in 3.1.1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cases {
    /// Their ids.
    pub ids: Glob,
    /// The version; all when absent.
    pub version: Option<Version>,
}

impl FromStr for Cases {
    type Err = located::Wrong;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (ids, version) = match text.split_once(" in ") {
            Some((ids, version)) => (ids, Some(version.trim().parse()?)),
            None => (text, None),
        };
        Ok(Self { ids: ids.trim().parse()?, version })
    }
}

impl fmt::Display for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(version) => write!(f, "{} in {version}", self.ids),
            None => write!(f, "{}", self.ids),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deviation(cases: &str) -> Deviation {
        Deviation { cases: cases.parse().unwrap(), reason: "it was decided so".to_owned() }
    }

    #[test]
    fn a_deviation_covers_its_cases_in_its_version() {
        let everywhere = deviation("connect.*");
        assert!(everywhere.covers("connect.twice", Version::V5) && everywhere.covers("connect.twice", Version::V3_1_1));
        let one = deviation("connect.* in 3.1.1");
        assert!(one.covers("connect.twice", Version::V3_1_1) && !one.covers("connect.twice", Version::V5));
        assert!(!one.covers("publish.twice", Version::V3_1_1));
        assert_eq!(one.cases.to_string(), "connect.* in 3.1.1");
        assert!("connect.* in 4".parse::<Cases>().is_err() && "* in".parse::<Cases>().is_err());
    }
}

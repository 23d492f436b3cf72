//! What no conforming server does.

use std::fmt;

use wire::{Breach, Version};

use crate::model::{Dialect, Finding};

/// What no conforming server does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    /// The version that was spoken where it happened.
    pub version: Version,
    /// The number of the statement of that version that is broken: `3.3.1-4`. `None` where the rule has no number.
    pub statement: Option<String>,
    /// The rule, in our words; of a malformed packet what is wrong with it.
    pub rule: String,
    /// What happened.
    pub what: String,
    /// Whether it is a packet that the strict parser does not take.
    pub is_malformed: bool,
}

impl Discrepancy {
    pub(super) fn new(version: Version, statement: Option<&str>, rule: &str, what: String) -> Self {
        Self { version, statement: statement.map(str::to_owned), rule: rule.to_owned(), what, is_malformed: false }
    }

    /// A packet that the strict parser does not take.
    pub(super) fn malformed(version: Version, breach: Breach, what: String) -> Self {
        let number = breach.statement.map(|statement| statement.trim_start_matches("MQTT-"));
        Self { is_malformed: true, ..Self::new(version, number, &breach.what, what) }
    }
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        match (&self.statement, self.version) {
            (None, _) => f.write_str("a rule without number")?,
            (Some(number), Version::V5) => write!(f, "MQTT-{number}")?,
            (Some(number), version) => write!(f, "MQTT-{number} in {version}")?,
        }
        write!(f, ": {}", self.rule)
    }
}

impl From<Finding> for Discrepancy {
    fn from(finding: Finding) -> Self {
        let what = format!("client {} (MQTT {}): {}", finding.client, finding.dialect, finding.what);
        Self::new(finding.dialect.version(), finding.rule.statement(finding.dialect), finding.rule.says, what)
    }
}

impl Dialect {
    /// The version on the wire.
    pub(super) fn version(self) -> Version {
        match self {
            Self::V311 => Version::V3_1_1,
            Self::V5 => Version::V5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The strict parser's ids do not tell the version, and what is told does.
    #[test]
    fn a_malformed_packet_is_told_with_its_version() {
        for (version, told) in [(Version::V3_1_1, "MQTT-3.3.1-4 in 3.1.1"), (Version::V5, "MQTT-3.3.1-4")] {
            let breach = wire::Packet::parse(version, wire::Direction::FromServer, &[0x36, 0]).unwrap_err();
            let discrepancy = Discrepancy::malformed(version, breach, "client a: PUBLISH".to_owned());
            assert_eq!(discrepancy.statement.as_deref(), Some("3.3.1-4"));
            assert_eq!(discrepancy.to_string(), format!("client a: PUBLISH\n{told}: PUBLISH has QoS 3"));
        }
        let unnumbered = Discrepancy::new(Version::V5, None, "an answer belongs to a request", "PUBACK".to_owned());
        assert_eq!(unnumbered.to_string(), "PUBACK\na rule without number: an answer belongs to a request");
    }
}

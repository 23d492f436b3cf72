//! The numbered statements of both standards, from `conformance/statements`, in our words.

use std::{fmt, sync::LazyLock};

use wire::Version;

/// One numbered statement of one standard. The two standards share ids, mostly with another meaning, so the version is
/// part of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The standard; [`Version::V3_1_1`] or [`Version::V5`].
    pub version: Version,
    /// Its number without `MQTT-`, such as `3.3.1-4`.
    pub number: &'static str,
    /// Its section, with title: `3.3.1 PUBLISH fixed header`.
    pub section: &'static str,
    /// Whom it binds: `server`, `client`, `both`, `sender` or `receiver`.
    pub binds: &'static str,
    /// The words that it uses: `MUST`, `MUST NOT`, `SHOULD`, `MAY`, joined by `+`.
    pub level: &'static str,
    /// Where it can be tested from.
    pub testable: Testable,
    /// How, in a few words; may be empty.
    pub how: &'static str,
    /// What it says.
    pub text: &'static str,
}

/// Where a statement can be tested from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Testable {
    /// By talking to a server.
    Server,
    /// Only by talking to a client.
    Client,
    /// Only with a fault inside the server, or by restarting it.
    Inside,
    /// Not at all.
    No,
}

impl Statement {
    /// Every statement of both standards: 3.1.1, then 5.0, each in the order of its sections.
    pub fn all() -> &'static [Self] {
        &TABLE
    }

    /// The statement `number` (`3.3.1-4`) of `version`.
    pub fn find(version: Version, number: &str) -> Option<&'static Self> {
        Self::all().iter().find(|statement| statement.version == version && statement.number == number)
    }

    /// The number of its section: `3.3.1`.
    pub fn section_number(&self) -> &'static str {
        self.section.split(' ').next().unwrap_or_default()
    }

    /// Whether it says SHOULD somewhere.
    pub fn advises(&self) -> bool {
        self.level.contains("SHOULD")
    }
}

/// As the project writes it: `MQTT-3.3.1-4` is 5.0's, `MQTT-3.3.1-4 in 3.1.1` the other's.
impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.version == Version::V5 { "" } else { " in 3.1.1" };
        write!(f, "MQTT-{}{mark}", self.number)
    }
}

static TABLE: LazyLock<Vec<Statement>> = LazyLock::new(|| {
    let tables = [
        (Version::V3_1_1, include_str!("../statements/mqtt311.tsv")),
        (Version::V5, include_str!("../statements/mqtt5.tsv")),
    ];
    tables.iter().flat_map(|(version, text)| text.lines().skip(1).map(|line| row(*version, line))).collect()
});

/// id, section, binds, level, testable, paraphrase.
fn row(version: Version, line: &'static str) -> Statement {
    let mut columns = line.split('\t');
    let mut column = || columns.next().expect("the tables have six columns; a test reads every row");
    let number = column().strip_prefix("MQTT-").expect("ids begin with MQTT-");
    let (section, binds, level) = (column(), column(), column());
    let (testable, how) = testable(column());
    Statement { version, number, section, binds, level, testable, how, text: column() }
}

/// `yes-server-black-box+yes-client-black-box (how)` and the like.
fn testable(text: &'static str) -> (Testable, &'static str) {
    let (word, how) = text.split_once(" (").map_or((text, ""), |(word, how)| (word, how.trim_end_matches(')')));
    let testable = match word {
        word if word.contains("yes-server-black-box") => Testable::Server,
        "yes-client-black-box" => Testable::Client,
        "needs-restart-or-fault" => Testable::Inside,
        _ => Testable::No,
    };
    (testable, how)
}

/// How a case names the statements, and the rules without a number, that it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The statement of MQTT 3.1.1 with this number.
    V311(&'static str),
    /// The statement of MQTT 5.0 with this number.
    V5(&'static str),
    /// The statements of both standards that have this number.
    Both(&'static str),
}

impl Mark {
    /// Its number in `version`, if it is about that version.
    pub const fn in_version(self, version: Version) -> Option<&'static str> {
        match (self, version) {
            (Self::V5(number) | Self::Both(number), Version::V5) => Some(number),
            (Self::V311(number) | Self::Both(number), Version::V3_1_1) => Some(number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tables_are_whole() {
        let count = |version| Statement::all().iter().filter(|statement| statement.version == version).count();
        assert_eq!((count(Version::V3_1_1), count(Version::V5)), (141, 251));
        for statement in Statement::all() {
            assert!(["server", "client", "both", "sender", "receiver"].contains(&statement.binds), "{statement}");
            assert!(!statement.text.is_empty() && !statement.level.is_empty(), "{statement}");
            assert!(
                statement.number.starts_with(statement.section_number()) || statement.number == "4.2-1",
                "{statement}"
            );
        }
    }

    #[test]
    fn the_two_standards_are_told_apart() {
        let [old, new] = [Version::V3_1_1, Version::V5].map(|version| Statement::find(version, "3.1.4-2").unwrap());
        assert_ne!(old.text, new.text);
        assert_eq!([old.to_string(), new.to_string()], ["MQTT-3.1.4-2 in 3.1.1", "MQTT-3.1.4-2"]);
        assert_eq!(Mark::Both("3.1.4-2").in_version(Version::V5), Some("3.1.4-2"));
        assert_eq!(Mark::V311("3.1.4-2").in_version(Version::V5), None);
    }
}

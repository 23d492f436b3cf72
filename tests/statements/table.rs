//! The numbered statements of both standards, from `conformance/statements`.

use std::{collections::BTreeMap, fmt, fs, path::Path};

/// Which standard a statement is of. The two share 121 ids, mostly with different meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    V311,
    V5,
}

/// A statement: its version and its number, such as `3.1.0-2`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) version: Version,
    pub(crate) number: String,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.version == Version::V311 { " in 3.1.1" } else { "" };
        write!(f, "MQTT-{}{mark}", self.number)
    }
}

/// What the table says of a statement.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    /// `server`, `client`, `both`, `sender` or `receiver`.
    binds: String,
    testable: String,
    pub(crate) paraphrase: String,
}

impl Statement {
    /// Whether a server must keep it, or must meet a client's breach of it.
    pub(crate) fn concerns_a_server(&self) -> bool {
        self.binds != "client" || self.testable.contains("yes-server-black-box")
    }
}

pub(crate) type Table = BTreeMap<Id, Statement>;

/// Both tables.
pub(crate) fn read(root: &Path) -> Table {
    [(Version::V311, "mqtt311.tsv"), (Version::V5, "mqtt5.tsv")]
        .into_iter()
        .flat_map(|(version, file)| {
            let text = fs::read_to_string(root.join("conformance/statements").join(file)).unwrap();
            text.lines().skip(1).map(|line| row(version, line)).collect::<Vec<_>>()
        })
        .collect()
}

/// id, section, binds, level, testable, paraphrase.
fn row(version: Version, line: &str) -> (Id, Statement) {
    let [id, _, binds, _, testable, paraphrase] = line.split('\t').collect::<Vec<_>>()[..] else {
        panic!("six columns: {line}")
    };
    assert!(["server", "client", "both", "sender", "receiver"].contains(&binds), "whom it binds: {line}");
    let number = id.strip_prefix("MQTT-").expect("an id").to_owned();
    let statement = Statement { binds: binds.into(), testable: testable.into(), paraphrase: paraphrase.into() };
    (Id { version, number }, statement)
}

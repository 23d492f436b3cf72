//! Where the broker shows each statement: the line that keeps it, and the tests that decide it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use crate::{
    marks,
    source::{Kind, Piece, Source},
    table::{Id, Table, Version},
};

/// What is not shown of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    Line,
    Test,
    Both,
}

/// Places by statement, such as `reference-broker/src/worker/connect.rs:61`, and what cannot be read.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) lines: BTreeMap<Id, BTreeSet<String>>,
    /// Names of tests, with their files.
    pub(crate) tests: BTreeMap<Id, BTreeSet<String>>,
    pub(crate) faults: Vec<String>,
}

/// The functions in here only list the cases of this test.
const CASES: (&str, &str) = ("protocol/tests/codec/vectors/", "bytes_mean_what_the_standard_says");

/// Its columns tell the version: 3.1.1, then 5.0.
const COLUMNS: &str = "protocol/src/violation.rs";

/// Looks through every tracked source, but for this check itself.
pub(crate) fn look(root: &Path, table: &Table) -> Shown {
    let listed = Command::new("git").args(["ls-files", "*.rs"]).current_dir(root).output().unwrap();
    assert!(listed.status.success(), "git lists the sources");
    let files = String::from_utf8(listed.stdout).unwrap();
    let mut shown = Shown::default();
    for file in files.lines().filter(|file| !file.starts_with("tests/statements/")) {
        shown.add(file, Source::read(fs::read_to_string(root.join(file)).unwrap()), table);
    }
    shown
}

impl Shown {
    pub(crate) fn add(&mut self, file: &str, source: Source, table: &Table) {
        for piece in &source.pieces {
            if file.ends_with(COLUMNS) && piece.kind == Kind::Text {
                continue;
            }
            let place = format!("{file}:{}", source.line(piece.range.start));
            let ids = match marks::read(&piece.text, table) {
                Ok(ids) => ids,
                Err(fault) => {
                    self.faults.push(format!("{place}: {fault}"));
                    continue;
                }
            };
            if ids.is_empty() || !is_server_side(file) {
                continue;
            }
            if is_test_file(file) || source.is_test(piece.range.start) {
                for name in tests_of(file, &source, piece) {
                    for id in &ids {
                        self.tests.entry(id.clone()).or_default().insert(format!("{file}: {name}"));
                    }
                }
            } else if piece.kind == Kind::Comment || piece.kind == Kind::Doc && source.documents_function(piece) {
                for id in &ids {
                    self.lines.entry(id.clone()).or_default().insert(place.clone());
                }
            }
        }
        if file.ends_with(COLUMNS) {
            self.check_columns(file, &source, table);
        }
    }

    /// The columns say which statement a violation breaks, which is no line that keeps it; but they must name real ones.
    fn check_columns(&mut self, file: &str, source: &Source, table: &Table) {
        for line in source.text().lines() {
            let cells = line.trim().split(", ").take(2).zip([Version::V311, Version::V5]);
            for (cell, version) in cells {
                let Some(number) = cell.strip_prefix("Some(\"MQTT-").and_then(|cell| cell.strip_suffix("\")")) else {
                    continue;
                };
                let id = Id { version, number: number.to_owned() };
                if !table.contains_key(&id) {
                    self.faults.push(format!("{file}: {id} does not exist"));
                }
            }
        }
    }

    /// What is not shown of `id`.
    pub(crate) fn lack(&self, id: &Id) -> Option<Lack> {
        match (self.lines.contains_key(id), self.tests.contains_key(id)) {
            (true, true) => None,
            (false, true) => Some(Lack::Line),
            (true, false) => Some(Lack::Test),
            (false, false) => Some(Lack::Both),
        }
    }
}

/// A client's own side shows nothing of a server, and neither does what a fuzzer expects.
fn is_server_side(file: &str) -> bool {
    let of_client = file.starts_with("reference-broker/protocol/") && file.contains("/client");
    let of_fuzzer = file.starts_with("reference-broker/fuzz/");
    (file.starts_with("reference-broker/") || file.starts_with("tests/")) && !of_client && !of_fuzzer
}

fn is_test_file(file: &str) -> bool {
    file.starts_with("tests/") || file.contains("/tests/") || file.ends_with("/tests.rs")
}

/// The tests that the piece is part of.
fn tests_of(file: &str, source: &Source, piece: &Piece) -> Vec<String> {
    let at = piece.range.start;
    let around: Vec<_> = source.functions.iter().filter(|function| function.range.contains(&at)).collect();
    let (folder, test) = CASES;
    if file.contains(folder) {
        // What a server sent is read by a client.
        let from_client = piece.kind != Kind::Text || !source.call_before(at).contains("Server");
        return (from_client && !around.is_empty()).then(|| test.to_owned()).into_iter().collect();
    }
    around.into_iter().filter(|function| function.is_test).map(|function| function.name.clone()).collect()
}

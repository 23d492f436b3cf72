//! Every statement that concerns a server has a line in the broker that keeps it and a named test that decides it.
//!
//! `marks` says how sources name a statement, `shown` what counts as a line and what as a test, `excused` which statements
//! cannot be shown and why.

#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod excused;
mod marks;
mod shown;
mod source;
mod table;

use std::{collections::BTreeMap, path::Path};

use excused::EXCUSED;
use shown::{Lack, Shown};
use source::Source;
use table::{Id, Statement, Table, Version};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_mark_can_be_read_and_names_a_statement() {
    let shown = shown::look(root(), &table::read(root()));
    assert!(shown.faults.is_empty(), "see tests/statements/marks.rs\n{}", shown.faults.join("\n"));
}

#[test]
fn every_statement_that_concerns_a_server_has_a_line_and_a_test() {
    let table = table::read(root());
    let shown = shown::look(root(), &table);
    let concerning = table.iter().filter(|(_, statement)| statement.concerns_a_server());
    println!("{} statements concern a server, {} are excused", concerning.count(), EXCUSED.len());
    let wrong = gaps(&table, &shown, &allowed(&table));
    assert!(wrong.is_empty(), "{} statements\n{}", wrong.len(), wrong.join("\n"));
}

/// What may be lacking.
fn allowed(table: &Table) -> BTreeMap<Id, Lack> {
    let mut allowed = BTreeMap::new();
    for (mark, lack, reason) in EXCUSED {
        assert!(!reason.is_empty(), "{mark} has no reason");
        for id in marks::read(mark, table).unwrap() {
            assert!(allowed.insert(id, *lack).is_none(), "{mark} is there twice");
        }
    }
    allowed
}

/// Statements that are not shown and not allowed to be so, and the other way round.
fn gaps(table: &Table, shown: &Shown, allowed: &BTreeMap<Id, Lack>) -> Vec<String> {
    let mut gaps = Vec::new();
    for (id, statement) in table.iter().filter(|(_, statement)| statement.concerns_a_server()) {
        gaps.extend(gap(id, statement, shown.lack(id), allowed.get(id).copied()));
    }
    let idle = allowed.keys().filter(|id| !table[id].concerns_a_server());
    gaps.extend(idle.map(|id| format!("{id}: does not concern a server, so it needs no excuse")));
    gaps
}

fn gap(id: &Id, statement: &Statement, lack: Option<Lack>, allowed: Option<Lack>) -> Option<String> {
    let what = |lack| match lack {
        Lack::Line => "no line that keeps it",
        Lack::Test => "no test that decides it",
        Lack::Both => "no line and no test",
    };
    match (lack, allowed) {
        (lack, allowed) if lack == allowed => None,
        (Some(lack), _) => Some(format!("{id}: {}: {}", what(lack), statement.paraphrase)),
        (None, _) => Some(format!("{id}: is shown; take it off the list in tests/statements/excused.rs")),
    }
}

/// The tables and a made-up source.
fn shown_by(file: &str, text: &str) -> (Table, Shown) {
    let table = table::read(root());
    let mut shown = Shown::default();
    shown.add(file, Source::read(text.to_owned()), &table);
    (table, shown)
}

fn id(version: Version, number: &str) -> Id {
    Id { version, number: number.to_owned() }
}

#[test]
fn marks_tell_the_versions_apart() {
    let table = table::read(root());
    let read =
        |text| marks::read(text, &table).map(|ids| ids.iter().map(Id::to_string).collect::<Vec<_>>().join(" | "));
    for (text, ids) in [
        ("MQTT-3.1.4-3 (MQTT-3.1.4-2 in 3.1.1).", "MQTT-3.1.4-3 | MQTT-3.1.4-2 in 3.1.1"),
        ("MQTT-3.1.0-2 in both", "MQTT-3.1.0-2 in 3.1.1 | MQTT-3.1.0-2"),
        ("first MQTT-3.3.1-9, -10 and MQTT-3.3.1-11: why", "MQTT-3.3.1-9 | MQTT-3.3.1-10 | MQTT-3.3.1-11"),
        ("MQTT-4.6.0-1 to -3", "MQTT-4.6.0-1 | MQTT-4.6.0-2 | MQTT-4.6.0-3"),
        ("MQTT-3.3.4-2; MQTT-3.3.5-1 in 3.1.1", "MQTT-3.3.4-2 | MQTT-3.3.5-1 in 3.1.1"),
        ("nothing of MQTT-like 3.1.1", ""),
    ] {
        assert_eq!(read(text).as_deref(), Ok(ids));
    }
    for text in [
        "MQTT-3.1.4-99",
        "MQTT-3.3.5-1",
        "MQTT-3.3.4-9 in 3.1.1",
        "MQTT-3.3.4-9 in both",
        "MQTT-3.1.4",
        "MQTT-3.1.4-2 in 3.1.2",
        "MQTT-3.1.4-2 in 3.1.11",
        "MQTT-3.1.4-2 of 3.1.1",
        "MQTT-3.1.4-2 (3.1.1)",
        "3.1.1: MQTT-3.1.4-2",
        "MQTT-3.8.4-6 / MQTT-3.9.3-1",
    ] {
        assert!(read(text).is_err(), "{text}: {:?}", read(text));
    }
}

#[test]
fn a_line_is_a_comment_beside_code_and_a_test_is_a_test() {
    let text = r##"
        //! MQTT-3.1.0-1.
        /// MQTT-3.1.0-2.
        struct Thing;
        /// MQTT-3.1.2-1.
        #[inline]
        pub fn made() { let _ = "MQTT-3.1.2-2"; } // MQTT-3.1.2-3.
        // MQTT-3.1.2-4 (MQTT-3.1.2-6
        // in 3.1.1).
        #[cfg(test)]
        mod tests {
            // MQTT-3.1.2-5.
            fn helper() { let _ = '"'; let _ = r#"MQTT-3.1.2-7"#; }
            /// MQTT-3.1.2-8.
            #[test]
            fn decides() { assert!(true, "MQTT-3.1.2-10"); { /* MQTT-3.1.2-14 */ } // MQTT-3.1.2-15.
            }
        }
    "##;
    let (_, shown) = shown_by("reference-broker/src/worker.rs", text);
    assert_eq!(shown.faults, [""; 0]);
    let list = |map: &BTreeMap<Id, _>| map.keys().map(Id::to_string).collect::<Vec<_>>();
    let lines = ["MQTT-3.1.2-6 in 3.1.1", "MQTT-3.1.2-1", "MQTT-3.1.2-3", "MQTT-3.1.2-4"];
    assert_eq!(list(&shown.lines), lines);
    assert_eq!(list(&shown.tests), ["MQTT-3.1.2-10", "MQTT-3.1.2-15", "MQTT-3.1.2-8"]);
    let (_, elsewhere) = shown_by("reference-broker/protocol/src/client/state.rs", text);
    assert!(elsewhere.lines.is_empty() && elsewhere.tests.is_empty(), "a client shows nothing of a server");
}

#[test]
fn a_row_of_cases_counts_when_a_server_reads_it() {
    let rows = r#"fn rows() { invalid(V5, Client, "MQTT-3.1.2-3", ""); invalid(V5, Server, "MQTT-3.2.2-8", "") }"#;
    let (_, shown) = shown_by("reference-broker/protocol/tests/codec/vectors/a.rs", rows);
    assert_eq!(shown.tests.keys().map(Id::to_string).collect::<Vec<_>>(), ["MQTT-3.1.2-3"]);
}

#[test]
fn what_is_not_shown_is_named() {
    let (table, shown) = shown_by(
        "reference-broker/src/a.rs",
        "// MQTT-3.12.4-1 in both.\nfn f() {}\n#[test]\nfn t() {\n// MQTT-3.12.4-1.\n}",
    );
    let gaps_with = |allowed: &[(Id, Lack)]| gaps(&table, &shown, &allowed.iter().cloned().collect());
    let (old, new) = (id(Version::V311, "3.12.4-1"), id(Version::V5, "3.12.4-1"));
    let about = |gaps: &[String], id: &Id| gaps.iter().find(|gap| gap.starts_with(&format!("{id}: "))).cloned();
    let found = gaps_with(&[]);
    assert!(about(&found, &old).unwrap().contains("no test"));
    assert_eq!(about(&found, &new), None);
    assert!(about(&found, &id(Version::V5, "3.1.0-2")).unwrap().contains("no line and no test"));
    assert_eq!(about(&gaps_with(&[(old, Lack::Test)]), &id(Version::V311, "3.12.4-1")), None);
    // What is shown needs no excuse, and neither does what only a client can break.
    assert!(about(&gaps_with(&[(new.clone(), Lack::Test)]), &new).unwrap().contains("is shown"));
    let client = id(Version::V5, "4.5.0-2");
    assert!(about(&gaps_with(&[(client.clone(), Lack::Both)]), &client).unwrap().contains("does not concern"));
}

//! A run folder belongs to one run.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests that call them")]

use reports::{FolderError, RunFolder};
use std::fs;

fn midnight() -> jiff::Timestamp {
    "2026-11-21T00:00:00Z".parse().unwrap()
}

#[test]
fn folders_are_named_by_time_and_scenario_and_never_shared() {
    let base = tempfile::tempdir().unwrap();
    let names = ["20261121T000000Z-phase-1", "20261121T000000Z-phase-1-2", "20261121T000000Z-phase-1-3"];
    for name in names {
        let folder = RunFolder::create(&base.path().join("runs"), "phase-1", midnight()).unwrap();
        assert_eq!(folder.path(), base.path().join("runs").join(name));
    }
}

#[test]
fn a_scenario_name_cannot_leave_the_base() {
    let base = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(base.path(), "../../etc/pass wd", midnight()).unwrap();
    assert_eq!(folder.path().parent(), Some(base.path()));
}

#[test]
fn a_folder_with_a_run_is_refused_and_left_alone() {
    let base = tempfile::tempdir().unwrap();
    fs::write(base.path().join("observations.jsonl"), "precious").unwrap();
    let error = RunFolder::at(base.path()).unwrap_err();
    assert!(matches!(error, FolderError::Occupied { .. }));
    assert!(error.to_string().ends_with("already holds a run; choose another with --out DIR, or remove it"));
    assert_eq!(fs::read_to_string(base.path().join("observations.jsonl")).unwrap(), "precious");
}

#[test]
fn other_files_in_the_folder_do_not_matter() {
    let base = tempfile::tempdir().unwrap();
    fs::write(base.path().join("notes.txt"), "mine").unwrap();
    RunFolder::at(base.path()).unwrap();
}

#[test]
fn an_unwritable_place_is_one_clear_line() {
    let base = tempfile::tempdir().unwrap();
    let file = base.path().join("file");
    fs::write(&file, "").unwrap();
    for error in [RunFolder::at(&file.join("run")), RunFolder::create(&file, "smoke", midnight())] {
        let text = error.unwrap_err().to_string();
        assert!(text.starts_with("cannot write to the folder ") && text.contains("--out DIR"), "{text}");
        assert!(!text.contains('\n'));
    }
}

//! The broker's configuration file as its users meet it: examples, errors, exit codes.

use std::{fs, path::PathBuf, process::Output};

use tempfile::TempDir;

use crate::support::{Running, output, paddock};

/// A configuration file in a folder of its own.
struct File {
    _folder: TempDir,
    path: PathBuf,
}

fn file(text: &str) -> File {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("broker.toml");
    fs::write(&path, text).expect("a temporary file");
    File { _folder: folder, path }
}

fn check(file: &File, more: &[&str]) -> Output {
    output(paddock().args(["broker", "check"]).arg(&file.path).args(more).env("PORT", "1999"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_printed_example_is_a_sound_configuration() {
    let example = output(paddock().args(["broker", "example"]));
    let checked = check(&file(&text(&example.stdout)), &[]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    assert!(text(&checked.stdout).contains("broker.toml: sound"), "{}", text(&checked.stdout));
}

#[test]
fn the_printed_schema_is_the_shipped_one() {
    let printed = output(paddock().args(["broker", "schema"]));
    assert_eq!(text(&printed.stdout), include_str!("../../reference-broker/broker.schema.json"));
}

#[test]
fn a_bad_configuration_is_explained_and_exit_2() {
    let bad = file("[limits]\nqueue_bytes = 3\n[broker]\nworkers = \"${NOBODY_SETS_THIS}\"\n");
    let checked = check(&bad, &[]);
    assert_eq!((checked.status.code(), text(&checked.stdout)), (Some(2), String::new()));
    let said = text(&checked.stderr);
    for part in ["broker.toml:2:1", "did you mean `queued_bytes`?", "broker.toml:4:12", "NOBODY_SETS_THIS", "2 errors"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let started = output(paddock().args(["broker", "--config"]).arg(&bad.path));
    assert_eq!((started.status.code(), text(&started.stdout)), (Some(2), String::new()));
    let missing = output(paddock().args(["broker", "check", "/nowhere/broker.toml"]));
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("cannot read /nowhere/broker.toml"), "{}", text(&missing.stderr));
}

#[test]
fn show_prints_what_would_be_in_effect() {
    let shown = check(&file("[[listeners]]\naddress = \"127.0.0.1:${PORT}\"\n"), &["--show"]);
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
    let said = text(&shown.stdout);
    assert!(said.contains("address = \"127.0.0.1:1999\"") && said.contains("queued_messages = 10000"), "{said}");
    assert!(!said.contains('#'), "{said}");
}

#[test]
fn each_listener_of_the_configuration_is_announced_in_its_order() {
    let two = file("[[listeners]]\naddress = \"127.0.0.1:0\"\n[[listeners]]\naddress = \"127.0.0.2:0\"\n");
    let broker = Running::start(paddock().args(["broker", "--config"]).arg(&two.path));
    broker.line("the first", |line| line.starts_with("listening on mqtt://127.0.0.1:"));
    broker.line("the second", |line| line.starts_with("listening on mqtt://127.0.0.2:"));
    broker.signal("TERM");
    assert!(broker.end().success());
}

#[test]
fn without_a_configuration_strangers_are_let_in_only_when_that_is_said() {
    let address = ["broker", "--listen", "0.0.0.0:0"];
    let refused = output(paddock().args(address));
    assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(2), String::new()));
    assert!(text(&refused.stderr).contains("--allow-anonymous"), "{}", text(&refused.stderr));
    let broker = Running::start(paddock().args(address).arg("--allow-anonymous"));
    broker.line("the address", |line| line.starts_with("listening on mqtt://0.0.0.0:"));
    broker.signal("TERM");
    assert!(broker.end().success());
}

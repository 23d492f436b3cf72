//! The suite against the reference broker: it passes, and every case can fail.

mod properties;

use std::process::Output;

use crate::support::{output, paddock};

fn conformance(arguments: &[&str]) -> Output {
    output(paddock().arg("conformance").args(arguments))
}

#[track_caller]
fn ends_with(arguments: &[&str], code: i32) -> String {
    let output = conformance(arguments);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{said}");
    said
}

#[test]
fn the_reference_broker_conforms() {
    let said = ends_with(&["--strict"], 0);
    assert!(!said.contains("not applicable"), "a configuration of the broker is missing:\n{said}");
}

#[test]
fn every_case_sees_its_mutants() {
    ends_with(&["prove", "--jobs", "64"], 0);
}

/// What no case decides yet, exactly: the list may only become shorter. `paddock conformance coverage --open` prints it.
const OPEN: &str = include_str!("conformance/open.txt");

#[test]
fn no_statement_is_lost() {
    let output = conformance(&["coverage", "--open"]);
    let said = String::from_utf8(output.stdout).expect("text");
    let numbers =
        said.lines().filter(|line| line.starts_with("MQTT-")).map(|line| line.split(": ").next().unwrap_or(line));
    assert_eq!(numbers.collect::<Vec<_>>(), OPEN.lines().collect::<Vec<_>>());
    assert!(said.contains("392 statements: "), "{said}");
}

#[test]
fn what_selects_nothing_is_an_error_with_a_hint() {
    let said = ends_with(&["list", "publish.qos_3_is_malforme"], 2);
    assert!(said.contains("did you mean `publish.qos_3_is_malformed`?"), "{said}");
    assert!(ends_with(&["explain", "5:3.3.1-4"], 0).contains("MQTT-3.3.1-4"));
}

#[test]
fn a_target_that_nobody_serves_is_exit_5() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    ends_with(&["--target", &format!("mqtt://{unused}")], 5);
}

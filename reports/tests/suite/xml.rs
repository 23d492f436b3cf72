//! JUnit, as CI servers take it.

use super::specimen::{cut_off, mixed, passing, proof, strict, suite};
use reports::observation::Observation;
use reports::suite_junit;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

fn xml(run: &[Observation]) -> String {
    suite_junit(&suite(run)).unwrap()
}

#[test]
fn every_verdict_has_its_element() {
    insta::assert_snapshot!(xml(&mixed()));
}

#[test]
fn only_what_is_not_offered_is_skipped() {
    let text = xml(&mixed());
    let number = |tag: &str| text.matches(&format!("<{tag} ")).count();
    assert_eq!((number("skipped"), number("error"), number("failure")), (1, 2, 3));
    assert_eq!(xml(&passing()).matches("<failure").count() + xml(&passing()).matches("<error").count(), 0);
}

#[test]
fn advice_fails_where_it_counts() {
    assert_eq!(xml(&mixed()).matches("type=\"warn\"").count(), 0);
    assert_eq!(xml(&strict(mixed())).matches("<failure ").count(), 4);
}

#[test]
fn what_did_not_run_is_no_pass() {
    let text = xml(&cut_off());
    assert!(text.contains("<error message=\"CUT OFF\" type=\"cut off\">2 judgements did not come</error>"), "{text}");
    let mut nothing = passing();
    nothing.retain(|one| !matches!(one, Observation::CaseJudged(_)));
    if let Some(Observation::SuiteEnded(ended)) = nothing.last_mut() {
        ended.exit_code = 4;
    }
    assert!(xml(&nothing).contains("<error message=\"NOTHING RAN\""));
}

#[test]
fn survivors_are_failures() {
    let text = xml(&proof());
    assert_eq!(text.matches("<testcase name=\"publish.").count(), 1);
    assert_eq!(text.matches("type=\"survivor\"").count(), 1);
}

/// `junit-10.xsd` is the schema of Jenkins's xUnit plugin, the strictest of the readers.
#[test]
fn the_schema_of_jenkins_holds() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/junit-10.xsd");
    for run in [mixed(), strict(mixed()), passing(), cut_off(), proof()] {
        let mut child = Command::new("xmllint")
            .args(["--nonet", "--noout", "--schema"])
            .arg(&schema)
            .arg("-")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tests/run installs xmllint");
        child.stdin.take().unwrap().write_all(xml(&run).as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

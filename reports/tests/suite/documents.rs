//! The JSON document, its schema, and the files that a run leaves.

use super::specimen::{cut_off, mixed, passing, play, proof, suite};
use reports::observation::Observation;
use reports::{Sink, Suite, SuiteFiles, SuiteOutput, Tee, suite_html, suite_json, suite_junit, suite_schema};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn document(run: &[Observation]) -> Value {
    serde_json::from_str(&suite_json(&suite(run)).unwrap()).unwrap()
}

/// The verdict of each target.
fn verdicts(document: &Value, version: &str, number: &str) -> Vec<String> {
    let statements = document["statements"].as_array().unwrap();
    let found = statements.iter().find(|one| one["version"] == version && one["number"] == number).unwrap();
    let of = |one: &Value| one["verdict"].as_str().unwrap().to_owned();
    found["verdicts"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn statements_have_the_worst_verdict_of_their_cases_and_nobody_else_s() {
    let document = document(&mixed());
    let of = |version, number| verdicts(&document, version, number);
    assert_eq!(of("5.0", "3.3.1-4"), ["pass", "fail"]);
    assert_eq!(of("3.1.1", "3.3.1-4"), ["pass", "pass"]);
    assert_eq!(of("5.0", "3.3.1-5"), ["pass", "fail"]);
    assert_eq!(of("5.0", "3.3.1-6"), ["pass", "inconclusive"], "the case broke off over its neighbour");
    assert_eq!(of("5.0", "3.8.4-1"), ["pass", "warn"]);
    assert_eq!(of("5.0", "3.1.2-8"), ["error", "known"]);
    assert_eq!(of("5.0", "3.2.0-1"), ["not_run", "inconclusive"]);
    assert_eq!(of("5.0", "4.8.2-4"), ["not_run", "not_applicable"]);
    assert_eq!(of("5.0", "4.2-1"), ["excused", "excused"]);
    assert_eq!(document["targets"][1]["statements"]["5.0"]["fail"], 2);
    assert_eq!(document["targets"][1]["cases"]["fail"], 3);
    assert_eq!(document["headline"], "FAIL: 1 of 2 brokers break statements: sloppy 2.");
}

#[test]
fn the_order_does_not_depend_on_who_was_done_first() {
    let mut run = mixed();
    run[1..14].reverse();
    assert_eq!(document(&run), document(&mixed()));
}

#[test]
fn documents_fit_their_schema() {
    let schema = serde_json::to_value(suite_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for run in [mixed(), passing(), cut_off(), proof(), Vec::new()] {
        let errors: Vec<String> = validator.iter_errors(&document(&run)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    let mut wrong = document(&mixed());
    wrong["results"][0]["verdict"] = "fine".into();
    assert!(!validator.is_valid(&wrong), "the schema forbids something");
}

/// Run with `UPDATE_SCHEMA=1` to write it.
#[test]
fn the_shipped_schema_is_the_one_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance.schema.json");
    let schema = serde_json::to_string_pretty(&suite_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &schema).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), schema, "run this test with UPDATE_SCHEMA=1");
}

#[test]
fn a_proof_counts_kills() {
    let document = document(&proof());
    assert_eq!((&document["kills"]["killed"], &document["kills"]["survived"]), (&1.into(), &1.into()));
    assert_eq!(document["mutants"].as_array().unwrap().len(), 4);
    assert_eq!(document["headline"], "FAIL: 1 of 2 mutants survive.");
}

#[test]
fn a_recorded_run_gives_the_same_files_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let paths = ["run.jsonl", "run.xml", "run.json", "run.html"].map(path);
    let outputs = [SuiteOutput::Observations, SuiteOutput::JUnit, SuiteOutput::Json, SuiteOutput::Html];
    let named: Vec<_> = outputs.into_iter().zip(paths.iter().map(|path| path.as_path())).collect();
    play(&mixed(), Box::new(SuiteFiles::create(&named).unwrap()));
    let again = Suite::replay(&paths[0], &mut Tee::default()).unwrap();
    let expected = [suite_junit(&again).unwrap(), suite_json(&again).unwrap(), suite_html(&again).unwrap()];
    assert_eq!([1, 2, 3].map(|file| fs::read_to_string(&paths[file]).unwrap()), expected);
}

#[test]
fn files_are_opened_first_and_stay_away_if_nothing_came() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("run.json"), folder.path().join("no/such/run.xml"));
    let error = SuiteFiles::create(&[(SuiteOutput::Json, &good), (SuiteOutput::JUnit, &bad)]).unwrap_err();
    assert!(error.starts_with(&format!("cannot write {}: ", bad.display())), "{error}");
    assert!(!good.exists(), "an empty file was left");
    let error = SuiteFiles::create(&[(SuiteOutput::Json, &good), (SuiteOutput::Html, &good)]).unwrap_err();
    assert!(error.contains("named for two outputs"), "{error}");
    drop(SuiteFiles::create(&[(SuiteOutput::Observations, &good)]).unwrap());
    assert!(!good.exists(), "an empty file was left");
}

#[test]
fn what_was_there_stays_until_a_run_begins() {
    let folder = tempfile::tempdir().unwrap();
    let [file, link, other] = ["run.json", "link.json", "run.xml"].map(|name| folder.path().join(name));
    fs::write(&file, "an earlier, much longer run\n".repeat(10_000)).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    drop(SuiteFiles::create(&[(SuiteOutput::Json, &link)]).unwrap());
    assert_eq!((link.is_symlink(), fs::read(&file).unwrap().len()), (true, 280_000));
    let spelled = folder.path().join("./run.json");
    for twice in [&spelled, &link] {
        let named = [(SuiteOutput::Json, file.as_path()), (SuiteOutput::JUnit, &other), (SuiteOutput::Html, twice)];
        assert!(SuiteFiles::create(&named).unwrap_err().contains("named for two outputs"));
    }
    play(&mixed(), Box::new(SuiteFiles::create(&[(SuiteOutput::Json, &link)]).unwrap()));
    assert!(link.is_symlink());
    serde_json::from_slice::<Value>(&fs::read(&file).unwrap()).unwrap();
}

#[test]
fn a_recorded_run_of_a_scenario_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    fs::write(&path, "{\"kind\":\"run_started\",\"schema\":1}\n").unwrap();
    let mut sink: Box<dyn Sink> = Box::new(Tee::default());
    assert!(Suite::replay(&path, &mut *sink).is_err());
    fs::write(&path, "").unwrap();
    assert!(Suite::replay(&path, &mut *sink).unwrap_err().to_string().contains("does not begin with"));
}

//! Observations survive the way to disk and back: whole, cut off, from newer and from foreign versions.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests that call them")]

mod specimen;

use reports::observation::{Event, EventKind, Observation, SCHEMA};
use reports::{JsonLines, Output, ReadError, Reader, RunFolder, Sink, render};
use specimen::Kind;
use std::fs;
use std::path::Path;
use std::time::Duration;

fn lines(observations: &[Observation]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::at(dir.path()).unwrap();
    let mut sink = JsonLines::create(&folder).unwrap();
    observations.iter().for_each(|observation| sink.record(observation).unwrap());
    Box::new(sink).finish().unwrap();
    fs::read(dir.path().join("observations.jsonl")).unwrap()
}

fn read(bytes: &[u8]) -> Result<Vec<Observation>, ReadError> {
    Reader::new(Path::new("run/observations.jsonl"), bytes).collect()
}

#[test]
fn every_observation_reads_back_as_written() {
    for kind in Kind::ALL {
        let run = specimen::run(kind);
        assert!(read(&lines(&run)).unwrap() == run, "{}", kind.name());
    }
}

#[test]
fn extreme_values_read_back_as_written() {
    let mut run = specimen::run(Kind::Passing);
    run.truncate(2);
    if let Some(Observation::RunStarted(started)) = run.first_mut() {
        started.seed = u64::MAX;
        started.scenario.description = "</script>\u{0}\u{2028}\n\"\\ \u{1F404}".to_owned();
    }
    run.push(Observation::Event(Event {
        at: Duration::from_nanos(u64::MAX),
        event: EventKind::Warning,
        count: u64::MAX,
        client: Some(String::new()),
        group: None,
        text: "a\nb".to_owned(),
    }));
    assert_eq!(read(&lines(&run)).unwrap(), run);
}

#[test]
fn each_observation_is_one_line_and_the_first_names_the_schema() {
    let run = specimen::run(Kind::Failing);
    let text = String::from_utf8(lines(&run)).unwrap();
    assert_eq!(text.lines().count(), run.len());
    assert!(text.starts_with(&format!("{{\"kind\":\"run_started\",\"schema\":{SCHEMA},")));
}

#[test]
fn a_file_cut_anywhere_after_its_first_line_reads_up_to_the_cut() {
    let run = specimen::run(Kind::Failing);
    let bytes = lines(&run);
    let first = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in (first..bytes.len()).step_by(2477).chain([bytes.len() - 1]) {
        let read = read(&bytes[..cut]).unwrap();
        let whole_lines = bytes[..cut].iter().filter(|byte| **byte == b'\n').count();
        assert!(read.len() == whole_lines || read.len() == whole_lines + 1, "cut at {cut}");
        assert!(read == run[..read.len()], "cut at {cut}");
    }
}

#[test]
fn a_run_that_was_killed_renders_as_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = lines(&specimen::run(Kind::Passing));
    fs::write(dir.path().join("observations.jsonl"), &bytes[..bytes.len() / 3]).unwrap();
    let summary = render(dir.path(), &Output::ALL).unwrap();
    assert!(summary.ended().is_none());
    assert!(
        summary.measured_histogram("e2e", &reports::Labels::none()).is_some(),
        "windows stand in for the missing histograms"
    );
    let report = fs::read_to_string(dir.path().join("report.html")).unwrap();
    assert!(report.contains("was cut off after"), "the report says so");
    for output in Output::ALL {
        assert!(fs::metadata(dir.path().join(output.file_name())).unwrap().len() > 0, "{output:?}");
    }
}

#[test]
fn damage_in_the_middle_is_an_error_with_its_line() {
    let mut text = String::from_utf8(lines(&specimen::run(Kind::Passing))).unwrap();
    let second = text.find('\n').unwrap() + 1;
    text.insert_str(second, "{\"kind\":\"window\",\"at_ns\":-1}\n");
    let error = read(text.as_bytes()).unwrap_err();
    assert!(matches!(error, ReadError::Line { line: 2, .. }), "{error}");
    assert!(error.to_string().starts_with("run/observations.jsonl line 2: "), "{error}");
}

#[test]
fn fields_and_kinds_of_newer_versions_are_passed_over() {
    let run = specimen::run(Kind::Passing);
    let mut text = String::from_utf8(lines(&run)).unwrap();
    text = text.replace("{\"kind\":\"window\",", "{\"kind\":\"window\",\"moon\":{\"phase\":[1,2]},");
    let second = text.find('\n').unwrap() + 1;
    text.insert_str(second, "{\"kind\":\"weather\",\"rain\":true}\n");
    assert!(read(text.as_bytes()).unwrap() == run);
}

#[test]
fn another_schema_is_refused_by_name() {
    let text = String::from_utf8(lines(&specimen::run(Kind::Passing))).unwrap();
    let text = text.replacen("\"schema\":1", "\"schema\":2", 1).replacen("0.1.0", "9.0.0", 1);
    let error = read(text.as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "run/observations.jsonl has schema 2; this version reads schema 1. Use the paddock that wrote it (9.0.0)"
    );
}

#[test]
fn what_is_not_a_run_is_refused() {
    for foreign in ["", "\n", "hello\n", "{\"kind\":\"window\"}\n", "[]\n", "{\"kind\":\"run_started\"}\n"] {
        assert!(matches!(read(foreign.as_bytes()), Err(ReadError::NotARun { .. })), "{foreign:?}");
    }
}

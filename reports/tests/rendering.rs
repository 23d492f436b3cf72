//! Every renderer on every specimen.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests that call them")]

mod specimen;

use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use reports::observation::{BrokerDrops, WitnessKind};
use reports::{
    HdrLog, Observation, Output, Progress, RunFolder, Sink, Summary, Terminal, junit, outputs, render, summary_json,
    summary_schema,
};
use specimen::Kind;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

fn summary(observations: &[Observation]) -> Summary {
    let mut summary = Summary::new();
    observations.iter().for_each(|observation| summary.apply(observation));
    summary
}

/// A writer whose content outlives it.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn terminal(kind: Kind, colour: bool) -> (String, String) {
    told(&specimen::run(kind), colour)
}

/// What the terminal says of a run: at its end, and while it lasts.
fn told(run: &[Observation], colour: bool) -> (String, String) {
    let (out, log) = (Page::default(), Page::default());
    let report = PathBuf::from("runs/20261121T054200Z-phase-1/report.html");
    let mut sink = Terminal::new(Box::new(out.clone()), Box::new(log.clone()), Progress::Lines, colour, Some(report));
    run.iter().for_each(|observation| sink.record(observation).unwrap());
    Box::new(sink).finish().unwrap();
    (out.text(), log.text())
}

#[test]
fn the_terminal_says_it_all_in_eighty_columns() {
    for kind in Kind::ALL {
        let (out, log) = terminal(kind, false);
        for line in out.lines().chain(log.lines()) {
            assert!(line.chars().count() <= 80, "{line}");
            assert!(!line.contains('\u{1b}'), "{line}");
        }
        insta::assert_snapshot!(format!("terminal_{}", kind.name()), out);
    }
    insta::assert_snapshot!("terminal_progress", terminal(Kind::Failing, false).1);
}

/// One message of a fan-out is lost to several, and each is named, whatever it is called.
#[test]
fn witnesses_of_one_message_say_who_missed_it() {
    let names = ["erp-00001", "erp-00002", "$share/kälber\u{1b}[2J/smartdairy/farm/farm-001/barn/barn-001/milking/#"];
    let mut run = specimen::run(Kind::Failing);
    let lost = run.iter_mut().filter_map(|observation| match observation {
        Observation::Witness(witness) if witness.fault == WitnessKind::Lost => Some(witness),
        _ => None,
    });
    for (witness, name) in lost.zip(names) {
        witness.topic = "farm/f1/barn/b0/temperature/t00/data".to_owned();
        (witness.sequence, witness.intended, witness.subscriber) = (95, None, name.to_owned());
    }
    let (out, _) = told(&run, false);
    let lines: Vec<&str> = out.lines().skip_while(|line| !line.starts_with("  lost:")).take(4).collect();
    let message = "  lost: farm/f1/barn/b0/temperature/t00/data #95";
    assert_eq!(lines[..2], [format!("{message} for erp-00001"), format!("{message} for erp-00002")]);
    assert_eq!(lines[2], message);
    assert_eq!(lines[3], "        for $share/kälber\u{fffd}[2J/smartdairy/farm/farm-001/barn/barn-001/milking/#");
}

#[test]
fn what_the_broker_says_that_it_dropped_stands_beside_losses_only() {
    let with = |kind, causes: &[(&str, u64)]| {
        let causes = causes.iter().map(|(cause, count)| ((*cause).to_owned(), *count)).collect();
        let source = "http://127.0.0.1:40124/metrics".to_owned();
        let mut run = specimen::run(kind);
        run.insert(run.len() - 1, Observation::BrokerDrops(BrokerDrops { source, causes, note: String::new() }));
        run
    };
    let failing = with(Kind::Failing, &[("slow", 1090), ("queue_full", 4)]);
    let sentence = "The broker says that it dropped 1,094 messages meanwhile: 4 queue full, 1,090 slow \
                    (http://127.0.0.1:40124/metrics).";
    let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let out = words(told(&failing, false).0);
    assert!(out.contains(sentence), "{out}");
    assert!(reports::html(&summary(&failing)).unwrap().replace("&#x2f;", "/").contains(sentence));
    let document: serde_json::Value = serde_json::from_str(&summary_json(&summary(&failing)).unwrap()).unwrap();
    assert_eq!(document["broker_drops"]["causes"]["queue_full"], 4);
    let out = words(told(&with(Kind::Failing, &[]), false).0);
    assert!(
        out.contains("The broker says that it dropped no message meanwhile (http://127.0.0.1:40124/metrics)."),
        "{out}"
    );
    // Mosquitto counts, and names no cause.
    let mut counted = with(Kind::Failing, &[("any", 30)]);
    for observation in &mut counted {
        if let Observation::BrokerDrops(drops) = observation {
            drops.source = "$SYS/x".to_owned();
            drops.note = "it was started again".to_owned();
        }
    }
    let out = words(told(&counted, false).0);
    assert!(out.contains("that it dropped 30 messages meanwhile ($SYS/x; it was started again)."), "{out}");
    // Nobody asks why when all arrived.
    let passing = with(Kind::Passing, &[("offline", 7)]);
    assert_eq!(told(&passing, false), terminal(Kind::Passing, false));
    assert!(!reports::html(&summary(&passing)).unwrap().contains("The broker says"));
}

#[test]
fn colour_changes_nothing_that_is_said() {
    let (plain, _) = terminal(Kind::Failing, false);
    let (coloured, _) = terminal(Kind::Failing, true);
    let mut stripped = String::new();
    for (index, part) in coloured.split('\u{1b}').enumerate() {
        stripped.push_str(if index == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert_ne!(coloured, plain);
    assert_eq!(stripped, plain);
}

#[test]
fn junit_holds_thresholds_ledger_and_run() {
    for kind in Kind::ALL {
        let text = junit(&summary(&specimen::run(kind))).unwrap();
        assert!(!text.contains("<skipped"), "a skip reads as a pass");
        assert_eq!(text.contains("<failure") || text.contains("<error"), kind != Kind::Passing);
        insta::assert_snapshot!(format!("junit_{}", kind.name()), text);
    }
}

#[test]
fn the_summary_is_complete() {
    for kind in [Kind::Passing, Kind::Interrupted] {
        insta::assert_snapshot!(
            format!("summary_{}", kind.name()),
            summary_json(&summary(&specimen::run(kind))).unwrap()
        );
    }
}

#[test]
fn the_summary_of_nothing_is_still_a_document() {
    let document: serde_json::Value = serde_json::from_str(&summary_json(&Summary::new()).unwrap()).unwrap();
    assert_eq!(document["verdict"], serde_json::Value::Null);
    assert!(junit(&Summary::new()).unwrap().contains("<error"));
    assert!(reports::html(&Summary::new()).unwrap().contains("INTERRUPTED"));
}

/// Run with `UPDATE_SCHEMA=1` to write it.
#[test]
fn the_shipped_schema_is_the_one_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("summary.schema.json");
    let schema = serde_json::to_string_pretty(&summary_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &schema).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), schema, "run this test with UPDATE_SCHEMA=1");
}

#[test]
fn documents_have_the_properties_of_the_schema() {
    let schema = serde_json::to_value(summary_schema()).unwrap();
    let document: serde_json::Value =
        serde_json::from_str(&summary_json(&summary(&specimen::run(Kind::Failing))).unwrap()).unwrap();
    let known = schema["properties"].as_object().unwrap();
    let present = document.as_object().unwrap();
    assert!(present.keys().all(|key| known.contains_key(key)));
    assert!(schema["required"].as_array().unwrap().iter().all(|key| present.contains_key(key.as_str().unwrap())));
}

#[test]
fn the_hdr_log_reads_with_the_format_s_own_reader() {
    let mut log = HdrLog::new(Vec::new());
    specimen::run(Kind::Failing).iter().for_each(|observation| log.record(observation).unwrap());
    let text = log.into_inner().unwrap();
    let (mut samples, mut tags, mut started) = (0, Vec::new(), None);
    for entry in IntervalLogIterator::new(&text) {
        match entry.expect("every line is valid") {
            LogEntry::StartTime(at) => started = Some(at.as_secs()),
            LogEntry::BaseTime(_) => panic!("offsets need no base"),
            LogEntry::Interval(interval) => {
                let tag = interval.tag().map_or("", |tag| tag.as_str());
                let encoded = interval.encoded_histogram();
                let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded).unwrap();
                let histogram: hdrhistogram::Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
                samples += if tag.is_empty() { histogram.len() } else { 0 };
                tags.push(tag.to_owned());
            }
        }
    }
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags, ["", "generator_lag", "service"]);
    assert_eq!(started, Some(1_795_239_720));
    let delivered = summary(&specimen::run(Kind::Failing)).histogram("e2e", &reports::Labels::none()).unwrap();
    assert_eq!(samples, delivered.len());
}

#[test]
fn a_recorded_run_renders_again_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::at(dir.path()).unwrap();
    let mut sinks = outputs::open(&folder, &Output::ALL).unwrap();
    specimen::run(Kind::Failing).iter().for_each(|observation| sinks.record(observation).unwrap());
    Box::new(sinks).finish().unwrap();
    let files = || Output::ALL.map(|output| fs::read(dir.path().join(output.file_name())).unwrap());
    let first = files();
    Output::ALL.iter().for_each(|output| fs::remove_file(dir.path().join(output.file_name())).unwrap());
    render(dir.path(), &Output::ALL).unwrap();
    assert!(first == files());
}

//! `windows.csv`, `metrics.om` and `latency.hlog`: read back by programs that are not ours.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests that call them")]

mod specimen;

use reports::observation::Observation;
use reports::{COLUMNS, Counter, Csv, HdrLog, Labels, Sink, Summary, open_metrics};
use serde_json::Value;
use specimen::Kind;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

fn table(observations: &[Observation]) -> String {
    let mut sink = Csv::new(Vec::new());
    observations.iter().for_each(|observation| sink.record(observation).unwrap());
    String::from_utf8(sink.into_inner().unwrap()).unwrap()
}

fn summary(observations: &[Observation]) -> Summary {
    let mut summary = Summary::new();
    observations.iter().for_each(|observation| summary.apply(observation));
    summary
}

/// What a Python program prints that reads `input`.
fn python(program: &str, input: &str) -> Value {
    let mut child = Command::new("/usr/bin/python3")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 starts; tests/run installs it");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{input}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

const READ_TABLE: &str = "import csv, io, json, sys; \
    print(json.dumps(list(csv.reader(io.TextIOWrapper(sys.stdin.buffer, 'utf-8', newline=''), strict=True))))";

const READ_METRICS: &str = "import io, json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read
text = io.TextIOWrapper(sys.stdin.buffer, 'utf-8', newline='').read()
print(json.dumps([[s.name, s.labels, s.value] for f in read(text) for s in f.samples]))";

/// Strings as nobody would call a stage.
const EVIL: [&str; 8] =
    ["=cmd|' /C calc'!A0", "+1+1", "-2", "@SUM(A1)", "\tx", "\r\n=1", "a\"b\\c\nd,e;f{g=\"h\"} 1\n# EOF\n", "＝1"];

#[test]
fn a_window_is_a_row_of_the_table() {
    let run = specimen::run(Kind::Failing);
    let text = table(&run);
    assert!(text.ends_with("\r\n") && text.matches('\n').count() == text.matches("\r\n").count(), "RFC 4180");
    let rows = python(READ_TABLE, &text);
    let rows: Vec<Vec<&str>> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_array().unwrap().iter().map(|cell| cell.as_str().unwrap()).collect())
        .collect();
    assert_eq!(rows[0], COLUMNS);
    assert!(rows.iter().all(|row| row.len() == COLUMNS.len()));
    let windows: Vec<_> = run.iter().filter(|one| matches!(one, Observation::Window(_))).collect();
    assert_eq!(rows.len() - 1, windows.len());
    let column = |name: &str| COLUMNS.iter().position(|column| *column == name).unwrap();
    let total = |name: &str| rows[1..].iter().map(|row| row[column(name)].parse::<u64>().unwrap()).sum::<u64>();
    let summary = summary(&run);
    let flow = summary.flow(&Labels::none()).unwrap();
    assert_eq!(
        [total("intended"), total("sent"), total("acknowledged"), total("expected"), total("received")],
        [flow.intended, flow.sent, flow.acknowledged, flow.expected, flow.received]
    );
    let frozen = rows.iter().find(|row| row[0] == "30.000").unwrap();
    assert_eq!((frozen[column("e2e_count")], frozen[column("e2e_p99_ms")]), ("0", ""), "nothing arrived");
    let point = summary.series().points().iter().find(|point| point.from.as_secs() == 40).unwrap();
    let row = rows.iter().find(|row| row[0] == "40.000").unwrap();
    assert_eq!(row[column("e2e_p99_ms")], format!("{:.6}", point.e2e.p99.as_secs_f64() * 1e3));
    assert_eq!(row[column("broker_rss_bytes")], point.target.rss_bytes.unwrap().to_string());
    assert_eq!(row[column("generator_open_files")], "318");
}

#[test]
fn a_run_without_windows_is_a_table_with_a_header() {
    assert_eq!(table(&[]).trim_end(), COLUMNS.join(","));
}

#[test]
fn spreadsheets_take_no_cell_for_a_formula() {
    for name in EVIL {
        let mut run = specimen::run(Kind::Passing);
        rename(&mut run, name);
        let rows = python(READ_TABLE, &table(&run));
        let cells = rows.as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
        let mut seen = false;
        for cell in cells.map(|cell| cell.as_str().unwrap()) {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']), "{cell:?}");
            seen |= cell.trim_start_matches('\'') == name;
        }
        assert!(seen, "{name:?} can be read as it is");
    }
}

fn rename(run: &mut [Observation], name: &str) {
    for observation in run {
        match observation {
            Observation::RunStarted(run) => {
                run.stages[1].name = name.to_owned();
                run.scenario.name = name.to_owned();
                run.target.address = name.to_owned();
            }
            Observation::StageStarted(stage) if stage.stage == "hold" => stage.stage = name.to_owned(),
            Observation::StageEnded(stage) if stage.stage == "hold" => stage.stage = name.to_owned(),
            Observation::Window(window) if window.stage == "hold" => window.stage = name.to_owned(),
            Observation::Threshold(outcome) => outcome.expression = name.to_owned(),
            Observation::Ledger(ledger) => ledger.rows[0].group = name.to_owned(),
            Observation::Histogram(record) => record.labels = record.labels.clone().with("stage", name),
            _ => {}
        }
    }
}

/// The samples of a page: name, labels, value.
fn scraped(summary: &Summary) -> Vec<(String, Value, f64)> {
    let page = open_metrics(summary).unwrap();
    let samples = python(READ_METRICS, &page);
    let sample =
        |one: &Value| (one[0].as_str().unwrap().to_owned(), one[1].clone(), one[2].as_f64().unwrap_or(f64::NAN));
    samples.as_array().unwrap().iter().map(sample).collect()
}

fn total(samples: &[(String, Value, f64)], name: &str) -> f64 {
    samples.iter().filter(|(of, _, _)| of == name).map(|(_, _, value)| value).sum()
}

#[test]
fn prometheus_s_own_parser_reads_every_run() {
    for kind in Kind::ALL {
        let run = specimen::run(kind);
        let summary = summary(&run);
        let samples = scraped(&summary);
        let flow = summary.flow(&Labels::none()).unwrap();
        assert_eq!(total(&samples, "paddock_messages_sent_total"), flow.sent as f64, "{}", kind.name());
        assert_eq!(total(&samples, "paddock_deliveries_received_total"), flow.received as f64);
        let lost = summary.counter(Counter::Lost, &Labels::none()).unwrap();
        assert_eq!(total(&samples, "paddock_ledger_lost_total"), lost as f64);
        let histogram = summary.histogram("e2e", &Labels::none()).unwrap();
        assert_eq!(total(&samples, "paddock_e2e_seconds_count"), histogram.len() as f64);
        let within = histogram.count_between(0, 1_000_000);
        let bucket =
            samples.iter().filter(|(name, labels, _)| name == "paddock_e2e_seconds_bucket" && labels["le"] == "0.001");
        assert_eq!(bucket.map(|(_, _, value)| value).sum::<f64>(), within as f64, "le is at most");
        let sum = total(&samples, "paddock_e2e_seconds_sum");
        assert!((sum / (histogram.mean() * histogram.len() as f64 / 1e9) - 1.0).abs() < 1e-3, "{sum}");
        let held = summary.thresholds().iter().filter(|one| one.result == reports::observation::ThresholdResult::Pass);
        assert_eq!(total(&samples, "paddock_threshold_held"), held.count() as f64);
        assert_eq!(total(&samples, "paddock_run_ended"), 1.0);
        assert_eq!(total(&samples, "paddock_run_exit_code"), f64::from(summary.ended().unwrap().exit_code));
    }
}

#[test]
fn a_run_that_goes_on_can_be_scraped() {
    let run = specimen::run(Kind::Passing);
    let so_far = summary(&run[..run.len() / 3]);
    let samples = scraped(&so_far);
    assert_eq!(total(&samples, "paddock_run_ended"), 0.0);
    assert!(!samples.iter().any(|(name, _, _)| name.starts_with("paddock_ledger") || name == "paddock_run_exit_code"));
    let received = so_far.flow(&Labels::none()).unwrap().received;
    assert!(received > 0);
    assert_eq!(total(&samples, "paddock_e2e_seconds_count"), received as f64, "from the windows");
    assert_eq!(total(&samples, "paddock_connections"), 300.0);
    scraped(&Summary::new());
}

#[test]
fn labels_hold_whatever_a_name_is() {
    for name in EVIL {
        let mut run = specimen::run(Kind::Failing);
        rename(&mut run, name);
        let samples = scraped(&summary(&run));
        assert!(samples.iter().any(|(_, labels, _)| labels["scenario"] == name), "{name:?}");
        assert!(samples.iter().any(|(_, labels, _)| labels["stage"] == name && labels.get("le").is_some()), "{name:?}");
    }
}

/// HdrHistogram's own program for logs, as the README shows it.
#[test]
fn histogram_log_processor_counts_every_sample() {
    let run = specimen::run(Kind::Failing);
    let mut log = HdrLog::new(Vec::new());
    run.iter().for_each(|observation| log.record(observation).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latency.hlog");
    fs::write(&path, log.into_inner().unwrap()).unwrap();
    let summary = summary(&run);
    for (tag, metric) in [(None, "e2e"), (Some("service"), "service"), (Some("generator_lag"), "generator_lag")] {
        let mut command = Command::new("java");
        command.args(["-cp", "/usr/share/java/hdrhistogram.jar", "org.HdrHistogram.HistogramLogProcessor", "-i"]);
        command.arg(&path).args(tag.iter().flat_map(|tag| ["-tag", tag]));
        let output = command.output().expect("java starts; tests/run installs it");
        let text = String::from_utf8(output.stdout).unwrap();
        let histogram = summary.histogram(metric, &Labels::none()).unwrap();
        let figure = |name: &str| {
            let after = text.split(name).nth(1).unwrap_or_else(|| panic!("{text}")).trim_start_matches([' ', '=']);
            after.split([',', ']']).next().unwrap().trim().parse::<f64>().unwrap()
        };
        assert_eq!(figure("Total count"), histogram.len() as f64, "{metric}");
        // It counts in milliseconds when it is not told otherwise.
        assert!((figure("#[Max") * 1e6 / histogram.max() as f64 - 1.0).abs() < 1e-3, "{metric}: {text}");
    }
}

#[test]
fn the_readme_lists_every_column() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for column in COLUMNS {
        let both = |at: usize| {
            let (of, figure) = column.split_at(at);
            readme.contains(&format!("`{of}_...`")) && readme.contains(&format!("`{figure}`"))
        };
        let split = column.match_indices('_').any(|(at, _)| both(at));
        assert!(split || readme.contains(&format!("`{column}`")), "{column}");
    }
}

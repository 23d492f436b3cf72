//! Two runs side by side. No verdict: that takes repeats, which is what a comparison is for.

use super::entry::{Entry, distribution, read};
use super::files::document;
use cap_std::fs::Dir;
use reports::figures::{bytes, count, latency, rate};
use reports::run_folder::file;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// One of the two.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) entry: Entry,
    document: Value,
}

/// The figures of a run; `None` when the folder holds no summary.
pub(super) fn figures(dir: &Dir, folder: &Path) -> Option<Figures> {
    Some(Figures { entry: read(dir, folder)?, document: document(dir, &folder.join(file::SUMMARY))? })
}

/// One figure of both.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    name: &'static str,
    base: String,
    new: String,
    change: String,
}

/// A figure: what it is called, where it stands in a summary, how it is written.
type Figure = (&'static str, fn(&Value) -> Option<f64>, fn(f64) -> String);

/// Every figure that one of them has.
pub(super) fn rows(base: &Figures, new: &Figures) -> Vec<Row> {
    let time = |value: f64| latency(Duration::from_nanos(value as u64));
    let whole = |value: f64| count(value as u64);
    let cores = |value: f64| format!("{value:.2} cores");
    let figures: [Figure; 13] = [
        ("Sent per second", |of| of["messages"]["sent_per_second"].as_f64(), rate),
        ("Received per second", |of| of["messages"]["received_per_second"].as_f64(), rate),
        ("Latency p50", |of| distribution(of, "e2e")?["p50_ns"].as_f64(), time),
        ("Latency p95", |of| distribution(of, "e2e")?["p95_ns"].as_f64(), time),
        ("Latency p99", |of| distribution(of, "e2e")?["p99_ns"].as_f64(), time),
        ("Latency p99.9", |of| distribution(of, "e2e")?["p999_ns"].as_f64(), time),
        ("Slowest", |of| distribution(of, "e2e")?["max_ns"].as_f64(), time),
        ("Lost", |of| of["ledger_total"]["lost"].as_f64(), whole),
        ("Twice", |of| of["ledger_total"]["duplicated"].as_f64(), whole),
        ("Generator lag p99.9", |of| of["generator"]["lag_p999_ns"].as_f64(), time),
        ("Most connections", |of| of["peak"]["connections"].as_f64(), whole),
        ("Broker, busiest second", |of| of["peak"]["target_cpu"].as_f64(), cores),
        ("Broker, most memory", |of| of["peak"]["target_rss_bytes"].as_f64(), bytes),
    ];
    let row = |(name, pick, format): Figure| {
        let (old, fresh) = (pick(&base.document), pick(&new.document));
        (old.is_some() || fresh.is_some()).then(|| Row {
            name,
            base: old.map_or_else(|| "–".to_owned(), format),
            new: fresh.map_or_else(|| "–".to_owned(), format),
            change: old.zip(fresh).map(|(old, fresh)| change(old, fresh)).unwrap_or_default(),
        })
    };
    figures.into_iter().filter_map(row).collect()
}

fn change(old: f64, new: f64) -> String {
    match new - old {
        0.0 => "same".to_owned(),
        _ if old == 0.0 => String::new(),
        more => format!("{:+.1} %", more / old * 100.0),
    }
}

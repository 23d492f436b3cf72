//! What a folder holds, in one line. Read loosely: a document of another version, or a broken one, shows what it can.

use super::files::{beginning, document};
use cap_std::fs::Dir;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reports::capacity::CapacityFolder;
use reports::figures::{count, latency, rate};
use reports::run_folder::file;
use reports::{Observation, Reader};
use serde::Serialize;
use serde_json::Value;
use std::io::BufReader;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The document of a comparison.
const COMPARISON: &str = "comparison.json";
/// What says that a folder is worth a line, and what it then is.
const DOCUMENTS: [(&str, &str); 4] = [
    (CapacityFolder::DOCUMENT, "capacity"),
    (COMPARISON, "comparison"),
    (file::SUMMARY, "run"),
    (file::OBSERVATIONS, "run"),
];
/// A run without its documents goes on as long as it was written to within this time.
const RECENT: Duration = Duration::from_secs(10);
/// What a path in a link is spelled with; the rest is percent-encoded.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/');

/// One line of the list.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) href: String,
    /// Its report, when it has one.
    pub(super) report: Option<String>,
    pub(super) kind: &'static str,
    pub(super) word: String,
    pub(super) tone: &'static str,
    pub(super) title: String,
    pub(super) sentence: String,
    pub(super) target: String,
    /// RFC 3339, or nothing; what the list is sorted by.
    pub(super) started: String,
    pub(super) when: String,
    pub(super) rate: String,
    pub(super) p99: String,
    pub(super) lost: String,
}

/// The document that makes `folder` worth a line, and when it was written.
pub(super) fn stamp(dir: &Dir, folder: &Path) -> Option<(&'static str, SystemTime, u64)> {
    DOCUMENTS.iter().find_map(|(name, _)| {
        let known = dir.metadata(folder.join(name)).ok().filter(cap_std::fs::Metadata::is_file)?;
        Some((*name, known.modified().ok()?.into_std(), known.len()))
    })
}

/// The line of a folder; `None` when it holds nothing of ours.
pub(super) fn read(dir: &Dir, folder: &Path) -> Option<Entry> {
    let (name, written, _) = stamp(dir, folder)?;
    let (_, kind) = DOCUMENTS.iter().find(|(document, _)| *document == name)?;
    let mut entry = match document(dir, &folder.join(name)) {
        _ if name == file::OBSERVATIONS => unfinished(dir, folder, written),
        None if dir.metadata(folder.join(name)).is_ok_and(|known| known.len() == 0) => {
            let sentence = "It goes on, or it was cut off.".to_owned();
            Entry { word: "UNFINISHED".to_owned(), sentence, ..Entry::default() }
        }
        None => {
            Entry { word: "UNREADABLE".to_owned(), sentence: format!("{name} cannot be read."), ..Entry::default() }
        }
        Some(document) => match *kind {
            "capacity" => capacity(&document),
            "comparison" => comparison(&document),
            _ => run(&document),
        },
    };
    entry.kind = kind;
    entry.path = folder.to_str()?.to_owned();
    entry.href = href("run", folder)?;
    let page = ["report.html", "capacity.html", "comparison.html"].map(|name| folder.join(name));
    let page = page.iter().find(|page| dir.metadata(page).is_ok_and(|known| known.is_file()));
    entry.report = page.and_then(|page| href("file", page));
    if entry.title.is_empty() {
        entry.title.clone_from(&entry.path);
    }
    entry.tone = tone(&entry.word);
    entry.when = entry
        .started
        .parse::<Timestamp>()
        .map_or_else(|_| String::new(), |started| started.strftime("%-d %b %Y, %H:%M:%S UTC").to_string());
    Some(entry)
}

/// A link to a path below the folder.
pub(super) fn href(what: &str, path: &Path) -> Option<String> {
    Some(format!("/{what}/{}", utf8_percent_encode(path.to_str()?, PLAIN)))
}

fn tone(word: &str) -> &'static str {
    match word {
        "PASS" | "FOUND" => "good",
        "FAIL" | "ERROR" | "REGRESSED" | "UNREADABLE" => "bad",
        _ => "unsure",
    }
}

/// A text of a document.
fn text(document: &Value, pointer: &str) -> String {
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn title(document: &Value) -> String {
    let title = text(document, "/scenario/title");
    if title.is_empty() { text(document, "/scenario/name") } else { title }
}

fn run(document: &Value) -> Entry {
    let headline = text(document, "/headline");
    let (word, sentence) = headline.split_once(": ").unwrap_or(("UNREADABLE", &headline));
    let number = |pointer| document.pointer(pointer).and_then(Value::as_f64);
    let p99 = distribution(document, "e2e").and_then(|e2e| e2e["p99_ns"].as_u64());
    Entry {
        word: word.to_owned(),
        title: title(document),
        sentence: sentence.to_owned(),
        target: text(document, "/target/address"),
        started: text(document, "/started_at"),
        rate: number("/messages/sent_per_second").map(rate).unwrap_or_default(),
        p99: p99.map(|nanoseconds| latency(Duration::from_nanos(nanoseconds))).unwrap_or_default(),
        lost: document.pointer("/ledger_total/lost").and_then(Value::as_u64).map(count).unwrap_or_default(),
        ..Entry::default()
    }
}

/// The distribution of a metric over the measured stages.
pub(super) fn distribution<'a>(document: &'a Value, metric: &str) -> Option<&'a Value> {
    let all = document["distributions"].as_array()?;
    all.iter().find(|one| one["metric"] == metric && one["labels"].as_object().is_some_and(serde_json::Map::is_empty))
}

fn capacity(document: &Value) -> Entry {
    let found = document.pointer("/answer/figure").and_then(Value::as_f64);
    let word = match (document["ending"].is_null(), found) {
        (true, _) => "UNFINISHED",
        (false, Some(_)) => "FOUND",
        (false, None) => "NOT FOUND",
    };
    Entry {
        word: word.to_owned(),
        title: format!("Capacity: {}", title(document)),
        sentence: text(document, "/sentence"),
        target: text(document, "/target/address"),
        started: text(document, "/started_at"),
        rate: found.filter(|_| text(document, "/search/dimension") == "rate").map(rate).unwrap_or_default(),
        ..Entry::default()
    }
}

fn comparison(document: &Value) -> Entry {
    Entry {
        word: text(document, "/verdict").to_uppercase(),
        title: format!("Comparison: {}", title(document)),
        sentence: text(document, "/headline"),
        target: format!("{} and {}", text(document, "/base/name"), text(document, "/new/name")),
        started: text(document, "/compared_at"),
        ..Entry::default()
    }
}

/// A run that has no summary: it goes on, or it was cut off.
fn unfinished(dir: &Dir, folder: &Path, written: SystemTime) -> Entry {
    let goes_on = written.elapsed().is_ok_and(|age| age < RECENT);
    let (word, sentence) = match goes_on {
        true => ("RUNNING", "The run goes on."),
        false => ("CUT OFF", "The run left no summary; `paddock report` with its folder makes one."),
    };
    let mut entry = Entry { word: word.to_owned(), sentence: sentence.to_owned(), ..Entry::default() };
    let path = folder.join(file::OBSERVATIONS);
    let first = beginning(dir, &path).and_then(|input| Reader::new(&path, BufReader::new(input)).next());
    if let Some(Ok(Observation::RunStarted(run))) = first {
        let scenario = run.scenario;
        entry.title = if scenario.title.is_empty() { scenario.name } else { scenario.title };
        entry.target = run.target.address;
        entry.started = run.started_at.to_string();
    }
    entry
}

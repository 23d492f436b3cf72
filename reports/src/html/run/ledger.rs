//! The account of every message, and the witnesses.

use crate::figures::count;
use crate::observation::{LedgerCounts, Qos, RequestCounts, Witness};
use crate::summary::Summary;
use crate::{Labels, label};
use serde::Serialize;

/// Witnesses shown per kind.
const WITNESSES: usize = 20;

#[derive(Debug, Serialize)]
pub(super) struct LedgerLine {
    name: String,
    qos: String,
    total: bool,
    cells: Vec<Cell>,
}

#[derive(Debug, Serialize)]
struct Cell {
    text: String,
    tone: &'static str,
}

/// One line per QoS and device group, and a total.
pub(super) fn ledger(summary: &Summary) -> Vec<LedgerLine> {
    let rows = summary.ledger().unwrap_or_default();
    let mut keys: Vec<(Qos, &str)> = rows.iter().map(|row| (row.qos, row.group.as_str())).collect();
    keys.sort_unstable();
    keys.dedup();
    let line = |name: &str, qos: String, total, selector: &Labels| {
        let counts = summary.ledger_counts(selector).unwrap_or_default();
        LedgerLine { name: name.to_owned(), qos, total, cells: ledger_cells(&counts) }
    };
    let mut lines: Vec<LedgerLine> = keys
        .iter()
        .map(|(qos, group)| {
            line(group, qos.to_string(), false, &Labels::none().with(label::QOS, qos).with(label::GROUP, group))
        })
        .collect();
    if !lines.is_empty() {
        lines.push(line("all", String::new(), true, &Labels::none()));
    }
    lines
}

fn ledger_cells(counts: &LedgerCounts) -> Vec<Cell> {
    let plain = |number| Cell { text: count(number), tone: "" };
    let fault = |number: u64| Cell { text: count(number), tone: if number > 0 { "bad" } else { "quiet" } };
    vec![
        plain(counts.intended),
        plain(counts.published),
        plain(counts.expected),
        plain(counts.received),
        fault(counts.lost),
        fault(counts.duplicated),
        fault(counts.reordered),
        fault(counts.late),
        fault(counts.not_sent),
        fault(counts.unacknowledged),
    ]
}

/// One line per section of requests.
pub(super) fn requests(summary: &Summary) -> Vec<LedgerLine> {
    let groups = summary.requests_by_group();
    groups.into_iter().map(|(name, qos, counts)| line_of(name, qos, &counts)).collect()
}

fn line_of(name: String, qos: Qos, counts: &RequestCounts) -> LedgerLine {
    let plain = |number| Cell { text: count(number), tone: "" };
    let fault = |number: u64| Cell { text: count(number), tone: if number > 0 { "bad" } else { "quiet" } };
    let cells = vec![
        plain(counts.intended),
        plain(counts.sent),
        plain(counts.answered),
        fault(counts.late),
        fault(counts.unanswered),
        fault(counts.repeated),
        fault(counts.not_sent),
    ];
    LedgerLine { name, qos: qos.to_string(), total: false, cells }
}

#[derive(Debug, Serialize)]
pub(super) struct WitnessBlock {
    kind: String,
    count: String,
    more: Option<String>,
    rows: Vec<WitnessRow>,
}

#[derive(Debug, Serialize)]
struct WitnessRow {
    topic: String,
    client: String,
    subscriber: String,
    message: String,
    qos: String,
    intended: String,
    received: String,
}

pub(super) fn witnesses(summary: &Summary) -> Vec<WitnessBlock> {
    let row = |witness: &Witness| WitnessRow {
        topic: witness.topic.clone(),
        client: witness.client.clone(),
        subscriber: witness.subscriber.clone(),
        message: format!("{} / {}", witness.stream, witness.sequence),
        qos: witness.qos.to_string(),
        intended: witness.intended.map_or("unknown".to_owned(), |at| format!("{:.3} s", at.as_secs_f64())),
        received: witness.received.map_or("never".to_owned(), |at| format!("{:.3} s", at.as_secs_f64())),
    };
    let block = |(kind, samples): (&crate::observation::WitnessKind, &crate::summary::Witnesses)| {
        let shown = samples.kept().len().min(WITNESSES);
        let more = samples.count().saturating_sub(shown as u64);
        WitnessBlock {
            kind: kind.name().replace('_', " "),
            count: count(samples.count()),
            more: (more > 0).then(|| count(more)),
            rows: samples.kept().iter().take(WITNESSES).map(row).collect(),
        }
    };
    summary.witnesses().iter().map(block).collect()
}

//! `metrics.om`: a run as OpenMetrics text 1.0. The same page answers a scrape while the run lasts.
//!
//! Counts per stage and device group come from the windows, the ledger's from the ledger once the run has one. Distributions are
//! histograms in seconds: labelled by stage during a run, by all that they are kept by once it has ended.

mod buckets;
mod families;

use crate::observation::{EventKind, Flow, LedgerCounts, ProcessUsage, RequestCounts, ThresholdResult, metric};
use crate::summary::{Point, Summary};
use families::{Families, Pairs, pairs};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::{Registry, Unit};
use std::collections::BTreeMap;
use std::fmt;

/// What a scraper is told that [`open_metrics`] is.
pub const OPEN_METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The figures of a run so far as OpenMetrics text.
///
/// # Errors
/// Never: memory takes whatever is written.
pub fn open_metrics(summary: &Summary) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("paddock");
    registry.register_collector(Box::new(Run(Box::new(summary.clone()))));
    let mut page = String::with_capacity(1 << 15);
    encode(&mut page, &registry)?;
    Ok(page)
}

#[derive(Debug)]
struct Run(Box<Summary>);

impl Collector for Run {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families::new(encoder);
        frame(&self.0, &mut families)?;
        flows(&self.0, &mut families)?;
        ledger(&self.0, &mut families)?;
        requests(&self.0, &mut families)?;
        events(&self.0, &mut families)?;
        resources(&self.0, &mut families)?;
        thresholds(&self.0, &mut families)?;
        distributions(&self.0, &mut families)
    }
}

fn frame(summary: &Summary, families: &mut Families<'_>) -> fmt::Result {
    if let Some(run) = summary.run() {
        let labels = pairs([
            ("version", &run.tool.version),
            ("run_id", &run.run_id),
            ("scenario", &run.scenario.name),
            ("seed", &run.seed.to_string()),
            ("target", &run.target.address),
        ]);
        families.info("run", "What runs, against what", &labels)?;
        let started = run.started_at.as_duration().as_secs_f64();
        let help = "When the run began, in seconds since 1970";
        families.gauge("run_start_time", help, Some(&Unit::Seconds), [(Pairs::new(), started)])?;
    }
    let elapsed = crate::headline::elapsed(summary).as_secs_f64();
    let help = "How long the run has lasted";
    families.gauge("run_duration", help, Some(&Unit::Seconds), [(Pairs::new(), elapsed)])?;
    let ended = if summary.ended().is_some() { 1.0 } else { 0.0 };
    families.gauge("run_ended", "1 once the run has ended", None, [(Pairs::new(), ended)])?;
    if let Some(ended) = summary.ended() {
        let code = f64::from(ended.exit_code);
        families.gauge("run_exit_code", "The exit code of the run, once it has ended", None, [(Pairs::new(), code)])?;
    }
    Ok(())
}

/// Name, help, and the count of one window.
type Counted<T> = (&'static str, &'static str, fn(&T) -> u64);

const FLOWS: [Counted<Flow>; 5] = [
    ("messages_intended", "Messages that the schedule asked for", |flow| flow.intended),
    ("messages_sent", "Messages handed to a connection", |flow| flow.sent),
    ("messages_acknowledged", "Messages with the last acknowledgement of their QoS", |flow| flow.acknowledged),
    ("deliveries_expected", "Deliveries that the sent messages must cause", |flow| flow.expected),
    ("deliveries_received", "Deliveries that arrived, duplicates included", |flow| flow.received),
];

fn flows(summary: &Summary, families: &mut Families<'_>) -> fmt::Result {
    for (name, help, count) in FLOWS {
        let rows = summary.stages().iter().flat_map(|(stage, totals)| {
            let row = move |(group, flow): (&String, &Flow)| (pairs([("stage", stage), ("group", group)]), count(flow));
            totals.groups.iter().map(row)
        });
        families.counter(name, help, rows)?;
    }
    Ok(())
}

const ACCOUNT: [Counted<LedgerCounts>; 10] = [
    ("ledger_intended", "Messages of measured stages that the schedule asked for", |counts| counts.intended),
    ("ledger_published", "Of these, handed to a connection", |counts| counts.published),
    ("ledger_not_sent", "Of these, never handed to a connection", |counts| counts.not_sent),
    ("ledger_unacknowledged", "Published at QoS 1 or 2, but refused or never acknowledged", |counts| {
        counts.unacknowledged
    }),
    ("ledger_expected", "Deliveries that the published messages must cause", |counts| counts.expected),
    ("ledger_received", "Deliveries that arrived, duplicates included", |counts| counts.received),
    ("ledger_lost", "Expected deliveries that never arrived", |counts| counts.lost),
    ("ledger_duplicated", "Deliveries beyond the expected one", |counts| counts.duplicated),
    ("ledger_reordered", "Deliveries after a later message of the same stream", |counts| counts.reordered),
    ("ledger_late", "Deliveries after the drain deadline or expiry", |counts| counts.late),
];

fn ledger(summary: &Summary, families: &mut Families<'_>) -> fmt::Result {
    let Some(rows) = summary.ledger() else { return Ok(()) };
    for (name, help, count) in ACCOUNT {
        let labelled = rows.iter().map(|row| {
            let labels = pairs([("group", &row.group), ("qos", &row.qos.to_string()), ("stage", &row.stage)]);
            (labels, count(&row.counts))
        });
        families.counter(name, help, labelled)?;
    }
    Ok(())
}

const ASKED: [Counted<RequestCounts>; 7] = [
    ("requests_intended", "Requests of measured stages that the schedule asked for", |counts| counts.intended),
    ("requests_sent", "Of these, handed to a connection", |counts| counts.sent),
    ("requests_not_sent", "Of these, taken by no connection", |counts| counts.not_sent),
    ("requests_answered", "Requests that were answered, late ones included", |counts| counts.answered),
    ("requests_answered_late", "Requests whose answer came after their time-out", |counts| counts.late),
    ("requests_unanswered", "Requests that were never answered", |counts| counts.unanswered),
    ("requests_answered_again", "Answers beyond the first", |counts| counts.repeated),
];

fn requests(summary: &Summary, families: &mut Families<'_>) -> fmt::Result {
    let rows = summary.requests();
    if rows.is_empty() {
        return Ok(());
    }
    for (name, help, count) in ASKED {
        let labelled = rows.iter().map(|row| {
            let labels = pairs([("group", &row.group), ("qos", &row.qos.to_string()), ("stage", &row.stage)]);
            (labels, count(&row.counts))
        });
        families.counter(name, help, labelled)?;
    }
    Ok(())
}

fn events(summary: &Summary, families: &mut Families<'_>) -> fmt::Result {
    let kinds = [
        EventKind::ConnectionLost,
        EventKind::ConnectionRefused,
        EventKind::Reconnected,
        EventKind::SessionLost,
        EventKind::Injected,
        EventKind::Warning,
    ];
    let rows = kinds.map(|kind| {
        let count = summary.events().get(&kind).map_or(0, |events| events.count());
        (pairs([("event", kind.name())]), count)
    });
    families.counter("events", "Exceptional events, by kind", rows)
}

fn resources(summary: &Summary, families: &mut Families<'_>) -> fmt::Result {
    let points = summary.series().points();
    let connections = |point: &Point| Some(point.connections as f64);
    let now = points.last().and_then(connections).map(|value| (Pairs::new(), value));
    families.gauge("connections", "Open connections at the end of the last window", None, now)?;
    let most = points.iter().filter_map(connections).reduce(f64::max).map(|value| (Pairs::new(), value));
    families.gauge("connections_peak", "Most connections in any window", None, most)?;

    type Figure = fn(&ProcessUsage) -> Option<f64>;
    let cores = Unit::Other("cores".to_owned());
    let figures: [(&str, &str, Option<&Unit>, Figure); 3] = [
        ("cpu", "Processor time per elapsed time", Some(&cores), |usage| usage.cpu),
        ("resident_memory", "Resident memory", Some(&Unit::Bytes), |usage| usage.rss_bytes.map(|bytes| bytes as f64)),
        ("open_files", "Open file descriptors", None, |usage| usage.open_files.map(|files| files as f64)),
    ];
    type Process = fn(&Point) -> &ProcessUsage;
    let processes: [(&str, Process); 2] = [("broker", |point| &point.target), ("generator", |point| &point.generator)];
    for (name, what, unit, figure) in figures {
        let row = |process: &str, value: Option<f64>| value.map(|value| (pairs([("process", process)]), value));
        let last = processes.map(|(process, of)| row(process, points.last().and_then(|point| figure(of(point)))));
        let help = format!("{what} of a process in the last window");
        families.gauge(&format!("process_{name}"), &help, unit, last.into_iter().flatten())?;
        let most = processes
            .map(|(process, of)| row(process, points.iter().filter_map(|point| figure(of(point))).reduce(f64::max)));
        let help = format!("{what} of a process, the most in any window");
        families.gauge(&format!("process_{name}_peak"), &help, unit, most.into_iter().flatten())?;
    }
    Ok(())
}

fn thresholds(summary: &Summary, families: &mut Families<'_>) -> fmt::Result {
    // The last judgement counts where a threshold is given twice: a metric may have each set of labels once.
    let judged: BTreeMap<&str, ThresholdResult> =
        summary.thresholds().iter().map(|one| (one.expression.as_str(), one.result)).collect();
    let rows = judged.into_iter().map(|(expression, result)| {
        let held = if result == ThresholdResult::Pass { 1.0 } else { 0.0 };
        (pairs([("expression", expression)]), held)
    });
    families.gauge("threshold_held", "1 when the threshold held, 0 when it was missed or undecided", None, rows)
}

/// What each distribution is, where the name does not say it.
const DISTRIBUTIONS: [(&str, &str); 5] = [
    (metric::E2E, "Intended start to received"),
    (metric::SERVICE, "Handed to a connection to received"),
    (metric::GENERATOR_LAG, "Intended start to handed to a connection, as far as the generator is the cause"),
    (metric::CONNECT, "CONNECT to CONNACK"),
    (metric::ROUND_TRIP, "Intended start of a request to its answer"),
];

fn distributions(summary: &Summary, families: &mut Families<'_>) -> fmt::Result {
    for (name, distribution) in buckets::distributions(summary) {
        let known = DISTRIBUTIONS.iter().find(|(metric, _)| *metric == name);
        let help = known.map_or_else(|| format!("The distribution {name}"), |(_, help)| (*help).to_owned());
        families.histogram(&name, &help, distribution)?;
    }
    Ok(())
}

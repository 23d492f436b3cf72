//! `summary.json`: the figures of a run for programs. The schema is `summary.schema.json` beside this crate's manifest.

use crate::Labels;
use crate::headline::{Headline, elapsed};
use crate::observation::{
    Aborted, BrokerDrops, DeviceGroup, Ending, Environment, Flow, GeneratorHealth, Health, LedgerCounts, LedgerRow,
    Preflight, RequestCounts, RequestRow, ScenarioInfo, TargetInfo, ThresholdOutcome, Tool, Verdict, Witness, metric,
    nanoseconds::of as nanos,
};
use crate::summary::Summary;
use hdrhistogram::Histogram;
use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Number of the document's schema. Added fields leave it alone.
pub const SUMMARY_SCHEMA: u32 = 1;

/// The figures of one run. Durations are whole nanoseconds under names that end in `_ns`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Summary of a Paddock run")]
struct Document<'a> {
    /// Schema number; readers accept what they know and ignore the rest.
    schema: u32,
    /// The program that ran.
    tool: Option<&'a Tool>,
    /// Identity of the run.
    run_id: &'a str,
    /// Seed of everything random.
    seed: u64,
    /// Wall clock at the start, RFC 3339.
    started_at: Option<String>,
    /// Length of the run.
    duration_ns: u64,
    /// What was run.
    scenario: Option<&'a ScenarioInfo>,
    /// Against what.
    target: Option<&'a TargetInfo>,
    /// The command line that reproduces it.
    command: &'a [String],
    /// The verdict; absent for a run that was cut off.
    verdict: Option<Verdict>,
    /// How the run ended; absent for a run that was cut off.
    ending: Option<Ending>,
    /// Exit code of the process.
    exit_code: Option<u8>,
    /// The verdict in words.
    headline: String,
    /// Why, most important first.
    reasons: &'a [String],
    /// Messages of the measured stages.
    messages: Messages,
    /// Latency and lag: first merged over the measured stages, then per label set.
    distributions: Vec<Distribution>,
    /// The account of every message.
    ledger: Vec<LedgerRow>,
    /// The ledger's rows added up.
    ledger_total: Option<LedgerCounts>,
    /// What the broker itself says that it dropped; absent where it does not say.
    broker_drops: Option<&'a BrokerDrops>,
    /// The account of every request; empty where nobody asks.
    requests: Vec<RequestRow>,
    /// Its rows added up.
    requests_total: Option<RequestCounts>,
    /// Messages that went wrong, by kind.
    witnesses: BTreeMap<String, Witnesses<'a>>,
    /// Which threshold ended the run before its time; absent when none did.
    aborted: Option<&'a Aborted>,
    /// The contract, judged.
    thresholds: &'a [ThresholdOutcome],
    /// The generator's health.
    generator: Option<Generator>,
    /// Exceptional events, by kind.
    events: BTreeMap<String, u64>,
    /// Highest use of resources in any window.
    peak: Peak,
    /// How fast the target grew over the measured stages; absent for less than a minute of them.
    growth: Growth,
    /// Device groups and subscribers.
    groups: &'a [DeviceGroup],
    /// Where the generator ran.
    environment: Option<&'a Environment>,
    /// What was checked before the first message.
    preflight: &'a [Preflight],
}

#[derive(Debug, Serialize, JsonSchema)]
struct Messages {
    total: Flow,
    /// Time the measured windows cover.
    covered_ns: u64,
    /// Messages per second the schedule asked for.
    intended_per_second: Option<f64>,
    /// Messages per second sent.
    sent_per_second: Option<f64>,
    /// Deliveries per second due.
    expected_per_second: Option<f64>,
    /// Deliveries per second received.
    received_per_second: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Distribution {
    /// `e2e`: intended start to received. `service`: sent to received. `generator_lag`: intended start to sent.
    /// `round_trip`: intended start of a request to its answer.
    metric: String,
    labels: Labels,
    count: u64,
    min_ns: u64,
    mean_ns: f64,
    p50_ns: u64,
    p90_ns: u64,
    p95_ns: u64,
    p99_ns: u64,
    p999_ns: u64,
    max_ns: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Witnesses<'a> {
    /// How many in all.
    count: u64,
    /// The first of them.
    first: &'a [Witness],
}

#[derive(Debug, Serialize, JsonSchema)]
struct Generator {
    health: Health,
    lag_p99_ns: u64,
    lag_p999_ns: u64,
    lag_max_ns: u64,
    /// Processor time per elapsed time.
    cpu: Option<f64>,
    cause: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Peak {
    connections: u64,
    target_cpu: Option<f64>,
    target_rss_bytes: Option<u64>,
    target_open_files: Option<u64>,
    generator_cpu: Option<f64>,
    generator_rss_bytes: Option<u64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Growth {
    /// Resident memory, in bytes.
    target_rss_bytes: Option<Slope>,
    target_open_files: Option<Slope>,
}

/// Theil-Sen slope with its 95 % confidence interval (block bootstrap).
#[derive(Debug, Serialize, JsonSchema)]
struct Slope {
    per_hour: f64,
    lower: f64,
    upper: f64,
}

/// The document of a run, pretty-printed, with a final line break.
///
/// # Errors
/// When a figure cannot be written as JSON.
pub fn summary_json(summary: &Summary) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&document(summary))?;
    text.push('\n');
    Ok(text)
}

/// The JSON schema of [`summary_json`].
pub fn summary_schema() -> Schema {
    schema_for!(Document<'_>)
}

fn document(summary: &Summary) -> Document<'_> {
    let run = summary.run();
    let ended = summary.ended();
    let headline = Headline::of(summary);
    Document {
        schema: SUMMARY_SCHEMA,
        tool: run.map(|run| &run.tool),
        run_id: run.map_or("", |run| &run.run_id),
        seed: run.map_or(0, |run| run.seed),
        started_at: run.map(|run| run.started_at.to_string()),
        duration_ns: nanos(elapsed(summary)),
        scenario: run.map(|run| &run.scenario),
        target: run.map(|run| &run.target),
        command: run.map_or(&[], |run| &run.command),
        verdict: ended.map(|ended| ended.verdict),
        ending: ended.map(|ended| ended.ending),
        exit_code: ended.map(|ended| ended.exit_code),
        headline: format!("{}: {}", headline.word.text(), headline.sentence),
        reasons: ended.map_or(&[], |ended| &ended.reasons),
        messages: messages(summary),
        distributions: distributions(summary),
        ledger: summary.ledger().unwrap_or_default(),
        ledger_total: summary.ledger_counts(&Labels::none()),
        broker_drops: summary.broker_drops(),
        requests: summary.requests(),
        requests_total: summary.request_counts(&Labels::none()),
        witnesses: witnesses(summary),
        aborted: summary.aborted(),
        thresholds: summary.thresholds(),
        generator: summary.generator().map(generator),
        events: summary.events().iter().map(|(kind, events)| (kind.name().to_owned(), events.count())).collect(),
        peak: peak(summary),
        growth: Growth {
            target_rss_bytes: summary.target_memory_growth().map(slope),
            target_open_files: summary.target_files_growth().map(slope),
        },
        groups: run.map_or(&[], |run| &run.groups),
        environment: run.map(|run| &run.environment),
        preflight: run.map_or(&[], |run| &run.preflight),
    }
}

fn messages(summary: &Summary) -> Messages {
    let mut total = Flow::default();
    let mut covered = Duration::ZERO;
    for (_, stage) in summary.measured_stages() {
        total += stage.total;
        covered = covered.saturating_add(stage.covered);
    }
    let rate = summary.rate(&Labels::none());
    Messages {
        total,
        covered_ns: nanos(covered),
        intended_per_second: rate.map(|rate| rate.intended),
        sent_per_second: rate.map(|rate| rate.sent),
        expected_per_second: rate.map(|rate| rate.expected),
        received_per_second: rate.map(|rate| rate.received),
    }
}

fn distributions(summary: &Summary) -> Vec<Distribution> {
    let merged = [
        metric::E2E,
        metric::SERVICE,
        metric::GENERATOR_LAG,
        metric::CONNECT,
        metric::RETAINED,
        metric::DRAIN,
        metric::ROUND_TRIP,
    ];
    let merged = merged.iter().filter_map(|name| {
        Some(distribution(name, &Labels::none(), &summary.measured_histogram(name, &Labels::none())?))
    });
    let labelled = summary.histogram_keys().filter(|(_, labels)| !labels.is_empty());
    let labelled =
        labelled.filter_map(|(name, labels)| Some(distribution(name, labels, &summary.exact_histogram(name, labels)?)));
    merged.chain(labelled).collect()
}

fn distribution(metric: &str, labels: &Labels, histogram: &Histogram<u64>) -> Distribution {
    Distribution {
        metric: metric.to_owned(),
        labels: labels.clone(),
        count: histogram.len(),
        min_ns: histogram.min(),
        mean_ns: histogram.mean().round(),
        p50_ns: histogram.value_at_quantile(0.5),
        p90_ns: histogram.value_at_quantile(0.9),
        p95_ns: histogram.value_at_quantile(0.95),
        p99_ns: histogram.value_at_quantile(0.99),
        p999_ns: histogram.value_at_quantile(0.999),
        max_ns: histogram.max(),
    }
}

fn witnesses(summary: &Summary) -> BTreeMap<String, Witnesses<'_>> {
    let all = summary.witnesses().iter();
    all.map(|(kind, of)| (kind.name().to_owned(), Witnesses { count: of.count(), first: of.kept() })).collect()
}

fn generator(health: &GeneratorHealth) -> Generator {
    Generator {
        health: health.health,
        lag_p99_ns: nanos(health.lag.p99),
        lag_p999_ns: nanos(health.lag_p999),
        lag_max_ns: nanos(health.lag.max),
        cpu: health.cpu,
        cause: health.cause.clone(),
    }
}

fn slope(growth: crate::summary::Growth) -> Slope {
    Slope { per_hour: growth.per_hour, lower: growth.lower, upper: growth.upper }
}

fn peak(summary: &Summary) -> Peak {
    let points = summary.series().points();
    let highest = |cpu: fn(&crate::summary::Point) -> Option<f64>| points.iter().filter_map(cpu).reduce(f64::max);
    Peak {
        connections: points.iter().map(|point| point.connections).max().unwrap_or(0),
        target_cpu: highest(|point| point.target.cpu),
        target_rss_bytes: points.iter().filter_map(|point| point.target.rss_bytes).max(),
        target_open_files: points.iter().filter_map(|point| point.target.open_files).max(),
        generator_cpu: highest(|point| point.generator.cpu),
        generator_rss_bytes: points.iter().filter_map(|point| point.generator.rss_bytes).max(),
    }
}

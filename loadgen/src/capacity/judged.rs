//! What the outcome of a run says of its target.

use std::time::Duration;

use hdrhistogram::Histogram;
use reports::{
    Labels, Summary,
    capacity::{BrokerLoad, GeneratorLoad, Latency},
    metric,
    observation::LedgerCounts,
};
use scenarios::model::Dimension;

use super::search::Came;
use crate::{Exit, Outcome};

/// How a step came out, and why; or the failure that ends the whole search.
pub(super) fn came(outcome: &Outcome) -> Result<(Came, String), (Exit, String)> {
    let reason = outcome.reasons.first().cloned().unwrap_or_default();
    match outcome.exit {
        Exit::Pass => Ok((Came::Held, String::new())),
        Exit::Thresholds | Exit::Violations => Ok((Came::Broke, reason)),
        Exit::Invalid => Ok((Came::Saturated, reason)),
        // It let some in and then no more: that is what a search is for.
        Exit::Unreachable if outcome.answered => Ok((Came::Broke, reason)),
        Exit::Inconclusive | Exit::NothingRan => Ok(match held_up(&outcome.summary) {
            Some(held_up) => (Came::Broke, held_up),
            None => (Came::Undecided, reason),
        }),
        Exit::Internal | Exit::Usage | Exit::Unreachable => Err((outcome.exit, reason)),
    }
}

/// More than this share of messages that wait for the target at the end is its back-pressure, not a remnant.
const HELD_UP: f64 = 0.005;

/// Messages that the target did not take or acknowledge, when they are too many: what they would have shown is unknown, and
/// that it did not keep up is known.
fn held_up(summary: &Summary) -> Option<String> {
    let counts = counts(summary);
    let waiting = counts.not_sent + counts.unacknowledged;
    let share = waiting as f64 / counts.intended.max(1) as f64;
    (share > HELD_UP).then(|| {
        format!("the target did not take or acknowledge {waiting} of {} messages before the run ended", counts.intended)
    })
}

pub(super) fn counts(summary: &Summary) -> LedgerCounts {
    summary.ledger_counts(&Labels::none()).unwrap_or_default()
}

/// What came of the figure that was asked for, in its unit.
pub(super) fn achieved(summary: &Summary, dimension: Dimension) -> Option<f64> {
    let rate = summary.rate(&Labels::none());
    match dimension {
        // A message counts as far as it was delivered.
        Dimension::Rate => rate.map(|rate| {
            let delivered = if rate.expected > 0.0 { (rate.received / rate.expected).min(1.0) } else { 1.0 };
            rate.sent * delivered
        }),
        Dimension::Connections => Some(connections(summary)).filter(|most| *most > 0).map(|most| most as f64),
        // Of the ledger, which knows what became of each message: what is under way at a second's end belongs to the next.
        Dimension::FanOut => {
            let counts = counts(summary);
            (counts.published > 0)
                .then(|| counts.received.saturating_sub(counts.duplicated) as f64 / counts.published as f64)
        }
    }
}

pub(super) fn connections(summary: &Summary) -> u64 {
    summary.series().points().iter().map(|point| point.connections).max().unwrap_or(0)
}

pub(super) fn latency(histogram: &Histogram<u64>) -> Latency {
    let at = |quantile: f64| Duration::from_nanos(histogram.value_at_quantile(quantile));
    Latency {
        count: histogram.len(),
        mean: Duration::from_nanos(histogram.mean() as u64),
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        max: Duration::from_nanos(histogram.max()),
    }
}

pub(super) fn end_to_end(summary: &Summary) -> Option<Latency> {
    summary.measured_histogram(metric::E2E, &Labels::none()).as_ref().map(latency)
}

pub(super) fn connecting(summary: &Summary) -> Option<Latency> {
    summary.histogram(metric::CONNECT, &Labels::none()).as_ref().map(latency)
}

pub(super) fn generator(summary: &Summary) -> GeneratorLoad {
    let health = summary.generator();
    GeneratorLoad {
        health: health.map(|health| health.health),
        lag_p999: health.map(|health| health.lag_p999),
        cpu: health.and_then(|health| health.cpu),
    }
}

/// What the target used while it was measured.
pub(super) fn broker(summary: &Summary) -> BrokerLoad {
    let measured: Vec<&str> = summary.measured_stages().map(|(name, _)| name).collect();
    let points = || summary.series().points().iter().filter(|point| measured.contains(&point.stage.as_str()));
    let mut busy = (0.0, 0.0);
    for point in points() {
        if let Some(cpu) = point.target.cpu {
            let seconds = point.length().as_secs_f64();
            busy = (busy.0 + cpu * seconds, busy.1 + seconds);
        }
    }
    BrokerLoad {
        cpu: (busy.1 > 0.0).then(|| busy.0 / busy.1),
        cpu_peak: points().filter_map(|point| point.target.cpu).reduce(f64::max),
        rss_bytes: points().filter_map(|point| point.target.rss_bytes).max(),
        open_files: points().filter_map(|point| point.target.open_files).max(),
    }
}

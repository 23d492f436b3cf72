//! Rows of the report's tables.

use super::marks::kind_name;
use crate::figures::{count, latency, often, quantity, rate, span};
use crate::observation::{DeviceGroup, EventKind, Health, Qos, Role, ThresholdResult, Verdict, metric};
use crate::summary::Summary;
use crate::{Labels, label};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::time::Duration;

#[derive(Debug, Serialize)]
pub(super) struct LatencyRow {
    name: String,
    note: &'static str,
    cells: Vec<String>,
}

/// Percentiles of what was measured: all of it, then end to end per QoS when several were used.
pub(super) fn latencies(summary: &Summary) -> Vec<LatencyRow> {
    let metrics = [
        ("end to end", "from the intended start to arrival", metric::E2E),
        ("broker", "from sending to arrival", metric::SERVICE),
        ("generator lag", "from the intended start to sending", metric::GENERATOR_LAG),
        ("connecting", "from CONNECT to CONNACK", metric::CONNECT),
        ("retained", "from SUBSCRIBE to the last retained message", metric::RETAINED),
        ("round trip", "from the intended start of a request to its answer", metric::ROUND_TRIP),
        ("queue drained", "from CONNACK to the last message of the queue", metric::DRAIN),
    ];
    let row = |name: String, note, histogram: &Histogram<u64>| LatencyRow { name, note, cells: percentiles(histogram) };
    let mut rows: Vec<LatencyRow> = metrics
        .iter()
        .filter_map(|(name, note, metric)| {
            Some(row((*name).to_owned(), note, &summary.measured_histogram(metric, &Labels::none())?))
        })
        .collect();
    let by_qos: Vec<(Qos, Histogram<u64>)> = Qos::ALL
        .iter()
        .filter_map(|qos| Some((*qos, summary.measured_histogram(metric::E2E, &Labels::none().with(label::QOS, qos))?)))
        .collect();
    if by_qos.len() > 1 {
        rows.extend(by_qos.iter().map(|(qos, histogram)| row(format!("end to end, QoS {qos}"), "", histogram)));
    }
    rows
}

fn percentiles(histogram: &Histogram<u64>) -> Vec<String> {
    let at = |quantile| latency(Duration::from_nanos(histogram.value_at_quantile(quantile)));
    std::iter::once(count(histogram.len())).chain([0.5, 0.9, 0.95, 0.99, 0.999, 1.0].map(at)).collect()
}

#[derive(Debug, Serialize)]
pub(super) struct ThresholdRow {
    expression: String,
    observed: String,
    result: &'static str,
    tone: &'static str,
    reason: String,
}

pub(super) fn thresholds(summary: &Summary) -> Vec<ThresholdRow> {
    let judged = summary.thresholds().iter().map(|outcome| {
        let (result, tone) = match outcome.result {
            ThresholdResult::Pass => ("held", "good"),
            ThresholdResult::Fail => ("missed", "bad"),
            ThresholdResult::Inconclusive => ("unclear", "unsure"),
        };
        ThresholdRow {
            expression: outcome.expression.clone(),
            observed: outcome.observed.map_or("not measured".to_owned(), |value| quantity(value, outcome.unit)),
            result,
            tone,
            reason: outcome.reason.clone(),
        }
    });
    let rows: Vec<ThresholdRow> = judged.collect();
    if !rows.is_empty() {
        return rows;
    }
    let planned = summary.run().map_or(&[][..], |run| &run.thresholds);
    let unjudged = planned.iter().map(|expression| ThresholdRow {
        expression: expression.clone(),
        observed: "–".to_owned(),
        result: "not judged",
        tone: "unsure",
        reason: String::new(),
    });
    unjudged.collect()
}

#[derive(Debug, Serialize)]
pub(super) struct GroupRow {
    name: String,
    model: String,
    role: &'static str,
    count: String,
    sent: String,
    p50: String,
    p99: String,
    lost: String,
    tone: &'static str,
}

pub(super) fn groups(summary: &Summary) -> Vec<GroupRow> {
    summary.run().map_or(&[][..], |run| &run.groups).iter().map(|group| group_row(summary, group)).collect()
}

fn group_row(summary: &Summary, group: &DeviceGroup) -> GroupRow {
    let selector = Labels::none().with(label::GROUP, &group.name);
    let kind = if group.role == Role::Requester { metric::ROUND_TRIP } else { metric::E2E };
    let measured = summary.measured_histogram(kind, &selector);
    let quantile = |q| match &measured {
        Some(histogram) => latency(Duration::from_nanos(histogram.value_at_quantile(q))),
        None => "–".to_owned(),
    };
    let counts = summary.ledger_counts(&selector).filter(|_| group.role == Role::Device);
    let asked = summary.request_counts(&selector).filter(|_| group.role == Role::Requester);
    GroupRow {
        name: group.name.clone(),
        model: group.model.replace('_', " "),
        role: match group.role {
            Role::Device => "publishes",
            Role::Subscriber => "subscribes",
            Role::Idle => "connected only",
            Role::Requester => "asks",
        },
        count: count(group.count),
        sent: (counts.map(|counts| counts.published)).or(asked.map(|asked| asked.sent)).map_or("–".to_owned(), count),
        p50: quantile(0.5),
        p99: quantile(0.99),
        lost: counts.map_or("–".to_owned(), |counts| count(counts.lost)),
        tone: match counts {
            Some(counts) if counts.lost > 0 => "bad",
            _ => "quiet",
        },
    }
}

#[derive(Debug, Serialize)]
pub(super) struct StageRow {
    name: String,
    start: String,
    length: String,
    intended: String,
    sent: String,
    received: String,
    p99: String,
    measured: bool,
}

/// In order of their start.
pub(super) fn stages(summary: &Summary) -> Vec<StageRow> {
    let planned = summary.run().map_or(&[][..], |run| &run.stages);
    let mut stages: Vec<_> = summary.stages().iter().filter(|(name, _)| !name.is_empty()).collect();
    stages.sort_by_key(|(_, totals)| totals.started);
    let row = |(name, totals): (&String, &crate::summary::StageTotals)| {
        let selector = Labels::none().with(label::STAGE, name);
        let measured = summary.rate(&selector);
        let written = |per_second: Option<f64>| per_second.map_or("–".to_owned(), rate);
        StageRow {
            name: name.clone(),
            start: totals.started.map_or("–".to_owned(), span),
            length: span(totals.covered),
            intended: written(measured.map(|rate| rate.intended)),
            sent: written(measured.map(|rate| rate.sent)),
            received: written(measured.map(|rate| rate.received)),
            p99: summary.quantile(metric::E2E, &selector, 0.99).map_or("–".to_owned(), latency),
            measured: planned.iter().any(|stage| stage.measured && stage.name == *name),
        }
    };
    stages.into_iter().map(row).collect()
}

/// What a reader must know before trusting the figures: the generator's health, connections, unreadable parts.
pub(super) fn troubles(summary: &Summary) -> Vec<String> {
    let mut troubles = Vec::new();
    if let Some(generator) = summary.generator().filter(|generator| generator.health != Health::Sound) {
        let already_said = summary.ended().is_some_and(|ended| ended.verdict == Verdict::Invalid);
        if !already_said {
            troubles.push(format!("The generator was strained: {}.", generator.cause));
        }
    }
    for kind in [EventKind::ConnectionLost, EventKind::ConnectionRefused, EventKind::SessionLost, EventKind::Warning] {
        if let Some(events) = summary.events().get(&kind) {
            let first = events.kept().first().map_or("", |event| event.text.as_str());
            let colon = if first.is_empty() { "" } else { ": " };
            troubles.push(format!("{} × {}{colon}{first}", count(events.count()), kind_name(kind)));
        }
    }
    troubles.extend(summary.done().iter().map(|(text, times)| format!("By the scenario: {text}{}", often(*times))));
    troubles.extend(summary.remarks().kept().iter().cloned());
    troubles
}

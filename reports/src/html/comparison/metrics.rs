//! One row per metric: both means, the change, and the value of every run as a dot.

use super::super::draw::svg::Svg;
use super::changes::percent;
use crate::comparison::{Better, Compared, Comparison, Outcome, Values};
use crate::figures::quantity;
use serde::Serialize;

/// The strip of runs.
const WIDTH: f64 = 170.0;
const HEIGHT: f64 = 30.0;

#[derive(Debug, Serialize)]
pub(super) struct MetricRow {
    title: String,
    metric: String,
    better: &'static str,
    base: String,
    new: String,
    change: String,
    interval: String,
    tolerance: String,
    runs: Option<String>,
    result: &'static str,
    tone: &'static str,
    reason: String,
}

pub(super) fn rows(comparison: &Comparison) -> Vec<MetricRow> {
    comparison.metrics.iter().enumerate().map(|(index, metric)| row(index, metric)).collect()
}

fn row(index: usize, metric: &Compared) -> MetricRow {
    let mean = |values: &Values| values.mean.map_or("–".to_owned(), |mean| quantity(mean, metric.unit));
    let (result, tone) = match metric.verdict {
        Outcome::Pass => ("no worse", "good"),
        Outcome::Regressed => ("regressed", "bad"),
        Outcome::Inconclusive => ("undecided", "unsure"),
    };
    let (change, interval) = match (metric.change, metric.difference) {
        (Some(change), _) => (percent(change.estimate), format!("{} to {}", percent(change.low), percent(change.high))),
        (None, Some(difference)) if difference.estimate == 0.0 => ("none".to_owned(), String::new()),
        (None, Some(difference)) => {
            let sign = if difference.estimate < 0.0 { "−" } else { "+" };
            (format!("{sign}{}", quantity(difference.estimate.abs(), metric.unit)), String::new())
        }
        (None, None) => ("–".to_owned(), String::new()),
    };
    MetricRow {
        title: metric.title.clone(),
        metric: metric.metric.clone(),
        better: match metric.better {
            Better::Lower => "less is better",
            Better::Higher => "more is better",
        },
        base: mean(&metric.base),
        new: mean(&metric.new),
        change,
        interval,
        tolerance: percent(metric.tolerance),
        runs: strip(index, metric),
        result,
        tone,
        reason: metric.reason.clone(),
    }
}

/// The runs of the base above those of the new side, on one axis.
fn strip(index: usize, metric: &Compared) -> Option<String> {
    let values = || metric.base.per_run.iter().chain(&metric.new.per_run).copied().filter(|value| value.is_finite());
    let (low, high) = values().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return None;
    }
    let reach = if high > low { high - low } else { 1.0 };
    let x = |value: f64| if high > low { 8.0 + (WIDTH - 16.0) * (value - low) / reach } else { WIDTH / 2.0 };
    let said =
        |side: &Values| side.per_run.iter().map(|value| quantity(*value, metric.unit)).collect::<Vec<_>>().join(", ");
    let description = format!("base: {}; new: {}", said(&metric.base), said(&metric.new));
    let mut svg = Svg::new(&format!("runs-{index}"), "strip", WIDTH, HEIGHT, "Value of each run", &description);
    for (side, class, y) in [(&metric.base, "base", 9.0), (&metric.new, "new", 21.0)] {
        svg.line("grid", (4.0, y), (WIDTH - 4.0, y));
        for value in side.per_run.iter().filter(|value| value.is_finite()) {
            svg.dot(class, (x(*value), y), 3.2);
        }
        if let Some(mean) = side.mean.filter(|mean| mean.is_finite()) {
            svg.line("ink", (x(mean), y - 6.0), (x(mean), y + 6.0));
        }
    }
    Some(svg.finish())
}

//! How long connecting took, by stage or by group.

use super::super::draw::Figure;
use super::super::draw::ranges::{self, Row};
use super::timeline::nanoseconds;
use crate::figures::{count, latency};
use crate::observation::metric;
use crate::summary::Summary;
use crate::{Labels, label};
use hdrhistogram::Histogram;
use std::time::Duration;

/// Most rows shown besides the whole.
const ROWS: usize = 12;

/// `None` when no connection was timed.
pub(super) fn figure(summary: &Summary) -> Option<Figure> {
    let all = summary.histogram(metric::CONNECT, &Labels::none())?;
    let mut rows = by_stage(summary);
    if rows.is_empty() {
        rows = slowest(summary);
    }
    rows.truncate(ROWS);
    if rows.len() != 1 {
        rows.push(row("all", &all));
    }
    let at = |quantile| latency(Duration::from_nanos(all.value_at_quantile(quantile)));
    let reading = format!(
        "Of {} connections, half within {}, 99 of 100 within {}. Bar: half to 95 %; dot: 99 %; faint dot: the slowest.",
        count(all.len()),
        at(0.5),
        at(0.99)
    );
    Some(ranges::figure("connect", "Connecting, from CONNECT to CONNACK", reading, nanoseconds, &rows))
}

/// In order of time, where the figures know the stage.
fn by_stage(summary: &Summary) -> Vec<Row> {
    let mut stages: Vec<_> = summary.stages().iter().collect();
    stages.sort_by_key(|(_, totals)| totals.started);
    let of_stage = |name: &str| {
        let histogram = summary.histogram(metric::CONNECT, &Labels::none().with(label::STAGE, name))?;
        Some(row(if name.is_empty() { "before and after" } else { name }, &histogram))
    };
    stages.iter().filter_map(|(name, _)| of_stage(name)).collect()
}

/// By group of devices and of subscribers, those first whose slow ones were slowest.
fn slowest(summary: &Summary) -> Vec<Row> {
    let keys = summary.histogram_keys().filter(|(name, _)| *name == metric::CONNECT);
    let of_group = |labels: &Labels| {
        let name = labels.value(label::GROUP).or_else(|| labels.value(label::SUBSCRIBER))?;
        Some(row(name, &summary.exact_histogram(metric::CONNECT, labels)?))
    };
    let mut rows: Vec<Row> = keys.filter_map(|(_, labels)| of_group(labels)).collect();
    rows.sort_by(|a, b| b.marks[2].total_cmp(&a.marks[2]));
    rows
}

fn row(name: &str, histogram: &Histogram<u64>) -> Row {
    Row {
        name: name.to_owned(),
        marks: [0.5, 0.95, 0.99, 1.0].map(|quantile| histogram.value_at_quantile(quantile) as f64),
        count: count(histogram.len()),
    }
}

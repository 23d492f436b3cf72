//! How long connecting took, by stage.

use super::super::draw::Figure;
use super::super::draw::ranges::{self, Row};
use super::timeline::nanoseconds;
use crate::figures::{count, latency};
use crate::observation::metric;
use crate::summary::Summary;
use crate::{Labels, label};
use hdrhistogram::Histogram;
use std::time::Duration;

/// Most stages shown.
const STAGES: usize = 16;

/// `None` when no connection was timed.
pub(super) fn figure(summary: &Summary) -> Option<Figure> {
    let all = summary.histogram(metric::CONNECT, &Labels::none())?;
    let mut stages: Vec<_> = summary.stages().iter().collect();
    stages.sort_by_key(|(_, totals)| totals.started);
    let of_stage = |name: &str| {
        let histogram = summary.histogram(metric::CONNECT, &Labels::none().with(label::STAGE, name))?;
        let name = if name.is_empty() { "before and after" } else { name };
        Some(row(name, &histogram))
    };
    let mut rows: Vec<Row> = stages.iter().filter_map(|(name, _)| of_stage(name)).take(STAGES).collect();
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

fn row(name: &str, histogram: &Histogram<u64>) -> Row {
    Row {
        name: name.to_owned(),
        marks: [0.5, 0.95, 0.99, 1.0].map(|quantile| histogram.value_at_quantile(quantile) as f64),
        count: count(histogram.len()),
    }
}

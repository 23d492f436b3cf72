//! The charts over time, from the series of a run.

use super::chart::{Chart, Drawn, Line};
use super::marks::Marks;
use super::scale::{Scale, moment};
use crate::figures::{bytes, count, latency, rate};
use crate::observation::Percentiles;
use crate::summary::{Point, Series, Summary};
use std::time::Duration;

/// Heights: what a run is about, and what goes with it.
const TALL: f64 = 210.0;
const LOW: f64 = 140.0;

/// Those for which something was measured.
pub(super) fn charts(summary: &Summary, marks: &Marks) -> Vec<Drawn> {
    let series = summary.series();
    let all = [rates(summary), latencies(series), lag(series), connections(series), processor(series), memory(series)];
    all.iter().flatten().map(|chart| chart.draw(marks)).collect()
}

fn line(series: &Series, name: &'static str, class: &'static str, value: impl Fn(&Point) -> Option<f64>) -> Line {
    let middle = |point: &Point| (point.from + point.length() / 2).as_secs_f64();
    Line { name, class, points: series.points().iter().map(|point| (middle(point), value(point))).collect() }
}

fn values(lines: &[Line]) -> impl Iterator<Item = f64> + '_ {
    lines.iter().flat_map(|line| line.points.iter().filter_map(|(_, value)| *value))
}

fn any(lines: &[Line]) -> bool {
    values(lines).next().is_some()
}

fn per_second(point: &Point, count: u64) -> Option<f64> {
    let seconds = point.length().as_secs_f64();
    (seconds > 0.0).then(|| count as f64 / seconds)
}

fn when(point: &Point, series: &Series) -> String {
    let end = series.points().last().map_or(0.0, |point| point.to.as_secs_f64());
    moment(point.from.as_secs_f64(), end)
}

fn rates(summary: &Summary) -> Option<Chart> {
    let series = summary.series();
    let fan_out = series.points().iter().any(|point| point.total.expected != point.total.sent);
    let mut lines = vec![
        line(series, "intended", "wanted", |point| per_second(point, point.total.intended)),
        line(series, "sent", "ink", |point| per_second(point, point.total.sent)),
        line(series, "received", "accent", |point| per_second(point, point.total.received)),
    ];
    if fan_out {
        lines.push(line(series, "due", "wanted accent", |point| per_second(point, point.total.expected)));
    }
    any(&lines).then(|| Chart {
        id: "rate",
        height: TALL,
        title: "Messages per second",
        reading: rate_reading(summary),
        scale: Scale::linear(values(&lines)),
        format: rate,
        lines,
    })
}

fn rate_reading(summary: &Summary) -> String {
    let measured: Vec<&str> = summary.measured_stages().map(|(name, _)| name).collect();
    let points = summary.series().points().iter().filter(|point| measured.contains(&point.stage.as_str()));
    let behind = points
        .filter(|point| point.total.intended > 0)
        .map(|point| (point, point.total.sent as f64 / point.total.intended as f64));
    match behind.min_by(|a, b| a.1.total_cmp(&b.1)) {
        None => String::new(),
        Some((_, share)) if share >= 0.995 => "What was intended was sent, in every second measured.".to_owned(),
        Some((point, _)) => format!(
            "Furthest behind at {}: {} of {} intended were sent.",
            when(point, summary.series()),
            count(point.total.sent),
            count(point.total.intended)
        ),
    }
}

fn nanoseconds(value: f64) -> String {
    let text = latency(Duration::from_nanos(value.max(0.0) as u64));
    text.replace(".00 ", " ").replace(".0 ", " ")
}

fn of(percentiles: &Percentiles, value: Duration) -> Option<f64> {
    (percentiles.count > 0).then_some(value.as_secs_f64() * 1e9)
}

fn latencies(series: &Series) -> Option<Chart> {
    let lines = vec![
        line(series, "slowest", "dots", |point| of(&point.e2e, point.e2e.max)),
        line(series, "p99", "accent", |point| of(&point.e2e, point.e2e.p99)),
        line(series, "p95", "second", |point| of(&point.e2e, point.e2e.p95)),
        line(series, "p50", "ink", |point| of(&point.e2e, point.e2e.p50)),
    ];
    let worst = series.points().iter().filter(|point| point.e2e.count > 0).max_by_key(|point| point.e2e.p99)?;
    Some(Chart {
        id: "latency",
        height: TALL,
        title: "Latency, from intended start to arrival",
        reading: format!("Worst second at {}: p99 {}.", when(worst, series), latency(worst.e2e.p99)),
        scale: Scale::log(values(&lines)),
        format: nanoseconds,
        lines,
    })
}

fn lag(series: &Series) -> Option<Chart> {
    let lines = vec![
        line(series, "latest", "dots", |point| of(&point.lag, point.lag.max)),
        line(series, "p99", "ink", |point| of(&point.lag, point.lag.p99)),
    ];
    let worst = series.points().iter().filter(|point| point.lag.count > 0).max_by_key(|point| point.lag.max)?;
    Some(Chart {
        id: "lag",
        height: LOW,
        title: "Generator lag, from intended start to sending",
        reading: format!(
            "How late the generator itself was; part of the latency above. At most {}, at {}.",
            latency(worst.lag.max),
            when(worst, series)
        ),
        scale: Scale::log(values(&lines)),
        format: nanoseconds,
        lines,
    })
}

fn connections(series: &Series) -> Option<Chart> {
    let lines = vec![line(series, "open", "ink", |point| Some(point.connections as f64))];
    let most = series.points().iter().map(|point| point.connections).max()?;
    Some(Chart {
        id: "connections",
        height: LOW,
        title: "Open connections",
        reading: format!("At most {}.", count(most)),
        scale: Scale::linear(values(&lines)),
        format: |value| count(value.max(0.0).round() as u64),
        lines,
    })
}

fn processor(series: &Series) -> Option<Chart> {
    let mut lines = vec![
        line(series, "broker", "accent", |point| point.target.cpu),
        line(series, "generator", "second", |point| point.generator.cpu),
    ];
    lines.retain(|line| any(std::slice::from_ref(line)));
    any(&lines).then(|| Chart {
        id: "cpu",
        height: LOW,
        title: "Processor use, in cores",
        reading: "1 is one core kept busy all the time.".to_owned(),
        scale: Scale::linear(values(&lines)),
        format: |value| {
            let text = format!("{value:.2}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        },
        lines,
    })
}

fn memory(series: &Series) -> Option<Chart> {
    let mut lines = vec![
        line(series, "broker", "accent", |point| point.target.rss_bytes.map(|bytes| bytes as f64 / MEBIBYTE)),
        line(series, "generator", "second", |point| point.generator.rss_bytes.map(|bytes| bytes as f64 / MEBIBYTE)),
    ];
    lines.retain(|line| any(std::slice::from_ref(line)));
    any(&lines).then(|| Chart {
        id: "memory",
        height: LOW,
        title: "Resident memory",
        reading: match values(&lines).reduce(f64::max) {
            Some(most) => format!("At most {}.", bytes(most * MEBIBYTE)),
            None => String::new(),
        },
        // Scaled in MiB, so that ticks fall on round numbers of the unit they are written in.
        scale: Scale::linear(values(&lines)),
        format: |mebibytes| bytes(mebibytes * MEBIBYTE).replace(".0 ", " ").replace(".00 ", " "),
        lines,
    })
}

const MEBIBYTE: f64 = 1_048_576.0;

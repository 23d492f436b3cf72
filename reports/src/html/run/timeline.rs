//! The charts over time, from the series of a run.

use super::super::draw::Figure;
use super::super::draw::chart::{Chart, Fold, Line, Size};
use super::super::draw::scale::{Scale, moment};
use super::marks::Marks;
use crate::figures::{bytes, cores, count, latency, rate, span};
use crate::observation::Percentiles;
use crate::summary::{Point, Series, Summary};
use std::time::Duration;

/// What a run is about.
pub(super) fn large(summary: &Summary, marks: &Marks) -> Vec<Figure> {
    let charts = [rates(summary), latencies(summary.series())];
    charts.iter().flatten().map(|chart| chart.draw(marks)).collect()
}

/// What goes with it; that for which something was measured.
pub(super) fn small(summary: &Summary, marks: &Marks) -> Vec<Figure> {
    let series = summary.series();
    let charts =
        [round_trips(series), lag(series), connections(series), processor(summary), memory(series), files(summary)];
    charts.iter().flatten().map(|chart| chart.draw(marks)).collect()
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
        line(series, "delivered", "accent", |point| per_second(point, point.total.received)),
    ];
    if fan_out {
        lines.push(line(series, "due", "wanted accent", |point| per_second(point, point.total.expected)));
    }
    any(&lines).then(|| Chart {
        id: "rate",
        size: Size::Full,
        fold: Fold::Mean,
        title: "Messages per second: intended, sent, delivered",
        reading: rate_reading(summary),
        scale: Scale::linear(values(&lines)),
        format: rate,
        lines,
    })
}

/// Whether what was intended was sent, and whether what was due came in time.
fn rate_reading(summary: &Summary) -> String {
    let measured: Vec<&str> = summary.measured_stages().map(|(name, _)| name).collect();
    let points = || summary.series().points().iter().filter(|point| measured.contains(&point.stage.as_str()));
    let worst = |part: fn(&Point) -> u64, whole: fn(&Point) -> u64| {
        let shares = points().filter(|point| whole(point) > 0);
        shares.map(|point| (point, part(point) as f64 / whole(point) as f64)).min_by(|a, b| a.1.total_cmp(&b.1))
    };
    let said = |point: &Point, part: u64, whole: u64| {
        format!("at {}, {} of {}", when(point, summary.series()), count(part), count(whole))
    };
    let sent = match worst(|point| point.total.sent, |point| point.total.intended) {
        None => return String::new(),
        Some((_, share)) if share >= 0.995 => "What was intended was sent, in every second that counts.".to_owned(),
        Some((point, _)) => {
            format!("Sending was furthest behind {} intended.", said(point, point.total.sent, point.total.intended))
        }
    };
    match worst(|point| point.total.received, |point| point.total.expected) {
        Some((point, share)) if share < 0.9 => {
            let said = said(point, point.total.received, point.total.expected);
            format!("{sent} Delivery was furthest behind {said} due.")
        }
        _ => sent,
    }
}

/// A latency on an axis: `1 ms`.
pub(in crate::html) fn nanoseconds(value: f64) -> String {
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
        size: Size::Full,
        fold: Fold::Highest,
        title: "Latency, from intended start to arrival",
        reading: latency_reading(worst, series),
        scale: Scale::log(values(&lines)),
        format: nanoseconds,
        lines,
    })
}

/// The worst point, and what is usual.
fn latency_reading(worst: &Point, series: &Series) -> String {
    let mut usual: Vec<Duration> =
        series.points().iter().filter(|point| point.e2e.count > 0).map(|point| point.e2e.p99).collect();
    usual.sort_unstable();
    let typical = usual[usual.len() / 2];
    let width = if series.width() > Duration::from_secs(1) { span(series.width()) } else { "second".to_owned() };
    format!(
        "p99 was mostly about {}; in the worst {width}, at {}, {}.",
        latency(typical),
        when(worst, series),
        latency(worst.e2e.p99)
    )
}

fn round_trips(series: &Series) -> Option<Chart> {
    let lines = vec![
        line(series, "slowest", "dots", |point| of(&point.round_trip, point.round_trip.max)),
        line(series, "p99", "accent", |point| of(&point.round_trip, point.round_trip.p99)),
        line(series, "p50", "ink", |point| of(&point.round_trip, point.round_trip.p50)),
    ];
    let asked = series.points().iter().filter(|point| point.round_trip.count > 0);
    let worst = asked.max_by_key(|point| point.round_trip.p99)?;
    Some(Chart {
        id: "round-trips",
        size: Size::Half,
        fold: Fold::Highest,
        title: "Round trips, from intended request to answer",
        reading: format!("p99 was at most {}, at {}.", latency(worst.round_trip.p99), when(worst, series)),
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
        size: Size::Half,
        fold: Fold::Highest,
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
        size: Size::Half,
        fold: Fold::Highest,
        title: "Open connections",
        reading: format!("At most {}.", count(most)),
        scale: Scale::linear(values(&lines)),
        format: whole,
        lines,
    })
}

fn processor(summary: &Summary) -> Option<Chart> {
    let series = summary.series();
    let mut lines = vec![
        line(series, "broker", "accent", |point| point.target.cpu),
        line(series, "generator", "second", |point| point.generator.cpu),
    ];
    lines.retain(|line| any(std::slice::from_ref(line)));
    any(&lines).then(|| Chart {
        id: "cpu",
        size: Size::Half,
        fold: Fold::Highest,
        title: "Processor use, in cores",
        reading: processor_reading(summary, &lines),
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
        size: Size::Half,
        fold: Fold::Highest,
        title: "Resident memory",
        reading: memory_reading(&lines),
        // Scaled in MiB, so that ticks fall on round numbers of the unit they are written in.
        scale: Scale::linear(values(&lines)),
        format: |mebibytes| written(mebibytes).replace(".0 ", " ").replace(".00 ", " "),
        lines,
    })
}

/// The most of each, and how the broker's grew.
fn memory_reading(lines: &[Line]) -> String {
    let growth = lines.iter().find(|line| line.name == "broker").and_then(|line| {
        let mut known = line.points.iter().filter_map(|(_, value)| *value);
        let first = known.next()?;
        let last = known.next_back()?;
        Some(format!(" The broker ended with {} after {}.", written(last), written(first)))
    });
    format!("At most: {}.{}", peaks(lines, written), growth.unwrap_or_default())
}

fn written(mebibytes: f64) -> String {
    bytes(mebibytes * MEBIBYTE)
}

/// The most that each used, against what there is.
fn processor_reading(summary: &Summary, lines: &[Line]) -> String {
    let there = summary.run().and_then(|run| run.environment.cores);
    let there = there.map_or(String::new(), |cores| format!(" of {cores}"));
    format!("At most: {}{there}. 1 is one core kept busy all the time.", peaks(lines, cores))
}

/// `broker 0.31 cores, generator 0.12 cores`.
fn peaks(lines: &[Line], format: fn(f64) -> String) -> String {
    let peak = |line: &Line| {
        let most = line.points.iter().filter_map(|(_, value)| *value).reduce(f64::max)?;
        Some(format!("{} {}", line.name, format(most)))
    };
    lines.iter().filter_map(peak).collect::<Vec<_>>().join(", ")
}

fn whole(value: f64) -> String {
    count(value.max(0.0).round() as u64)
}

fn files(summary: &Summary) -> Option<Chart> {
    let series = summary.series();
    let mut lines = vec![
        line(series, "broker", "accent", |point| point.target.open_files.map(|files| files as f64)),
        line(series, "generator", "second", |point| point.generator.open_files.map(|files| files as f64)),
    ];
    lines.retain(|line| any(std::slice::from_ref(line)));
    let allowed = summary.run().and_then(|run| run.environment.file_limit);
    let allowed = allowed.map_or(String::new(), |limit| format!(" The generator may have {}.", count(limit)));
    any(&lines).then(|| Chart {
        id: "files",
        size: Size::Half,
        fold: Fold::Highest,
        title: "Open files, sockets included",
        reading: format!("At most: {}.{allowed}", peaks(&lines, whole)),
        scale: Scale::linear(values(&lines)),
        format: whole,
        lines,
    })
}

const MEBIBYTE: f64 = 1_048_576.0;

//! The large numbers under the verdict.

use super::super::page::KeyFigure;
use crate::Labels;
use crate::figures::{count, latency, rate, span};
use crate::headline::elapsed;
use crate::observation::{Health, LedgerCounts, Role, metric};
use crate::summary::Summary;
use std::time::Duration;

pub(super) fn key_figures(summary: &Summary) -> Vec<KeyFigure> {
    let figures = [rate_figure(summary), arrived_figure(summary), latency_figure(summary)];
    figures.into_iter().flatten().chain([connections_figure(summary)]).chain(generator_figure(summary)).collect()
}

fn rate_figure(summary: &Summary) -> Option<KeyFigure> {
    let measured = summary.rate(&Labels::none())?;
    Some(KeyFigure {
        label: "Sent".to_owned(),
        value: rate(measured.sent),
        unit: "msg/s".to_owned(),
        note: format!("{} intended, for {}", rate(measured.intended), span(measured.length)),
        tone: if measured.sent < measured.intended * 0.99 { "bad" } else { "" },
    })
}

fn arrived_figure(summary: &Summary) -> Option<KeyFigure> {
    let counts = summary.ledger_counts(&Labels::none())?;
    let LedgerCounts { expected, received, duplicated, reordered, lost, .. } = counts;
    Some(KeyFigure {
        label: "Arrived".to_owned(),
        value: count(received.saturating_sub(duplicated)),
        unit: String::new(),
        note: format!(
            "of {} due: {} lost, {} twice, {} out of order",
            count(expected),
            count(lost),
            count(duplicated),
            count(reordered)
        ),
        tone: if lost > 0 { "bad" } else { "" },
    })
}

fn latency_figure(summary: &Summary) -> Option<KeyFigure> {
    let histogram = summary.measured_histogram(metric::E2E, &Labels::none())?;
    let at = |quantile| latency(Duration::from_nanos(histogram.value_at_quantile(quantile)));
    let p99 = at(0.99);
    let (value, unit) = p99.split_once(' ').unwrap_or((&p99, ""));
    Some(KeyFigure {
        label: "99 of 100 within".to_owned(),
        value: value.to_owned(),
        unit: unit.to_owned(),
        note: format!("half within {}, slowest {}", at(0.5), at(1.0)),
        tone: "",
    })
}

fn connections_figure(summary: &Summary) -> KeyFigure {
    let most = summary.series().points().iter().map(|point| point.connections).max().unwrap_or(0);
    let groups = summary.run().map_or(&[][..], |run| &run.groups);
    let devices: u64 = groups.iter().filter(|group| group.role == Role::Device).map(|group| group.count).sum();
    let others: u64 = groups.iter().filter(|group| group.role != Role::Device).map(|group| group.count).sum();
    KeyFigure {
        label: "Connections".to_owned(),
        value: count(most),
        unit: String::new(),
        note: format!("{} devices, {} others, {}", count(devices), count(others), span(elapsed(summary))),
        tone: "",
    }
}

fn generator_figure(summary: &Summary) -> Option<KeyFigure> {
    // Who sent nothing was neither in time nor late.
    let generator = summary.generator().filter(|generator| generator.lag.count > 0)?;
    let (value, tone) = match generator.health {
        Health::Sound => ("sound", ""),
        Health::Strained => ("strained", "unsure"),
        Health::Saturated => ("saturated", "bad"),
    };
    Some(KeyFigure {
        label: "Generator".to_owned(),
        value: value.to_owned(),
        unit: String::new(),
        note: format!("999 of 1000 sent within {} of their time", latency(generator.lag_p999)),
        tone,
    })
}

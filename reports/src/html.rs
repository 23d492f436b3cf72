//! `report.html`: one self-contained file for people. No script, no external resource, a content security policy that
//! forbids both, and everything that came from elsewhere escaped.
//!
//! The template and the style sheet are embedded; this module and its children turn a [`Summary`] into what the template
//! names. Charts are SVG, drawn here, once for wide pages and once for phones; the style sheet shows one of them.

mod chart;
mod environment;
mod marks;
mod percentiles;
mod scale;
mod svg;
mod tables;
mod timeline;

pub(crate) use environment::quoted_command;
pub(crate) use svg::Svg;

use crate::Labels;
use crate::figures::{count, latency, rate, span};
use crate::headline::{Headline, Word, elapsed, further_reasons};
use crate::observation::{Health, LedgerCounts, Role, metric};
use crate::summary::Summary;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Environment, context};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::time::Duration;

const TEMPLATE: &str = include_str!("html/report.html.j2");
const STYLE: &str = include_str!("html/report.css");

/// The report of a run.
///
/// # Errors
/// When the embedded template is broken, which the tests rule out.
pub fn html(summary: &Summary) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    // The name decides on escaping: everything in it is escaped unless marked safe.
    environment.add_template("report.html", TEMPLATE)?;
    let headline = Headline::of(summary);
    let marks = marks::Marks::of(summary);
    let run = summary.run();
    environment.get_template("report.html")?.render(context! {
        style => STYLE,
        style_hash => STANDARD.encode(Sha256::digest(STYLE.as_bytes())),
        word => headline.word.text(),
        tone => tone(headline.word),
        glyph => glyph(headline.word),
        sentence => headline.sentence,
        reasons => further_reasons(summary),
        name => run.map_or("run", |run| &run.scenario.name),
        title => run.map_or("Run", |run| if run.scenario.title.is_empty() { &run.scenario.name } else { &run.scenario.title }),
        paragraphs => paragraphs(run.map_or("", |run| &run.scenario.description)),
        started => run.map(|run| run.started_at.strftime("%-d %B %Y, %H:%M UTC").to_string()),
        started_exact => run.map(|run| run.started_at.to_string()),
        tool => run.map(|run| format!("{} {}", run.tool.name, run.tool.version)),
        figures => key_figures(summary),
        charts => timeline::charts(summary, &marks),
        curve => percentiles::curve(summary),
        latencies => tables::latencies(summary),
        thresholds => tables::thresholds(summary),
        ledger => tables::ledger(summary),
        witnesses => tables::witnesses(summary),
        groups => tables::groups(summary),
        stages => tables::stages(summary),
        marks => marks.listed(),
        marks_left_out => marks.left_out(),
        troubles => tables::troubles(summary),
        facts => environment::facts(summary),
        preflight => environment::preflight(summary),
        command => quoted_command(run.map_or(&[][..], |run| &run.command)),
    })
}

fn tone(word: Word) -> &'static str {
    match word {
        Word::Pass => "good",
        Word::Fail | Word::Error => "bad",
        Word::Invalid | Word::Inconclusive | Word::Interrupted => "unsure",
    }
}

fn glyph(word: Word) -> &'static str {
    match word {
        Word::Pass => "✓",
        Word::Fail | Word::Error => "✕",
        Word::Invalid | Word::Inconclusive => "?",
        Word::Interrupted => "‖",
    }
}

fn paragraphs(text: &str) -> Vec<String> {
    let parts = text.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    parts.filter(|part| !part.is_empty()).collect()
}

/// One large number under the verdict.
#[derive(Debug, Serialize)]
struct KeyFigure {
    label: &'static str,
    value: String,
    unit: String,
    note: String,
    tone: &'static str,
}

fn key_figures(summary: &Summary) -> Vec<KeyFigure> {
    let figures = [rate_figure(summary), arrived_figure(summary), latency_figure(summary)];
    figures.into_iter().flatten().chain([connections_figure(summary)]).chain(generator_figure(summary)).collect()
}

fn rate_figure(summary: &Summary) -> Option<KeyFigure> {
    let measured = summary.rate(&Labels::none())?;
    Some(KeyFigure {
        label: "Sent",
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
        label: "Arrived",
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
        label: "99 of 100 within",
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
        label: "Connections",
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
        label: "Generator",
        value: value.to_owned(),
        unit: String::new(),
        note: format!("999 of 1000 sent within {} of their time", latency(generator.lag_p999)),
        tone,
    })
}

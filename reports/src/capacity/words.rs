//! What a search found, for people: one sentence that a planner can sign, and the table behind it.

use super::{Answer, Capacity, Dimension, Limit, Step, StepKind, StepVerdict, Subject};
use crate::figures::{bytes, cores, count, latency, plural, rate, span};
use crate::observation::TargetInfo;
use crate::terminal::visible;
use std::path::Path;

/// So many demands are named in the sentence itself.
const NAMED: usize = 2;

/// A figure of the search in words, without its unit: `3,750`.
#[must_use]
pub fn figure(dimension: Dimension, value: f64) -> String {
    match dimension {
        Dimension::Rate => rate(value),
        Dimension::Connections | Dimension::FanOut => count(value.max(0.0).round() as u64),
    }
}

/// A figure of the search with its unit: `3,750 msg/s`, `1 connection`.
#[must_use]
pub fn quantity(dimension: Dimension, value: f64) -> String {
    let unit = match (dimension, value.round() as u64) {
        (Dimension::Connections, 1) => "connection",
        (Dimension::FanOut, 1) => "subscriber per message",
        _ => dimension.unit(),
    };
    format!("{} {unit}", figure(dimension, value))
}

/// The answer in one sentence.
#[must_use]
pub fn sentence(capacity: &Capacity) -> String {
    let search = &capacity.search;
    let who = match capacity.subject {
        Subject::Broker => target(&capacity.target),
        Subject::Generator => "the generator, to a null sink,".to_owned(),
    };
    let quantity = |value: f64| quantity(search.dimension, value);
    // What the figure is worth hangs on what goes on besides.
    let meanwhile = search.rate.map_or(String::new(), |per_second| format!(" at {} msg/s", rate(per_second)));
    let slo = if is_long(&search.slo) { format!("all {} demands", search.slo.len()) } else { search.slo.join("; ") };
    let held = |confirmations: u32| {
        let runs = plural(u64::from(confirmations), "run", "runs");
        format!("{runs} of {} held {slo}", span(search.confirmation_hold))
    };
    let cause = match &capacity.limiter {
        Some(limiter) => format!(" ({}: {})", limiter.resource.name(), limiter.evidence),
        None => String::new(),
    };
    let text = match &capacity.answer {
        Answer::Confirmed { figure, confirmations, .. }
        | Answer::AtLeast { figure, confirmations, limited_by: Limit::Generator, .. }
            if capacity.subject == Subject::Generator =>
        {
            let figure = quantity(*figure);
            format!("The generator's own ceiling is {figure}, to a null sink: {}{cause}.", held(*confirmations))
        }
        Answer::Confirmed { figure, confirmations, broke_at } => {
            let (figure, above) = (quantity(*figure), quantity(*broke_at));
            format!("{who} sustains {figure}{meanwhile}: {}; at {above} the SLO broke{cause}.", held(*confirmations))
        }
        Answer::AtLeast { figure, confirmations, limited_by, reason } => {
            let by = match limited_by {
                Limit::Generator => "limited by the generator",
                Limit::Maximum => "the most that was tried",
                Limit::Machine => "limited by this machine",
                Limit::Undecided => "what is above is undecided",
            };
            let figure = quantity(*figure);
            format!("{who} sustains at least {figure}{meanwhile}, {by}: {}; {reason}.", held(*confirmations))
        }
        Answer::None { reason } => {
            let unit = search.dimension.unit();
            let held = capacity.held.map_or(String::new(), |held| format!("; {} was held once", quantity(held)));
            format!("no figure in {unit} is confirmed for {}: {reason}{held}.", who.trim_end_matches(','))
        }
    };
    visible(&capitalised(&text))
}

/// Whether a sentence that names every demand has no room for what it is about; they then stand below it.
fn is_long(slo: &[String]) -> bool {
    slo.len() > NAMED
}

/// Who was asked: a port that was free for once says little, so what listens there stands beside it.
fn target(target: &TargetInfo) -> String {
    match target.description.split(", ").next() {
        Some(product) if target.description.contains(", ") => format!("{product} at {}", target.address),
        _ => target.address.clone(),
    }
}

/// A sentence begins with a capital letter, but an address stays as it is.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if !text.split(' ').next().is_some_and(|word| word.contains("://")) => {
            first.to_uppercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

/// What a step came to, in one line: `held: 2,000 msg/s, p50 0.12 ms, p99 1.3 ms, 0 lost, broker 0.4 cores`.
#[must_use]
pub fn outcome(dimension: Dimension, step: &Step) -> String {
    let mut parts = Vec::new();
    if let Some(achieved) = step.achieved {
        parts.push(quantity(dimension, achieved));
    }
    if let Some(points) = step.latency {
        parts.push(format!("p50 {}, p99 {}", latency(points.p50), latency(points.p99)));
    }
    if let (Dimension::Connections, Some(points)) = (dimension, step.connect) {
        parts.push(format!("connecting p99 {}", latency(points.p99)));
    }
    if let (Dimension::FanOut, Some(received)) = (dimension, step.received_per_second) {
        parts.push(format!("{} deliveries/s", rate(received)));
    }
    parts.push(format!("{} lost", count(step.lost)));
    if let Some(cpu) = step.broker.cpu {
        parts.push(format!("broker {}", cores(cpu)));
    }
    if let Some(rss) = step.broker.rss_bytes {
        parts.push(bytes(rss as f64));
    }
    let figures = parts.join(", ");
    let reason = if step.reason.is_empty() { String::new() } else { format!(" ({})", visible(&step.reason)) };
    format!("{}: {figures}{reason}", verdict(step.verdict))
}

/// The block that closes a search: the sentence, the steps, the headroom, and where its page is.
#[must_use]
pub fn block(capacity: &Capacity, page: &Path) -> String {
    let dimension = capacity.search.dimension;
    let mut lines = vec![String::new(), sentence(capacity), String::new()];
    if is_long(&capacity.search.slo) {
        lines.push(format!("the {} demands on every step:", capacity.search.slo.len()));
        lines.extend(capacity.search.slo.iter().map(|demand| format!("  {}", visible(demand))));
        lines.push(String::new());
    }
    let head = ["#", "for", "asked", "achieved", "p50", "p99", "lost", "CPU", "result"].map(str::to_owned);
    let rows = capacity.steps.iter().map(|step| row(dimension, step));
    lines.extend(aligned(&std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    if !capacity.headroom.is_empty() {
        lines.push(String::new());
        for phase in &capacity.headroom {
            let needs = format!("{} needs {} msg/s", phase.phase, rate(phase.rate));
            let least = if capacity.answer.is_at_least() { "at least " } else { "" };
            lines.push(match phase.holds {
                true => format!("{needs}: fits, {least}{:.1} times over", phase.factor),
                false if capacity.answer.is_at_least() => {
                    format!("{needs}: not shown, {:.0} % of it was", phase.factor * 100.0)
                }
                false => format!("{needs}: does not fit, {:.0} % of it does", phase.factor * 100.0),
            });
        }
    }
    if let Some(ceiling) = &capacity.ceiling {
        let least = if ceiling.at_least { "at least " } else { "" };
        let figure = figure(dimension, ceiling.figure);
        lines.push(format!("the generator's own ceiling: {least}{figure} {} ({})", dimension.unit(), ceiling.source));
    }
    if let Some(lag) = &capacity.search.lag_limit {
        lines.push(format!("the generator may lag {}: {}", latency(lag.limit), visible(&lag.because)));
    }
    lines.extend(capacity.remarks.iter().map(|remark| format!("note: {}", visible(remark))));
    lines.push(format!("seed {}; {}", capacity.seed, page.display()));
    lines.join("\n")
}

fn row(dimension: Dimension, step: &Step) -> [String; 9] {
    let kind = match step.kind {
        StepKind::WarmUp => "warm-up",
        StepKind::Doubling | StepKind::Bisection => "search",
        StepKind::Confirmation => "confirm",
    };
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    [
        step.number.to_string(),
        kind.to_owned(),
        figure(dimension, step.asked),
        or_dash(step.achieved.map(|achieved| figure(dimension, achieved))),
        or_dash(step.latency.map(|points| latency(points.p50))),
        or_dash(step.latency.map(|points| latency(points.p99))),
        count(step.lost),
        or_dash(step.broker.cpu.map(|cpu| format!("{cpu:.2}"))),
        verdict(step.verdict).to_owned(),
    ]
}

fn verdict(verdict: StepVerdict) -> &'static str {
    match verdict {
        StepVerdict::Held => "held",
        StepVerdict::Broke => "broke",
        StepVerdict::Saturated => "generator",
        StepVerdict::Inconclusive => "unclear",
        StepVerdict::Interrupted => "interrupted",
        StepVerdict::Gone => "gone",
    }
}

/// Columns as wide as they must be, numbers to the right.
fn aligned(table: &[[String; 9]]) -> Vec<String> {
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..9).map(width).collect();
    let line = |row: &[String; 9]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            1 | 8 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    table.iter().map(line).collect()
}

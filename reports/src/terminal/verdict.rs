//! The block that closes a run, at most 80 columns wide.

use super::style::Style;
use super::visible;
use crate::figures::{count, latency, often, quantity, rate, share, span};
use crate::headline::{Headline, broker_says, elapsed, further_reasons};
use crate::observation::{EventKind, Health, LedgerCounts, Qos, RequestCounts, ThresholdResult, Witness, metric};
use crate::summary::Summary;
use crate::{Labels, label};
use hdrhistogram::Histogram;
use std::path::Path;
use std::time::Duration;

const WIDTH: usize = 80;
const WITNESSES_SHOWN: usize = 3;

pub(super) fn block(summary: &Summary, style: Style, report: Option<&Path>) -> String {
    let mut lines = vec![String::new()];
    headline(summary, style, &mut lines);
    reasons(summary, &mut lines);
    rates(summary, style, &mut lines);
    latencies(summary, style, &mut lines);
    ledger(summary, style, &mut lines);
    requests(summary, style, &mut lines);
    witnesses(summary, &mut lines);
    thresholds(summary, style, &mut lines);
    notes(summary, style, &mut lines);
    if let Some(report) = report {
        lines.push(String::new());
        lines.push(format!("{}  {}", style.bold("Report"), report.display()));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn headline(summary: &Summary, style: Style, lines: &mut Vec<String>) {
    let headline = Headline::of(summary);
    let indent = headline.word.text().len() + 2;
    for (index, line) in wrap(&visible(&headline.sentence), WIDTH - indent).into_iter().enumerate() {
        let lead = if index == 0 { format!("{}  ", style.word(headline.word)) } else { " ".repeat(indent) };
        lines.push(format!("{lead}{line}"));
    }
}

fn reasons(summary: &Summary, lines: &mut Vec<String>) {
    for reason in further_reasons(summary) {
        for (index, line) in wrap(&visible(&reason), WIDTH - 4).into_iter().enumerate() {
            lines.push(format!("  {} {line}", if index == 0 { "-" } else { " " }));
        }
    }
}

fn rates(summary: &Summary, style: Style, lines: &mut Vec<String>) {
    let Some(measured) = summary.rate(&Labels::none()) else { return };
    lines.push(String::new());
    lines.push(style.bold("Rate       intended       sent        due   received   msg/s"));
    let figures = [measured.intended, measured.sent, measured.expected, measured.received].map(rate);
    let [intended, sent, due, received] = figures;
    lines.push(format!("{:8} {intended:>10} {sent:>10} {due:>10} {received:>10}   over {}", "", span(measured.length)));
    if measured.intended > 0.0 && measured.sent < measured.intended * 0.995 {
        lines.push(format!("  only {} of the intended rate was sent", share(measured.sent / measured.intended)));
    }
}

fn latencies(summary: &Summary, style: Style, lines: &mut Vec<String>) {
    let rows = [
        ("end to end", metric::E2E),
        ("broker", metric::SERVICE),
        ("generator lag", metric::GENERATOR_LAG),
        ("round trip", metric::ROUND_TRIP),
        ("retained", metric::RETAINED),
        ("queue drained", metric::DRAIN),
    ];
    let rows: Vec<(&str, Histogram<u64>)> = rows
        .iter()
        .filter_map(|(name, metric)| Some((*name, summary.measured_histogram(metric, &Labels::none())?)))
        .collect();
    if rows.is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push(style.bold("Latency               p50        p95        p99      p99.9        max"));
    for (name, histogram) in rows {
        let points =
            [0.5, 0.95, 0.99, 0.999, 1.0].map(|q| latency(Duration::from_nanos(histogram.value_at_quantile(q))));
        let cells: String = points.iter().map(|cell| format!("{cell:>11}")).collect();
        lines.push(format!("  {name:<13}{}", cells));
    }
}

fn ledger(summary: &Summary, style: Style, lines: &mut Vec<String>) {
    if summary.ledger_counts(&Labels::none()).is_none() {
        return;
    }
    let header = ["Ledger", "published", "due", "received", "lost", "twice", "disorder", "late", "unsent", "unacked"];
    let mut table = vec![header.map(str::to_owned)];
    for qos in Qos::ALL {
        let counts = summary.ledger_counts(&Labels::none().with(label::QOS, qos)).unwrap_or_default();
        if counts != LedgerCounts::default() {
            table.push(ledger_row(qos, &counts));
        }
    }
    let mut table = aligned(&table).into_iter();
    lines.push(String::new());
    lines.extend(table.next().map(|header| style.bold(&header)));
    lines.extend(table);
    if let Some(said) = broker_says(summary) {
        lines.extend(wrap(&visible(&said), WIDTH - 2).into_iter().map(|line| format!("  {line}")));
    }
}

/// What became of requests, by section.
fn requests(summary: &Summary, style: Style, lines: &mut Vec<String>) {
    let groups = summary.requests_by_group();
    if groups.is_empty() {
        return;
    }
    let header = ["Requests", "sent", "answered", "late", "unanswered", "again", "unsent"];
    let mut table = vec![header.map(str::to_owned)];
    for (group, _, counts) in groups {
        let RequestCounts { sent, answered, late, unanswered, repeated, not_sent, .. } = counts;
        let [a, b, c, d, e, f] = [sent, answered, late, unanswered, repeated, not_sent].map(count);
        table.push([format!("  {}", shortened(&visible(&group), 24)), a, b, c, d, e, f]);
    }
    let mut table = aligned(&table).into_iter();
    lines.push(String::new());
    lines.extend(table.next().map(|header| style.bold(&header)));
    lines.extend(table);
}

fn witnesses(summary: &Summary, lines: &mut Vec<String>) {
    for (kind, witnesses) in summary.witnesses() {
        for witness in witnesses.kept().iter().take(WITNESSES_SHOWN) {
            lines.extend(witness_lines(&kind.name().replace('_', " "), witness));
        }
        let more = witnesses.count().saturating_sub(WITNESSES_SHOWN as u64);
        if more > 0 {
            lines.push(format!("  ... and {} more {}", count(more), kind.name().replace('_', " ")));
        }
    }
}

fn ledger_row(qos: Qos, counts: &LedgerCounts) -> [String; 10] {
    let LedgerCounts {
        published, expected, received, lost, duplicated, reordered, late, not_sent, unacknowledged, ..
    } = *counts;
    let name = format!("  QoS {qos}");
    let [a, b, c, d, e, f, g, h, i] =
        [published, expected, received, lost, duplicated, reordered, late, not_sent, unacknowledged].map(count);
    [name, a, b, c, d, e, f, g, h, i]
}

/// Columns as wide as they must be; the first to the left, the others to the right; two spaces apart where that fits.
fn aligned<const COLUMNS: usize>(table: &[[String; COLUMNS]]) -> Vec<String> {
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let narrow = widths.iter().sum::<usize>() + 2 * (COLUMNS - 1) > WIDTH;
    let gap = if narrow { " " } else { "  " };
    let line = |row: &[String; COLUMNS]| {
        let first = format!("{:<width$}", row[0], width = widths[0]);
        let others = row.iter().zip(&widths).skip(1).map(|(cell, width)| format!("{gap}{cell:>width$}"));
        std::iter::once(first).chain(others).collect::<String>()
    };
    table.iter().map(line).collect()
}

/// One line, or a second one for whoever missed it where both do not fit: receivers of one message differ in nothing else.
fn witness_lines(kind: &str, witness: &Witness) -> Vec<String> {
    let at = witness.intended.map_or_else(String::new, |at| format!(" at {:.3} s", at.as_secs_f64()));
    let tail = format!(" #{}{at}", witness.sequence);
    let room = WIDTH - 6 - kind.len() - tail.len();
    let line = format!("  {kind}: {}{tail}", shortened(&visible(&witness.topic), room));
    if witness.subscriber.is_empty() {
        return vec![line];
    }
    let receiver = format!("for {}", visible(&witness.subscriber));
    if line.chars().count() + 1 + receiver.chars().count() <= WIDTH {
        return vec![format!("{line} {receiver}")];
    }
    let indent = kind.len() + 4;
    vec![line, format!("{:indent$}{}", "", shortened(&receiver, WIDTH - indent))]
}

fn thresholds(summary: &Summary, style: Style, lines: &mut Vec<String>) {
    if summary.thresholds().is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push(style.bold("Thresholds"));
    for outcome in summary.thresholds() {
        let observed = outcome.observed.map_or("not measured".to_owned(), |value| quantity(value, outcome.unit));
        let expression = shortened(&visible(&outcome.expression), 52);
        let line = match outcome.result {
            ThresholdResult::Pass => format!("  held    {expression:<52} {observed:>16}"),
            ThresholdResult::Fail => style.bad(&format!("  MISSED  {expression:<52} {observed:>16}")),
            ThresholdResult::Inconclusive => format!("  unclear {expression:<52} {observed:>16}"),
        };
        lines.push(line);
        if outcome.result != ThresholdResult::Pass && !outcome.reason.is_empty() {
            lines.extend(
                wrap(&visible(&outcome.reason), WIDTH - 10).into_iter().map(|line| format!("          {line}")),
            );
        }
    }
}

fn notes(summary: &Summary, style: Style, lines: &mut Vec<String>) {
    let mut notes = Vec::new();
    if let Some(generator) = summary.generator().filter(|generator| generator.health == Health::Strained) {
        notes.push(format!("generator {:?}: {}", generator.health, generator.cause).to_lowercase());
    }
    for (kind, one, many) in [
        (EventKind::ConnectionLost, "connection lost", "connections lost"),
        (EventKind::ConnectionRefused, "connection refused", "connections refused"),
        (EventKind::SessionLost, "session lost", "sessions lost"),
        (EventKind::Warning, "warning", "warnings"),
    ] {
        if let Some(events) = summary.events().get(&kind) {
            let first = events.kept().first().map(|event| event.text.as_str()).unwrap_or_default();
            let name = if events.count() == 1 { one } else { many };
            notes.push(format!("{} {name}{}{first}", count(events.count()), if first.is_empty() { "" } else { ": " }));
        }
    }
    notes.extend(summary.done().iter().map(|(text, times)| format!("by the scenario: {text}{}", often(*times))));
    notes.extend(growth(summary));
    notes.extend(summary.remarks().kept().iter().cloned());
    if let Some(run) = summary.run() {
        notes.push(format!("seed {}, run {}, {}", run.seed, run.run_id, span(elapsed(summary))));
    }
    lines.push(String::new());
    for note in notes {
        let mut wrapped = wrap(&visible(&note), WIDTH - 6).into_iter();
        lines.push(format!("{}  {}", style.bold("Note"), wrapped.next().unwrap_or_default()));
        lines.extend(wrapped.map(|line| format!("      {line}")));
    }
}

/// A shorter run says little of an hour: a broker that only warms up would alarm its reader.
const GROWTH_TOLD_FROM: Duration = Duration::from_secs(600);

/// How fast the broker grew, when the run was long enough to tell.
fn growth(summary: &Summary) -> Option<String> {
    if elapsed(summary) < GROWTH_TOLD_FROM {
        return None;
    }
    let memory = summary.target_memory_growth()?;
    let signed = |value: f64| format!("{value:+.1}").replace("-0.0", "0.0").replace("+0.0", "0.0").replace('-', "−");
    let mib = |bytes: f64| signed(bytes / f64::from(1 << 20));
    let files = summary.target_files_growth().map_or_else(String::new, |files| {
        let [per_hour, lower, upper] = [files.per_hour, files.lower, files.upper].map(signed);
        format!("; its open files by {per_hour} ({lower} to {upper})")
    });
    Some(format!(
        "the broker's memory changed by {} MiB an hour (95 % sure: {} to {}){files}",
        mib(memory.per_hour),
        mib(memory.lower),
        mib(memory.upper),
    ))
}

fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

/// Lines of at most `width` characters, broken at spaces; longer words are cut.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut letters: Vec<char> = word.chars().collect();
        loop {
            let line = lines.last_mut().expect("there is always a line");
            let used = line.chars().count();
            let gap = usize::from(used > 0);
            if used + gap + letters.len() <= width {
                line.extend([" "].iter().take(gap).copied());
                line.extend(&letters);
                break;
            }
            if used == 0 {
                line.extend(letters.drain(..width));
            }
            lines.push(String::new());
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

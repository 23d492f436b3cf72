//! A comparison on a terminal, at most 80 columns wide.

use super::{Compared, Comparison, Outcome, Side, Values};
use crate::figures::{plural, quantity};
use crate::terminal::{visible, wrap};

const WIDTH: usize = 80;
/// Columns of a metric's name; longer ones get a line of their own.
const NAME: usize = 20;

impl Comparison {
    /// What a person should read: the verdict, the runs, a table of metrics. `colour` marks verdicts; nothing is said by
    /// colour alone.
    #[must_use]
    pub fn text(&self, colour: bool) -> String {
        let mut lines = vec![String::new()];
        let word = self.verdict.word();
        let indent = word.len() + 2;
        for (index, line) in wrap(&visible(&self.headline), WIDTH - indent).into_iter().enumerate() {
            let lead =
                if index == 0 { format!("{}  ", painted(self.verdict, word, colour)) } else { " ".repeat(indent) };
            lines.push(format!("{lead}{line}"));
        }
        bullets(&self.reasons, "-", &mut lines);
        lines.push(String::new());
        side("base", &self.base, &mut lines);
        side("new", &self.new, &mut lines);
        lines.push(String::new());
        if !self.metrics.is_empty() {
            let interval = format!("{:.0} % interval", self.settings.confidence * 100.0);
            lines.push(format!("{:NAME$}{:>10}{:>10}{:>9}  {interval}", "Mean of runs", "base", "new", "change"));
        }
        for metric in &self.metrics {
            row(metric, colour, &mut lines);
        }
        if !self.warnings.is_empty() {
            lines.push(String::new());
            bullets(&self.warnings, "!", &mut lines);
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// `base 1.20 ms, new 1.35 ms, change +12.5% (+8.1% to +17.0%), tolerated 5.0%`.
pub(super) fn figures(metric: &Compared) -> String {
    let mean = |values: &Values| values.mean.map_or_else(|| "–".to_owned(), |mean| quantity(mean, metric.unit));
    let (base, new) = (mean(&metric.base), mean(&metric.new));
    let tolerated = format!("tolerated {}", percent(metric.tolerance).trim_start_matches('+'));
    match change(metric) {
        (change, interval) if interval.is_empty() => format!("base {base}, new {new}, change {change}, {tolerated}"),
        (change, interval) => format!("base {base}, new {new}, change {change} ({interval}), {tolerated}"),
    }
}

fn side(role: &str, side: &Side, lines: &mut Vec<String>) {
    let counted = side.runs.iter().filter(|run| run.counted).count();
    let text = match counted == side.runs.len() {
        true => plural(counted as u64, "run", "runs"),
        false => format!("{counted} of {} count", plural(side.runs.len() as u64, "run", "runs")),
    };
    let name = visible(&side.name);
    for (index, line) in wrap(&format!("{name}: {text}"), WIDTH - 8).into_iter().enumerate() {
        lines.push(format!("  {:<6}{line}", if index == 0 { role } else { "" }));
    }
    for run in side.runs.iter().filter(|run| !run.counted) {
        bullets(&[format!("{}: {}", run.folder, run.reason)], "not counted:", lines);
    }
}

fn row(metric: &Compared, colour: bool, lines: &mut Vec<String>) {
    let mean = |values: &Values| values.mean.map_or_else(|| "–".to_owned(), |mean| quantity(mean, metric.unit));
    let name = visible(&metric.metric);
    let name = if name.chars().count() < NAME {
        name
    } else {
        lines.push(name);
        String::new()
    };
    let verdict = match metric.verdict {
        Outcome::Pass => "pass",
        Outcome::Regressed => "regressed",
        Outcome::Inconclusive => "?",
    };
    let (change, interval) = change(metric);
    let verdict = painted(metric.verdict, verdict, colour);
    lines.push(format!(
        "{name:NAME$}{:>10}{:>10}{change:>9}  {interval:<18}  {verdict}",
        mean(&metric.base),
        mean(&metric.new)
    ));
}

/// The estimate and the interval around it.
fn change(metric: &Compared) -> (String, String) {
    match (&metric.change, &metric.difference) {
        (Some(change), _) => (percent(change.estimate), format!("{} to {}", percent(change.low), percent(change.high))),
        (None, Some(difference)) if difference.estimate == 0.0 => ("none".to_owned(), String::new()),
        (None, Some(difference)) => {
            let sign = if difference.estimate < 0.0 { "-" } else { "+" };
            (format!("{sign}{}", quantity(difference.estimate.abs(), metric.unit)), String::new())
        }
        (None, None) => ("–".to_owned(), String::new()),
    }
}

/// `+12.5%`; without a fraction from 100 % on.
fn percent(share: f64) -> String {
    // Adding zero makes a negative zero a plain one.
    let percent = (share * 1000.0).round() / 10.0 + 0.0;
    if percent.abs() >= 99.95 { format!("{percent:+.0}%") } else { format!("{percent:+.1}%") }
}

fn bullets(texts: &[String], mark: &str, lines: &mut Vec<String>) {
    let indent = mark.len() + 3;
    for text in texts {
        for (index, line) in wrap(&visible(text), WIDTH - indent).into_iter().enumerate() {
            lines.push(format!("  {} {line}", if index == 0 { mark.to_owned() } else { " ".repeat(mark.len()) }));
        }
    }
}

fn painted(outcome: Outcome, text: &str, colour: bool) -> String {
    let code = match outcome {
        Outcome::Pass => "32",
        Outcome::Regressed => "1;31",
        Outcome::Inconclusive => "1;33",
    };
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

//! Every step, with the way to its own report.

use crate::capacity::{Capacity, Step, StepKind, StepVerdict, figure};
use crate::figures::{bytes, count, latency};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct StepRow {
    number: String,
    kind: &'static str,
    asked: String,
    achieved: String,
    p50: String,
    p99: String,
    lost: String,
    lost_tone: &'static str,
    cpu: String,
    memory: String,
    lag: String,
    result: &'static str,
    tone: &'static str,
    reason: String,
    /// Where its report is, relative to this page.
    report: Option<String>,
}

pub(super) fn rows(capacity: &Capacity) -> Vec<StepRow> {
    capacity.steps.iter().map(|step| row(capacity, step)).collect()
}

fn row(capacity: &Capacity, step: &Step) -> StepRow {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let (result, tone) = match step.verdict {
        StepVerdict::Held => ("held", "good"),
        StepVerdict::Broke => ("broke", "bad"),
        StepVerdict::Saturated => ("generator", "unsure"),
        StepVerdict::Inconclusive => ("unclear", "unsure"),
        StepVerdict::Interrupted => ("interrupted", "unsure"),
        StepVerdict::Gone => ("target gone", "bad"),
    };
    let written = |value: f64| figure(capacity.search.dimension, value);
    StepRow {
        number: step.number.to_string(),
        kind: match step.kind {
            StepKind::WarmUp => "warm-up",
            StepKind::Doubling => "doubling",
            StepKind::Bisection => "bisection",
            StepKind::Confirmation => "confirmation",
        },
        asked: written(step.asked),
        achieved: or_dash(step.achieved.map(written)),
        p50: or_dash(step.latency.map(|points| latency(points.p50))),
        p99: or_dash(step.latency.map(|points| latency(points.p99))),
        lost: count(step.lost),
        lost_tone: if step.lost > 0 { "bad" } else { "quiet" },
        cpu: or_dash(step.broker.cpu.map(|cpu| format!("{cpu:.2}"))),
        memory: or_dash(step.broker.rss_bytes.map(|rss| bytes(rss as f64))),
        lag: or_dash(step.generator.lag_p999.map(latency)),
        result,
        tone,
        reason: step.reason.clone(),
        report: is_ours(&step.folder).then(|| format!("{}/report.html", step.folder)),
    }
}

/// Whether a folder is one that a search makes, `steps/01-500`: a document from elsewhere may lead anywhere.
fn is_ours(folder: &str) -> bool {
    folder.strip_prefix("steps/").is_some_and(|name| {
        !name.is_empty() && !name.contains("..") && name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_folders_of_steps_are_linked() {
        assert!(is_ours("steps/01-500") && is_ours("steps/12-3750.5"));
        for other in ["steps/..", "steps/", "/etc", "javascript:alert(1)", "steps/a b", "steps/a/../../b", "steps/\"x"]
        {
            assert!(!is_ours(other), "{other}");
        }
    }
}

//! The verdict in one word and one sentence.

use crate::Labels;
use crate::figures::{count, latency, plural, rate, span};
use crate::observation::{BrokerDrops, Ending, Health, LedgerCounts, ThresholdResult, Verdict, metric};
use crate::summary::Summary;
use std::time::Duration;

/// The first thing every report says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// The word.
    pub word: Word,
    /// One sentence without the word, ending in a full stop.
    pub sentence: String,
}

/// One word for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The contract held.
    Pass,
    /// It did not.
    Fail,
    /// What was measured is not the target: the generator was the bottleneck, or segments did not run together.
    Invalid,
    /// Too little was measured.
    Inconclusive,
    /// The run could not do its work.
    Error,
    /// Someone stopped the run, or it left no last line.
    Interrupted,
    /// It goes on.
    Running,
}

impl Word {
    /// In capitals.
    pub fn text(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Invalid => "INVALID",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Error => "ERROR",
            Self::Interrupted => "INTERRUPTED",
            Self::Running => "RUNNING",
        }
    }

    /// For a run.
    pub fn of(summary: &Summary) -> Self {
        if summary.goes_on() {
            return Self::Running;
        }
        let Some(ended) = summary.ended() else { return Self::Interrupted };
        match (ended.ending, ended.verdict) {
            (Ending::Interrupted, _) => Self::Interrupted,
            (_, Verdict::Pass) => Self::Pass,
            (_, Verdict::Fail) => Self::Fail,
            (_, Verdict::Invalid) => Self::Invalid,
            (_, Verdict::Inconclusive) => Self::Inconclusive,
            (_, Verdict::Error) => Self::Error,
        }
    }
}

impl Headline {
    /// Of a run, in plain words.
    pub fn of(summary: &Summary) -> Self {
        let word = Word::of(summary);
        let reasons = summary.ended().map_or_else(String::new, |ended| ended.reasons.join("; "));
        let parts = match word {
            Word::Running => vec![so_far(summary), p99(summary)],
            Word::Pass => vec![holds(summary), arrivals(summary), p99(summary)],
            Word::Fail => vec![missed(summary, &reasons), arrivals(summary), p99(summary)],
            Word::Invalid => match summary.generator().filter(|generator| generator.health == Health::Saturated) {
                // By what is said below: many clauses, of which each is a reason.
                Some(_) => {
                    vec!["the generator was the bottleneck, so this run says nothing about the target".to_owned()]
                }
                None => vec!["this run says nothing about the target".to_owned(), reasons],
            },
            // It says itself what it is: a share, judged with the others.
            Word::Inconclusive if summary.run().is_some_and(|run| run.segment().is_some()) => vec![reasons],
            Word::Inconclusive => vec!["too little was measured to decide".to_owned(), reasons],
            Word::Error => vec!["the run could not do its work".to_owned(), reasons],
            Word::Interrupted => vec![stopped(summary), arrivals(summary), p99(summary)],
        };
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Self { word, sentence: format!("{}.", capitalised(parts.join("; ").trim_end_matches('.'))) }
    }
}

/// The verdict's reasons, without those that the headline gives already. What saturated a generator is taken apart: each of its
/// clauses is a reason of its own.
pub(crate) fn further_reasons(summary: &Summary) -> Vec<String> {
    let headline = Headline::of(summary).sentence.to_lowercase();
    let reasons = summary.ended().map_or(&[][..], |ended| &ended.reasons);
    let mut further: Vec<String> =
        reasons.iter().filter(|reason| !headline.contains(&reason.to_lowercase())).cloned().collect();
    if Word::of(summary) != Word::Invalid {
        return further;
    }
    let cause = summary.generator().map_or("", |generator| generator.cause.as_str());
    if !cause.is_empty() && !further.iter().any(|reason| reason.contains(cause)) {
        further.insert(0, cause.to_owned());
    }
    let clauses = |reason: &String| reason.split("; ").map(str::to_owned).collect::<Vec<_>>();
    further.iter().flat_map(clauses).collect()
}

/// What was run, as a subject: the phase, else the title, else the name.
pub(crate) fn subject(summary: &Summary) -> String {
    let Some(run) = summary.run() else { return "the run".to_owned() };
    let scenario = &run.scenario;
    let title = if scenario.title.is_empty() { &scenario.name } else { &scenario.title };
    scenario.phase.as_ref().unwrap_or(title).clone()
}

/// How long the run took or has taken so far.
pub(crate) fn elapsed(summary: &Summary) -> Duration {
    let seen = summary.series().points().iter().map(|point| point.to).max().unwrap_or_default();
    summary.ended().map_or(seen, |ended| ended.at)
}

/// How long it was planned to take.
pub(crate) fn planned(summary: &Summary) -> Duration {
    let stages = summary.run().map_or(&[][..], |run| &run.stages);
    stages.iter().map(|stage| stage.start.saturating_add(stage.duration)).max().unwrap_or_default()
}

fn holds(summary: &Summary) -> String {
    match summary.rate(&Labels::none()) {
        Some(measured) => format!("{} holds {} msg/s", subject(summary), rate(measured.sent)),
        None => format!("{} passed", subject(summary)),
    }
}

fn so_far(summary: &Summary) -> String {
    let Some(_) = summary.run() else { return "the clients connect; the load has not begun".to_owned() };
    let flow = summary.flow(&Labels::none()).unwrap_or_default();
    let planned = match planned(summary) {
        Duration::ZERO => String::new(),
        planned => format!(" of {} planned", span(planned)),
    };
    let (sent, elapsed) = (plural(flow.sent, "message", "messages"), span(elapsed(summary)));
    format!("{} has run for {elapsed}{planned}; {sent} sent, {} received", subject(summary), count(flow.received))
}

fn missed(summary: &Summary, reasons: &str) -> String {
    let all = summary.thresholds().len() as u64;
    let failed = summary.thresholds().iter().filter(|t| t.result == ThresholdResult::Fail).count() as u64;
    match failed {
        0 => reasons.to_owned(),
        _ => format!("{} missed {failed} of {}", subject(summary), plural(all, "threshold", "thresholds")),
    }
}

fn stopped(summary: &Summary) -> String {
    let how = if summary.ended().is_some() { "stopped" } else { "cut off" };
    let planned = match planned(summary) {
        Duration::ZERO => String::new(),
        planned => format!(" of {} planned", span(planned)),
    };
    format!("{} was {how} after {}{planned}; no verdict", subject(summary), span(elapsed(summary)))
}

/// What became of the messages, from the ledger.
pub(crate) fn arrivals(summary: &Summary) -> String {
    let Some(counts) = summary.ledger_counts(&Labels::none()) else { return String::new() };
    let mut parts = vec![lost(&counts)];
    if counts.duplicated > 0 {
        parts.push(format!("{} came more than once", count(counts.duplicated)));
    }
    if counts.reordered > 0 {
        parts.push(format!("{} out of order", count(counts.reordered)));
    }
    if counts.late > 0 {
        parts.push(format!("{} too late", count(counts.late)));
    }
    if counts.not_sent > 0 {
        parts.push(format!("{} could not be sent", count(counts.not_sent)));
    }
    if counts.unacknowledged > 0 {
        parts.push(format!("{} not acknowledged", count(counts.unacknowledged)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

fn lost(counts: &LedgerCounts) -> String {
    let one_each = counts.expected == counts.published;
    match (counts.published, counts.lost) {
        (0, _) => "no message was sent".to_owned(),
        _ if counts.expected == 0 => format!("{} sent", plural(counts.published, "message", "messages")),
        (1, 0) if one_each => "the one message arrived".to_owned(),
        (sent, 0) if one_each => format!("every one of {} messages arrived", count(sent)),
        (sent, 0) => format!("all {} deliveries of {} messages arrived", count(counts.expected), count(sent)),
        (sent, lost) if one_each => format!("{} of {} messages never arrived", count(lost), count(sent)),
        (_, lost) => format!("{} of {} deliveries never arrived", count(lost), count(counts.expected)),
    }
}

/// What the broker says of losses, a sentence, where there are some and it says anything.
pub(crate) fn broker_says(summary: &Summary) -> Option<String> {
    let drops = summary.broker_drops()?;
    let BrokerDrops { source, causes, note } = drops;
    let source = if note.is_empty() { source.clone() } else { format!("{source}; {note}") };
    let lost = summary.ledger_counts(&Labels::none()).is_some_and(|counts| counts.lost > 0);
    if !lost {
        return None;
    }
    if causes.is_empty() {
        return Some(format!("The broker says that it dropped no message meanwhile ({source})."));
    }
    let each = causes.iter().map(|(cause, messages)| format!("{} {}", count(*messages), cause.replace('_', " ")));
    let (all, each) = (plural(drops.total(), "message", "messages"), each.collect::<Vec<_>>().join(", "));
    let each = if causes.keys().eq([BrokerDrops::ANY_CAUSE]) { String::new() } else { format!(": {each}") };
    Some(format!("The broker says that it dropped {all} meanwhile{each} ({source})."))
}

fn p99(summary: &Summary) -> String {
    summary
        .measured_histogram(metric::E2E, &Labels::none())
        .map(|histogram| format!("p99 {}", latency(Duration::from_nanos(histogram.value_at_quantile(0.99)))))
        .unwrap_or_default()
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

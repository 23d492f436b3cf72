//! From observations and a contract to a verdict: pure, so that an old run can be judged again.

mod again;
mod health;
mod jury;
mod prospect;
mod source;
mod threshold;
mod tracks;

use reports::{
    Counter, Labels, Summary, figures,
    observation::{Aborted, Health, ThresholdOutcome, ThresholdResult},
};

use crate::Exit;

pub use again::{again, contract};
pub use health::{Evidence, Machine, Offers, health};
pub use jury::{Jury, selections};
pub(crate) use source::unit;

/// What ended a run before it could be judged on its figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the process ends with.
    pub exit: Exit,
    /// What happened: a lowercase fragment that says what to do.
    pub reason: String,
}

/// The verdict on a run whose thresholds are among its observations, with its reasons, most important first.
pub fn verdict(summary: &Summary, failure: Option<&Failure>) -> (Exit, Vec<String>) {
    let mut found: Vec<(Exit, String)> = Vec::new();
    if let Some(failure) = failure {
        found.push((failure.exit, failure.reason.clone()));
    }
    if let Some(generator) = summary.generator().filter(|generator| generator.health == Health::Saturated) {
        found.push((Exit::Invalid, format!("the generator was saturated: {}", generator.cause)));
    }
    if let Some(aborted) = summary.aborted() {
        let at = format!("ended early, {:.1}s after the start", aborted.at.as_secs_f64());
        let Aborted { expression, reason, .. } = aborted;
        found.push(match summary.thresholds().iter().any(|outcome| outcome.expression == *expression) {
            true => (Exit::Thresholds, format!("{at}, by {expression}: {reason}")),
            // Judged again by another contract.
            false => (Exit::Inconclusive, format!("{at}, by a threshold that is not judged now: {expression}")),
        });
    }
    for outcome in summary.thresholds() {
        match outcome.result {
            ThresholdResult::Pass => {}
            ThresholdResult::Fail => found.push((Exit::Thresholds, missed(outcome))),
            ThresholdResult::Inconclusive => {
                found.push((Exit::Inconclusive, format!("undecided: {}: {}", outcome.expression, outcome.reason)));
            }
        }
    }
    if failure.is_none() && summary.counter(Counter::Intended, &Labels::none()).unwrap_or(0) == 0 {
        found.push((Exit::NothingRan, "no message was due".to_owned()));
    }
    let exit = Exit::worst(found.iter().map(|(exit, _)| *exit));
    found.sort_by_key(|(exit, _)| exit.rank());
    (exit, found.into_iter().map(|(_, reason)| reason).collect())
}

fn missed(outcome: &ThresholdOutcome) -> String {
    let observed =
        outcome.observed.map_or_else(|| "nothing".to_owned(), |value| figures::quantity(value, outcome.unit));
    format!("missed: {} (observed {observed})", outcome.expression)
}

#[cfg(test)]
mod tests;

//! A recorded run, judged once more.

use reports::{
    Observation, Summary,
    observation::{Ending, RunEnded},
};
use scenarios::model::{ExpressionError, Threshold};

use super::{Failure, Jury, verdict};
use crate::Exit;

/// The contract that a run was made under, from its first line.
///
/// # Errors
///
/// When this version cannot read one of its thresholds.
pub fn contract(figures: &Summary) -> Result<Vec<Threshold>, ExpressionError> {
    figures.run().map_or(&[][..], |run| &run.thresholds).iter().map(|text| text.parse()).collect()
}

/// Judges the figures of a recorded run as it would have been judged at its end, by a jury that saw all its observations.
///
/// A run keeps whole what any threshold may ask of the whole run, and second by second what is not narrowed, or narrowed as
/// its own contract asked; what it did not keep is inconclusive. `ended` is how it ended then;
/// `None` for a run that was cut off, which ends as inconclusive where nothing worse is found. So does one segment of a split
/// run, of which no threshold is judged. Gives what the run is to be called, and the observations that say so.
pub fn again(figures: &Summary, jury: &Jury, ended: Option<&RunEnded>) -> (Exit, Vec<Observation>) {
    let mut judged = figures.clone();
    let mut observations = Vec::new();
    let part = figures.run().is_some_and(|run| run.segment().is_some());
    if !figures.stages().is_empty() && !part {
        for outcome in jury.outcomes(figures) {
            let outcome = Observation::Threshold(outcome);
            judged.apply(&outcome);
            observations.push(outcome);
        }
    }
    let failure = ended.and_then(failure);
    let (mut exit, mut reasons) = verdict(&judged, failure.as_ref());
    let whole = ended.is_some_and(|ended| ended.ending != Ending::Interrupted);
    if exit == Exit::Pass && part {
        exit = Exit::Inconclusive;
        reasons.push("this is one segment of a run: join all of them and judge the whole".to_owned());
    } else if exit == Exit::Pass && !whole {
        exit = Exit::Inconclusive;
        reasons.push("the run did not come to its end: what was measured so far held".to_owned());
    }
    if let Some(ended) = ended {
        observations.push(Observation::RunEnded(RunEnded {
            verdict: exit.verdict(),
            exit_code: if ended.ending == Ending::Interrupted { Exit::INTERRUPTED } else { exit.code() },
            reasons,
            ..ended.clone()
        }));
    }
    (exit, observations)
}

/// What ended the run before it could be judged on its figures, as it was recorded.
fn failure(ended: &RunEnded) -> Option<Failure> {
    let exit = Exit::from_code(ended.exit_code)?;
    let of_itself = ended.ending == Ending::Aborted && !matches!(exit, Exit::Thresholds | Exit::Invalid);
    of_itself.then(|| Failure { exit, reason: ended.reasons.first().cloned().unwrap_or_default() })
}

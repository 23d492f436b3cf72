//! From outcomes to one verdict, now and once more later.

use reports::observation::{Ending, RunEnded, Verdict};

use super::{
    seconds::{ended, hold},
    *,
};

fn missed() -> Observation {
    Observation::Threshold(outcome("e2e", "p(99)<1us", &hold_with_samples()))
}

fn undecided() -> Observation {
    Observation::Threshold(outcome("loss{qos:2}", "count==0", &[ledger(Qos::AtLeastOnce, clean())]))
}

fn hold_with_samples() -> Vec<Observation> {
    vec![histogram("meters", 1, [5; 100]), ledger(Qos::AtLeastOnce, clean())]
}

#[test]
fn a_strained_generator_is_no_reason() {
    let run = summary(&[ledger(Qos::AtLeastOnce, clean()), health(Health::Strained)]);
    assert_eq!(verdict(&run, None), (Exit::Pass, vec![]));
}

#[test]
fn the_worst_is_said_first() {
    let run = summary(&[ledger(Qos::AtLeastOnce, clean()), undecided(), missed(), health(Health::Saturated)]);
    let (exit, reasons) = verdict(&run, None);
    assert_eq!(exit, Exit::Invalid);
    let beginnings = ["the generator was saturated", "missed: e2e", "undecided: loss"];
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    for (reason, beginning) in reasons.iter().zip(beginnings) {
        assert!(reason.starts_with(beginning), "{reasons:?}");
    }
    let run = summary(&[ledger(Qos::AtLeastOnce, clean()), undecided(), missed()]);
    assert!(verdict(&run, None).1[0].starts_with("missed: e2e"));
}

#[test]
fn what_could_not_begin_is_not_called_empty_besides() {
    let failure = Failure { exit: Exit::Unreachable, reason: "nobody listens".to_owned() };
    assert_eq!(verdict(&summary(&[]), Some(&failure)), (Exit::Unreachable, vec!["nobody listens".to_owned()]));
}

/// Judges a recorded run once more that ended so.
fn judged_again(
    observations: &[Observation],
    contract: &[Threshold],
    end: Option<RunEnded>,
) -> (Exit, Vec<Observation>) {
    let mut jury = Jury::new(contract);
    for observation in [started()].iter().chain(observations) {
        jury.apply(observation);
    }
    again(&summary(observations), &jury, end.as_ref())
}

fn end(ending: Ending, exit_code: u8) -> Option<RunEnded> {
    let Observation::RunEnded(ended) = ended(ending, exit_code) else { unreachable!("an end") };
    Some(ended)
}

fn told(judgement: &[Observation]) -> &RunEnded {
    let Some(Observation::RunEnded(end)) = judgement.last() else { panic!("{judgement:?}") };
    end
}

#[test]
fn an_interrupted_run_that_held_is_no_pass() {
    let held = [vec![ledger(Qos::AtLeastOnce, clean())], hold(&[10])].concat();
    let contract = [threshold("loss", "count==0")];
    let (exit, judgement) = judged_again(&held, &contract, end(Ending::Interrupted, 130));
    let end_now = told(&judgement);
    assert_eq!((exit, end_now.exit_code, end_now.verdict), (Exit::Inconclusive, 130, Verdict::Inconclusive));
    assert_eq!(end_now.reasons, ["the run did not come to its end: what was measured so far held"]);
    let missed = judged_again(&held, &[threshold("loss", "count!=0")], end(Ending::Interrupted, 130));
    assert_eq!(missed.0, Exit::Thresholds, "what did not hold did not");
    assert_eq!(told(&missed.1).reasons.len(), 1, "{:?}", told(&missed.1).reasons);
}

#[test]
fn a_run_that_was_cut_off_is_no_pass_and_has_no_end() {
    let held = [vec![ledger(Qos::AtLeastOnce, clean())], hold(&[10])].concat();
    let (exit, judgement) = judged_again(&held, &[threshold("loss", "count==0")], None);
    assert_eq!(exit, Exit::Inconclusive);
    assert!(matches!(judgement[..], [Observation::Threshold(_)]), "{judgement:?}");
    assert_eq!(judged_again(&held, &[threshold("loss", "count==0")], end(Ending::Completed, 0)).0, Exit::Pass);
}

#[test]
fn what_ended_a_run_of_itself_ends_it_again() {
    let held = [vec![ledger(Qos::AtLeastOnce, clean())], hold(&[10])].concat();
    let contract = [threshold("loss", "count==0")];
    let gone = judged_again(&held, &contract, end(Ending::Aborted, Exit::Unreachable.code()));
    assert_eq!((gone.0, &told(&gone.1).reasons[0][..]), (Exit::Unreachable, "as it was told then"));
    // The figures say whether the generator was saturated, and what the thresholds come to.
    for exit in [Exit::Invalid, Exit::Thresholds] {
        assert_eq!(judged_again(&held, &contract, end(Ending::Aborted, exit.code())).0, Exit::Pass, "{exit:?}");
    }
    // How a run that came to its end was judged does not bind whoever judges it again.
    assert_eq!(judged_again(&held, &contract, end(Ending::Completed, Exit::Inconclusive.code())).0, Exit::Pass);
}

#[test]
fn a_run_that_did_not_begin_has_nothing_to_judge() {
    let contract = [threshold("loss", "count==0")];
    let (_, judgement) = judged_again(&[], &contract, end(Ending::Aborted, Exit::Unreachable.code()));
    assert!(matches!(judgement[..], [Observation::RunEnded(_)]), "{judgement:?}");
}

#[test]
fn no_threshold_of_one_segment_is_judged() {
    let Observation::RunStarted(mut first) = started() else { unreachable!("a first line") };
    let segment = serde_json::json!({"index": 1, "count": 2, "started_at": "2026-01-01T00:00:00Z"});
    first.segments = vec![serde_json::from_value(segment).unwrap()];
    let observations = [vec![Observation::RunStarted(first), ledger(Qos::AtLeastOnce, clean())], hold(&[10])].concat();
    let judge = |contract: &[Threshold], end: Option<RunEnded>| {
        let (mut jury, mut figures) = (Jury::new(contract), Summary::new());
        for observation in &observations {
            jury.apply(observation);
            figures.apply(observation);
        }
        again(&figures, &jury, end.as_ref())
    };
    let (exit, judgement) = judge(&[threshold("loss", "count!=0")], end(Ending::Completed, 8));
    assert_eq!(exit, Exit::Inconclusive);
    assert!(matches!(judgement[..], [Observation::RunEnded(_)]), "{judgement:?}");
    assert_eq!(told(&judgement).reasons, ["this is one segment of a run: join all of them and judge the whole"]);
    let gone = judge(&[], end(Ending::Aborted, Exit::Unreachable.code()));
    assert_eq!((gone.0, told(&gone.1).reasons.len()), (Exit::Unreachable, 1), "what went wrong is all there is to say");
}

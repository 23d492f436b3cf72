//! Runs that a threshold ends: not before nothing can mend it, and then at once.

use reports::observation::{Aborted, Event, EventKind, Kept};

use super::{
    seconds::{encoded, hold, long, run, second},
    *,
};

/// When a run of `observations` is ended by this threshold.
fn aborted(series: &str, expression: &str, observations: &[Observation]) -> Option<Duration> {
    run(series, &format!("{expression} abort_on_fail"), observations).1.map(|aborted| aborted.at)
}

/// A second with other figures than [`second`]'s hundred messages.
fn changed(at: u32, stage: &str, millis: u64, change: impl FnOnce(&mut Window)) -> Observation {
    let Observation::Window(mut window) = second(at, stage, millis) else { unreachable!("a window") };
    change(&mut window);
    Observation::Window(window)
}

/// What ends a run of these stages, whose first line says so.
fn ended_in(stages: Vec<PlannedStage>, expression: &str, seconds: &[Observation]) -> Option<Duration> {
    let Observation::RunStarted(mut first) = long() else { unreachable!("a first line") };
    first.stages = stages;
    let mut jury = Jury::new(&[threshold("e2e", &format!("{expression} abort_on_fail"))]);
    jury.apply(&Observation::RunStarted(first));
    seconds.iter().find_map(|second| {
        jury.apply(second);
        jury.foregone().map(|aborted| aborted.at)
    })
}

fn stage(name: &str, start: u32, lasts: u32, rate: f64, measured: bool) -> PlannedStage {
    let (name, rate) = (name.to_owned(), Some(rate));
    PlannedStage { name, start: SECOND * start, duration: SECOND * lasts, rate, measured }
}

#[test]
fn counts_of_the_whole_run_end_it_once_they_are_too_high() {
    let seconds = hold(&[10, 10, 10]);
    assert_eq!(aborted("sent", "count<=200", &seconds), Some(SECOND * 6));
    assert_eq!(aborted("sent", "count<=300", &seconds), None);
    assert_eq!(aborted("e2e", "count<=200", &seconds), Some(SECOND * 6));
    assert_eq!(aborted("e2e", "count<=300", &seconds), None);
}

#[test]
fn a_count_that_has_a_way_to_go_ends_nothing() {
    let seconds = hold(&[10, 10, 10]);
    let lost = Event {
        at: SECOND * 4,
        event: EventKind::ConnectionLost,
        count: 2,
        client: None,
        group: None,
        text: String::new(),
    };
    let mut disturbed = seconds.clone();
    disturbed.insert(1, Observation::Event(lost));
    for (series, expression, seen, expected) in [
        ("sent", "count==300", &seconds, None),
        ("sent", "count==250", &seconds, Some(SECOND * 6)),
        ("e2e", "count==300", &seconds, None),
        ("e2e", "count==250", &seconds, Some(SECOND * 6)),
        ("disconnects", "count==2", &disturbed, None),
        ("disconnects", "count==1", &disturbed, Some(SECOND * 4)),
        ("disconnects", "count==0", &seconds, None),
    ] {
        assert_eq!(aborted(series, expression, seen), expected, "{series} {expression}");
    }
}

#[test]
fn one_bad_sample_is_enough_for_an_extreme() {
    let one = |millis| changed(3, "hold", 10, |window| window.e2e.histogram = Some(encoded([10, 10, millis])));
    assert_eq!(aborted("e2e", "max<200ms", &[one(900)]), Some(SECOND * 4));
    assert_eq!(aborted("e2e", "max<200ms", &[one(100)]), None);
    assert_eq!(aborted("e2e", "min>5ms", &[one(1)]), Some(SECOND * 4));
}

#[test]
fn a_percentile_that_must_be_high_is_lost_to_low_samples() {
    // A tenth of about a thousand samples may be below.
    assert_eq!(aborted("e2e", "p(10)>50ms", &hold(&[10, 10])), Some(SECOND * 5));
    assert_eq!(aborted("e2e", "p(90)>50ms", &hold(&[10, 10])), None);
}

#[test]
fn as_many_bad_samples_as_are_tolerated_end_nothing() {
    let mut seconds = hold(&[10; 8]);
    let some = |slow: usize| {
        let samples = encoded([900].repeat(slow).into_iter().chain([10].repeat(100 - slow)));
        changed(11, "hold", 10, |window| window.e2e.histogram = Some(samples))
    };
    seconds.push(some(90));
    assert_eq!(aborted("e2e", "p(90)<200ms", &seconds), None, "90 of 900");
    seconds[8] = some(92);
    assert_eq!(aborted("e2e", "p(90)<200ms", &seconds), Some(SECOND * 12));
}

#[test]
fn how_many_are_to_come_follows_the_busiest_second() {
    let slow = || [second(4, "hold", 900), second(5, "hold", 900)];
    let after = |first: Observation| [vec![first], slow().into()].concat();
    let few = after(second(3, "hold", 10));
    assert_eq!(aborted("e2e", "p(90)<200ms", &few), Some(SECOND * 6), "two hundred of a thousand");
    // What came together once may come so again.
    let crowd = after(changed(3, "hold", 10, |window| window.e2e.histogram = Some(encoded([10].repeat(1000)))));
    assert_eq!(aborted("e2e", "p(90)<200ms", &crowd), None);
    // What was due and is under way still will come.
    let late = after(changed(3, "hold", 10, |window| window.total.intended = 1000));
    assert_eq!(aborted("e2e", "p(90)<200ms", &late), None);
    // A moment is no second.
    let moment = after(changed(3, "hold", 10, |window| window.length = SECOND / 20));
    assert_eq!(aborted("e2e", "p(90)<200ms", &moment), Some(SECOND * 6));
    // And a warm-up no measure of what is judged.
    let warm = after(changed(2, "warm-up", 10, |window| {
        window.total.intended = 10_000;
        window.e2e.histogram = None;
    }));
    assert_eq!(aborted("e2e", "p(90)<200ms", &warm), Some(SECOND * 5));
}

#[test]
fn what_is_planned_says_how_many_are_to_come() {
    let hold_stage = || stage("hold", 3, 9, 100.0, true);
    let slow = hold(&[900, 900, 900]);
    let ended = |stages| ended_in(stages, "p(90)<200ms", &slow);
    assert_eq!(ended(vec![hold_stage()]), Some(SECOND * 5));
    assert_eq!(ended(vec![hold_stage(), stage("peak", 12, 9, 1000.0, true)]), None, "there are ten times as many");
    assert_eq!(ended(vec![hold_stage(), stage("peak", 12, 9, 1000.0, false)]), Some(SECOND * 5), "which do not count");
    assert_eq!(ended(vec![hold_stage(), stage("later", 100, 1, 100.0, true)]), Some(SECOND * 5), "a pause has none");
}

#[test]
fn connections_belong_to_the_stage_that_they_are_made_in() {
    let connects = |at, stage: &str, millis| {
        changed(at, stage, 10, |window| {
            window.kept.insert("connect".to_owned(), Kept { samples: Some(encoded([millis])), ..Kept::default() });
        })
    };
    let judged = |last| {
        let seconds = [connects(3, "hold", 10), connects(4, "hold", 10), last];
        run("connect", "max<200ms over 2s", &seconds).0.result
    };
    assert_eq!(judged(connects(5, "hold", 900)), ThresholdResult::Fail);
    assert_eq!(judged(connects(5, "next ramp", 900)), ThresholdResult::Pass);
    assert_eq!(judged(connects(5, "", 900)), ThresholdResult::Pass, "who comes back while the run drains");
}

#[test]
fn what_ended_a_run_did_not_hold_whatever_came_after() {
    // So much comes at the end that the few slow ones are within what is tolerated.
    let mut seconds = hold(&[900, 900]);
    seconds.push(histogram("meters", 1, [10].repeat(1000)));
    let expression = "p(90)<200ms abort_on_fail";
    let judged = |seconds: &[Observation], told: Option<&str>| {
        let mut jury = Jury::new(&[threshold("e2e", expression)]);
        let mut summary = Summary::new();
        let aborted = told.map(|told| {
            let reason = "lost".to_owned();
            Observation::Aborted(Aborted { at: SECOND * 5, expression: told.to_owned(), reason })
        });
        for observation in [long()].iter().chain(seconds).chain(&aborted) {
            jury.apply(observation);
            summary.apply(observation);
        }
        let outcome = jury.outcomes(&summary).remove(0);
        (outcome.result, outcome.reason)
    };
    assert_eq!(judged(&seconds, None).0, ThresholdResult::Pass);
    assert_eq!(judged(&seconds, Some("loss: count==0")).0, ThresholdResult::Pass, "another ended it");
    let itself = format!("e2e: {expression}");
    assert_eq!(judged(&seconds, Some(&itself)), (ThresholdResult::Fail, "lost".to_owned()));
    assert_eq!(judged(&[], Some(&itself)), (ThresholdResult::Fail, "lost".to_owned()), "nothing else is known");
}

#[test]
fn only_the_account_says_how_many_there_were_in_all() {
    let mut seconds = hold(&[10]);
    seconds.push(ledger(Qos::AtLeastOnce, clean()));
    let (outcome, aborted) = run("sent", "count<=200 abort_on_fail", &seconds);
    assert_eq!((outcome.result, outcome.observed, aborted), (ThresholdResult::Fail, Some(300.0), None));
}

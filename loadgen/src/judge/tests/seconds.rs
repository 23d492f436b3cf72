//! Sliding windows, early ends, and old runs judged again.

use reports::observation::{Aborted, Ending, Event, EventKind, Kept, ProcessUsage, RunEnded, Stretch, Verdict};

use super::*;

/// Three times the length of the stage of the other tests.
pub(super) fn long() -> Observation {
    let Observation::RunStarted(mut run) = started() else { unreachable!("a first line") };
    run.stages[1].duration = SECOND * 9;
    run.thresholds = vec!["e2e: p(99)<200ms over 3s abort_on_fail".to_owned()];
    Observation::RunStarted(run)
}

pub(super) fn encoded(millis: impl IntoIterator<Item = u64>) -> EncodedHistogram {
    let mut samples = house_histogram();
    millis.into_iter().for_each(|sample| samples.record(sample * 1_000_000).unwrap());
    EncodedHistogram::of(&samples)
}

/// A second with a hundred messages that took so long.
pub(super) fn second(at: u32, stage: &str, millis: u64) -> Observation {
    let Observation::Window(mut window) = window(at, stage, 100, 100) else { unreachable!("a window") };
    window.e2e.histogram = Some(encoded([millis; 100]));
    window.target = Some(ProcessUsage { cpu: Some(0.2), rss_bytes: Some(u64::from(at) << 20), open_files: None });
    window.connections = 200;
    Observation::Window(window)
}

/// The hold from its third second on, one second per figure.
pub(super) fn hold(millis: &[u64]) -> Vec<Observation> {
    millis.iter().zip(3..).map(|(millis, at)| second(at, "hold", *millis)).collect()
}

/// What a run of `observations` comes to, and what ended it early.
pub(super) fn run(series: &str, expression: &str, observations: &[Observation]) -> (ThresholdOutcome, Option<Aborted>) {
    let mut jury = Jury::new(&[threshold(series, expression)]);
    let mut summary = Summary::new();
    let mut aborted = None;
    for observation in [long()].iter().chain(observations) {
        jury.apply(observation);
        summary.apply(observation);
        if aborted.is_none() {
            aborted = jury.foregone();
        }
    }
    (jury.outcomes(&summary).remove(0), aborted)
}

pub(super) fn windowed(series: &str, expression: &str, observations: &[Observation]) -> ThresholdOutcome {
    run(series, expression, observations).0
}

pub(super) fn stretch(at: u32, length: u32) -> Option<Stretch> {
    Some(Stretch { at: SECOND * at, length: SECOND * length })
}

#[test]
fn the_worst_window_is_named_with_when_and_what() {
    let seconds = hold(&[10, 10, 10, 900, 10, 10, 10]);
    let over = windowed("e2e", "p(50)<200ms over 3s", &seconds);
    assert_eq!(over.result, ThresholdResult::Pass, "one second of three is no median");
    let over = windowed("e2e", "p(99)<200ms over 3s", &seconds);
    assert_eq!((over.result, over.worst), (ThresholdResult::Fail, stretch(4, 3)));
    assert!(over.observed.is_some_and(|observed| (observed / 900e6 - 1.0).abs() < 0.001), "{over:?}");
    assert_eq!(over.reason, "the worst was from 4s to 7s");
    assert_eq!(windowed("e2e", "p(99)<200ms", &seconds).result, ThresholdResult::Fail);
}

#[test]
fn a_window_forgets_what_slid_out_of_it() {
    let seconds = hold(&[900, 10, 10, 10, 10, 10]);
    let mut jury = Jury::new(&[threshold("e2e", "max>500ms over 3s")]);
    [long()].iter().chain(&seconds).for_each(|observation| jury.apply(observation));
    let worst = jury.outcomes(&Summary::new()).remove(0);
    assert_eq!((worst.result, worst.worst), (ThresholdResult::Fail, stretch(4, 3)));
    assert!(worst.observed.is_some_and(|observed| (observed / 10e6 - 1.0).abs() < 0.001), "{worst:?}");
}

#[test]
fn windows_stay_within_the_measured_stages() {
    let mut seconds = vec![second(1, "warm-up", 900), second(2, "warm-up", 900)];
    seconds.extend(hold(&[10, 10, 10]));
    assert_eq!(windowed("e2e", "max<200ms over 3s", &seconds).result, ThresholdResult::Pass);
    let short = windowed("e2e", "max<200ms over 4s", &seconds);
    assert_eq!(short.result, ThresholdResult::Inconclusive);
    assert_eq!(short.reason, "nothing was measured for as long as 4s within one stage");
}

#[test]
fn what_comes_in_while_the_run_drains_belongs_to_the_last_window() {
    let mut seconds = hold(&[10, 10, 10, 10]);
    seconds.push(second(7, "", 900));
    let late = windowed("e2e", "max<200ms over 3s", &seconds);
    assert_eq!((late.result, late.worst), (ThresholdResult::Fail, stretch(4, 3)));
}

#[test]
fn narrow_windows_need_what_was_kept_for_them() {
    let mut seconds = hold(&[10, 10, 10]);
    let narrow = "e2e{qos:1,group:meters}";
    let unkept = windowed(narrow, "max<200ms over 3s", &seconds);
    assert_eq!(unkept.result, ThresholdResult::Inconclusive);
    assert_eq!(unkept.reason, "the run did not keep e2e{qos:1,group:meters} second by second");
    for second in &mut seconds {
        let Observation::Window(window) = second else { unreachable!("seconds") };
        let kept = Kept { samples: Some(encoded([500])), ..Kept::default() };
        window.kept.insert("e2e{qos:1,group:meters}".to_owned(), kept);
    }
    for order in [narrow, "e2e{group:meters,qos:1}"] {
        assert_eq!(windowed(order, "max<200ms over 3s", &seconds).result, ThresholdResult::Fail, "{order}");
    }
    assert_eq!(windowed("e2e", "max<200ms over 3s", &seconds).result, ThresholdResult::Pass);
}

#[test]
fn every_metric_of_seconds_slides() {
    let seconds = hold(&[10; 6]);
    for (series, expression, expected) in [
        ("rate", "avg>=0.99*intended over 3s", ThresholdResult::Pass),
        ("rate", "max<=99 over 3s", ThresholdResult::Fail),
        ("sent", "count>=300 over 3s", ThresholdResult::Pass),
        ("sent", "count>300 over 3s", ThresholdResult::Fail),
        ("received", "count>=1*intended over 3s", ThresholdResult::Pass),
        ("connections", "min>=200 over 3s", ThresholdResult::Pass),
        ("broker_memory", "max<8MiB over 3s", ThresholdResult::Fail),
        ("broker_memory", "max<9MiB", ThresholdResult::Pass),
        ("broker_cpu", "avg<=20%", ThresholdResult::Pass),
        ("broker_cpu", "avg<19% over 3s", ThresholdResult::Fail),
        ("broker_cpu_per_message", "avg<=2ms", ThresholdResult::Pass),
        ("broker_cpu_per_message", "avg<1.9ms over 3s", ThresholdResult::Fail),
        ("generator_cpu", "max<80%", ThresholdResult::Inconclusive),
        ("ack", "p(99)<1s over 3s", ThresholdResult::Inconclusive),
    ] {
        assert_eq!(windowed(series, expression, &seconds).result, expected, "{series} {expression}");
    }
}

#[test]
fn disconnects_are_told_apart_by_group_and_by_when() {
    let lost = |at, group: &str, count| {
        let (client, group) = (None, Some(group.to_owned()));
        let event = EventKind::ConnectionLost;
        Observation::Event(Event { at: SECOND * at, event, count, client, group, text: String::new() })
    };
    let mut seconds = hold(&[10; 9]);
    seconds.insert(1, lost(1, "meters", 5));
    seconds.insert(4, lost(5, "meters", 2));
    seconds.insert(8, lost(9, "collars", 2));
    for (series, expression, expected) in [
        ("disconnects", "count==9", ThresholdResult::Pass),
        ("disconnects{group:meters}", "count==7", ThresholdResult::Pass),
        ("disconnects{model:collar}", "count==2", ThresholdResult::Pass),
        ("disconnects{group:meters,stage:hold}", "count==2", ThresholdResult::Pass),
        ("disconnects{stage:hold}", "count<=2 over 4s", ThresholdResult::Pass),
        ("disconnects{stage:hold}", "count<=2 over 5s", ThresholdResult::Fail),
        ("disconnects", "count<=2 over 3s", ThresholdResult::Pass),
    ] {
        assert_eq!(windowed(series, expression, &seconds).result, expected, "{series} {expression}");
    }
    let (_, aborted) = run("disconnects{group:meters}", "count<=5 abort_on_fail", &seconds);
    assert_eq!(aborted.map(|aborted| (aborted.at, aborted.reason)), Some((SECOND * 6, "observed 7 so far".to_owned())));
}

#[test]
fn the_first_window_that_fails_ends_the_run() {
    let seconds = hold(&[10, 10, 10, 10, 900, 10, 10]);
    let (outcome, aborted) = run("e2e", "p(99)<200ms over 3s abort_on_fail", &seconds);
    assert_eq!(outcome.result, ThresholdResult::Fail);
    let aborted = aborted.unwrap();
    assert_eq!(aborted.at, SECOND * 8);
    assert_eq!(aborted.expression, "e2e: p(99)<200ms over 3s abort_on_fail");
    assert!(aborted.reason.starts_with("observed 900") && aborted.reason.ends_with("from 5s to 8s"), "{aborted:?}");
    assert_eq!(run("e2e", "p(99)<200ms over 3s", &seconds).1, None);
}

#[test]
fn a_percentile_of_the_whole_run_is_lost_only_when_nothing_can_mend_it() {
    // 900 samples are planned, with a margin for the eight hundred to come: 1,060; a tenth of them may be slow.
    let one_slow = run("e2e", "p(90)<200ms abort_on_fail", &hold(&[900, 10, 10])).1;
    assert_eq!(one_slow, None, "k6 would end the run here, which may yet pass");
    let (outcome, recovered) = run("e2e", "p(80)<200ms abort_on_fail", &hold(&[900, 10, 10, 10, 10, 10, 10, 10, 10]));
    assert_eq!((recovered, outcome.result), (None, ThresholdResult::Pass));
    let two_slow = run("e2e", "p(90)<200ms abort_on_fail", &hold(&[900, 900, 10, 10])).1.unwrap();
    assert_eq!(two_slow.at, SECOND * 5);
    assert!(two_slow.reason.starts_with("200 of 200 samples so far were not within"), "{two_slow:?}");
    let slowest = run("e2e", "max<200ms abort_on_fail", &hold(&[10, 900])).1.unwrap();
    assert_eq!(slowest.at, SECOND * 5);
    assert_eq!(run("e2e", "avg<150ms abort_on_fail", &hold(&[900, 10])).1, None);
    assert!(run("e2e", "avg<150ms abort_on_fail", &hold(&[900, 900])).1.is_some());
}

pub(super) fn ended(ending: Ending, exit_code: u8) -> Observation {
    Observation::RunEnded(RunEnded {
        at: SECOND * 12,
        ended_at: "2026-01-01T00:00:12Z".parse().unwrap(),
        ending,
        verdict: Verdict::Pass,
        exit_code,
        reasons: vec!["as it was told then".to_owned()],
    })
}

#[test]
fn an_old_run_is_judged_again_by_its_own_contract_or_another() {
    let mut recorded = vec![long()];
    recorded.extend(hold(&[10, 10, 10, 900, 10, 10, 10, 10, 10]));
    recorded.push(ledger(Qos::AtLeastOnce, clean()));
    let stale = ThresholdOutcome { result: ThresholdResult::Pass, ..outcome("e2e", "max<1s", &hold(&[10])) };
    recorded.push(Observation::Threshold(stale));
    recorded.push(ended(Ending::Completed, 0));
    let own = contract(&summary(&recorded)).unwrap();
    assert_eq!(own.len(), 0, "of another first line");
    let own = contract(&{
        let mut summary = Summary::new();
        summary.apply(&recorded[0]);
        summary
    });
    let judgement = again_by(&recorded, &own.unwrap()).1;
    let [Observation::Threshold(outcome), Observation::RunEnded(end)] = &judgement[..] else { panic!("{judgement:?}") };
    assert_eq!(outcome.result, ThresholdResult::Fail);
    assert_eq!((end.exit_code, end.verdict), (6, Verdict::Fail));
    assert!(end.reasons[0].starts_with("missed: e2e: p(99)<200ms over 3s abort_on_fail"), "{:?}", end.reasons);
    let lenient = again_by(&recorded, &[threshold("e2e", "p(99)<1s over 3s")]).0;
    assert_eq!(lenient, Exit::Pass);
}

/// The verdict on recorded observations under another contract, and what says so.
pub(super) fn again_by(recorded: &[Observation], contract: &[Threshold]) -> (Exit, Vec<Observation>) {
    let (mut jury, mut figures) = (Jury::new(contract), Summary::new());
    let mut end = None;
    for observation in recorded {
        match observation {
            Observation::Threshold(_) => {}
            Observation::RunEnded(ended) => end = Some(ended.clone()),
            other => {
                jury.apply(other);
                figures.apply(other);
            }
        }
    }
    again(&figures, &jury, end.as_ref())
}

#[test]
fn what_ended_a_run_early_is_its_first_reason() {
    let expression = "e2e: p(99)<200ms over 3s abort_on_fail";
    let mut recorded = hold(&[10, 10, 900]);
    recorded.insert(0, long());
    recorded.push(ledger(Qos::AtLeastOnce, clean()));
    let reason = "observed 900ms from 3s to 6s".to_owned();
    recorded.push(Observation::Aborted(Aborted { at: SECOND * 6, expression: expression.to_owned(), reason }));
    recorded.push(ended(Ending::Aborted, 6));
    let (exit, judgement) = again_by(&recorded, &[expression.parse().unwrap()]);
    assert_eq!(exit, Exit::Thresholds);
    let Some(Observation::RunEnded(end)) = judgement.last() else { panic!("{judgement:?}") };
    assert_eq!(
        end.reasons[0],
        "ended early, 6.0s after the start, by e2e: p(99)<200ms over 3s abort_on_fail: observed 900ms from 3s to 6s"
    );
    let other = again_by(&recorded, &[threshold("loss", "count==0")]).0;
    assert_eq!(other, Exit::Inconclusive, "half a run that held is no pass");
}

#[test]
fn a_run_keeps_apart_what_its_windows_do_not_know() {
    let selections = |series: &str, expression: &str| {
        selections(&[threshold(series, expression)]).into_keys().collect::<Vec<String>>()
    };
    assert_eq!(selections("e2e{group:meters,qos:1}", "p(99)<1s"), [""; 0]);
    assert_eq!(selections("e2e{group:meters,qos:1}", "p(99)<1s over 5s"), ["e2e{qos:1,group:meters}"]);
    assert_eq!(selections("ack", "p(99)<1s abort_on_fail"), ["ack"]);
    assert_eq!(selections("rate{qos:1,stage:hold}", "min>=4"), [""; 0]);
    assert_eq!(selections("rate{stage:hold,qos:1,group:meters}", "min>=4"), ["rate{qos:1,group:meters}"]);
    assert_eq!(selections("rate{group:meters}", "min>=4"), [""; 0]);
    assert_eq!(selections("connections{group:meters}", "min>=4"), ["connections{group:meters}"]);
    assert_eq!(selections("connections", "min>=4"), [""; 0]);
}

/// A minute and a half of the hold in which the target's memory is what `mebibytes` says.
fn memory(mebibytes: impl Fn(u64) -> u64) -> Vec<Observation> {
    let seconds = (3..93).map(|at| {
        let Observation::Window(mut window) = second(at, "hold", 10) else { unreachable!("a window") };
        window.target = Some(ProcessUsage { rss_bytes: Some(mebibytes(at.into()) << 20), ..ProcessUsage::default() });
        Observation::Window(window)
    });
    seconds.collect()
}

#[test]
fn growth_is_judged_with_how_sure_it_is() {
    let judged = |expression: &str, observations: &[Observation]| {
        windowed("broker_memory_growth", expression, observations).result
    };
    // A mebibyte a second is 3,600 an hour.
    let steady = memory(|at| 100 + at);
    assert_eq!(judged("max<3700MiB", &steady), ThresholdResult::Pass);
    assert_eq!(judged("max<3500MiB", &steady), ThresholdResult::Fail);
    assert_eq!(judged("avg<1MiB", &steady), ThresholdResult::Fail);
    // It goes up and down: whether it grows by a mebibyte an hour nobody can say yet.
    let restless = memory(|at| 100 + at * 7919 % 13);
    assert_eq!(judged("max<1MiB", &restless), ThresholdResult::Inconclusive);
    assert_eq!(judged("min>1MiB", &restless), ThresholdResult::Inconclusive);
    assert_eq!(judged("min>3500MiB", &steady), ThresholdResult::Pass);
    assert_eq!(judged("max<1MiB", &memory(|_| 100)), ThresholdResult::Pass);
    assert_eq!(judged("max<1MiB", &steady[..30]), ThresholdResult::Inconclusive, "half a minute tells nothing");
}

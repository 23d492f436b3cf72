//! Whole comparisons: which runs may be compared, which of them count, and what they come to together.

use serde_json::{Value, json};

use super::*;

/// The first line of a run.
fn first() -> Value {
    json!({
        "kind": "run_started", "schema": reports::observation::SCHEMA, "tool": {"name": "test", "version": "1"},
        "run_id": "0", "seed": 1, "started_at": "2026-01-31T12:00:00Z",
        "scenario": {"name": "barn"}, "target": {"address": "mqtt://127.0.0.1:1"},
        "stages": [{"name": "hold", "start_ns": 0, "duration_ns": 1_000_000_000, "rate": 10.0, "measured": true}],
        "groups": [{"name": "meters", "model": "milk_meter", "role": "device", "count": 4}],
        "environment": {"host": "one", "kernel": "6.1", "processor": "fast", "cores": 2},
    })
}

fn last(ending: &str, exit: u8) -> Value {
    json!({
        "kind": "run_ended", "at_ns": 1, "ended_at": "2026-01-31T12:01:00Z", "ending": ending,
        "verdict": "pass", "exit_code": exit, "reasons": ["as it was told"],
    })
}

fn window() -> Value {
    json!({
        "kind": "window", "at_ns": 0, "length_ns": 1_000_000_000, "stage": "hold",
        "total": {"intended": 10, "sent": 10, "acknowledged": 10, "expected": 10, "received": 10},
    })
}

fn run(lines: impl IntoIterator<Item = Value>, values: &[Option<f64>]) -> Recorded {
    let mut summary = Summary::new();
    for line in lines {
        let observation = serde_json::from_value(line.clone()).unwrap_or_else(|error| panic!("{error}: {line}"));
        summary.apply(&observation);
    }
    Recorded { folder: "folder".to_owned(), summary, values: values.to_vec() }
}

/// A run that counts, which measured these values.
fn good(values: &[Option<f64>]) -> Recorded {
    run([first(), window(), last("completed", 0)], values)
}

/// Three of them around a value of one metric.
fn around(value: f64) -> Vec<Recorded> {
    [0.99, 1.0, 1.01].map(|share| good(&[Some(value * share)])).into()
}

fn task(metrics: &[&str]) -> Task {
    Task {
        metrics: metrics.iter().map(|metric| metric.parse().unwrap()).collect(),
        settings: settings(0.05),
        tool: Tool { name: "test".into(), version: "1".into() },
        command: Vec::new(),
        compared_at: "2026-01-31T13:00:00Z".to_owned(),
    }
}

fn compared(metrics: &[&str], base: Vec<Recorded>, new: Vec<Recorded>) -> Comparison {
    compare(task(metrics), ("old".to_owned(), base), ("young".to_owned(), new)).unwrap()
}

const LATENCY: &[&str] = &["e2e p(99)"];

#[test]
fn sides_that_are_alike_pass_and_a_worse_one_does_not() {
    let same = compared(LATENCY, around(100.0), around(100.0));
    assert_eq!((same.verdict, same.exit_code), (Outcome::Pass, 0), "{same:?}");
    assert_eq!(same.headline, "young is no worse than old, within 5%, in all of 1 metric");
    assert!(same.warnings.is_empty(), "{:?}", same.warnings);
    let worse = compared(LATENCY, around(100.0), around(150.0));
    assert_eq!((worse.verdict, worse.exit_code), (Outcome::Regressed, 6));
    assert_eq!(worse.headline, "young is worse than old in 1 of 1 metric");
    assert_eq!(worse.reasons, ["e2e p(99): 50% worse, and 5% is tolerated"]);
}

#[test]
fn what_cannot_be_told_is_neither_a_pass_nor_a_regression() {
    let wild = || [60.0, 100.0, 160.0].map(|value| good(&[Some(value)])).into();
    let undecided = compared(LATENCY, around(100.0), wild());
    assert_eq!((undecided.verdict, undecided.exit_code), (Outcome::Inconclusive, 8));
    assert_eq!(undecided.headline, "1 of 1 metric cannot tell whether young is worse than old");
    assert!(undecided.reasons[0].starts_with("e2e p(99): between "), "{:?}", undecided.reasons);
    let unmeasured = compared(&[], around(100.0), around(100.0).into_iter().map(|_| good(&[])).collect());
    assert_eq!(unmeasured.verdict, Outcome::Inconclusive);
    let nothing = || (0..3).map(|_| good(&[])).collect();
    let nothing = compared(&[], nothing(), nothing());
    assert_eq!((nothing.verdict, &*nothing.headline), (Outcome::Inconclusive, "no metric was measured"));
}

#[test]
fn a_metric_that_was_asked_for_is_told_though_nobody_has_it() {
    let empty = || (0..3).map(|_| good(&[None])).collect::<Vec<_>>();
    let asked = compared(LATENCY, empty(), empty());
    assert_eq!((asked.metrics.len(), asked.verdict), (1, Outcome::Inconclusive));
    assert_eq!(asked.reasons, ["e2e p(99): 0 runs of base measured it, and 3 are needed"]);
}

#[test]
fn runs_that_say_nothing_about_the_target_do_not_count() {
    let with = |ended: Value| run([first(), window(), ended], &[Some(900.0)]);
    let mut one_segment = first();
    one_segment["segments"] = json!([{"index": 1, "count": 2, "started_at": "2026-01-31T12:00:00Z"}]);
    for (odd, reason) in [
        (with(last("interrupted", 130)), "it was interrupted"),
        (with(last("completed", 7)), "as it was told"),
        (with(last("aborted", 6)), "it ended before its time: as it was told"),
        (with(last("completed", 5)), "as it was told"),
        (with(last("completed", 99)), "as it was told"),
        (run([first(), window()], &[Some(900.0)]), "it was cut off"),
        (run([first(), last("completed", 0)], &[Some(900.0)]), "it sent nothing"),
        (
            run([one_segment, window(), last("completed", 0)], &[Some(900.0)]),
            "it is one segment of a run: join all of them first",
        ),
    ] {
        let told = odd.told();
        assert_eq!((told.counted, told.reason.as_str()), (false, reason));
        let mut new = around(100.0);
        new.push(odd);
        let passed = compared(LATENCY, around(100.0), new);
        assert_eq!((passed.verdict, passed.metrics[0].new.per_run.len()), (Outcome::Pass, 3), "{reason}: {passed:?}");
    }
}

#[test]
fn fewer_than_three_runs_that_count_are_too_few() {
    let mut two = around(100.0);
    two.truncate(2);
    two.push(run([first(), window(), last("completed", 7)], &[Some(100.0)]));
    let few = compared(LATENCY, two, around(100.0));
    assert_eq!((few.verdict, &*few.headline), (Outcome::Inconclusive, "too few runs count to compare young with old"));
    assert_eq!(few.reasons, ["2 runs of old count, and 3 are needed; of the others the first: as it was told"]);
}

#[test]
fn runs_that_missed_a_threshold_count_and_are_told() {
    let mut new = around(100.0);
    new[1] = run([first(), window(), last("completed", 6)], &[Some(100.0)]);
    let told = compared(LATENCY, around(100.0), new);
    assert_eq!(told.verdict, Outcome::Pass);
    assert_eq!(told.warnings, ["1 of 3 runs of young missed a threshold of the scenario"]);
}

#[test]
fn runs_are_told_in_the_order_of_their_time() {
    let at = |hour: u8, value: f64| {
        let mut line = first();
        line["started_at"] = json!(format!("2026-01-31T{hour}:00:00Z"));
        run([line, window(), last("completed", 0)], &[Some(value)])
    };
    let told = compared(LATENCY, vec![at(14, 3.0), at(12, 1.0), at(13, 2.0)], around(2.0));
    assert_eq!(told.metrics[0].base.per_run, [1.0, 2.0, 3.0]);
}

#[test]
fn runs_of_two_kinds_are_not_compared() {
    for (place, other, message) in [
        ("/scenario/name", json!("meadow"), "the scenarios are: meadow and barn"),
        ("/seed", json!(2), "the seeds are: 2 and 1"),
        ("/stages/0/rate", json!(20.0), "the stages are: hold for 1.0s at 20/s and hold for 1.0s at 10/s"),
        ("/groups/0/count", json!(5), "the clients are: 5 meters and 4 meters"),
        ("/environment/cores", json!(4), "the machines have: 4 cores of fast and 2 cores of fast"),
        ("/environment/processor", json!(""), "the machines have: 2 cores of an unknown processor and 2 cores of fast"),
    ] {
        let mut line = first();
        *line.pointer_mut(place).unwrap() = other;
        let mut new = around(100.0);
        new.push(run([line, window(), last("completed", 0)], &[Some(100.0)]));
        let refused = compare(task(LATENCY), ("old".into(), around(100.0)), ("young".into(), new)).unwrap_err();
        assert_eq!(refused.to_string(), format!("cannot compare folder with folder: {message}"));
    }
    let nobody = compare(task(LATENCY), ("old".into(), around(1.0)), ("young".into(), Vec::new())).unwrap_err();
    assert_eq!(nobody.to_string(), "young has no run");
}

#[test]
fn what_differs_and_may_be_harmless_is_told_once() {
    for (place, other, warning) in [
        ("/environment/host", json!("two"), "the hosts differ: one and two"),
        ("/environment/kernel", json!("6.2"), "the kernels differ: 6.1 and 6.2"),
        ("/tool/version", json!("2"), "the versions of Paddock differ: 1 and 2"),
    ] {
        let other_side = || {
            let mut line = first();
            *line.pointer_mut(place).unwrap() = other.clone();
            run([line, window(), last("completed", 0)], &[Some(100.0)])
        };
        let told = compared(LATENCY, around(100.0), (0..3).map(|_| other_side()).collect());
        assert_eq!((told.verdict, told.warnings), (Outcome::Pass, vec![warning.to_owned()]));
    }
}

#[test]
fn sides_that_did_not_take_turns_are_warned_of() {
    let mut task = task(LATENCY);
    task.settings.interleaved = false;
    let told = compare(task, ("old".into(), around(1.0)), ("young".into(), around(1.0))).unwrap();
    assert!(told.warnings[0].starts_with("the sides did not take turns"), "{:?}", told.warnings);
}

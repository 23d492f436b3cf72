use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Normal};
use reports::comparison::Compared;

use super::*;

mod sides;

const SEED: u64 = 20_261_121;

fn settings(max_regression: f64) -> Settings {
    Settings { confidence: 0.95, max_regression, repeats: Some(5), resamples: RESAMPLES, seed: 1, interleaved: true }
}

fn judged(metric: &str, base: &[f64], new: &[f64]) -> Compared {
    verdict::of_metric(&metric.parse().unwrap(), base.to_vec(), new.to_vec(), &settings(0.05))
}

/// How often the interval of `runs` runs a side holds the true change, over so many experiments.
fn coverage(runs: usize, experiments: u64, truth: f64, spread: impl Distribution<f64>) -> f64 {
    println!("seed {SEED}");
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut side = |level: f64| -> Vec<f64> { (0..runs).map(|_| level * spread.sample(&mut random)).collect() };
    let held = (0..experiments).filter(|seed| {
        let interval = change(&side(1.0), &side(1.0 + truth), 0.95, *seed).unwrap();
        (interval.low..=interval.high).contains(&truth)
    });
    held.count() as f64 / experiments as f64
}

#[test]
fn an_interval_holds_the_truth_as_often_as_it_says() {
    for (runs, truth) in [(3, 0.0), (5, 0.1)] {
        let share = coverage(runs, 120, truth, Normal::new(1.0, 0.03).unwrap());
        // Two standard errors of 120 experiments are 4 points.
        assert!((0.90..=0.99).contains(&share), "{share} with {runs} runs a side");
    }
    let skewed = coverage(5, 120, 0.0, LogNormal::new(0.0, 0.1).unwrap());
    assert!((0.90..=0.99).contains(&skewed), "{skewed} of skewed runs");
}

#[test]
fn a_planted_regression_is_found_and_none_is_not() {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let noise = Normal::new(1.0, 0.02).unwrap();
    let mut verdicts = |planted: f64| {
        let mut found = [0; 3];
        for _ in 0..40 {
            let mut side = |level: f64| -> Vec<f64> { (0..5).map(|_| level * noise.sample(&mut random)).collect() };
            found[judged("e2e p(99)", &side(1e6), &side(1e6 * (1.0 + planted))).verdict as usize] += 1;
        }
        found
    };
    let [passed, regressed, _] = verdicts(0.1);
    assert!(regressed >= 38 && passed == 0, "{regressed} of 40 found, {passed} passed");
    let [passed, regressed, _] = verdicts(0.0);
    assert!(regressed == 0 && passed >= 36, "{regressed} of 40 invented, {passed} passed");
}

#[test]
fn the_direction_that_is_bad_depends_on_the_metric() {
    let (low, high) = ([100.0, 101.0, 99.0, 100.5], [120.0, 121.0, 119.0, 120.5]);
    for (metric, base, new, expected) in [
        ("e2e p(99)", low, high, Outcome::Regressed),
        ("e2e p(99)", high, low, Outcome::Pass),
        ("delivery_rate avg", low, high, Outcome::Pass),
        ("delivery_rate avg", high, low, Outcome::Regressed),
    ] {
        let judged = judged(metric, &base, &new);
        assert_eq!(judged.verdict, expected, "{metric}: {judged:?}");
    }
}

#[test]
fn what_is_sure_but_small_is_tolerated_and_what_is_unsure_is_said_so() {
    let base = [100.0, 100.2, 99.8, 100.1];
    let small = judged("e2e p(99)", &base, &base.map(|value| value * 1.02));
    assert_eq!(small.verdict, Outcome::Pass, "{small:?}");
    let noisy = judged("e2e p(99)", &[100.0, 140.0, 80.0, 90.0], &[120.0, 80.0, 130.0, 110.0]);
    assert_eq!(noisy.verdict, Outcome::Inconclusive);
    assert!(noisy.reason.contains("repeat more often"), "{}", noisy.reason);
    let few = judged("e2e p(99)", &base, &[200.0, 201.0]);
    assert_eq!((few.verdict, &*few.reason), (Outcome::Inconclusive, "2 runs of new measured it, and 3 are needed"));
}

#[test]
fn losses_where_there_were_none_are_a_regression() {
    let none = [0.0; 5];
    assert_eq!(judged("loss{qos:1} rate", &none, &none).verdict, Outcome::Pass);
    let lossy = judged("loss{qos:1} rate", &none, &[0.01, 0.02, 0.015, 0.01, 0.012]);
    assert_eq!((lossy.verdict, lossy.change), (Outcome::Regressed, None));
    let once = judged("loss{qos:1} rate", &none, &[0.0, 0.0, 0.01, 0.0, 0.0]);
    assert_eq!(once.verdict, Outcome::Inconclusive);
}

#[test]
fn every_usual_metric_can_be_asked_for_and_named() {
    for metric in usual() {
        let judged = verdict::of_metric(&metric, vec![1.0; 3], vec![1.0; 3], &settings(0.05));
        assert_eq!(judged.verdict, Outcome::Pass, "{metric}");
        assert_eq!(judged.metric.parse::<Measure>().as_ref(), Ok(&metric));
    }
    assert_eq!(judged("e2e{qos:1} p(99)", &[], &[]).title, "p99 of end to end latency at QoS 1");
}

/// A run as its folder would say it; one that has begun has sent messages.
fn folded(seed: u64, exit: Exit, has_begun: bool) -> Recorded {
    let (stages, cores) = match has_begun {
        true => (serde_json::json!([{"name": "hold", "start_ns": 0, "duration_ns": 1, "measured": true}]), Some(2)),
        false => (serde_json::json!([]), None),
    };
    let started = serde_json::json!({
        "kind": "run_started", "schema": reports::observation::SCHEMA, "tool": {"name": "test", "version": "0"},
        "run_id": "0", "seed": seed, "started_at": "2026-01-31T12:00:00Z", "scenario": {"name": "barn"},
        "target": {"address": "mqtt://127.0.0.1:1"}, "stages": stages, "environment": {"cores": cores}
    });
    let window = serde_json::json!({"kind": "window", "length_ns": 1, "stage": "hold", "total": {"sent": 9}});
    let ended = serde_json::json!({
        "kind": "run_ended", "at_ns": 1, "ended_at": "2026-01-31T12:01:00Z", "ending": "completed",
        "verdict": "invalid", "exit_code": exit.code(), "reasons": ["its generator was saturated"]
    });
    let mut summary = Summary::new();
    for observation in [Some(started), has_begun.then_some(window), Some(ended)].into_iter().flatten() {
        summary.apply(&serde_json::from_value(observation).unwrap_or_else(|error| panic!("{error}")));
    }
    Recorded { folder: format!("run-{seed}"), summary, values: Vec::new() }
}

/// A run that did not begin.
fn recorded(seed: u64, exit: Exit) -> Recorded {
    folded(seed, exit, false)
}

/// A run that says so much of the usual metrics.
fn measured(values: &[(&str, f64)]) -> Recorded {
    let said = |metric: &Measure| values.iter().find(|(name, _)| *name == metric.to_string()).map(|(_, value)| *value);
    Recorded { values: usual().iter().map(said).collect(), ..folded(1, Exit::Pass, true) }
}

fn task() -> Task {
    Task {
        metrics: Vec::new(),
        settings: settings(0.05),
        tool: Tool { name: "test".into(), version: "0".into() },
        command: Vec::new(),
        compared_at: String::new(),
    }
}

#[test]
fn what_one_broker_uses_is_left_out_where_that_of_the_other_is_not_known() {
    let side = |name: &str, values: &[(&str, f64)]| (name.to_owned(), (0..3).map(|_| measured(values)).collect());
    let (latency, memory) = (("e2e{qos:1} p(99)", 1e6), ("broker_memory max", 1e6));
    let comparison = compare(task(), side("a", &[latency, memory]), side("b", &[latency])).unwrap();
    assert_eq!(comparison.metrics.iter().map(|metric| metric.metric.as_str()).collect::<Vec<_>>(), [latency.0]);
    assert_eq!(comparison.verdict, Outcome::Pass, "{comparison:?}");
    assert_eq!(
        comparison.warnings,
        ["broker_memory max is not compared: it is not known of b (--metrics, --new-metrics)"]
    );
    // A latency that only one side has is no such gap: nothing arrived on the other.
    let comparison = compare(task(), side("a", &[latency, memory]), side("b", &[memory])).unwrap();
    assert_eq!(comparison.verdict, Outcome::Inconclusive, "{comparison:?}");
    assert_eq!(comparison.metrics.len(), 2);
}

#[test]
fn a_run_that_could_not_begin_is_like_every_other_and_its_reason_is_told() {
    let side = |name: &str, runs: Vec<Recorded>| (name.to_owned(), runs);
    let fine = || (0..3).map(|_| measured(&[])).collect::<Vec<_>>();
    let mut broken = fine();
    broken.push(recorded(1, Exit::Unreachable));
    let comparison = compare(task(), side("a", fine()), side("b", broken)).unwrap();
    assert_eq!((comparison.new.runs.len(), comparison.headline.as_str()), (4, "no metric was measured"));
    let none = vec![recorded(1, Exit::Unreachable)];
    let comparison = compare(task(), side("a", none), side("b", fine())).unwrap();
    assert_eq!(comparison.environment.cores, Some(2), "of the first that began");
    let reason = "0 runs of a count, and 3 are needed; of the others the first: its generator was saturated";
    assert_eq!(comparison.reasons, [reason]);
}

#[test]
fn what_came_to_nothing_says_why_and_what_was_made() {
    let scenario = scenarios::load("smoke").unwrap();
    let (base, new) = (("a".to_owned(), vec![measured(&[])]), ("b".to_owned(), Vec::new()));
    let comparison = given_up(task(), &scenario, base, new, Exit::Unreachable, "nobody was there");
    assert_eq!((comparison.verdict, comparison.exit_code), (Outcome::Inconclusive, 5));
    assert_eq!(comparison.headline, "b was not compared with a: nobody was there");
    assert_eq!((comparison.base.runs.len(), comparison.new.runs.len()), (1, 0));
    assert_eq!((comparison.scenario.name.as_str(), comparison.environment.cores), ("smoke", Some(2)));
}

#[test]
fn a_run_whose_generator_was_saturated_does_not_count() {
    let told = recorded(1, Exit::Invalid).told();
    assert_eq!((told.counted, told.reason.as_str()), (false, "its generator was saturated"));
    assert_eq!(recorded(1, Exit::Pass).told().reason, "it sent nothing");
}

#[test]
fn runs_of_two_seeds_are_of_two_kinds() {
    let refused = same_kind(&recorded(1, Exit::Pass), &recorded(2, Exit::Pass)).unwrap_err().to_string();
    assert_eq!(refused, "cannot compare run-2 with run-1: the seeds are: 2 and 1");
    assert_eq!(same_kind(&recorded(1, Exit::Pass), &recorded(1, Exit::Pass)), Ok(()));
}

#[test]
fn what_may_be_worse_than_is_tolerated_is_no_pass() {
    let found = judged("e2e p(99)", &[100.0, 101.0, 99.0], &[103.0, 88.0, 115.0]);
    let change = found.change.unwrap();
    assert!(change.estimate < 0.05 && change.high > 0.05, "{change:?}");
    assert_eq!(found.verdict, Outcome::Inconclusive, "{found:?}");
}

#[test]
fn one_value_of_a_side_has_no_interval() {
    let (one, some) = (&[1.0][..], &[1.0, 2.0][..]);
    for (base, new) in [(one, some), (some, one)] {
        assert_eq!((difference(base, new, 0.95, 1), change(base, new, 0.95, 1)), (None, None));
    }
}

#[test]
fn the_share_of_what_may_be_nothing_is_none() {
    let mut once = [1.0; 9];
    once[4] = 0.0;
    assert_eq!(change(&once, &[1.0, 1.1, 1.2], 0.95, 1), None, "a base of 0");
    assert_eq!(change(&[1.0, 20.0, 1.0, 1.0], &[5.0, 6.0, 5.0], 0.95, 1), None, "a base that varies by more than half");
    let sure = change(&[2.0; 3], &[3.0; 3], 0.95, 1).unwrap();
    assert_eq!((sure.estimate, sure.low, sure.high), (0.5, 0.5, 0.5), "nothing varies");
}

#[test]
fn exactly_what_is_tolerated_is_tolerated() {
    let quarter = |tolerance| {
        let settings = settings(tolerance);
        verdict::of_metric(&"e2e p(99)".parse().unwrap(), vec![4.0; 3], vec![5.0; 3], &settings).verdict
    };
    assert_eq!((quarter(0.25), quarter(0.24)), (Outcome::Pass, Outcome::Regressed));
}

#[test]
fn too_few_runs_of_the_base_say_nothing() {
    let few = judged("e2e p(99)", &[100.0, 101.0], &[200.0, 201.0, 202.0]);
    assert_eq!((few.verdict, &*few.reason), (Outcome::Inconclusive, "2 runs of base measured it, and 3 are needed"));
    let one = judged("e2e p(99)", &[100.0], &[200.0, 201.0, 202.0]);
    assert!(one.reason.starts_with("1 run of base"), "{}", one.reason);
}

#[test]
fn less_of_what_is_good_is_worse_by_as_much() {
    let unsure = judged("delivery_rate avg", &[100.0, 101.0, 99.0], &[98.0, 112.0, 86.0]);
    assert_eq!(unsure.verdict, Outcome::Inconclusive);
    let change = unsure.change.unwrap();
    let end = |share: f64| format!("{}%", (share.abs() * 1000.0).round() / 10.0);
    let expected = format!("between {} better and {} worse", end(change.high), end(change.low));
    assert!(unsure.reason.starts_with(&expected), "{} {change:?}", unsure.reason);
}

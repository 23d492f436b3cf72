mod early;
mod seconds;
mod verdicts;
mod windows;

use std::time::Duration;

use reports::{
    Observation, label, metric,
    observation::{
        DeviceGroup, EncodedHistogram, Flow, GeneratorHealth, HistogramRecord, Ledger, LedgerCounts, LedgerRow,
        Percentiles, PlannedStage, Qos, RequestCounts, RequestRow, Requests, Role, RunStarted, ScenarioInfo, Stretch,
        TargetInfo, Tool, Window, house_histogram,
    },
};
use scenarios::model::Threshold;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn threshold(series: &str, expression: &str) -> Threshold {
    Threshold { series: series.parse().unwrap(), expression: expression.parse().unwrap() }
}

fn started() -> Observation {
    let stage = |name: &str, start, measured| PlannedStage {
        name: name.to_owned(),
        start: SECOND * start,
        duration: SECOND * 3,
        rate: Some(100.0),
        measured,
    };
    let group = |name: &str, model: &str| DeviceGroup {
        name: name.to_owned(),
        model: model.to_owned(),
        role: Role::Device,
        count: 1,
        qos: None,
    };
    Observation::RunStarted(Box::new(RunStarted {
        schema: reports::observation::SCHEMA,
        tool: Tool { name: "paddock".into(), version: "0".into() },
        run_id: "0".into(),
        seed: 1,
        started_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        scenario: ScenarioInfo::default(),
        target: TargetInfo::default(),
        command: vec![],
        stages: vec![stage("warm-up", 0, false), stage("hold", 3, true)],
        groups: vec![group("meters", "milk_meter"), group("collars", "collar")],
        thresholds: vec![],
        environment: Default::default(),
        preflight: vec![],
        segments: vec![],
    }))
}

fn window(second: u32, stage: &str, intended: u64, sent: u64) -> Observation {
    Observation::Window(Box::new(Window {
        at: SECOND * second,
        length: SECOND,
        stage: stage.to_owned(),
        total: Flow { intended, sent, acknowledged: sent, expected: sent, received: sent },
        ..Window::default()
    }))
}

fn histogram(group: &str, qos: u8, millis: impl IntoIterator<Item = u64>) -> Observation {
    let mut samples = house_histogram();
    for sample in millis {
        samples.record(sample * 1_000_000).unwrap();
    }
    Observation::Histogram(HistogramRecord {
        metric: metric::E2E.to_owned(),
        labels: Labels::none().with(label::STAGE, "hold").with(label::GROUP, group).with(label::QOS, qos),
        histogram: EncodedHistogram::of(&samples),
    })
}

fn ledger(qos: Qos, counts: LedgerCounts) -> Observation {
    let row = LedgerRow { qos, group: "meters".to_owned(), stage: "hold".to_owned(), counts };
    Observation::Ledger(Ledger { rows: vec![row] })
}

fn requests(counts: RequestCounts) -> Observation {
    let row = RequestRow { group: "parlour".to_owned(), qos: Qos::AtLeastOnce, stage: "hold".to_owned(), counts };
    Observation::Requests(Requests { rows: vec![row] })
}

#[test]
fn requests_without_an_answer_are_judged_and_make_round_trips_doubtful() {
    let of = |sent: u64, unanswered: u64, late: u64| {
        let counts =
            RequestCounts { intended: 100, sent, not_sent: 100 - sent, unanswered, late, ..Default::default() };
        [requests(RequestCounts { answered: sent - unanswered, ..counts }), trips(10)]
    };
    let judge = |series: &str, expression: &str, seen: &[Observation]| judged(series, expression, seen);
    assert_eq!(judge("unanswered", "count==0", &of(100, 0, 0)), ThresholdResult::Pass);
    assert_eq!(judge("unanswered{group:parlour,qos:1}", "rate<=2%", &of(100, 2, 0)), ThresholdResult::Pass);
    assert_eq!(judge("unanswered{group:parlour}", "rate<2%", &of(100, 2, 0)), ThresholdResult::Fail);
    assert_eq!(judge("late_answers{stage:hold}", "count<3", &of(100, 0, 3)), ThresholdResult::Fail);
    assert_eq!(judge("unanswered", "count==0", &of(98, 0, 0)), ThresholdResult::Inconclusive, "two were never sent");
    assert_eq!(judge("unanswered", "count==0", &[]), ThresholdResult::Inconclusive, "nothing was asked");
    assert_eq!(judge("round_trip{group:parlour}", "p(99)<20ms", &of(100, 1, 0)), ThresholdResult::Pass);
    assert_eq!(judge("round_trip{group:parlour}", "p(99)<20ms", &of(100, 2, 0)), ThresholdResult::Inconclusive);
    assert_eq!(judge("round_trip", "p(50)<5ms", &of(100, 2, 0)), ThresholdResult::Fail);
    assert_eq!(judge("round_trip", "p(99)<20ms", &of(98, 0, 0)), ThresholdResult::Inconclusive, "two were never sent");
    assert_eq!(judge("round_trip", "max<20ms", &of(100, 1, 0)), ThresholdResult::Inconclusive);
    assert_eq!(judge("round_trip", "max<20ms", &of(100, 0, 0)), ThresholdResult::Pass);
    assert_eq!(judge("round_trip", "avg<20ms", &of(98, 2, 0)), ThresholdResult::Pass, "of those that were answered");
    assert_eq!(judge("unanswered", "rate<3%", &of(50, 2, 0)), ThresholdResult::Fail, "two of fifty that were sent");
}

/// Round trips of so many milliseconds.
fn trips(millis: u64) -> Observation {
    let Observation::Histogram(mut record) = histogram("parlour", 1, [millis; 98]) else { unreachable!() };
    record.metric = metric::ROUND_TRIP.to_owned();
    Observation::Histogram(record)
}

fn clean() -> LedgerCounts {
    LedgerCounts { intended: 300, published: 300, expected: 300, received: 300, ..LedgerCounts::default() }
}

fn summary(observations: &[Observation]) -> Summary {
    let mut summary = Summary::new();
    for observation in [started()].iter().chain(observations) {
        summary.apply(observation);
    }
    summary
}

/// What a threshold comes to in a run that saw `observations` after its first line.
fn outcome(series: &str, expression: &str, observations: &[Observation]) -> ThresholdOutcome {
    let mut jury = Jury::new(&[threshold(series, expression)]);
    for observation in [started()].iter().chain(observations) {
        jury.apply(observation);
    }
    jury.outcomes(&summary(observations)).remove(0)
}

fn judged(series: &str, expression: &str, observations: &[Observation]) -> ThresholdResult {
    outcome(series, expression, observations).result
}

fn health(health: Health) -> Observation {
    Observation::GeneratorHealth(GeneratorHealth {
        health,
        lag: Percentiles::default(),
        lag_p999: Duration::ZERO,
        cpu: None,
        cause: "p99.9 lag of 9 ms".to_owned(),
    })
}

#[test]
fn latency_is_judged_per_qos_group_and_model() {
    let run = [histogram("meters", 1, [1, 2, 3, 100]), histogram("collars", 0, [1, 2])];
    for (series, expression, expected) in [
        ("e2e", "max<101ms", ThresholdResult::Pass),
        ("e2e", "p(99)<50ms", ThresholdResult::Fail),
        ("e2e{qos:0}", "p(99)<50ms", ThresholdResult::Pass),
        ("e2e{group:meters}", "p(50)<=2.1ms", ThresholdResult::Pass),
        ("e2e{model:collar}", "max<50ms", ThresholdResult::Pass),
        ("e2e{model:milk_meter,stage:hold}", "max<50ms", ThresholdResult::Fail),
        ("e2e{model:milk_meter,group:collars}", "max<101ms", ThresholdResult::Inconclusive),
        ("e2e{model:milk_meter,group:meters}", "max<101ms", ThresholdResult::Pass),
        ("e2e{qos:2}", "p(99)<50ms", ThresholdResult::Inconclusive),
        ("e2e{qos:2}", "count==0", ThresholdResult::Pass),
        ("e2e{model:esp32}", "p(99)<50ms", ThresholdResult::Inconclusive),
        ("e2e", "count==6", ThresholdResult::Pass),
        ("service", "avg<1s", ThresholdResult::Inconclusive),
    ] {
        assert_eq!(judged(series, expression, &run), expected, "{series} {expression}");
    }
}

#[test]
fn a_latency_of_the_few_that_came_is_no_pass() {
    let of = |counts| [histogram("meters", 1, [1; 100]), ledger(Qos::AtLeastOnce, counts)];
    for missing in [
        LedgerCounts { lost: 4, received: 296, ..clean() },
        LedgerCounts { unacknowledged: 4, received: 296, ..clean() },
        LedgerCounts { published: 296, not_sent: 4, received: 296, ..clean() },
    ] {
        let run = of(missing);
        assert_eq!(judged("e2e{qos:1}", "p(99)<50ms", &run), ThresholdResult::Inconclusive);
        assert_eq!(judged("e2e{qos:1}", "max<50ms", &run), ThresholdResult::Inconclusive);
        // Were the four the slowest of all, the other 98 of 100 would still be within.
        assert_eq!(judged("e2e{qos:1}", "p(98)<50ms", &run), ThresholdResult::Pass);
        assert_eq!(judged("e2e{qos:1}", "p(99)<1us", &run), ThresholdResult::Fail);
    }
    assert_eq!(judged("e2e{qos:1}", "p(99)<50ms", &of(clean())), ThresholdResult::Pass);
}

#[test]
fn losses_are_judged_apart_by_qos() {
    let lossy = LedgerCounts { lost: 3, received: 297, ..clean() };
    let run = [ledger(Qos::AtLeastOnce, clean()), ledger(Qos::AtMostOnce, lossy)];
    assert_eq!(judged("loss{qos:1}", "count==0", &run), ThresholdResult::Pass);
    assert_eq!(judged("loss{qos:0}", "count==0", &run), ThresholdResult::Fail);
    assert_eq!(judged("loss", "rate<0.6%", &run), ThresholdResult::Pass);
    assert_eq!(judged("loss", "rate<0.4%", &run), ThresholdResult::Fail);
    assert_eq!(judged("loss{qos:2}", "count==0", &run), ThresholdResult::Inconclusive);
    assert_eq!(judged("sent", "count>=1*intended", &run), ThresholdResult::Pass);
    let unexpected = LedgerCounts { duplicated: 1, ..LedgerCounts::default() };
    assert_eq!(judged("duplicates", "count==0", &[ledger(Qos::AtMostOnce, unexpected)]), ThresholdResult::Fail);
}

#[test]
fn an_unknown_fate_makes_no_loss_inconclusive() {
    let unknown = LedgerCounts { unacknowledged: 2, expected: 298, received: 298, ..clean() };
    let outcome = outcome("loss", "count==0", &[ledger(Qos::AtLeastOnce, unknown)]);
    assert_eq!(outcome.result, ThresholdResult::Inconclusive);
    assert!(outcome.reason.contains("2 messages"), "{}", outcome.reason);
}

#[test]
fn what_was_never_sent_makes_no_loss_inconclusive() {
    let unsent = |not_sent| LedgerCounts { intended: 1_000, published: 1_000 - not_sent, not_sent, ..clean() };
    let outcome = outcome("loss", "count==0", &[ledger(Qos::AtLeastOnce, unsent(6))]);
    assert_eq!(outcome.result, ThresholdResult::Inconclusive);
    assert!(outcome.reason.contains("6 of 1000 intended messages"), "{}", outcome.reason);
    let few = [ledger(Qos::AtLeastOnce, unsent(5))];
    assert_eq!(judged("loss", "count==0", &few), ThresholdResult::Pass);
}

#[test]
fn a_rate_is_judged_second_by_second_over_the_measured_stages() {
    let windows = [
        window(0, "warm-up", 100, 10),
        window(3, "hold", 100, 100),
        window(4, "hold", 100, 99),
        window(5, "hold", 100, 101),
    ];
    let good = windows;
    assert_eq!(judged("rate", "min>=0.99*intended", &good), ThresholdResult::Pass);
    assert_eq!(judged("rate", "min>=100", &good), ThresholdResult::Fail);
    assert_eq!(judged("rate{stage:hold}", "avg>=100", &good), ThresholdResult::Pass);
    assert_eq!(judged("rate", "min>=100 over 2s", &good), ThresholdResult::Fail);
    assert_eq!(judged("rate", "min>=100 over 3s", &good), ThresholdResult::Pass);
    let bad = outcome("rate", "min>=0.99*intended", &[window(3, "hold", 100, 100), window(4, "hold", 100, 40)]);
    assert_eq!((bad.result, bad.observed), (ThresholdResult::Fail, Some(40.0)));
    assert_eq!(bad.worst, Some(Stretch { at: SECOND * 4, length: SECOND }));
    assert_eq!(bad.reason, "the worst was from 4s to 5s");
}

#[test]
fn a_clean_run_passes() {
    let outcome = outcome("loss", "count==0", &[ledger(Qos::AtLeastOnce, clean())]);
    let run = summary(&[ledger(Qos::AtLeastOnce, clean()), health(Health::Sound), Observation::Threshold(outcome)]);
    assert_eq!(verdict(&run, None), (Exit::Pass, vec![]));
}

#[test]
fn an_invalid_run_outranks_missed_thresholds() {
    let slow = [histogram("meters", 1, [900]), ledger(Qos::AtLeastOnce, clean())];
    let outcome = outcome("e2e", "p(99)<200ms", &slow);
    let missed = Observation::Threshold(outcome);
    let [first, second] = slow;
    let run = summary(&[first, second, health(Health::Saturated), missed]);
    let (exit, reasons) = verdict(&run, None);
    assert_eq!(exit, Exit::Invalid);
    assert!(reasons[0].contains("p99.9 lag of 9 ms") && reasons[1].contains("missed: e2e"), "{reasons:?}");
}

#[test]
fn an_unreachable_target_outranks_everything_measured() {
    let failure = Failure { exit: Exit::Unreachable, reason: "nobody listens".to_owned() };
    let (exit, reasons) = verdict(&summary(&[health(Health::Saturated)]), Some(&failure));
    assert_eq!((exit, reasons[0].as_str()), (Exit::Unreachable, "nobody listens"));
}

#[test]
fn a_run_without_messages_ran_nothing() {
    assert_eq!(verdict(&summary(&[]), None).0, Exit::NothingRan);
}

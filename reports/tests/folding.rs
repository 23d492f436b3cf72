//! The summary is a fold that may be cut anywhere, and stays small.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests that call them")]

use hdrhistogram::Histogram;
use proptest::prelude::*;
use reports::observation::{
    EncodedHistogram, Event, EventKind, Flow, HistogramRecord, Ledger, LedgerCounts, LedgerRow, Observation,
    Percentiles, ProcessUsage, Qos, StageEnded, StageStarted, Window, Witness, WitnessKind, house_histogram,
};
use reports::{Counter, Labels, Summary, label, metric};
use std::time::Duration;

fn fold(observations: &[Observation]) -> Summary {
    let mut summary = Summary::new();
    observations.iter().for_each(|observation| summary.apply(observation));
    summary
}

fn histogram(values: &[u64]) -> Histogram<u64> {
    let mut histogram = house_histogram();
    values.iter().for_each(|value| histogram.saturating_record(*value));
    histogram
}

fn stage() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "ramp", "hold"]).prop_map(str::to_owned)
}

fn moment() -> impl Strategy<Value = Duration> {
    (0..20_000_u64).prop_map(|tenths| Duration::from_millis(tenths * 500))
}

fn window() -> impl Strategy<Value = Observation> {
    (moment(), stage(), 0..1000_u64, prop::collection::vec(1..u64::MAX >> 8, 0..3)).prop_map(
        |(at, stage, n, values)| {
            let flow = Flow { intended: n, sent: n, acknowledged: n / 2, expected: n, received: n };
            let histogram = histogram(&values);
            let e2e = Percentiles {
                count: histogram.len(),
                p99: Duration::from_nanos(histogram.value_at_quantile(0.99)),
                histogram: Some(EncodedHistogram::of(&histogram)),
                ..Percentiles::default()
            };
            let usage =
                ProcessUsage { cpu: (n % 3 > 0).then_some(n as f64 / 1000.0), rss_bytes: Some(n), open_files: None };
            Observation::Window(Box::new(Window {
                at,
                length: Duration::from_secs(1),
                stage,
                total: flow,
                qos: [flow, Flow::default(), Flow::default()],
                groups: [("climate".to_owned(), flow)].into(),
                connections: n,
                e2e,
                target: Some(usage),
                ..Window::default()
            }))
        },
    )
}

fn observation() -> impl Strategy<Value = Observation> {
    let kinds = [EventKind::Warning, EventKind::ConnectionLost];
    let event = (moment(), prop::sample::select(kinds.to_vec()), 1..5_u64).prop_map(|(at, event, count)| {
        Observation::Event(Event { at, event, count, client: None, group: None, text: count.to_string() })
    });
    let witness = (any::<u32>(), moment()).prop_map(|(sequence, intended)| {
        Observation::Witness(Witness {
            fault: WitnessKind::Lost,
            topic: "t".to_owned(),
            client: "c".to_owned(),
            group: String::new(),
            subscriber: String::new(),
            stream: 0,
            sequence,
            qos: Qos::AtLeastOnce,
            intended: Some(intended),
            received: None,
        })
    });
    let ledger = (0..100_u64, 0..3_u8).prop_map(|(n, qos)| {
        let counts = LedgerCounts { published: n, expected: n, received: n, ..LedgerCounts::default() };
        let qos = Qos::try_from(qos).unwrap();
        Observation::Ledger(Ledger {
            rows: vec![LedgerRow { qos, group: "g".to_owned(), stage: String::new(), counts }],
        })
    });
    let record = (0..3_u8, prop::collection::vec(1..10_000_000_u64, 0..4)).prop_map(|(qos, values)| {
        let labels = Labels::none().with(label::QOS, qos);
        let histogram = EncodedHistogram::of(&histogram(&values));
        Observation::Histogram(HistogramRecord { metric: metric::E2E.to_owned(), labels, histogram })
    });
    let started = (moment(), stage()).prop_map(|(at, stage)| Observation::StageStarted(StageStarted { at, stage }));
    let ended = (moment(), stage()).prop_map(|(at, stage)| Observation::StageEnded(StageEnded { at, stage }));
    prop_oneof![6 => window(), 2 => event, 2 => witness, 1 => ledger, 1 => record, 1 => started, 1 => ended]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merging_two_halves_gives_the_whole(run in prop::collection::vec(observation(), 0..40), cut in any::<prop::sample::Index>()) {
        let (first, second) = run.split_at(cut.index(run.len() + 1));
        let mut merged = fold(first);
        merged.merge(fold(second));
        prop_assert!(merged == fold(&run));
    }
}

#[test]
fn a_day_at_one_window_a_second_keeps_a_bounded_series() {
    let mut summary = Summary::new();
    for second in 0..86_400 {
        let total = Flow { intended: 500, sent: 500, ..Flow::default() };
        summary.apply(&Observation::Window(Box::new(Window {
            at: Duration::from_secs(second),
            length: Duration::from_secs(1),
            stage: "hold".to_owned(),
            total,
            ..Window::default()
        })));
    }
    assert!(summary.series().points().len() <= 2048);
    assert_eq!(summary.series().width(), Duration::from_secs(64));
    assert_eq!(summary.counter(Counter::Sent, &Labels::none()), Some(500 * 86_400));
    assert!(summary.rates(Some("hold")).all(|rate| (rate.sent - 500.0).abs() < 1e-6));
}

#[test]
fn hostile_offsets_neither_panic_nor_grow() {
    let window = |at| Observation::Window(Box::new(Window { at, length: Duration::MAX, ..Window::default() }));
    let summary = fold(&[window(Duration::from_nanos(u64::MAX)), window(Duration::ZERO), window(Duration::MAX)]);
    assert!(summary.series().points().len() <= 2);
}

#[test]
fn histograms_merge_over_matching_labels() {
    let record = |qos: u8, stage: &str, value| {
        let labels = Labels::none().with(label::QOS, qos).with(label::STAGE, stage);
        let histogram = EncodedHistogram::of(&histogram(&[value]));
        Observation::Histogram(HistogramRecord { metric: metric::E2E.to_owned(), labels, histogram })
    };
    let summary =
        fold(&[record(0, "ramp", 1000), record(0, "hold", 2000), record(1, "hold", 3000), record(1, "hold", 4000)]);
    let count = |selector: Labels| summary.histogram(metric::E2E, &selector).map(|histogram| histogram.len());
    assert_eq!(count(Labels::none()), Some(4));
    assert_eq!(count(Labels::none().with(label::STAGE, "hold")), Some(3));
    assert_eq!(count(Labels::none().with(label::QOS, 1).with(label::STAGE, "hold")), Some(2));
    assert_eq!(count(Labels::none().with(label::QOS, 2)), None);
    assert_eq!(count(Labels::none().with("barn", 1)), None);
    assert_eq!(summary.histogram(metric::SERVICE, &Labels::none()), None);
}

#[test]
fn counters_answer_from_windows_until_the_ledger_is_there() {
    let flow = Flow { intended: 10, sent: 9, acknowledged: 8, expected: 9, received: 7 };
    let window = Window {
        length: Duration::from_secs(1),
        stage: "hold".to_owned(),
        total: flow,
        qos: [Flow::default(), flow, Flow::default()],
        groups: [("tanks".to_owned(), flow)].into(),
        ..Window::default()
    };
    let mut summary = fold(&[Observation::Window(Box::new(window))]);
    let qos_1 = Labels::none().with(label::QOS, 1);
    assert_eq!(summary.counter(Counter::Received, &qos_1), Some(7));
    assert_eq!(summary.counter(Counter::Lost, &qos_1), None, "not known yet, which is not zero");
    assert_eq!(summary.counter(Counter::Sent, &qos_1.clone().with(label::GROUP, "tanks")), None);
    let counts =
        LedgerCounts { intended: 10, published: 9, expected: 9, received: 8, lost: 1, ..LedgerCounts::default() };
    let row = LedgerRow { qos: Qos::AtLeastOnce, group: "tanks".to_owned(), stage: String::new(), counts };
    summary.apply(&Observation::Ledger(Ledger { rows: vec![row] }));
    assert_eq!(summary.counter(Counter::Lost, &qos_1), Some(1));
    assert_eq!(summary.counter(Counter::Received, &qos_1), Some(8));
    assert_eq!(summary.counter(Counter::Acknowledged, &qos_1), Some(8), "only windows know acknowledgements");
    assert_eq!(summary.counter(Counter::Lost, &Labels::none().with(label::STAGE, "hold")), None, "rows know no stages");
}

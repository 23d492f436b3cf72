//! What becomes of samples.

use reports::{Labels, label, observation::HistogramRecord};

use super::*;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn meter() -> Meter {
    let stage = |name: &str, begins, ends, measured| StageSpan { name: name.into(), begins, ends, measured };
    Meter::new(
        vec![
            stage("warmup", Duration::ZERO, 2 * SECOND, false),
            stage("hold", 2 * SECOND, 4 * SECOND + SECOND / 2, true),
        ],
        Groups { devices: vec!["meter".into(), "reader".into()], subscribers: vec!["erp".into(), "screen".into()] },
    )
}

fn row(stage: u16, group: u16, qos: QoS) -> RowKey {
    RowKey { stage, group, qos }
}

fn near(sample: u64, expected: Duration) -> bool {
    (sample as f64 / expected.as_nanos() as f64 - 1.0).abs() < 0.001
}

#[test]
fn windows_end_with_their_second_and_with_their_stage() {
    let mut meter = meter();
    let mut windows = Vec::new();
    while let Some(closed) = meter.close_window(6 * SECOND) {
        let window = closed.window();
        windows.push((window.stage.clone(), window.at, window.length));
    }
    let expected = [
        ("warmup", 0, 1000),
        ("warmup", 1000, 1000),
        ("hold", 2000, 1000),
        ("hold", 3000, 1000),
        ("hold", 4000, 500),
        ("", 4500, 500),
        ("", 5000, 1000),
    ];
    let expected: Vec<_> =
        expected.map(|(stage, at, length)| (stage.to_owned(), MILLI * at, MILLI * length)).into_iter().collect();
    assert_eq!(windows, expected);
}

#[test]
fn a_window_counts_its_own_second_only() {
    let mut meter = meter();
    meter.intended(row(0, 0, QoS::AtLeastOnce), 1);
    meter.sent(Sent { row: row(0, 0, QoS::AtLeastOnce), lag: MILLI, own: MILLI, readers: 3 }, 1);
    meter.received(
        Received { row: row(0, 0, QoS::AtMostOnce), reader: 0, end_to_end: 5 * MILLI, service: Some(4 * MILLI) },
        1,
    );
    let first = meter.close_window(SECOND).unwrap().window();
    assert_eq!((first.total.intended, first.total.sent, first.total.expected, first.total.received), (1, 1, 3, 1));
    assert_eq!((first.qos[1].sent, first.qos[0].received), (1, 1));
    assert_eq!(first.groups["meter"].received, 1);
    assert!(near(window::nanos(first.e2e.max), 5 * MILLI) && near(window::nanos(first.service.p50), 4 * MILLI));
    let second = meter.close_window(2 * SECOND).unwrap().window();
    assert_eq!(second.total, reports::observation::Flow::default());
    assert_eq!(second.e2e.count, 0);
}

#[test]
fn warm_up_is_left_out_of_the_distributions() {
    let mut meter = meter();
    meter.received(Received { row: row(0, 0, QoS::AtLeastOnce), reader: 0, end_to_end: 900 * MILLI, service: None }, 1);
    meter.received(Received { row: row(1, 1, QoS::AtLeastOnce), reader: 1, end_to_end: 5 * MILLI, service: None }, 1);
    let records: Vec<HistogramRecord> = meter.records().collect();
    assert_eq!(records.len(), 1);
    let labels = Labels::none().with(label::STAGE, "hold").with(label::GROUP, "reader").with(label::QOS, 1);
    let labels = labels.with(label::SUBSCRIBER, "screen");
    assert_eq!(records[0].labels, labels);
    assert!(near(meter.measured(metric::E2E).max(), 5 * MILLI));
}

#[test]
fn samples_that_come_back_are_used_again() {
    let mut meter = meter();
    meter.received(Received { row: row(1, 0, QoS::AtMostOnce), reader: 0, end_to_end: MILLI, service: None }, 1);
    let emptied = meter.close_window(SECOND).unwrap().into_emptied();
    let address: *const Samples = &raw const *emptied;
    meter.reuse(Some(emptied));
    // The window that is open now took fresh ones; the next takes these.
    let _second = meter.close_window(2 * SECOND).unwrap();
    let third = meter.close_window(3 * SECOND).unwrap();
    assert_eq!(third.window().e2e.count, 0);
    assert!(std::ptr::eq(address, &raw const *third.into_emptied()));
}

#[test]
fn connections_are_kept_by_group_and_stage_over_the_whole_run() {
    let mut meter = meter();
    meter.connected(Group::Devices(1), Some(0), MILLI);
    meter.connected(Group::Devices(1), Some(1), 2 * MILLI);
    meter.connected(Group::Subscribers(0), None, 3 * MILLI);
    let records: Vec<HistogramRecord> = meter.records().collect();
    let labels: Vec<String> = records.iter().map(|record| record.labels.to_string()).collect();
    assert_eq!(labels, ["{group:reader,stage:warmup}", "{group:reader,stage:hold}", "{subscriber:erp}"]);
    assert!(records.iter().all(|record| record.metric == metric::CONNECT));
}

#[test]
fn offers_count_in_measured_stages() {
    let mut meter = meter();
    for stage in [0, 1, 1] {
        meter.intended(row(stage, 0, QoS::AtLeastOnce), 1);
        meter.not_offered(row(stage, 0, QoS::AtLeastOnce));
    }
    assert_eq!(meter.offers(), Offers { intended: 2, missed: 2 });
}

#[test]
fn back_pressure_is_no_lag_of_the_generator() {
    let mut meter = meter();
    meter.sent(Sent { row: row(1, 0, QoS::AtLeastOnce), lag: 800 * MILLI, own: MILLI, readers: 1 }, 1);
    assert!(near(meter.measured(metric::GENERATOR_LAG).max(), MILLI));
    assert!(near(meter.measured(SEND_LAG).max(), 800 * MILLI));
}

#[test]
fn split_distributions_merge_to_the_whole() {
    let samples: Vec<Duration> = (1..5_000_u64).map(|n| Duration::from_nanos(n * n * 997)).collect();
    let (mut whole, mut parts) = (meter(), [meter(), meter()]);
    for (n, sample) in samples.iter().enumerate() {
        whole.received(Received { row: row(1, 0, QoS::AtLeastOnce), reader: 0, end_to_end: *sample, service: None }, 1);
        let (row, reader) = (row(1, (n % 2) as u16, QoS::AtLeastOnce), (n % 2) as u16);
        parts[n % 2].received(Received { row, reader, end_to_end: *sample, service: None }, 1);
    }
    let mut merged = house_histogram();
    for record in parts.iter_mut().flat_map(Meter::records) {
        merged.add(record.histogram.decode().unwrap()).unwrap();
    }
    assert_eq!(merged, whole.measured(metric::E2E));
}

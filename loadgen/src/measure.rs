//! Three distributions that merge without loss, and what happened in each second.
//!
//! | metric | from | to |
//! |---|---|---|
//! | `e2e` | intended start | received |
//! | `service` | handed to a connection | received |
//! | `generator_lag` | intended start | handed to a connection, or to a client that could not write |
//! | `send_lag` | intended start | handed to a connection, whatever the reason for the wait |
//! | `ack` | handed to a connection | end of the QoS 1 or 2 handshake |
//!
//! A message that waited because its connection could not take it (flow control, a full socket, no connection) was held
//! up by the target: that wait is in `send_lag` and `e2e`, never in `generator_lag`.
//!
//! Memory: one histogram for each metric, stage, group and QoS that occurs, however long the run is.

mod window;

use std::time::Duration;

use hdrhistogram::Histogram;
use reports::{
    Labels, label, metric,
    observation::{EncodedHistogram, HistogramRecord, Window, house_histogram},
};

use crate::ledger::RowKey;

use window::Seconds;
pub(crate) use window::percentiles;

/// Intended start to handed to a connection, back-pressure included.
pub const SEND_LAG: &str = "send_lag";

/// Handed to a connection to the end of the QoS 1 or 2 handshake.
pub const ACK: &str = "ack";

const METRICS: [&str; 5] = [metric::E2E, metric::SERVICE, metric::GENERATOR_LAG, SEND_LAG, ACK];
const E2E: usize = 0;
const SERVICE: usize = 1;
const LAG: usize = 2;
const SENT: usize = 3;
const ACKED: usize = 4;

/// One stage as the meter sees it.
#[derive(Clone, Debug)]
pub struct StageSpan {
    /// Its name.
    pub name: String,
    /// When it begins, an offset from the run's start.
    pub begins: Duration,
    /// When it ends.
    pub ends: Duration,
    /// Whether it counts: distributions and the ledger leave other stages out.
    pub measured: bool,
}

/// All distributions of a run.
#[derive(Debug)]
pub struct Meter {
    stages: Vec<StageSpan>,
    groups: Vec<String>,
    /// By metric, stage, group, QoS.
    distributions: Vec<Option<Box<Histogram<u64>>>>,
    seconds: Seconds,
}

impl Meter {
    /// Nothing measured yet. `stages` follow each other; `groups` are the names of the publishing groups.
    pub fn new(stages: Vec<StageSpan>, groups: Vec<String>) -> Self {
        let places = METRICS.len() * stages.len().max(1) * groups.len().max(1) * 3;
        let seconds = Seconds::new(&stages, &groups);
        Self { stages, groups, distributions: (0..places).map(|_| None).collect(), seconds }
    }

    /// The schedule asked for a message.
    pub fn intended(&mut self, row: RowKey) {
        self.seconds.flows(row, |flow| flow.intended += 1);
    }

    /// A message was handed to a connection, `lag` after its intended start, of which `own` was the generator's doing.
    pub fn sent(&mut self, row: RowKey, lag: Duration, own: Duration, readers: usize) {
        self.seconds.flows(row, |flow| {
            flow.sent += 1;
            flow.expected += readers as u64;
        });
        self.seconds.lag(own);
        self.record(LAG, row, own);
        self.record(SENT, row, lag);
    }

    /// The broker acknowledged a message of QoS 1 or 2, `after` it was handed to a connection.
    pub fn acknowledged(&mut self, row: RowKey, after: Option<Duration>) {
        self.seconds.flows(row, |flow| flow.acknowledged += 1);
        if let Some(after) = after {
            self.record(ACKED, row, after);
        }
    }

    /// A message arrived for the first time.
    pub fn received(&mut self, row: RowKey, end_to_end: Duration, service: Option<Duration>) {
        self.seconds.flows(row, |flow| flow.received += 1);
        self.seconds.arrival(end_to_end, service);
        self.record(E2E, row, end_to_end);
        if let Some(service) = service {
            self.record(SERVICE, row, service);
        }
    }

    /// A message arrived once more.
    pub fn repeated(&mut self, row: RowKey) {
        self.seconds.flows(row, |flow| flow.received += 1);
    }

    /// When the present window ends.
    pub fn window_ends(&self) -> Duration {
        self.seconds.ends()
    }

    /// Closes the present window when `now` is not before its end; call again until it gives none. Its resources and
    /// connections are for the caller to fill in.
    pub fn close_window(&mut self, now: Duration) -> Option<Window> {
        (now >= self.seconds.ends()).then(|| self.seconds.close(self.seconds.ends()))
    }

    /// Closes the present window early, at the end of the run.
    pub fn close_last_window(&mut self, now: Duration) -> Window {
        self.seconds.close(now)
    }

    /// The samples of one metric in all measured stages.
    pub fn measured(&self, wanted: &str) -> Histogram<u64> {
        let mut sum = house_histogram();
        for (place, distribution) in self.distributions.iter().enumerate() {
            let Some(distribution) = distribution else { continue };
            let (metric, stage, ..) = self.names(place);
            if metric == wanted && stage.measured {
                sum.add(distribution.as_ref()).expect("both are house histograms");
            }
        }
        sum
    }

    /// Every distribution of the measured stages: a partition of the samples.
    pub fn records(&self) -> impl Iterator<Item = HistogramRecord> + '_ {
        self.distributions.iter().enumerate().filter_map(|(place, distribution)| {
            let distribution = distribution.as_ref()?;
            let (metric, stage, group, qos) = self.names(place);
            stage.measured.then(|| HistogramRecord {
                metric: metric.to_owned(),
                labels: Labels::none().with(label::STAGE, &stage.name).with(label::GROUP, group).with(label::QOS, qos),
                histogram: EncodedHistogram::of(distribution),
            })
        })
    }

    fn record(&mut self, metric: usize, row: RowKey, sample: Duration) {
        let place =
            ((metric * self.stages.len() + usize::from(row.stage)) * self.groups.len() + usize::from(row.group)) * 3
                + row.qos as usize;
        let distribution = self.distributions[place].get_or_insert_with(|| Box::new(house_histogram()));
        distribution.saturating_record(window::nanos(sample));
    }

    fn names(&self, place: usize) -> (&'static str, &StageSpan, &str, usize) {
        let (rest, qos) = (place / 3, place % 3);
        let (rest, group) = (rest / self.groups.len(), rest % self.groups.len());
        let (metric, stage) = (rest / self.stages.len(), rest % self.stages.len());
        (METRICS[metric], &self.stages[stage], &self.groups[group], qos)
    }
}

#[cfg(test)]
mod tests {
    use protocol::QoS;

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
            vec!["meter".into(), "reader".into()],
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
        while let Some(window) = meter.close_window(6 * SECOND) {
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
        meter.intended(row(0, 0, QoS::AtLeastOnce));
        meter.sent(row(0, 0, QoS::AtLeastOnce), MILLI, MILLI, 3);
        meter.received(row(0, 0, QoS::AtMostOnce), 5 * MILLI, Some(4 * MILLI));
        let first = meter.close_window(SECOND).unwrap();
        assert_eq!((first.total.intended, first.total.sent, first.total.expected, first.total.received), (1, 1, 3, 1));
        assert_eq!((first.qos[1].sent, first.qos[0].received), (1, 1));
        assert_eq!(first.groups["meter"].received, 1);
        assert!(near(window::nanos(first.e2e.max), 5 * MILLI) && near(window::nanos(first.service.p50), 4 * MILLI));
        let second = meter.close_window(2 * SECOND).unwrap();
        assert_eq!(second.total, reports::observation::Flow::default());
        assert_eq!(second.e2e.count, 0);
    }

    #[test]
    fn warm_up_is_left_out_of_the_distributions() {
        let mut meter = meter();
        meter.received(row(0, 0, QoS::AtLeastOnce), 900 * MILLI, None);
        meter.received(row(1, 1, QoS::AtLeastOnce), 5 * MILLI, None);
        let records: Vec<HistogramRecord> = meter.records().collect();
        assert_eq!(records.len(), 1);
        let labels = Labels::none().with(label::STAGE, "hold").with(label::GROUP, "reader").with(label::QOS, 1);
        assert_eq!(records[0].labels, labels);
        assert!(near(meter.measured(metric::E2E).max(), 5 * MILLI));
    }

    #[test]
    fn back_pressure_is_no_lag_of_the_generator() {
        let mut meter = meter();
        meter.sent(row(1, 0, QoS::AtLeastOnce), 800 * MILLI, MILLI, 1);
        assert!(near(meter.measured(metric::GENERATOR_LAG).max(), MILLI));
        assert!(near(meter.measured(SEND_LAG).max(), 800 * MILLI));
    }

    #[test]
    fn split_distributions_merge_to_the_whole() {
        let samples: Vec<Duration> = (1..5_000_u64).map(|n| Duration::from_nanos(n * n * 997)).collect();
        let (mut whole, mut parts) = (meter(), [meter(), meter()]);
        for (n, sample) in samples.iter().enumerate() {
            whole.received(row(1, 0, QoS::AtLeastOnce), *sample, None);
            parts[n % 2].received(row(1, (n % 2) as u16, QoS::AtLeastOnce), *sample, None);
        }
        let mut merged = house_histogram();
        for record in parts.iter().flat_map(Meter::records) {
            merged.add(record.histogram.decode().unwrap()).unwrap();
        }
        assert_eq!(merged, whole.measured(metric::E2E));
    }
}

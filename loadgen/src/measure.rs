//! Three distributions that merge without loss, and what happened in each second.
//!
//! | metric | from | to |
//! |---|---|---|
//! | `e2e` | intended start | received |
//! | `service` | handed to a connection | received |
//! | `generator_lag` | intended start | handed to a connection, or to a client that could not write |
//! | `send_lag` | intended start | handed to a connection, whatever the reason for the wait |
//! | `ack` | handed to a connection | end of the QoS 1 or 2 handshake |
//! | `connect` | CONNECT | CONNACK |
//! | `retained` | SUBSCRIBE of a late subscriber | its last retained message |
//! | `round_trip` | intended start of a request | its answer |
//! | `drain` | CONNACK of a subscriber that was away | the last message that was queued for it |
//!
//! A message that waited because its connection could not take it (flow control, a full socket, no connection) was held
//! up by the target: that wait is in `send_lag` and `e2e`, never in `generator_lag`.
//!
//! Messages are sampled over the measured stages, by stage, publishing group and QoS, deliveries by subscriber group as well;
//! connections over the whole run, by group and by stage, of which each ramp is one: a storm is apart from the first connects.
//!
//! A sample waits among a few hundred others of its metric until they are all put into histograms together: histograms are
//! large, and one sample after the other would each time find other parts of them in the processor's cache.
//!
//! Memory: one histogram (at most 260 KiB) for each combination that occurs, however long the run is.

mod moments;
mod pending;
mod records;
mod requests;
#[cfg(test)]
mod tests;
mod watch;
mod window;

use std::{sync::Arc, time::Duration};

use hdrhistogram::Histogram;
use protocol::QoS;
use reports::{metric, observation::house_histogram};

use crate::{judge::Offers, ledger::RowKey};

use moments::Moments;
use pending::Pending;
pub use watch::Watch;
use window::Seconds;
pub use window::{ClosedWindow, Samples};

/// Intended start to handed to a connection, back-pressure included.
pub const SEND_LAG: &str = "send_lag";

/// Handed to a connection to the end of the QoS 1 or 2 handshake.
pub const ACK: &str = "ack";

const METRICS: [&str; 6] = [metric::E2E, metric::SERVICE, metric::GENERATOR_LAG, SEND_LAG, ACK, metric::ROUND_TRIP];
const E2E: usize = 0;
const SERVICE: usize = 1;
const LAG: usize = 2;
const SENT: usize = 3;
const ACKED: usize = 4;
/// How many QoS there are.
const QOS: usize = 3;

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
    groups: Groups,
    /// By metric, stage, publishing group, QoS, subscriber group (the first place stands for none).
    distributions: Vec<Option<Box<Histogram<u64>>>>,
    /// By publishing group, then by subscriber group; of each by stage (the first place stands for none).
    connects: Vec<Option<Box<Histogram<u64>>>>,
    moments: Moments,
    offers: Offers,
    seconds: Seconds,
    watches: Arc<[Watch]>,
    /// Which of them want the samples of each place; empty when nobody watches.
    watchers: Vec<Box<[u16]>>,
    /// By metric.
    pending: [Pending; METRICS.len()],
}

/// The names of the groups of clients.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    /// Of those that publish: devices, then clients that ask.
    pub devices: Vec<String>,
    /// Of those that receive.
    pub subscribers: Vec<String>,
}

/// One group of clients, by its place in [`Groups`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// One that publishes.
    Devices(u16),
    /// One that receives.
    Subscribers(u16),
}

/// A message that was handed to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its row.
    pub row: RowKey,
    /// How long after its intended start.
    pub lag: Duration,
    /// How much of that was the generator's doing.
    pub own: Duration,
    /// How many readers must receive it.
    pub readers: usize,
}

/// A message of QoS 1 or 2 that the broker acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Its row.
    pub row: RowKey,
    /// How long after it was handed to a connection, as far as that is remembered.
    pub after: Option<Duration>,
}

/// A message that reached a client for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its row.
    pub row: RowKey,
    /// The client's subscriber group.
    pub reader: u16,
    /// How long after its intended start.
    pub end_to_end: Duration,
    /// How long after it was handed to a connection, as far as that is remembered.
    pub service: Option<Duration>,
}

impl Meter {
    /// Nothing measured yet. `stages` follow each other.
    pub fn new(stages: Vec<StageSpan>, groups: Groups) -> Self {
        let readers = groups.subscribers.len() + 1;
        let places = METRICS.len() * stages.len() * groups.devices.len() * QOS * readers;
        let connects = (groups.devices.len() + groups.subscribers.len()) * (stages.len() + 1);
        Self {
            seconds: Seconds::new(&stages, &groups.devices),
            stages,
            groups,
            distributions: (0..places).map(|_| None).collect(),
            connects: (0..connects).map(|_| None).collect(),
            moments: Moments::default(),
            offers: Offers::default(),
            watches: Arc::new([]),
            watchers: Vec::new(),
            pending: Default::default(),
        }
    }

    /// Keeps the seconds of these selections apart from now on.
    #[must_use]
    pub fn watching(mut self, watches: Vec<Watch>) -> Self {
        self.watches = watches.into();
        self.seconds.watch(Arc::clone(&self.watches));
        if self.watches.is_empty() {
            return self;
        }
        let wanting = |place: usize| {
            let (metric, row, reader) = self.row_of(place);
            let wanting = self.watches.iter().zip(0..).filter(|(watch, _)| watch.wants_samples(metric, row, reader));
            wanting.map(|(_, watch)| watch).collect()
        };
        self.watchers = (0..self.distributions.len()).map(wanting).collect();
        self
    }

    /// Who is watched, in the order of [`ClosedWindow::connections_of`].
    pub fn watches(&self) -> Arc<[Watch]> {
        Arc::clone(&self.watches)
    }

    /// The schedule asked for so many messages.
    pub fn intended(&mut self, row: RowKey, messages: u32) {
        self.seconds.flows(row, |flow| flow.intended += u64::from(messages));
        self.offers.intended += if self.is_measured(row) { u64::from(messages) } else { 0 };
    }

    /// The generator never came to a message that was intended.
    pub fn not_offered(&mut self, row: RowKey) {
        self.offers.missed += u64::from(self.is_measured(row));
    }

    /// So many messages were handed to a connection.
    pub fn sent(&mut self, sent: Sent, messages: u32) {
        let Sent { row, lag, own, readers } = sent;
        self.seconds.flows(row, |flow| {
            flow.sent += u64::from(messages);
            flow.expected += readers as u64 * u64::from(messages);
        });
        self.record(LAG, row, None, own, messages);
        self.record(SENT, row, None, lag, messages);
    }

    /// The broker acknowledged so many messages of QoS 1 or 2.
    pub fn acknowledged(&mut self, acknowledged: Acknowledged, messages: u32) {
        let Acknowledged { row, after } = acknowledged;
        self.seconds.flows(row, |flow| flow.acknowledged += u64::from(messages));
        if let Some(after) = after {
            self.record(ACKED, row, None, after, messages);
        }
    }

    /// So many messages reached a client for the first time.
    pub fn received(&mut self, received: Received, messages: u32) {
        let Received { row, reader, end_to_end, service } = received;
        self.seconds.flows(row, |flow| flow.received += u64::from(messages));
        self.record(E2E, row, Some(reader), end_to_end, messages);
        if let Some(service) = service {
            self.record(SERVICE, row, Some(reader), service, messages);
        }
    }

    /// A message arrived once more.
    pub fn repeated(&mut self, row: RowKey) {
        self.seconds.flows(row, |flow| flow.received += 1);
    }

    /// CONNACK accepted a client of `group`, `took` after its CONNECT; in a stage, or before the first one or after the last.
    /// Ramps are stages of their own here, so that who connects for the first time is apart from a storm.
    pub fn connected(&mut self, group: Group, stage: Option<usize>, took: Duration) {
        let number = match group {
            Group::Devices(group) => usize::from(group),
            Group::Subscribers(group) => self.groups.devices.len() + usize::from(group),
        };
        let place = number * (self.stages.len() + 1) + stage.map_or(0, |stage| stage + 1);
        let distribution = self.connects[place].get_or_insert_with(|| Box::new(house_histogram()));
        distribution.saturating_record(window::nanos(took));
        for (watch, place) in self.watches.iter().zip(0..) {
            if watch.wants_connects(group, stage) {
                self.seconds.watched(place, window::nanos(took), 1);
            }
        }
    }

    /// A client of subscriber group `reader` got to the end of what `metric` measures, at `at`.
    pub fn reached(&mut self, metric: &'static str, reader: u16, at: Duration, took: Duration) {
        let stage = self.stages.iter().position(|stage| stage.begins <= at && at < stage.ends);
        self.moments.record(metric, stage.or(self.stages.len().checked_sub(1)), reader, took);
    }

    /// What became of the starts in the measured stages.
    pub const fn offers(&self) -> Offers {
        self.offers
    }

    /// When the present window ends.
    pub fn window_ends(&self) -> Duration {
        self.seconds.ends()
    }

    /// Closes the present window when `now` is not before its end; call again until it gives none.
    pub fn close_window(&mut self, now: Duration) -> Option<ClosedWindow> {
        (now >= self.seconds.ends()).then(|| {
            self.fold_all();
            self.seconds.close(self.seconds.ends())
        })
    }

    /// Closes the present window early, at the end of the run.
    pub fn close_last_window(&mut self, now: Duration) -> ClosedWindow {
        self.fold_all();
        self.seconds.close(now)
    }

    /// Takes back the samples of an earlier window, emptied.
    pub fn reuse(&mut self, emptied: Option<Box<Samples>>) {
        self.seconds.reuse(emptied);
    }

    fn is_measured(&self, row: RowKey) -> bool {
        self.stages.get(usize::from(row.stage)).is_some_and(|stage| stage.measured)
    }

    fn record(&mut self, metric: usize, row: RowKey, reader: Option<u16>, sample: Duration, messages: u32) {
        let place = self.is_measured(row).then(|| {
            let stage = metric * self.stages.len() + usize::from(row.stage);
            let group = stage * self.groups.devices.len() + usize::from(row.group);
            let qos = group * QOS + row.qos as usize;
            qos * (self.groups.subscribers.len() + 1) + reader.map_or(0, |reader| usize::from(reader) + 1)
        });
        if self.pending[metric].push(place, window::nanos(sample), messages) {
            self.fold(metric);
        }
    }

    /// Puts the samples of a metric that wait into its distributions and into the window's.
    fn fold(&mut self, metric: usize) {
        let Self { pending, distributions, seconds, watchers, .. } = self;
        if !watchers.is_empty() {
            for (place, nanos, count) in pending[metric].measured() {
                watchers[place].iter().for_each(|watch| seconds.watched(*watch, nanos, count));
            }
        }
        pending[metric].fold(seconds.distribution(metric), distributions);
    }

    fn fold_all(&mut self) {
        (0..METRICS.len()).for_each(|metric| self.fold(metric));
    }

    /// The reverse of the sum in [`record`](Self::record): metric, row, subscriber group.
    fn row_of(&self, place: usize) -> (usize, RowKey, Option<usize>) {
        let readers = self.groups.subscribers.len() + 1;
        let (rest, reader) = (place / readers, place % readers);
        let (rest, qos) = (rest / QOS, [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce][rest % QOS]);
        let (rest, group) = (rest / self.groups.devices.len(), rest % self.groups.devices.len());
        let (metric, stage) = (rest / self.stages.len(), rest % self.stages.len());
        (metric, RowKey { stage: stage as u16, group: group as u16, qos }, reader.checked_sub(1))
    }
}

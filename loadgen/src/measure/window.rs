//! One second after another.

use std::{collections::BTreeMap, mem, sync::Arc, time::Duration};

use hdrhistogram::Histogram;
use reports::observation::{EncodedHistogram, Flow, Kept, Percentiles, Window, house_histogram};

use super::{StageSpan, Watch};
use crate::ledger::RowKey;

const LENGTH: Duration = Duration::from_secs(1);

/// The present window.
#[derive(Debug)]
pub(super) struct Seconds {
    begins: Duration,
    ends: Duration,
    stage: Option<usize>,
    stages: Vec<StageSpan>,
    names: Vec<String>,
    total: Flow,
    qos: [Flow; 3],
    groups: Vec<Flow>,
    watches: Arc<[Watch]>,
    /// The messages of each watch.
    watched: Vec<Flow>,
    samples: Box<Samples>,
    /// Emptied, for the next window, so that an hour takes what a second takes.
    spare: Option<Box<Samples>>,
}

/// The distributions of one window.
#[derive(Clone, Debug)]
pub struct Samples {
    e2e: Histogram<u64>,
    service: Histogram<u64>,
    lag: Histogram<u64>,
    round_trip: Histogram<u64>,
    /// Of each watch that has samples.
    watched: Vec<Option<Histogram<u64>>>,
}

/// A window that is over. Its percentiles are still to be worked out, which takes about a millisecond: see
/// [`window`](Self::window).
#[derive(Debug)]
pub struct ClosedWindow {
    /// Open connections at its end, for the owner to fill in.
    pub connections: u64,
    /// Those of each watch of connections, by its key, for the owner to fill in.
    pub connections_of: BTreeMap<String, u64>,
    watches: Arc<[Watch]>,
    watched: Vec<Flow>,
    counted: Window,
    samples: Box<Samples>,
}

impl ClosedWindow {
    /// Whether it covers no time.
    pub fn is_empty(&self) -> bool {
        self.counted.length.is_zero()
    }

    /// All of it but the resources.
    pub fn window(&self) -> Window {
        Window {
            connections: self.connections,
            e2e: Percentiles::of(&self.samples.e2e),
            service: Percentiles::of(&self.samples.service),
            lag: Percentiles::of(&self.samples.lag),
            round_trip: Percentiles::of(&self.samples.round_trip),
            kept: self.kept(),
            ..self.counted.clone()
        }
    }

    fn kept(&self) -> BTreeMap<String, Kept> {
        let watched = self.watches.iter().zip(&self.watched).zip(&self.samples.watched);
        let kept = watched.map(|((watch, flow), samples)| {
            let samples = samples.as_ref().filter(|samples| !samples.is_empty()).map(EncodedHistogram::of);
            let connections = self.connections_of.get(&watch.key).copied();
            (watch.key.clone(), Kept { flow: *flow, samples, connections })
        });
        kept.collect()
    }

    /// Its samples, emptied, to be used again.
    pub fn into_emptied(self) -> Box<Samples> {
        let mut samples = self.samples;
        samples.e2e.reset();
        samples.service.reset();
        samples.lag.reset();
        samples.round_trip.reset();
        samples.watched.iter_mut().flatten().for_each(Histogram::reset);
        samples
    }
}

impl Samples {
    fn new(watches: &[Watch]) -> Self {
        let watched = watches.iter().map(|watch| watch.has_samples().then(house_histogram)).collect();
        Self {
            e2e: house_histogram(),
            service: house_histogram(),
            lag: house_histogram(),
            round_trip: house_histogram(),
            watched,
        }
    }
}

impl Seconds {
    pub(super) fn new(stages: &[StageSpan], groups: &[String]) -> Self {
        let mut seconds = Self {
            begins: Duration::ZERO,
            ends: Duration::ZERO,
            stage: None,
            stages: stages.to_vec(),
            names: groups.to_vec(),
            total: Flow::default(),
            qos: [Flow::default(); 3],
            groups: vec![Flow::default(); groups.len()],
            watches: Arc::new([]),
            watched: Vec::new(),
            samples: Box::new(Samples::new(&[])),
            spare: None,
        };
        seconds.open(Duration::ZERO);
        seconds
    }

    /// Keeps these apart, before anything was counted.
    pub(super) fn watch(&mut self, watches: Arc<[Watch]>) {
        self.watched = vec![Flow::default(); watches.len()];
        *self.samples = Samples::new(&watches);
        self.watches = watches;
    }

    pub(super) const fn ends(&self) -> Duration {
        self.ends
    }

    pub(super) fn flows(&mut self, row: RowKey, mut add: impl FnMut(&mut Flow)) {
        add(&mut self.total);
        add(&mut self.qos[row.qos as usize]);
        add(&mut self.groups[usize::from(row.group)]);
        for (watch, flow) in self.watches.iter().zip(&mut self.watched) {
            if watch.wants_messages(row) {
                add(flow);
            }
        }
    }

    /// A sample that one of the watches wants.
    pub(super) fn watched(&mut self, watch: u16, nanos: u64, count: u64) {
        if let Some(Some(samples)) = self.samples.watched.get_mut(usize::from(watch)) {
            samples.saturating_record_n(nanos, count);
        }
    }

    /// The distribution of a metric, where windows have one.
    pub(super) fn distribution(&mut self, metric: usize) -> Option<&mut Histogram<u64>> {
        match metric {
            super::E2E => Some(&mut self.samples.e2e),
            super::SERVICE => Some(&mut self.samples.service),
            super::LAG => Some(&mut self.samples.lag),
            super::requests::ROUND_TRIP => Some(&mut self.samples.round_trip),
            _ => None,
        }
    }

    pub(super) fn reuse(&mut self, emptied: Option<Box<Samples>>) {
        if emptied.is_some() {
            self.spare = emptied;
        }
    }

    pub(super) fn close(&mut self, at: Duration) -> ClosedWindow {
        let groups: BTreeMap<String, Flow> = self
            .names
            .iter()
            .zip(&self.groups)
            .filter(|(_, flow)| **flow != Flow::default())
            .map(|(name, flow)| (name.clone(), *flow))
            .collect();
        let counted = Window {
            at: self.begins,
            length: at.saturating_sub(self.begins),
            stage: self.stage.map_or_else(String::new, |stage| self.stages[stage].name.clone()),
            total: mem::take(&mut self.total),
            qos: mem::take(&mut self.qos),
            groups,
            ..Window::default()
        };
        self.groups.fill(Flow::default());
        let next = self.spare.take().unwrap_or_else(|| Box::new(Samples::new(&self.watches)));
        let samples = mem::replace(&mut self.samples, next);
        let fresh = vec![Flow::default(); self.watches.len()];
        let watched = mem::replace(&mut self.watched, fresh);
        self.open(at);
        let watches = Arc::clone(&self.watches);
        ClosedWindow { connections: 0, connections_of: BTreeMap::new(), watches, watched, counted, samples }
    }

    fn open(&mut self, at: Duration) {
        self.begins = at;
        let whole = LENGTH * (at.as_secs() as u32 + 1);
        self.stage = self.stages.iter().position(|stage| stage.begins <= at && at < stage.ends);
        let border = match self.stage {
            Some(stage) => Some(self.stages[stage].ends),
            None => self.stages.iter().map(|stage| stage.begins).filter(|begins| *begins > at).min(),
        };
        self.ends = border.map_or(whole, |border| border.min(whole));
    }
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

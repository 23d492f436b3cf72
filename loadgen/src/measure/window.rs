//! One second after another.

use std::{collections::BTreeMap, mem, time::Duration};

use hdrhistogram::Histogram;
use reports::observation::{Flow, Percentiles, Window, house_histogram};

use super::StageSpan;
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
}

/// A window that is over. Its percentiles are still to be worked out, which takes about a millisecond: see
/// [`window`](Self::window).
#[derive(Debug)]
pub struct ClosedWindow {
    /// Open connections at its end, for the owner to fill in.
    pub connections: u64,
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
            ..self.counted.clone()
        }
    }

    /// Its samples, emptied, to be used again.
    pub fn into_emptied(self) -> Box<Samples> {
        let mut samples = self.samples;
        samples.e2e.reset();
        samples.service.reset();
        samples.lag.reset();
        samples
    }
}

impl Samples {
    fn new() -> Self {
        Self { e2e: house_histogram(), service: house_histogram(), lag: house_histogram() }
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
            samples: Box::new(Samples::new()),
            spare: None,
        };
        seconds.open(Duration::ZERO);
        seconds
    }

    pub(super) const fn ends(&self) -> Duration {
        self.ends
    }

    pub(super) fn flows(&mut self, row: RowKey, mut add: impl FnMut(&mut Flow)) {
        add(&mut self.total);
        add(&mut self.qos[row.qos as usize]);
        add(&mut self.groups[usize::from(row.group)]);
    }

    pub(super) fn arrival(&mut self, end_to_end: Duration, service: Option<Duration>) {
        self.samples.e2e.saturating_record(nanos(end_to_end));
        if let Some(service) = service {
            self.samples.service.saturating_record(nanos(service));
        }
    }

    pub(super) fn lag(&mut self, lag: Duration) {
        self.samples.lag.saturating_record(nanos(lag));
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
        let next = self.spare.take().unwrap_or_else(|| Box::new(Samples::new()));
        let samples = mem::replace(&mut self.samples, next);
        self.open(at);
        ClosedWindow { connections: 0, counted, samples }
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

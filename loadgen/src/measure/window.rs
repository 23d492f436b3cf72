//! One second after another.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use reports::observation::{EncodedHistogram, Flow, Percentiles, Window, house_histogram};

use super::StageSpan;
use crate::ledger::RowKey;

const LENGTH: Duration = Duration::from_secs(1);

/// The present window. Its histograms are reused, so that an hour takes what a second takes.
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
    e2e: Histogram<u64>,
    service: Histogram<u64>,
    lag: Histogram<u64>,
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
            e2e: house_histogram(),
            service: house_histogram(),
            lag: house_histogram(),
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
        self.e2e.saturating_record(nanos(end_to_end));
        if let Some(service) = service {
            self.service.saturating_record(nanos(service));
        }
    }

    pub(super) fn lag(&mut self, lag: Duration) {
        self.lag.saturating_record(nanos(lag));
    }

    pub(super) fn close(&mut self, at: Duration) -> Window {
        let groups: BTreeMap<String, Flow> = self
            .names
            .iter()
            .zip(&self.groups)
            .filter(|(_, flow)| **flow != Flow::default())
            .map(|(name, flow)| (name.clone(), *flow))
            .collect();
        let window = Window {
            at: self.begins,
            length: at.saturating_sub(self.begins),
            stage: self.stage.map_or_else(String::new, |stage| self.stages[stage].name.clone()),
            total: self.total,
            qos: self.qos,
            groups,
            e2e: percentiles(&self.e2e),
            service: percentiles(&self.service),
            lag: percentiles(&self.lag),
            ..Window::default()
        };
        self.total = Flow::default();
        self.qos = [Flow::default(); 3];
        self.groups.fill(Flow::default());
        self.e2e.reset();
        self.service.reset();
        self.lag.reset();
        self.open(at);
        window
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

/// The points of a distribution of nanoseconds, with the distribution.
pub(crate) fn percentiles(samples: &Histogram<u64>) -> Percentiles {
    if samples.is_empty() {
        return Percentiles::default();
    }
    let at = |quantile| Duration::from_nanos(samples.value_at_quantile(quantile));
    Percentiles {
        count: samples.len(),
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        max: Duration::from_nanos(samples.max()),
        histogram: Some(EncodedHistogram::of(samples)),
    }
}

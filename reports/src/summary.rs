//! What a run amounts to: a fold over its observations.
//!
//! [`Summary::apply`] takes them one at a time, in order; memory stays bounded however long the run is (series are joined
//! to coarser windows, witnesses and events beyond the first few are only counted). It is pure: no clock, no files. The
//! load engine keeps one to judge thresholds, every renderer reads one, and `paddock report` rebuilds one from
//! `observations.jsonl`.
//!
//! Folding two halves and [merging](Summary::merge) them gives what folding the whole gives.

mod growth;
mod heat;
mod lookup;
mod requests;
mod samples;
mod series;

pub use growth::Growth;
pub use heat::{Heat, HeatColumn};
pub use lookup::{Counter, Rate};
pub use samples::Samples;
pub use series::{Point, Series};

use crate::labels::Labels;
use crate::observation::{
    Aborted, BrokerDrops, EncodedHistogram, Event, EventKind, Flow, GeneratorHealth, HistogramRecord, LedgerCounts,
    LedgerRow, Observation, Percentiles, Qos, RequestCounts, RunEnded, RunStarted, ThresholdOutcome, Window, Witness,
    WitnessKind, house_histogram, metric,
};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// Events kept in full, per kind; the rest is counted.
const EVENTS_KEPT: usize = 200;
/// Different texts kept of what the scenario did.
const DONE_KEPT: usize = 100;
/// Witnesses kept in full, per kind; the rest is counted.
const WITNESSES_KEPT: usize = 50;
/// Remarks about unreadable parts kept.
const REMARKS_KEPT: usize = 10;

/// The fold of a run. Figures are read with the methods of this type; see [`Summary::histogram`] and
/// [`Summary::counter`] for what thresholds need.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    run: Option<Box<RunStarted>>,
    stages: BTreeMap<String, StageTotals>,
    series: Series,
    heat: Heat,
    histograms: BTreeMap<(String, Labels), EncodedHistogram>,
    windowed: BTreeMap<(&'static str, String), Histogram<u64>>,
    events: BTreeMap<EventKind, Events>,
    done: BTreeMap<String, u64>,
    witnesses: BTreeMap<WitnessKind, Witnesses>,
    ledger: Option<BTreeMap<LedgerKey, LedgerCounts>>,
    drops: Option<BrokerDrops>,
    requests: BTreeMap<requests::Key, RequestCounts>,
    generator: Option<GeneratorHealth>,
    aborted: Option<Aborted>,
    thresholds: Vec<ThresholdOutcome>,
    ended: Option<RunEnded>,
    remarks: Samples<String, REMARKS_KEPT>,
    goes_on: bool,
}

/// Witnesses of one kind.
pub type Witnesses = Samples<Witness, WITNESSES_KEPT>;
/// Events of one kind.
pub type Events = Samples<Event, EVENTS_KEPT>;

type LedgerKey = (String, Qos, String);

/// What the windows of one stage amount to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StageTotals {
    /// Offset of the start, when it was announced.
    pub started: Option<Duration>,
    /// Offset of the end, when it was announced.
    pub ended: Option<Duration>,
    /// Time covered by its windows.
    pub covered: Duration,
    /// All its messages.
    pub total: Flow,
    /// By QoS.
    pub qos: [Flow; 3],
    /// By device group.
    pub groups: BTreeMap<String, Flow>,
}

impl Summary {
    /// Before the first observation.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, of a run that is shown while it lasts: without an end it goes on, and was not cut off.
    pub fn live() -> Self {
        Self { goes_on: true, ..Self::default() }
    }

    /// Whether the run goes on: it is shown live and has not ended.
    pub fn goes_on(&self) -> bool {
        self.goes_on && self.ended.is_none()
    }

    /// Folds one observation in.
    pub fn apply(&mut self, observation: &Observation) {
        match observation {
            Observation::RunStarted(run) => {
                self.run.get_or_insert_with(|| run.clone());
            }
            Observation::StageStarted(stage) => {
                self.stages.entry(stage.stage.clone()).or_default().started.get_or_insert(stage.at);
            }
            Observation::StageEnded(stage) => {
                self.stages.entry(stage.stage.clone()).or_default().ended = Some(stage.at);
            }
            Observation::Window(window) => self.apply_window(window),
            Observation::Event(event) => {
                self.events.entry(event.event).or_default().push(event.clone(), event.count);
                if event.event == EventKind::Injected {
                    self.apply_done(&event.text, event.count);
                }
            }
            Observation::Witness(witness) => {
                self.witnesses.entry(witness.fault).or_default().push(witness.clone(), 1);
            }
            Observation::Histogram(record) => self.apply_histogram(record),
            Observation::Ledger(ledger) => {
                let rows = self.ledger.get_or_insert_default();
                for row in &ledger.rows {
                    *rows.entry((row.group.clone(), row.qos, row.stage.clone())).or_default() += row.counts;
                }
            }
            Observation::BrokerDrops(drops) => self.drops = Some(drops.clone()),
            Observation::Requests(requests) => self.apply_requests(requests),
            Observation::GeneratorHealth(health) => self.generator = Some(health.clone()),
            Observation::Aborted(aborted) => {
                self.aborted.get_or_insert_with(|| aborted.clone());
            }
            Observation::Threshold(outcome) => self.thresholds.push(outcome.clone()),
            Observation::RunEnded(ended) => self.ended = Some(ended.clone()),
            // Evidence is joined, not shown; a suite is another kind of run, with reports of its own.
            Observation::Evidence(_)
            | Observation::SuiteStarted(_)
            | Observation::CaseJudged(_)
            | Observation::MutantJudged(_)
            | Observation::SuiteEnded(_) => {}
        }
    }

    fn apply_done(&mut self, text: &str, times: u64) {
        if let Some(before) = self.done.get_mut(text) {
            *before = before.saturating_add(times);
        } else if self.done.len() < DONE_KEPT {
            self.done.insert(text.to_owned(), times);
        }
    }

    /// Joins the fold of the observations that follow those of `self`.
    pub fn merge(&mut self, later: Self) {
        self.run = self.run.take().or(later.run);
        for (name, stage) in later.stages {
            self.stages.entry(name).or_default().merge(stage);
        }
        self.series.merge(&later.series);
        self.heat.merge(&later.heat);
        for ((metric, labels), histogram) in later.histograms {
            self.apply_histogram(&HistogramRecord { metric, labels, histogram });
        }
        for (key, histogram) in later.windowed {
            add(self.windowed.entry(key).or_insert_with(house_histogram), &histogram);
        }
        for (kind, events) in later.events {
            self.events.entry(kind).or_default().merge(events);
        }
        for (text, times) in later.done {
            self.apply_done(&text, times);
        }
        for (kind, witnesses) in later.witnesses {
            self.witnesses.entry(kind).or_default().merge(witnesses);
        }
        if let Some(rows) = later.ledger {
            let mine = self.ledger.get_or_insert_default();
            for (key, counts) in rows {
                *mine.entry(key).or_default() += counts;
            }
        }
        for (key, counts) in later.requests {
            *self.requests.entry(key).or_default() += counts;
        }
        self.drops = later.drops.or(self.drops.take());
        self.generator = later.generator.or(self.generator.take());
        self.aborted = self.aborted.take().or(later.aborted);
        self.thresholds.extend(later.thresholds);
        self.ended = later.ended.or(self.ended.take());
        self.remarks.merge(later.remarks);
    }

    fn apply_window(&mut self, window: &Window) {
        self.series.push(window);
        self.stages.entry(window.stage.clone()).or_default().push(window);
        let distributions: [(&'static str, &Percentiles); 4] = [
            (metric::E2E, &window.e2e),
            (metric::SERVICE, &window.service),
            (metric::GENERATOR_LAG, &window.lag),
            (metric::ROUND_TRIP, &window.round_trip),
        ];
        for (metric, percentiles) in distributions {
            let Some(encoded) = &percentiles.histogram else { continue };
            match encoded.decoded() {
                Ok(histogram) => {
                    if metric == metric::E2E {
                        self.heat.push(window.at, histogram);
                    }
                    let key = (metric, window.stage.clone());
                    add(self.windowed.entry(key).or_insert_with(house_histogram), histogram);
                }
                Err(error) => self.remarks.push(format!("a window's {metric}: {error}"), 1),
            }
        }
    }

    fn apply_histogram(&mut self, record: &HistogramRecord) {
        let mut sum = house_histogram();
        let key = (record.metric.clone(), record.labels.clone());
        for encoded in self.histograms.get(&key).into_iter().chain([&record.histogram]) {
            match encoded.decode() {
                Ok(histogram) => add(&mut sum, &histogram),
                Err(error) => {
                    self.remarks.push(format!("{}{}: {error}", record.metric, record.labels), 1);
                    return;
                }
            }
        }
        self.histograms.insert(key, EncodedHistogram::of(&sum));
    }

    /// The run's frame, once its first line was seen.
    pub fn run(&self) -> Option<&RunStarted> {
        self.run.as_deref()
    }

    /// The run's end, once seen. `None` for a run that was cut off.
    pub fn ended(&self) -> Option<&RunEnded> {
        self.ended.as_ref()
    }

    /// Everything over time, for charts and live progress.
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// How the latencies were spread over time, from the windows' histograms.
    pub fn heat(&self) -> &Heat {
        &self.heat
    }

    /// Totals per stage, by name; windows outside stages are under the empty name.
    pub fn stages(&self) -> &BTreeMap<String, StageTotals> {
        &self.stages
    }

    /// Which threshold ended the run before its time, when one did.
    pub fn aborted(&self) -> Option<&Aborted> {
        self.aborted.as_ref()
    }

    /// The thresholds judged so far, in order.
    pub fn thresholds(&self) -> &[ThresholdOutcome] {
        &self.thresholds
    }

    /// The generator's health, once judged.
    pub fn generator(&self) -> Option<&GeneratorHealth> {
        self.generator.as_ref()
    }

    /// Events of each kind: the first 200, and how many in all.
    pub fn events(&self) -> &BTreeMap<EventKind, Events> {
        &self.events
    }

    /// What the scenario itself did to the run, in words, and how often: the first 100 different ones.
    pub fn done(&self) -> &BTreeMap<String, u64> {
        &self.done
    }

    /// Witnesses of each kind: the first 50, and how many in all.
    pub fn witnesses(&self) -> &BTreeMap<WitnessKind, Witnesses> {
        &self.witnesses
    }

    /// Rows of the ledger, by group, QoS, stage; `None` before the ledger was written.
    pub fn ledger(&self) -> Option<Vec<LedgerRow>> {
        let rows = self.ledger.as_ref()?;
        let row = |((group, qos, stage), counts): (&LedgerKey, &LedgerCounts)| LedgerRow {
            qos: *qos,
            group: group.clone(),
            stage: stage.clone(),
            counts: *counts,
        };
        Some(rows.iter().map(row).collect())
    }

    /// What the broker says that it dropped; `None` where it does not say.
    pub fn broker_drops(&self) -> Option<&BrokerDrops> {
        self.drops.as_ref()
    }

    /// What could not be read, in words.
    pub fn remarks(&self) -> &Samples<String, REMARKS_KEPT> {
        &self.remarks
    }
}

impl StageTotals {
    fn push(&mut self, window: &Window) {
        self.covered = self.covered.saturating_add(window.length);
        self.total += window.total;
        self.add_parts(&window.qos, &window.groups);
    }

    fn merge(&mut self, later: Self) {
        self.started = self.started.or(later.started);
        self.ended = later.ended.or(self.ended);
        self.covered = self.covered.saturating_add(later.covered);
        self.total += later.total;
        self.add_parts(&later.qos, &later.groups);
    }

    fn add_parts(&mut self, qos: &[Flow; 3], groups: &BTreeMap<String, Flow>) {
        for (mine, theirs) in self.qos.iter_mut().zip(qos) {
            *mine += *theirs;
        }
        for (group, flow) in groups {
            *self.groups.entry(group.clone()).or_default() += *flow;
        }
    }
}

/// Adds without failing: what lies beyond the longest duration counts as the longest.
pub(crate) fn add(sum: &mut Histogram<u64>, other: &Histogram<u64>) {
    if sum.add(other).is_ok() {
        return;
    }
    for value in other.iter_recorded() {
        sum.saturating_record_n(value.value_iterated_to(), value.count_at_value());
    }
}

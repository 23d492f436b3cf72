//! Joins the segments of a split run: the folders of several processes as if one process had run it all.
//!
//! ```text
//!   frames ─▶ they belong together, none is missing ─▶ one frame
//!   windows, stages, events ─▶ in the order of their time, those of one second as one ─▶ recorded as they come
//!   histograms add, ledgers add, evidence and witnesses are collected ─▶ Joint
//! ```
//!
//! What is recorded is the run up to its account: only who knows the contract can close the ledger over all evidence and
//! judge. Memory: some windows, the histograms, the evidence; never the whole of a file.

mod clocks;
mod error;
mod frame;
mod timeline;
mod window;

use crate::labels::Labels;
use crate::observation::{
    BrokerDrops, Evidence, GeneratorHealth, HistogramRecord, LedgerCounts, LedgerRow, Observation, Qos, RequestRow,
    RunEnded, RunStarted, SegmentInfo, Witness, WitnessKind, house_histogram,
};
use crate::reader::ReadError;
use crate::summary::add;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

pub use clocks::Skew;
pub use error::MergeError;
use timeline::Timeline;

/// One segment: the name that errors give it, mostly its folder, and its observations in order.
#[derive(Debug)]
pub struct Part<R> {
    /// Its name.
    pub name: String,
    /// Its observations.
    pub reader: R,
}

/// What is left to be judged when all segments are read.
#[derive(Debug)]
pub struct Joint {
    /// The frame that was recorded.
    pub run: RunStarted,
    /// The segments in the order of their numbers.
    pub segments: Vec<Segment>,
    /// The distributions over the whole run.
    pub histograms: BTreeMap<(String, Labels), Histogram<u64>>,
    /// The account without losses, which no segment can know.
    pub ledger: Vec<LedgerRow>,
    /// What the broker says that it dropped: all segments ask the same one, and whoever asked for longest knows most.
    pub drops: Option<BrokerDrops>,
    /// The account of requests: who asked knows the answers, whoever gave them.
    pub requests: Vec<RequestRow>,
    /// Witnesses other than of losses, as recorded.
    pub witnesses: Vec<Witness>,
    /// Witnesses of losses within one segment: their intended starts are known.
    pub lost: Vec<Witness>,
}

/// What one segment says of itself.
#[derive(Debug)]
pub struct Segment {
    /// Which.
    pub info: SegmentInfo,
    /// How long after the first segment it started.
    pub offset: Duration,
    /// All its evidence.
    pub evidence: Evidence,
    /// Its generator.
    pub health: Option<GeneratorHealth>,
    /// Its end.
    pub ended: RunEnded,
}

/// Joins the segments and records the joint run up to its account.
///
/// # Errors
///
/// They cannot be read, or are not the segments of one run, each once. Nothing was recorded when the frames do not fit.
pub fn merge<R>(parts: Vec<Part<R>>, mut record: impl FnMut(Observation)) -> Result<Joint, MergeError>
where
    R: Iterator<Item = Result<Observation, ReadError>>,
{
    let mut parts: Vec<Open<R>> = parts.into_iter().map(Open::new).collect::<Result<_, _>>()?;
    parts.sort_by_key(|part| part.info.index);
    let (run, offsets) = frame::join(&parts)?;
    for (part, offset) in parts.iter_mut().zip(&offsets) {
        part.offset = *offset;
    }
    record(Observation::RunStarted(Box::new(run.clone())));
    let mut timeline = Timeline::new(parts.len());
    // Whoever is furthest behind reads on, so that what is read can be told in order.
    while let Some(behind) = parts.iter_mut().filter(|part| !part.is_read).min_by_key(|part| part.progress) {
        behind.read_on(&mut timeline)?;
        let reached = parts.iter().filter(|part| !part.is_read).map(|part| part.progress).min();
        timeline.tell(reached.unwrap_or(Duration::MAX), &mut record);
    }
    timeline.end(&mut record);
    close(run, parts)
}

/// A segment that is being read.
struct Open<R> {
    name: String,
    reader: R,
    run: RunStarted,
    info: SegmentInfo,
    offset: Duration,
    /// How far it was read, on the joint run's time.
    progress: Duration,
    is_read: bool,
    has_begun: bool,
    evidence: Evidence,
    histograms: Vec<HistogramRecord>,
    ledger: Vec<LedgerRow>,
    drops: Option<BrokerDrops>,
    requests: Vec<RequestRow>,
    witnesses: Vec<Witness>,
    health: Option<GeneratorHealth>,
    ended: Option<RunEnded>,
}

impl<R: Iterator<Item = Result<Observation, ReadError>>> Open<R> {
    fn new(part: Part<R>) -> Result<Self, MergeError> {
        let Part { name, mut reader } = part;
        let Some(Observation::RunStarted(run)) = reader.next().transpose()? else {
            return Err(MergeError::NotARun { name });
        };
        let info = match run.segments.as_slice() {
            [] => return Err(MergeError::NotASegment { name }),
            [info] => info.clone(),
            _ => return Err(MergeError::AlreadyJoined { name }),
        };
        Ok(Self {
            name,
            reader,
            run: *run,
            info,
            offset: Duration::ZERO,
            progress: Duration::ZERO,
            is_read: false,
            has_begun: false,
            evidence: Evidence::default(),
            histograms: Vec::new(),
            ledger: Vec::new(),
            drops: None,
            requests: Vec::new(),
            witnesses: Vec::new(),
            health: None,
            ended: None,
        })
    }

    /// Reads up to and including the next window.
    fn read_on(&mut self, timeline: &mut Timeline) -> Result<(), MergeError> {
        let shift = frame::whole_seconds(self.offset);
        for observation in self.reader.by_ref() {
            match observation? {
                Observation::Window(window) => {
                    self.progress = window.at.saturating_add(shift);
                    return timeline.window(&self.name, *window, shift);
                }
                Observation::StageStarted(stage) => {
                    self.has_begun = true;
                    timeline.stage_started(stage, shift);
                }
                Observation::StageEnded(stage) => timeline.stage_ended(stage, shift),
                Observation::Event(event) => timeline.event(&self.info, event, shift),
                Observation::Witness(witness) => self.witnesses.push(witness),
                Observation::Histogram(record) => self.histograms.push(record),
                Observation::Ledger(ledger) => self.ledger.extend(ledger.rows),
                Observation::BrokerDrops(drops) => self.drops = Some(drops),
                Observation::Requests(requests) => self.requests.extend(requests.rows),
                Observation::GeneratorHealth(health) => self.health = Some(health),
                Observation::RunEnded(ended) => self.ended = Some(ended),
                Observation::Evidence(evidence) => extend(&mut self.evidence, *evidence),
                // A segment judges no threshold; a suite is no run.
                Observation::RunStarted(_)
                | Observation::Aborted(_)
                | Observation::Threshold(_)
                | Observation::SuiteStarted(_)
                | Observation::CaseJudged(_)
                | Observation::MutantJudged(_)
                | Observation::SuiteEnded(_) => {}
            }
        }
        self.is_read = true;
        Ok(())
    }
}

/// What went wrong with a segment, most important first.
fn why(ended: &RunEnded) -> String {
    ended.reasons.first().cloned().unwrap_or_else(|| "it does not say why".to_owned())
}

fn extend(all: &mut Evidence, one: Evidence) {
    all.attendance = all.attendance.or(one.attendance);
    all.clients.extend(one.clients);
    all.streams.extend(one.streams);
    all.arrivals.extend(one.arrivals);
}

fn close<R>(run: RunStarted, parts: Vec<Open<R>>) -> Result<Joint, MergeError> {
    let mut histograms = BTreeMap::new();
    let mut rows: BTreeMap<(String, Qos, String), LedgerCounts> = BTreeMap::new();
    let (mut witnesses, mut lost, mut segments, mut requests) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut drops: Option<BrokerDrops> = None;
    for part in parts {
        let Some(ended) = part.ended else { return Err(MergeError::CutOff { name: part.name }) };
        if part.evidence.attendance.is_none() || !part.has_begun {
            return Err(MergeError::DidNotRun { name: part.name, reason: why(&ended) });
        }
        for record in part.histograms {
            let samples = record.histogram.decode();
            let samples = samples.map_err(|cause| MergeError::Histogram { name: part.name.clone(), cause })?;
            add(histograms.entry((record.metric, record.labels)).or_insert_with(house_histogram), &samples);
        }
        for row in part.ledger {
            let counts = rows.entry((row.group, row.qos, row.stage)).or_default();
            *counts += LedgerCounts { lost: 0, expected: 0, ..row.counts };
        }
        requests.extend(part.requests);
        drops = drops.into_iter().chain(part.drops).max_by_key(BrokerDrops::total);
        let (of_losses, others): (Vec<_>, Vec<_>) =
            part.witnesses.into_iter().partition(|witness| witness.fault == WitnessKind::Lost);
        lost.extend(of_losses);
        witnesses.extend(others);
        let Open { info, offset, evidence, health, .. } = Open {
            ended: None,
            histograms: Vec::new(),
            ledger: Vec::new(),
            drops: None,
            requests: Vec::new(),
            witnesses: Vec::new(),
            ..part
        };
        segments.push(Segment { info, offset, evidence, health, ended });
    }
    let row = |((group, qos, stage), counts)| LedgerRow { qos, group, stage, counts };
    let ledger = rows.into_iter().map(row).collect();
    Ok(Joint { run, segments, histograms, ledger, drops, requests, witnesses, lost })
}

//! A split run, joined: the account closed over the evidence of all segments, thresholds and verdict judged on the joint
//! figures.

mod clocks;

use std::{collections::BTreeMap, io, time::Duration};

use jiff::Timestamp;
use reports::{
    Observation, ReadError, Sink, Summary, Tee,
    merge::{MergeError, Part, Segment},
    metric,
    observation::{
        EncodedHistogram, Ending, Event, EventKind, GeneratorHealth, Health, HistogramRecord, Ledger, LedgerRow,
        Percentiles, Requests, Role, RunEnded, RunStarted, Witness, WitnessKind, house_histogram,
    },
};
use scenarios::model::{ExpressionError, Threshold};

use crate::{
    Exit, Outcome,
    judge::{self, Failure, Jury},
    ledger::{self, Closed, Joint, Misfit, RowKey, quality},
};

pub use clocks::Clocks;

/// Why a split run cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its segments do not belong together, or cannot be read.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// Their evidence contradicts itself.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// A threshold cannot be read.
    #[error("the threshold `{text}` of the segments cannot be read: {reason}")]
    Threshold {
        /// As the segments have it.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// How many witnesses of losses are kept.
const WITNESSES: usize = 100;

/// Joins segments, records the joint run into `sinks` and judges it. Gives the outcome and what the clocks are worth.
///
/// # Errors
///
/// The segments do not make up a run. What was recorded by then has no end.
pub fn merge<R>(parts: Vec<Part<R>>, sinks: Vec<Box<dyn Sink>>) -> Result<(Outcome, Clocks), Error>
where
    R: Iterator<Item = Result<Observation, ReadError>>,
{
    let mut record = Record { sinks: Box::new(Tee::new(sinks)), summary: Summary::new(), jury: Jury::new(&[]) };
    let mut joint = reports::merge::merge(parts, |observation| record.take(&observation))?;
    contract(&joint.run)?;
    let mut evidence = Joint::default();
    for segment in &mut joint.segments {
        let attendance = segment.evidence.attendance;
        evidence.add(std::mem::take(&mut segment.evidence))?;
        segment.evidence.attendance = attendance;
    }
    let (run, segments) = (&joint.run, &joint.segments);
    let closed = evidence.close(subscribers(run), run.stages.len(), devices(run).count() as u16, WITNESSES)?;

    let clocks = Clocks::of(segments);
    let at = segments.iter().map(|segment| segment.offset + segment.ended.at).max().unwrap_or_default();
    let warnings = clocks.warning().into_iter().chain(strange(&closed));
    for text in warnings {
        let event = Event { at, event: EventKind::Warning, count: 1, client: None, group: None, text };
        record.take(&Observation::Event(event));
    }
    for witness in joint.witnesses.iter().cloned().chain(lost(run, &closed, &joint.lost)) {
        record.take(&Observation::Witness(witness));
    }
    record.take(&Observation::Ledger(Ledger { rows: rows(run, &joint.ledger, &closed) }));
    if !joint.requests.is_empty() {
        record.take(&Observation::Requests(Requests { rows: joint.requests.clone() }));
    }
    for ((metric, labels), samples) in &joint.histograms {
        let histogram = EncodedHistogram::of(samples);
        let (metric, labels) = (metric.clone(), labels.clone());
        record.take(&Observation::Histogram(HistogramRecord { metric, labels, histogram }));
    }
    let mut lag = house_histogram();
    for ((name, _), samples) in &joint.histograms {
        if name == metric::GENERATOR_LAG {
            lag.add(samples).expect("both are house histograms");
        }
    }
    record.take(&Observation::GeneratorHealth(health(segments, Percentiles::of(&lag), at_p999(&lag))));
    if let Some(drops) = &joint.drops {
        record.take(&Observation::BrokerDrops(drops.clone()));
    }
    for outcome in record.jury.outcomes(&record.summary) {
        record.take(&Observation::Threshold(outcome));
    }
    Ok((record.conclude(segments, at, &closed), clocks))
}

struct Record {
    sinks: Box<Tee>,
    summary: Summary,
    jury: Jury,
}

impl Record {
    fn take(&mut self, observation: &Observation) {
        if let Observation::RunStarted(run) = observation
            // That it can be read is checked before anything is judged.
            && let Ok(contract) = contract(run)
        {
            self.jury = Jury::new(&contract);
        }
        self.jury.apply(observation);
        self.summary.apply(observation);
        self.sinks.record(observation).expect("a tee keeps its failures to the end");
    }

    fn conclude(mut self, segments: &[Segment], at: Duration, closed: &Closed) -> Outcome {
        let mut found = failures(segments);
        found.extend(apart(segments, closed));
        let (judged, reasons) = judge::verdict(&self.summary, None);
        let exit = Exit::worst(found.iter().map(|failure| failure.exit).chain([judged]));
        found.sort_by_key(|failure| failure.exit.rank());
        let mut all: Vec<String> = found.into_iter().map(|failure| failure.reason).collect();
        all.extend(reasons);
        let interrupted = segments.iter().any(|segment| segment.ended.ending == Ending::Interrupted);
        let aborted = segments.iter().any(|segment| segment.ended.ending == Ending::Aborted);
        let ended = RunEnded {
            at,
            ended_at: segments.iter().map(|segment| segment.ended.ended_at).max().unwrap_or_else(Timestamp::now),
            ending: match (aborted, interrupted) {
                (true, _) => Ending::Aborted,
                (false, true) => Ending::Interrupted,
                (false, false) => Ending::Completed,
            },
            verdict: exit.verdict(),
            exit_code: exit.code(),
            reasons: all.clone(),
        };
        self.take(&Observation::RunEnded(ended));
        let unwritten: Option<io::Error> = self.sinks.finish().err();
        Outcome {
            verdict: exit.verdict(),
            exit,
            reasons: all,
            answered: true,
            interrupted: false,
            unwritten: unwritten.map(|error| format!("cannot write the report: {error}")),
            summary: self.summary,
        }
    }
}

/// What the joint run must hold.
fn contract(run: &RunStarted) -> Result<Vec<Threshold>, Error> {
    let read = |text: &String| {
        text.parse()
            .map_err(|error: ExpressionError| Error::Threshold { text: text.clone(), reason: error.to_string() })
    };
    run.thresholds.iter().map(read).collect()
}

fn devices(run: &RunStarted) -> impl Iterator<Item = &str> {
    run.groups.iter().filter(|group| group.role == Role::Device).map(|group| group.name.as_str())
}

fn subscribers(run: &RunStarted) -> u64 {
    run.groups.iter().filter(|group| matches!(group.role, Role::Subscriber | Role::Idle)).map(|group| group.count).sum()
}

/// The segments' rows with what only all of them together know.
fn rows(run: &RunStarted, sums: &[LedgerRow], closed: &Closed) -> Vec<LedgerRow> {
    let groups: Vec<&str> = devices(run).collect();
    let row = |key: &RowKey| LedgerRow {
        qos: quality(key.qos),
        group: groups.get(usize::from(key.group)).copied().unwrap_or_default().to_owned(),
        stage: run.stages.get(usize::from(key.stage)).map(|stage| stage.name.clone()).unwrap_or_default(),
        counts: Default::default(),
    };
    let name = |row: &LedgerRow| (row.stage.clone(), row.group.clone(), row.qos);
    let mut rows: BTreeMap<_, LedgerRow> = sums.iter().map(|row| (name(row), row.clone())).collect();
    for lost in &closed.account.rows {
        let row = row(&lost.key);
        rows.entry(name(&row)).or_insert(row).counts.lost += lost.counts.lost;
    }
    for (key, count) in &closed.duplicated {
        let row = row(key);
        rows.entry(name(&row)).or_insert(row).counts.duplicated += count;
    }
    for LedgerRow { counts, .. } in rows.values_mut() {
        counts.expected = counts.received.saturating_sub(counts.duplicated) + counts.lost;
    }
    rows.into_values().filter(|row| row.counts != Default::default()).collect()
}

/// Witnesses of what was lost; `known` are those of the segments, which know when their own messages were intended.
fn lost(run: &RunStarted, closed: &Closed, known: &[Witness]) -> Vec<Witness> {
    let groups: Vec<&str> = devices(run).collect();
    let witnesses = closed.account.witnesses.iter().filter(|witness| witness.fault == ledger::Fault::Lost);
    let told = witnesses.filter_map(|witness| {
        let info = closed.ledger.stream(witness.stream)?;
        let subscriber = witness.reader.map_or("", |reader| closed.reader(reader));
        let same = |one: &&Witness| {
            (one.stream, one.sequence, one.subscriber.as_str())
                == (witness.stream.value(), witness.sequence, subscriber)
        };
        Some(Witness {
            fault: WitnessKind::Lost,
            topic: info.topic.to_string(),
            client: closed.clients.get(&witness.stream.value()).cloned().unwrap_or_default(),
            group: groups.get(usize::from(info.group)).copied().unwrap_or_default().to_owned(),
            subscriber: subscriber.to_owned(),
            stream: witness.stream.value(),
            sequence: witness.sequence,
            qos: quality(info.qos),
            intended: known.iter().find(same).and_then(|one| one.intended),
            received: None,
        })
    });
    told.collect()
}

fn strange(closed: &Closed) -> Option<String> {
    let count = closed.strange;
    (count > 0).then(|| format!("{count} arrivals carry numbers of messages that no segment sent"))
}

/// One generator that could not keep up spoils the run of all.
fn health(segments: &[Segment], lag: Percentiles, lag_p999: Duration) -> GeneratorHealth {
    let severity = |health: Health| match health {
        Health::Sound => 0,
        Health::Strained => 1,
        Health::Saturated => 2,
    };
    let judged: Vec<_> = segments.iter().filter_map(|segment| Some((segment, segment.health.as_ref()?))).collect();
    let worst = judged.iter().map(|(_, health)| health.health).max_by_key(|health| severity(*health));
    let worst = worst.unwrap_or(Health::Sound);
    let causes = judged.iter().filter(|(_, health)| health.health == worst && !health.cause.is_empty());
    let causes: Vec<String> =
        causes.map(|(segment, health)| format!("segment {}: {}", segment.info, health.cause)).collect();
    let cpu = judged.iter().filter_map(|(_, health)| health.cpu).reduce(f64::max);
    GeneratorHealth { health: worst, lag, lag_p999, cpu, cause: causes.join("; ") }
}

fn at_p999(lag: &hdrhistogram::Histogram<u64>) -> Duration {
    Duration::from_nanos(if lag.is_empty() { 0 } else { lag.value_at_quantile(0.999) })
}

/// What ended segments before they could do their share, saturation apart, which their health tells.
fn failures(segments: &[Segment]) -> Vec<Failure> {
    let failed = segments.iter().filter_map(|Segment { info, ended, .. }| {
        let told = || ended.reasons.iter().find(|reason| !reason.starts_with("partial")).cloned().unwrap_or_default();
        if ended.ending == Ending::Interrupted {
            return Some(Failure { exit: Exit::Inconclusive, reason: format!("segment {info} was interrupted") });
        }
        let exit = Exit::from_code(ended.exit_code).unwrap_or(Exit::Internal);
        let own = !matches!(exit, Exit::Pass | Exit::Inconclusive | Exit::Invalid | Exit::NothingRan);
        own.then(|| Failure { exit, reason: format!("segment {info}: {}", told()) })
    });
    failed.collect()
}

/// Why losses that were found may be none: a segment did not listen while others sent, or could not remember what came.
fn apart(segments: &[Segment], closed: &Closed) -> Vec<Failure> {
    if closed.account.rows.iter().all(|row| row.counts.lost == 0) {
        return Vec::new();
    }
    let first = segments.iter().min_by_key(|segment| segment.offset);
    let last = segments.iter().max_by_key(|segment| segment.offset + attendance(segment).sent_until);
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    let mut reasons = Vec::new();
    for segment in segments.iter().filter(|segment| attendance(segment).subscribers > 0) {
        let here = attendance(segment);
        if segment.offset > first.offset + here.ready_before {
            let late = segment.offset - first.offset - here.ready_before;
            reasons
                .push(format!("segment {} began to listen {late:.1?} after {} had started", segment.info, first.info));
        }
        let sent = last.offset + attendance(last).sent_until;
        if segment.offset + here.until < sent {
            let early = sent - segment.offset - here.until;
            reasons.push(format!("segment {} ended {early:.1?} before {} had sent all", segment.info, last.info));
        }
        if here.untold > 0 {
            reasons.push(format!("segment {} had no room to remember {} arrivals", segment.info, here.untold));
        }
    }
    let invalid = |reason| Failure {
        exit: Exit::Invalid,
        reason: format!("what is missing may not be lost: {reason}; let all segments run from the same --start-at"),
    };
    reasons.into_iter().map(invalid).collect()
}

fn attendance(segment: &Segment) -> reports::observation::Attendance {
    segment.evidence.attendance.unwrap_or_default()
}

//! What a run saw, one value at a time: the only thing that reports read.
//!
//! A run writes its observations to `observations.jsonl`, one JSON object per line, `kind` naming the variant. The first
//! line is a [`RunStarted`] and carries the schema number. Readers ignore fields and kinds they do not know, so that a file
//! of a newer Paddock with the same schema number can still be judged; a file with another number is refused.
//!
//! All offsets count from the run's start ([`RunStarted::started_at`]) and are written in whole nanoseconds under a name
//! that ends in `_ns`; wall-clock times are RFC 3339 in UTC.

mod conformance;
mod event;
mod histogram;
mod ledger;
pub(crate) mod nanoseconds;
mod requests;
mod run;
mod segment;
mod verdict;
mod window;

pub use conformance::{
    CaseFinding, CaseJudged, CaseVerdict, FindingLevel, LineKind, MutantJudged, SuiteCase, SuiteEnded, SuiteStarted,
    SuiteStatement, SuiteTarget, TranscriptLine,
};
pub use event::{Event, EventKind, StageEnded, StageStarted, Witness, WitnessKind};
pub use histogram::{EncodedHistogram, HistogramError, HistogramRecord, house_histogram, metric};
pub use ledger::{BrokerDrops, Ledger, LedgerCounts, LedgerRow};
pub use requests::{RequestCounts, RequestRow, Requests};
pub use run::{DeviceGroup, Environment, PlannedStage, Preflight, Role, RunStarted, ScenarioInfo, TargetInfo, Tool};
pub use segment::{
    ArrivalEvidence, Attendance, ClientEvidence, Evidence, NotSpans, SegmentInfo, Spans, StreamEvidence,
    SubscriptionEvidence,
};
pub use verdict::{
    Aborted, Ending, GeneratorHealth, Health, RunEnded, Stretch, ThresholdOutcome, ThresholdResult, Unit, Verdict,
};
pub use window::{Flow, Kept, Percentiles, ProcessUsage, Qos, Window};

use serde::{Deserialize, Serialize};

/// The schema number this version writes, and the only one it reads. It changes when an old reader would misread a new
/// file; added fields and kinds leave it alone.
pub const SCHEMA: u32 = 1;

/// One thing a run saw.
///
/// Order in a file: one `RunStarted`; then stages, windows, events and witnesses as they happen; then `Evidence` in a
/// split run, `Ledger`, `Requests`, `Histogram`s, `GeneratorHealth` and `BrokerDrops`; then `Threshold`s; then one `RunEnded`. A file that ends early is an interrupted run
/// and still readable. A conformance run has its own frame: `SuiteStarted`, judgements, `SuiteEnded`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Observation {
    /// The run's frame: tool, scenario, target, plan, environment.
    RunStarted(Box<RunStarted>),
    /// A stage of the scenario began.
    StageStarted(StageStarted),
    /// A stage of the scenario ended.
    StageEnded(StageEnded),
    /// What happened within about one second.
    Window(Box<Window>),
    /// Something exceptional: a connection lost, an injected fault, a warning.
    Event(Event),
    /// Evidence for one message that was lost, duplicated, reordered or late.
    Witness(Witness),
    /// What one share of a split run knows of its messages.
    Evidence(Box<Evidence>),
    /// One distribution over the whole run, for one set of labels.
    Histogram(HistogramRecord),
    /// The account of every message.
    Ledger(Ledger),
    /// The account of every request; absent where nobody asks.
    Requests(Requests),
    /// Whether the generator kept up with its own schedule.
    GeneratorHealth(GeneratorHealth),
    /// What the broker says that it dropped; absent where it does not say.
    BrokerDrops(BrokerDrops),
    /// A threshold ended the run before its time.
    Aborted(Aborted),
    /// One threshold of the contract, judged.
    Threshold(ThresholdOutcome),
    /// How the run ended, and its verdict.
    RunEnded(RunEnded),
    /// The frame of a conformance run: tool, targets, statements, cases.
    SuiteStarted(Box<SuiteStarted>),
    /// One case, judged.
    CaseJudged(Box<CaseJudged>),
    /// One mutant, tried with one case.
    MutantJudged(Box<MutantJudged>),
    /// How a conformance run ended.
    SuiteEnded(SuiteEnded),
}

//! What a search for capacity found: one document, `capacity.json`. Its schema is `capacity.schema.json` beside this crate's
//! manifest.
//!
//! * [`Capacity`]: the whole of it. Everything that people are shown is drawn from it.
//! * [`Step`]: one run of the search, with what came out.
//! * [`Answer`]: the figure, and how far it can be relied on.
//! * [`CapacityFolder`]: where the document and the run folders of the steps lie.

mod answer;
mod folder;
mod step;
mod words;

pub use answer::{Answer, Ceiling, Fit, Headroom, Limit, Limiter, PHASES, Resource};
pub use folder::CapacityFolder;
pub use step::{BrokerLoad, GeneratorLoad, Latency, Step, StepKind, StepVerdict};
pub use words::{block, figure, outcome, quantity, sentence};

use crate::observation::{Ending, Environment, Preflight, ScenarioInfo, TargetInfo, Tool, nanoseconds};
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path, time::Duration};

/// Number of the document's schema. Added fields leave it alone; readers ignore what they do not know.
pub const CAPACITY_SCHEMA: u32 = 1;

/// What the document is, for programs that are given any.
pub const CAPACITY_DOCUMENT: &str = "paddock.capacity";

/// A search for capacity and what it found. It is written after every step, so that a search that was cut off is there as far
/// as it went. Durations are whole nanoseconds under names that end in `_ns`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Capacity found by Paddock")]
pub struct Capacity {
    /// What the document is: `paddock.capacity`.
    pub document: String,
    /// Schema number.
    pub schema: u32,
    /// The program that searched.
    pub tool: Tool,
    /// Seed of everything random; every step has the same.
    pub seed: u64,
    /// Wall clock at the start, RFC 3339.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// Wall clock at the end; absent while the search goes on, and for one that was cut off.
    #[schemars(with = "Option<String>")]
    pub ended_at: Option<Timestamp>,
    /// The command line that reproduces it, secrets replaced.
    pub command: Vec<String>,
    /// The scenario that the steps vary.
    pub scenario: ScenarioInfo,
    /// Against what.
    pub target: TargetInfo,
    /// Whose capacity it is.
    pub subject: Subject,
    /// What was searched, and how.
    pub search: Searched,
    /// Every step, in order.
    pub steps: Vec<Step>,
    /// The highest figure that a step held, confirmed or not.
    pub held: Option<f64>,
    /// The lowest figure that a step did not hold, whatever the cause.
    pub not_held: Option<f64>,
    /// What was found.
    pub answer: Answer,
    /// The answer in one sentence.
    pub sentence: String,
    /// What ended it; absent when nothing did or nothing is known.
    pub limiter: Option<Limiter>,
    /// The answer against the phases of the farm; only for rates with an answer.
    pub headroom: Vec<Headroom>,
    /// The generator's own ceiling, when it was measured or given.
    pub ceiling: Option<Ceiling>,
    /// The Universal Scalability Law fitted to the steps: an annotation, never the answer. Absent below six points.
    pub fit: Option<Fit>,
    /// Where the generator ran.
    pub environment: Environment,
    /// What was checked before the first step.
    pub preflight: Vec<Preflight>,
    /// What a reader must know besides: parts of the scenario that a search leaves out.
    pub remarks: Vec<String>,
    /// How it ended; absent as long as it goes on.
    pub ending: Option<Ending>,
    /// Exit code of the process; absent as long as it goes on.
    pub exit_code: Option<u8>,
}

/// Whose capacity was searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The broker's.
    Broker,
    /// The generator's own, against a sink that does as little as can be done.
    Generator,
}

/// What was searched, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Searched {
    /// What the steps vary.
    pub dimension: Dimension,
    /// What a step must hold, as written: `e2e: p(99)<200ms`.
    pub slo: Vec<String>,
    /// How late the generator may be; absent in documents of earlier versions.
    #[serde(default)]
    pub lag_limit: Option<LagLimit>,
    /// Messages published per second meanwhile, where something else is searched.
    #[serde(default)]
    pub rate: Option<f64>,
    /// The first figure tried.
    pub start: f64,
    /// The highest figure that may be tried.
    pub most: f64,
    /// Why none above it: `--max`, or a limit of this machine in words.
    pub most_because: String,
    /// How far the answer may lie below what is no longer held, as a share of it: 0.05.
    pub tolerance: f64,
    /// How many longer runs the answer must hold.
    pub confirmations: u32,
    /// How long a step is measured.
    #[serde(rename = "hold_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub hold: Duration,
    /// How long a confirmation is measured.
    #[serde(rename = "confirmation_hold_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub confirmation_hold: Duration,
}

/// How late the generator may be in a step before the step is about it, and not about the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LagLimit {
    /// The longest lag, from intended start to sending. It is compared with p99.9 of a step's messages, or with the highest
    /// percentile that ten of them lie beyond.
    #[serde(rename = "limit_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub limit: Duration,
    /// Why so long, as a fragment: `a tenth of what e2e: p(99)<200ms allows`.
    pub because: String,
}

/// What a search varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Messages published per second.
    Rate,
    /// Open connections, while the scenario's load goes on.
    Connections,
    /// Subscribers that each message goes to.
    FanOut,
}

impl Dimension {
    /// `msg/s`, `connections`, `subscribers per message`; for one figure see [`quantity`].
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Rate => "msg/s",
            Self::Connections => "connections",
            Self::FanOut => "subscribers per message",
        }
    }

    /// As on the command line: `rate`, `connections`, `fan-out`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Connections => "connections",
            Self::FanOut => "fan-out",
        }
    }
}

/// The document, pretty-printed, with a final line break.
///
/// # Errors
/// When a figure cannot be written as JSON.
pub fn capacity_json(capacity: &Capacity) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(capacity)?;
    text.push('\n');
    Ok(text)
}

/// Reads a document.
///
/// # Errors
/// When the file cannot be read, or is no document of this kind.
pub fn read(path: &Path) -> io::Result<Capacity> {
    let capacity: Capacity = serde_json::from_slice(&fs::read(path)?)?;
    match capacity.document == CAPACITY_DOCUMENT && capacity.schema == CAPACITY_SCHEMA {
        true => Ok(capacity),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "it is another document, or of another version")),
    }
}

/// The JSON schema of [`capacity_json`].
pub fn capacity_schema() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Capacity>()
}

//! The frame of a run: everything that is known before the first message.

use super::{Qos, SegmentInfo, nanoseconds};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// First line of every run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// [`SCHEMA`](super::SCHEMA) of the writer.
    pub schema: u32,
    /// The program that ran.
    pub tool: Tool,
    /// Short identity of this run; the first field of every message stamp (8 lower-case hex digits).
    pub run_id: String,
    /// Seed of everything random.
    pub seed: u64,
    /// Wall clock at offset zero.
    pub started_at: Timestamp,
    /// What was to be run.
    pub scenario: ScenarioInfo,
    /// Against what.
    pub target: TargetInfo,
    /// The command line that reproduces the run, program name first, secrets already replaced by the caller.
    #[serde(default)]
    pub command: Vec<String>,
    /// Planned stages in order.
    #[serde(default)]
    pub stages: Vec<PlannedStage>,
    /// Device groups and subscribers.
    #[serde(default)]
    pub groups: Vec<DeviceGroup>,
    /// The contract, as written in the scenario: `e2e{qos:1}: p(99)<200ms`.
    #[serde(default)]
    pub thresholds: Vec<String>,
    /// Where the generator ran.
    #[serde(default)]
    pub environment: Environment,
    /// What was checked before the first message.
    #[serde(default)]
    pub preflight: Vec<Preflight>,
    /// The shares of a split run: one in the folder of a share, all in the folder of the run that they were joined to, none
    /// for a run of one process.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentInfo>,
}

impl RunStarted {
    /// The share that this is, when it is one of several and not what they were joined to.
    pub fn segment(&self) -> Option<&SegmentInfo> {
        match self.segments.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}

/// The program and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `paddock`.
    pub name: String,
    /// Semantic version.
    pub version: String,
}

/// The scenario as a reader should see it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioInfo {
    /// Identifier: `phase-1`.
    pub name: String,
    /// Heading: `Phase 1, design rate`.
    #[serde(default)]
    pub title: String,
    /// A few sentences of plain text; blank lines separate paragraphs.
    #[serde(default)]
    pub description: String,
    /// The deployment phase in words (`phase 1`), when the scenario belongs to one.
    #[serde(default)]
    pub phase: Option<String>,
}

/// The broker under load.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetInfo {
    /// URL without credentials: `mqtt://127.0.0.1:41883`.
    pub address: String,
    /// What stands there, as far as known: `reference broker 0.1.0 (child process, 1 worker)`.
    #[serde(default)]
    pub description: String,
    /// Protocol versions spoken: `3.1.1`, `5.0`.
    #[serde(default)]
    pub versions: Vec<String>,
}

/// One stage of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedStage {
    /// Unique within the run.
    pub name: String,
    /// Planned offset of its start.
    #[serde(rename = "start_ns", with = "nanoseconds")]
    pub start: Duration,
    /// Planned length, ramp included.
    #[serde(rename = "duration_ns", with = "nanoseconds")]
    pub duration: Duration,
    /// Intended messages per second at its end, when the stage names a rate.
    #[serde(default)]
    pub rate: Option<f64>,
    /// False for warm-up, ramp and drain: shown, but not part of figures and thresholds.
    pub measured: bool,
}

/// A group of clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceGroup {
    /// Name in the scenario, the value of the label `group`.
    pub name: String,
    /// Device model or kind of application: `milk_meter`, `dashboard`.
    #[serde(default)]
    pub model: String,
    /// What its clients do.
    pub role: Role,
    /// How many clients.
    pub count: u64,
    /// QoS of its telemetry or subscriptions, when it is one.
    #[serde(default)]
    pub qos: Option<Qos>,
}

/// What the clients of a group do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Publishes measured messages.
    Device,
    /// Receives and accounts for them.
    Subscriber,
    /// Holds a connection only.
    Idle,
    /// Asks devices and gets answers.
    Requester,
}

/// The machine of the generator. Unknown figures are `None` or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Host name.
    #[serde(default)]
    pub host: String,
    /// Operating system and kernel: `Linux 6.1.0`.
    #[serde(default)]
    pub kernel: String,
    /// Processor model.
    #[serde(default)]
    pub processor: String,
    /// Cores this process may use.
    #[serde(default)]
    pub cores: Option<u32>,
    /// Main memory in bytes.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// Open files this process may have, after raising the limit.
    #[serde(default)]
    pub file_limit: Option<u64>,
    /// Whether the target shares this machine.
    #[serde(default)]
    pub shared_with_target: bool,
}

/// One thing checked before the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preflight {
    /// What: `open files`, `net.core.somaxconn`.
    pub name: String,
    /// Found; `not readable` where the machine does not tell.
    pub observed: String,
    /// Wanted.
    pub wanted: String,
    /// False becomes a warning in every report; null where it could not be read.
    pub ok: Option<bool>,
    /// Why it matters, one sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// A command that sets it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub how: String,
}

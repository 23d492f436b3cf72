//! Judgements: the generator's health, thresholds, the end.

use super::{Percentiles, nanoseconds};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Whether the generator kept up with its own schedule, over the measured stages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GeneratorHealth {
    /// The judgement.
    pub health: Health,
    /// Intended start to actual send.
    #[serde(default)]
    pub lag: Percentiles,
    /// 999 of 1000 messages were sent within this after their intended start.
    #[serde(default, rename = "lag_p999_ns", with = "nanoseconds")]
    pub lag_p999: Duration,
    /// Processor time per elapsed time: 1.0 is one full core.
    #[serde(default)]
    pub cpu: Option<f64>,
    /// Why, in words; empty when sound.
    #[serde(default)]
    pub cause: String,
}

/// How the generator did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It kept its schedule.
    Sound,
    /// It was late at times; the figures stand, with this note.
    Strained,
    /// It was the bottleneck; the run says nothing about the target.
    Saturated,
}

/// One threshold of the contract, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdOutcome {
    /// As written in the scenario: `e2e{qos:1}: p(99)<200ms`.
    pub expression: String,
    /// The measured value in the base unit of `unit`; absent when nothing was measured.
    #[serde(default)]
    pub observed: Option<f64>,
    /// Unit of `observed`.
    pub unit: Unit,
    /// The judgement.
    pub result: ThresholdResult,
    /// Why, in words; for a pass usually empty.
    #[serde(default)]
    pub reason: String,
    /// The stretch of the run that `observed` is of: the worst one. Absent when it is of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<Stretch>,
}

/// A stretch of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stretch {
    /// Offset of its start.
    #[serde(rename = "at_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub at: Duration,
    /// Its length.
    #[serde(rename = "length_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub length: Duration,
}

/// A threshold ended the run before its time: it could no longer hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Aborted {
    /// When.
    #[serde(rename = "at_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub at: Duration,
    /// The threshold, as written in the scenario.
    pub expression: String,
    /// What was seen, in words.
    pub reason: String,
}

/// What a threshold's value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Time, in nanoseconds.
    Nanoseconds,
    /// A number of messages, deliveries, connections.
    Count,
    /// Per second.
    PerSecond,
    /// A share from 0 to 1.
    Ratio,
    /// Memory, in bytes.
    Bytes,
    /// Processor time per elapsed time.
    Cores,
}

/// How a threshold came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdResult {
    /// Held.
    Pass,
    /// Missed.
    Fail,
    /// Could not be decided, for instance because nothing was measured.
    Inconclusive,
}

/// Last line of a run that ended in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnded {
    /// When.
    #[serde(rename = "at_ns", with = "nanoseconds")]
    pub at: Duration,
    /// Wall clock.
    pub ended_at: Timestamp,
    /// How.
    pub ending: Ending,
    /// The judgement.
    pub verdict: Verdict,
    /// Exit code of the process (design: exit codes of every verb).
    pub exit_code: u8,
    /// One fragment per reason, most important first; empty for a clean pass.
    #[serde(default)]
    pub reasons: Vec<String>,
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All stages ran.
    Completed,
    /// Someone stopped it.
    Interrupted,
    /// It stopped itself: target unreachable, `abort_on_fail`, an internal error.
    Aborted,
}

/// The verdict on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every threshold held and the ledger is clean where the contract asks for it.
    Pass,
    /// A threshold was missed.
    Fail,
    /// The generator was the bottleneck: no statement about the target.
    Invalid,
    /// Too little was measured to decide.
    Inconclusive,
    /// The run could not do its work: target unreachable, internal error.
    Error,
}

//! One run of a search.

use crate::observation::{Health, ThresholdOutcome, nanoseconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One run of a search: what was asked of the target, and what came out. Figures are of the measured part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Counts from 1.
    pub number: u32,
    /// What it was for.
    pub kind: StepKind,
    /// 1, or 2 when the same was tried again because the first said nothing about the target.
    pub attempt: u32,
    /// The figure that was tried, in the unit of the search.
    pub asked: f64,
    /// What came of it, in the same unit; absent when nothing was measured.
    pub achieved: Option<f64>,
    /// How long it was measured.
    #[serde(rename = "hold_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub hold: Duration,
    /// How it came out.
    pub verdict: StepVerdict,
    /// Why, in words; empty when it held.
    pub reason: String,
    /// Each demand of the SLO, judged.
    pub slo: Vec<ThresholdOutcome>,
    /// Messages published per second.
    pub sent_per_second: Option<f64>,
    /// Deliveries per second.
    pub received_per_second: Option<f64>,
    /// Intended start to received.
    pub latency: Option<Latency>,
    /// Dialling to CONNACK, over the whole run.
    pub connect: Option<Latency>,
    /// Open connections, at most.
    pub connections: u64,
    /// Messages that were due.
    pub intended: u64,
    /// Deliveries that never came.
    pub lost: u64,
    /// Deliveries beyond the expected one.
    pub duplicated: u64,
    /// Messages that never left the generator.
    pub not_sent: u64,
    /// Messages that were refused or never acknowledged.
    pub unacknowledged: u64,
    /// The generator's part.
    pub generator: GeneratorLoad,
    /// What the target used; absent figures are not known.
    pub broker: BrokerLoad,
    /// Its run folder, relative to the document's: `steps/01-500`.
    pub folder: String,
}

/// What a step was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Before the search; its verdict does not count.
    WarmUp,
    /// Doubling until the SLO breaks, or halving until it holds.
    Doubling,
    /// Between what held and what did not.
    Bisection,
    /// A longer run at the answer.
    Confirmation,
}

/// How a step came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepVerdict {
    /// The target held the SLO.
    Held,
    /// The target broke it.
    Broke,
    /// The generator was the bottleneck: nothing is known of the target.
    Saturated,
    /// Too little is known to decide.
    Inconclusive,
    /// Interrupted before it could be judged.
    Interrupted,
    /// The target went away or was not there: nothing is known of what it can do.
    Gone,
}

/// Points of one distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// Samples.
    pub count: u64,
    /// Mean.
    #[serde(rename = "mean_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub mean: Duration,
    /// Median.
    #[serde(rename = "p50_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub p50: Duration,
    /// 95 of 100 samples are at most this.
    #[serde(rename = "p95_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub p95: Duration,
    /// 99 of 100 samples are at most this.
    #[serde(rename = "p99_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub p99: Duration,
    /// The largest.
    #[serde(rename = "max_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub max: Duration,
}

/// The generator in one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratorLoad {
    /// Its health; absent when it was not judged.
    pub health: Option<Health>,
    /// 999 of 1000 messages were sent within this after their intended start.
    #[serde(rename = "lag_p999_ns", with = "nanoseconds::option")]
    #[schemars(with = "Option<u64>")]
    pub lag_p999: Option<Duration>,
    /// Processor time per elapsed time: 1.0 is one full core.
    pub cpu: Option<f64>,
}

/// The target in one step. Absent figures are not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrokerLoad {
    /// Processor time per elapsed time, on average over the measured part: 1.0 is one full core.
    pub cpu: Option<f64>,
    /// The highest of its seconds.
    pub cpu_peak: Option<f64>,
    /// Resident memory at most, in bytes.
    pub rss_bytes: Option<u64>,
    /// Open files at most.
    pub open_files: Option<u64>,
}

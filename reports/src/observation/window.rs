//! One second of a run.

use super::{EncodedHistogram, nanoseconds};
use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What happened within one interval, one second unless the run ended earlier. Windows follow each other without gaps and
/// each belongs to one stage; a stage that ends within a second ends the window too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Window {
    /// Offset of its start.
    #[serde(rename = "at_ns", with = "nanoseconds")]
    pub at: Duration,
    /// Its length.
    #[serde(rename = "length_ns", with = "nanoseconds")]
    pub length: Duration,
    /// The stage it belongs to; empty outside stages (connecting, draining).
    pub stage: String,
    /// All messages.
    pub total: Flow,
    /// Messages by the QoS they were published with: index 0, 1, 2.
    pub qos: [Flow; 3],
    /// Messages by the device group that published them.
    pub groups: BTreeMap<String, Flow>,
    /// Open connections (all roles) at its end.
    pub connections: u64,
    /// Intended start to received, of messages received in this window.
    pub e2e: Percentiles,
    /// Actual send to received, of messages received in this window.
    pub service: Percentiles,
    /// Intended start to actual send, of messages sent in this window.
    pub lag: Percentiles,
    /// Intended start of a request to its answer, of answers received in this window.
    #[serde(skip_serializing_if = "Percentiles::is_empty")]
    pub round_trip: Percentiles,
    /// The target's process, when it is on this machine.
    pub target: Option<ProcessUsage>,
    /// The generator's own process.
    pub generator: Option<ProcessUsage>,
    /// What thresholds that look at seconds need besides, by what they select: `e2e{group:meter,qos:1}`, labels in order.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, Kept>,
}

/// What one window keeps of one selection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// Its messages, when messages can be selected so; a subscriber group cannot.
    pub flow: Flow,
    /// Its samples, of a metric of time: of messages with an intended start in a measured stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<EncodedHistogram>,
    /// Its open connections at the window's end, of the metric `connections`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<u64>,
}

/// Message counts of one interval or of a whole run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Flow {
    /// Messages whose intended start lies in the interval.
    pub intended: u64,
    /// Messages handed to a connection.
    pub sent: u64,
    /// Messages whose publisher got the last acknowledgement of their QoS (QoS 0: none).
    pub acknowledged: u64,
    /// Deliveries that the sent messages must cause: one per matching subscriber, one per shared group.
    pub expected: u64,
    /// Deliveries that arrived, duplicates included.
    pub received: u64,
}

impl std::ops::AddAssign for Flow {
    fn add_assign(&mut self, other: Self) {
        self.intended = self.intended.saturating_add(other.intended);
        self.sent = self.sent.saturating_add(other.sent);
        self.acknowledged = self.acknowledged.saturating_add(other.acknowledged);
        self.expected = self.expected.saturating_add(other.expected);
        self.received = self.received.saturating_add(other.received);
    }
}

/// Points of one distribution. All zero when `count` is zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Percentiles {
    /// Samples.
    pub count: u64,
    /// Median.
    #[serde(rename = "p50_ns", with = "nanoseconds")]
    pub p50: Duration,
    /// 95 of 100 samples are at most this.
    #[serde(rename = "p95_ns", with = "nanoseconds")]
    pub p95: Duration,
    /// 99 of 100 samples are at most this.
    #[serde(rename = "p99_ns", with = "nanoseconds")]
    pub p99: Duration,
    /// The largest sample.
    #[serde(rename = "max_ns", with = "nanoseconds")]
    pub max: Duration,
    /// The whole distribution of the interval. Feeds `latency.hlog`, and the figures of a run that was cut off before its
    /// final histograms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<EncodedHistogram>,
}

impl Percentiles {
    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Those of a distribution of nanoseconds, with the distribution.
    pub fn of(samples: &Histogram<u64>) -> Self {
        if samples.is_empty() {
            return Self::default();
        }
        let at = |quantile| Duration::from_nanos(samples.value_at_quantile(quantile));
        Self {
            count: samples.len(),
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: Duration::from_nanos(samples.max()),
            histogram: Some(EncodedHistogram::of(samples)),
        }
    }
}

/// Resources of one process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessUsage {
    /// Processor time used per elapsed time: 1.0 is one full core. Absent when unknown.
    pub cpu: Option<f64>,
    /// Resident memory in bytes.
    pub rss_bytes: Option<u64>,
    /// Open file descriptors.
    pub open_files: Option<u64>,
}

/// Quality of Service of a message. On the wire: 0, 1, 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Qos {
    /// QoS 0.
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce,
    /// QoS 2.
    ExactlyOnce,
}

impl Qos {
    /// All three in order; a position is the QoS number.
    pub const ALL: [Self; 3] = [Self::AtMostOnce, Self::AtLeastOnce, Self::ExactlyOnce];

    /// 0, 1 or 2: the index into [`Window::qos`].
    pub fn index(self) -> usize {
        usize::from(u8::from(self))
    }
}

impl From<Qos> for u8 {
    fn from(qos: Qos) -> Self {
        match qos {
            Qos::AtMostOnce => 0,
            Qos::AtLeastOnce => 1,
            Qos::ExactlyOnce => 2,
        }
    }
}

impl TryFrom<u8> for Qos {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        Self::ALL.get(usize::from(number)).copied().ok_or_else(|| format!("QoS is 0, 1 or 2, not {number}"))
    }
}

impl fmt::Display for Qos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", u8::from(*self))
    }
}

impl JsonSchema for Qos {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Qos".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 0, "maximum": 2 })
    }
}

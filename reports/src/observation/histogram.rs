//! Distributions as they travel: HdrHistogram V2, deflated, base64.

use crate::labels::Labels;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// Names of the distributions that reports know. Others are kept and listed, not drawn.
pub mod metric {
    /// Intended start to received: what a user of the farm waits.
    pub const E2E: &str = "e2e";
    /// Actual send to received: what the broker took.
    pub const SERVICE: &str = "service";
    /// Intended start to actual send: how late the generator itself was.
    pub const GENERATOR_LAG: &str = "generator_lag";
    /// CONNECT written to CONNACK read.
    pub const CONNECT: &str = "connect";
    /// SUBSCRIBE to the last retained message, for each subscriber that came late.
    pub const RETAINED: &str = "retained";
    /// CONNACK to the last message of a queue, for each subscriber that was away.
    pub const DRAIN: &str = "drain";
    /// Intended start of a request to its answer.
    pub const ROUND_TRIP: &str = "round_trip";
}

/// One distribution over the whole run. The records of one metric are a partition: every sample lies in exactly one of
/// them, so that merging any selection counts no sample twice. A second record with the same name and labels adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistogramRecord {
    /// See [`metric`].
    pub metric: String,
    /// What sets these samples apart: `qos`, `stage`, `group`.
    #[serde(default)]
    pub labels: Labels,
    /// The samples, in nanoseconds.
    pub histogram: EncodedHistogram,
}

/// A histogram of nanoseconds as text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EncodedHistogram {
    text: String,
    #[serde(skip)]
    decoded: OnceLock<Histogram<u64>>,
}

/// The text: what was decoded is not worth its memory a second time.
impl Clone for EncodedHistogram {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), decoded: OnceLock::new() }
    }
}

impl PartialEq for EncodedHistogram {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for EncodedHistogram {}

/// Why a histogram could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// Not base64.
    #[error("histogram is not base64: {0}")]
    Base64(String),
    /// Not a deflated HdrHistogram V2.
    #[error("histogram is not HdrHistogram V2 with deflate: {0}")]
    Format(String),
}

/// The longest duration our histograms hold, one hour in nanoseconds. Record with `saturating_record`.
const LONGEST: u64 = 3_600_000_000_000;

/// An empty histogram of nanoseconds as Paddock uses it everywhere: 1 ns to 1 h, three significant digits. Histograms
/// configured alike merge without loss.
pub fn house_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("1 ns to 1 h with three digits is a valid configuration")
}

impl EncodedHistogram {
    /// Encodes a histogram of nanoseconds.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(histogram, &mut bytes)
            .expect("writing to memory cannot fail and counts fit the format");
        Self { text: STANDARD.encode(bytes), decoded: OnceLock::new() }
    }

    /// Decodes it.
    ///
    /// # Errors
    /// When the text is not what [`EncodedHistogram::of`] (or any HdrHistogram V2 writer) produces.
    pub fn decode(&self) -> Result<Histogram<u64>, HistogramError> {
        let bytes = STANDARD.decode(&self.text).map_err(|error| HistogramError::Base64(error.to_string()))?;
        Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| HistogramError::Format(error.to_string()))
    }

    /// The same, decoded once for everybody who asks: for what several sinks look at before it is gone, since it holds its quarter
    /// of a megabyte from then on.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decoded(&self) -> Result<&Histogram<u64>, HistogramError> {
        if let Some(decoded) = self.decoded.get() {
            return Ok(decoded);
        }
        let decoded = self.decode()?;
        Ok(self.decoded.get_or_init(|| decoded))
    }

    /// The base64 text, as interval logs hold it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

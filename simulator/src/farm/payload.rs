//! What payloads have in common: the envelope of the farm, and rounding.

use schemars::JsonSchema;
use serde::Serialize;

use super::{clock::Timestamp, herd::Tag};

/// The version of the envelope.
pub(super) const SCHEMA_VERSION: &str = "1.0";

/// The envelope around every message of the farm.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Envelope<'a, D> {
    /// The version of this shape.
    #[schemars(regex(pattern = r"^1\.0$"))]
    pub(super) schema_version: &'static str,
    /// The device: its Client Identifier, its User Name and its topic segment.
    #[schemars(length(min = 1))]
    pub(super) device_id: &'a str,
    /// The type of the device.
    pub(super) device_type: DeviceType,
    /// When it was measured.
    pub(super) timestamp: Timestamp,
    /// Where the device is.
    pub(super) location: Location<'a>,
    /// What was measured.
    pub(super) data: D,
    /// The device's own condition.
    pub(super) metadata: Metadata<'a>,
    /// What the device thinks of the values.
    #[serde(skip_serializing_if = "Quality::is_empty")]
    #[schemars(default)]
    pub(super) quality: Quality,
}

/// The types of devices that the farm's consumers know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[expect(missing_docs, reason = "the names are the farm's")]
pub enum DeviceType {
    MilkMeter,
    RfidReader,
    EnvironmentalSensor,
    ActivityTracker,
    FeedStation,
    ColdStorageMonitor,
    QualityAnalyzer,
}

/// A place on the farm.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Location<'a> {
    /// The barn, or `gates`.
    pub(super) barn_id: &'a str,
    /// The stall of a parlour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stall_id: Option<u32>,
    /// The part of the barn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) zone: Option<&'static str>,
}

/// The condition of a device.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Metadata<'a> {
    /// The firmware that runs.
    pub(super) firmware_version: &'static str,
    /// Received signal strength, dBm.
    #[schemars(range(min = -100, max = -20))]
    pub(super) signal_strength: i32,
    /// Charge of the battery, percent; 100 on mains.
    #[schemars(range(min = 0, max = 100))]
    pub(super) battery_level: u32,
    /// The gateway that the device talks through.
    pub(super) gateway_id: &'a str,
    /// Counts the device's boots.
    pub(super) boot_id: u32,
    /// Counts what the device measured and its alerts or, in a status, its statuses: in each it never falls and never repeats.
    pub(super) sequence: u64,
}

/// Verdicts of the device on its own values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Quality {
    /// Of the milk's conductivity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) conductivity_status: Option<ConductivityStatus>,
    /// Of the milk's volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) volume_status: Option<VolumeStatus>,
    /// Of any other value with thresholds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<Level>,
}

impl Quality {
    /// No verdict.
    pub(super) const NONE: Self = Self { conductivity_status: None, volume_status: None, status: None };

    pub(super) fn level(level: Level) -> Self {
        Self { status: Some(level), ..Self::NONE }
    }

    fn is_empty(&self) -> bool {
        *self == Self::NONE
    }
}

/// The conductivity of milk: elevated above 5.5 mS/cm, high above 6.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub(super) enum ConductivityStatus {
    Normal,
    WarningElevated,
    AlertHigh,
}

/// The volume of a milking: low under 5 litres, high above 40.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub(super) enum VolumeStatus {
    Low,
    Normal,
    High,
}

/// How far a value is beyond its thresholds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub(super) enum Level {
    #[default]
    Normal,
    Warning,
    Alert,
    Critical,
}

impl Level {
    /// The level of `value` over three rising thresholds.
    pub(super) fn over(value: f64, thresholds: [f64; 3]) -> Self {
        match thresholds.iter().filter(|&&threshold| value > threshold).count() {
            0 => Self::Normal,
            1 => Self::Warning,
            2 => Self::Alert,
            _ => Self::Critical,
        }
    }
}

/// A value beyond a threshold, for the alert topics.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Alert<'a> {
    /// What is wrong.
    pub(super) r#type: &'static str,
    /// The device that noticed.
    pub(super) device_id: &'a str,
    /// The animal concerned, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) animal_rfid: Option<Tag>,
    /// The value that crossed the threshold.
    pub(super) value: f64,
    /// The same in words.
    pub(super) message: &'static str,
    /// When it was measured.
    pub(super) timestamp: Timestamp,
}

/// `value` with the given number of decimals, at most 6, so that it prints short.
pub(super) fn rounded(value: f64, decimals: usize) -> f64 {
    let scale = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6][decimals.min(6)];
    // Adding 0.0 turns -0.0 into 0.0.
    (value * scale).round() / scale + 0.0
}

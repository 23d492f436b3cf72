//! Which devices a farm is made of.

use std::time::Duration;

use protocol::QoS;

use super::Model;

/// The devices of a farm and its calendar.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The instant that `at` counts from, in milliseconds since 1970-01-01T00:00:00Z. It is also midnight, local time.
    pub epoch_ms: i64,
    /// Put before every topic and filter, such as `run-7f/`; empty for none.
    pub prefix: String,
    /// The devices, by group.
    pub groups: Vec<Group>,
}

/// Some devices of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The group's name in reports.
    pub name: String,
    /// The kind of device.
    pub model: Model,
    /// How many.
    pub count: u32,
    /// The QoS of telemetry; absent takes each topic's own.
    pub qos: Option<QoS>,
    /// Time between the messages of one device in shape `day`; absent takes the model's natural interval.
    pub interval: Option<Duration>,
    /// The share of one device of this group in shape `design`; absent takes the natural rate of its model.
    pub weight: Option<f64>,
}

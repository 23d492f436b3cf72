//! What devices say about themselves: birth, will, farewell, heartbeat, answers.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Model, Request,
    barn::Barn,
    clock::Moment,
    device::{Device, Number, Spot, firmware, write},
    payload::Quality,
    schedule,
};

/// Whether a device is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Presence {
    Online,
    Offline,
}

/// Status of a device of the farm; the envelope's metadata adds firmware and boot.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StatusData<'a> {
    status: Presence,
    /// Counts the device's connections: a status of an earlier one came late.
    connection: u32,
    /// Since the boot that `metadata.boot_id` names.
    uptime_seconds: u64,
    /// Mean time between two messages.
    #[schemars(range(min = 0.001))]
    interval_seconds: f64,
    /// Why the device booted last.
    reset_cause: ResetCause,
    /// Whether the device's clock is right.
    time_quality: TimeQuality,
    /// The answer to a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer<'a>>,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum ResetCause {
    PowerOn,
    Restart,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum TimeQuality {
    Synchronized,
}

/// Status or heartbeat of an ESP32 logger.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Esp32Status<'a> {
    #[serde(rename = "deviceId")]
    device_id: &'a str,
    status: Presence,
    firmware: &'static str,
    /// Counts the boots.
    boot: u32,
    /// Counts the connections: a status of an earlier one came late.
    connection: u32,
    /// Seconds since the boot.
    uptime: u64,
    /// Received signal strength, dBm.
    #[schemars(range(min = -100, max = -20))]
    rssi: i32,
    /// Mean seconds between two readings.
    #[schemars(range(min = 0.001))]
    interval: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer<'a>>,
}

/// Status of a prop controller.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PropStatus<'a> {
    controller: &'a str,
    status: Presence,
    /// Unix seconds.
    timestamp: i64,
    firmware: &'static str,
    /// Counts the boots.
    boot: u32,
    /// Counts the connections: a status of an earlier one came late.
    connection: u32,
    /// Seconds since the boot.
    uptime: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer<'a>>,
}

/// What became of a request.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Answer<'a> {
    /// What kind of request it was.
    pub(super) request: RequestKind,
    /// The command, where one was understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<&'a str>,
    /// As the request gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) correlation_id: Option<&'a str>,
    /// What became of it.
    pub(super) outcome: Outcome,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
}

/// A configuration or a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum RequestKind {
    Config,
    Command,
}

impl From<Request> for RequestKind {
    fn from(request: Request) -> Self {
        match request {
            Request::Config => Self::Config,
            Request::Command => Self::Command,
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Outcome {
    /// Done.
    Accepted,
    /// Not understood, not known or out of range; nothing has changed.
    Rejected,
    /// Done before under the same correlation id; not done again.
    Duplicate,
    /// Retained or past its time; not done.
    Stale,
}

/// The status of `device` as a payload. `connection` is the one that it speaks of.
pub(super) fn payload(
    device: &mut Device,
    barn: &Barn,
    moment: Moment,
    connection: u32,
    presence: Presence,
    answer: Option<Answer<'_>>,
) -> Vec<u8> {
    let interval = schedule::interval(device, barn).as_secs_f64();
    device.statuses += 1;
    let sequence = device.statuses;
    let (boot, uptime) = (device.boots, device.uptime(moment.at));
    match device.model {
        Model::Esp32 => write(&Esp32Status {
            device_id: &device.name,
            status: presence,
            firmware: firmware(device.model),
            boot,
            connection,
            uptime,
            rssi: device.signal(sequence),
            interval,
            answer,
        }),
        Model::PropController => write(&PropStatus {
            controller: &device.name,
            status: presence,
            timestamp: moment.timestamp().unix_seconds(),
            firmware: firmware(device.model),
            boot,
            connection,
            uptime,
            answer,
        }),
        _ => {
            let data = StatusData {
                status: presence,
                connection,
                uptime_seconds: uptime,
                interval_seconds: interval,
                reset_cause: if boot <= 1 { ResetCause::PowerOn } else { ResetCause::Restart },
                time_quality: TimeQuality::Synchronized,
                answer,
            };
            let spot = Spot { at_gates: device.model == Model::GateReader, ..Spot::default() };
            device.envelope(barn, moment, spot, data, Quality::NONE, Number { boot, sequence })
        }
    }
}

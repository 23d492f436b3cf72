//! Device groups.

use std::{fmt, str::FromStr, time::Duration};

use serde::Serialize;

use super::{BrokerId, Factor, Fill, Name, PayloadSize, QoS, Rate, Template, TopicTemplate, Version};

/// Addresses a group of [`super::Scenario::devices`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct GroupId(pub u16);

/// Devices of one model that behave alike.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceGroup {
    /// The group's name in events, thresholds and reports.
    pub name: Name,
    /// The broker that they connect to.
    pub broker: BrokerId,
    /// The kind of device.
    pub model: DeviceModel,
    /// How many; at least 1.
    pub count: u32,
    /// Their Client Identifier, which is also the device's identifier in topics and payloads. Unique over the scenario.
    pub client_id: Template,
    /// Where telemetry goes; absent takes the model's own topics.
    pub topic: Option<TopicTemplate>,
    /// The QoS of telemetry; absent takes the model's own, topic by topic.
    pub qos: Option<QoS>,
    /// The size of every payload, of plain devices only.
    pub payload: Option<PayloadSize>,
    /// Whether telemetry is published with RETAIN.
    pub retain: bool,
    /// How many messages of telemetry each device keeps while it is offline; at least 1.
    pub buffer: u32,
    /// Messages per second at which a device sends what it kept; absent for as fast as its connection takes them.
    pub flush_rate: Option<Rate>,
    /// Time between two messages of one device under natural load; absent takes the model's own. Above 0.
    pub interval: Option<Duration>,
    /// One device's share of a stage's rate, relative to other devices; absent takes the model's natural rate.
    pub weight: Option<Factor>,
    /// The curve of [`super::Day::curves`] (an index) that the group's natural rate follows; absent is level.
    pub curve: Option<u16>,
    /// The barns that the devices are dealt to in turn; at least one.
    pub barns: Vec<BarnId>,
    /// The protocol version.
    pub version: Version,
    /// Whether each connection begins with an empty session.
    pub clean_start: bool,
    /// How long the broker keeps the session after the connection ends.
    pub session_expiry: Duration,
    /// The longest silence before PINGREQ; whole seconds, 0 for none, at most 65535 s.
    pub keep_alive: Duration,
    /// Which client library speaks for the devices.
    pub engine: Engine,
}

impl DeviceGroup {
    /// Whether the broker is to know a device's session again after a lost connection.
    #[must_use]
    pub fn keeps_session(&self) -> bool {
        !self.clean_start && (self.version == Version::V311 || !self.session_expiry.is_zero())
    }

    /// The barn of the group's device `n`, counted from 1.
    #[must_use]
    pub fn barn(&self, n: u32) -> &BarnId {
        let index = n.saturating_sub(1) as usize % self.barns.len();
        &self.barns[index]
    }

    /// The identifier of the group's device `n`, counted from 1.
    #[must_use]
    pub fn client_id(&self, n: u32) -> String {
        self.client_id.fill(&Fill { n, barn: self.barn(n).as_str(), id: "" })
    }
}

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceModel {
    /// Measures each milking at one stall of a parlour.
    MilkMeter,
    /// Analyses a sample of each milking.
    QualityAnalyzer,
    /// Identifies the animals that enter the stalls of a parlour.
    ParlourReader,
    /// Identifies the animals that pass a gate.
    GateReader,
    /// Air temperature in a barn.
    TemperatureSensor,
    /// Air humidity in a barn.
    HumiditySensor,
    /// Ammonia in a barn.
    AmmoniaSensor,
    /// Carbon dioxide in a barn.
    Co2Sensor,
    /// Dispenses concentrate.
    FeedingStation,
    /// Worn by one animal: activity, rumination, temperature, location.
    Collar,
    /// Watches a milk tank.
    ColdStorage,
    /// The ESP32 sensor of seed 001.
    Esp32,
    /// The prop controller of seed 003.
    PropController,
    /// A bare client: publishes bytes of a given size and says nothing else. For measuring, not for a farm.
    Plain,
}

impl DeviceModel {
    /// Whether its messages come with the milkings of its parlour, unless it is given an interval: then the sessions say
    /// when it speaks, and a curve has nothing to multiply.
    #[must_use]
    pub fn follows_milkings(self) -> bool {
        matches!(self, Self::MilkMeter | Self::QualityAnalyzer | Self::ParlourReader)
    }

    /// Every model with its name in scenarios.
    pub const ALL: [(Self, &'static str); 14] = [
        (Self::MilkMeter, "milk_meter"),
        (Self::QualityAnalyzer, "quality_analyzer"),
        (Self::ParlourReader, "parlour_reader"),
        (Self::GateReader, "gate_reader"),
        (Self::TemperatureSensor, "temperature_sensor"),
        (Self::HumiditySensor, "humidity_sensor"),
        (Self::AmmoniaSensor, "ammonia_sensor"),
        (Self::Co2Sensor, "co2_sensor"),
        (Self::FeedingStation, "feeding_station"),
        (Self::Collar, "collar"),
        (Self::ColdStorage, "cold_storage"),
        (Self::Esp32, "esp32"),
        (Self::PropController, "prop_controller"),
        (Self::Plain, "plain"),
    ];

    /// The model's name in scenarios, such as `milk_meter`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

impl fmt::Display for DeviceModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A barn's identifier, one level of a topic.
///
/// `gates` is no barn's: the tree keeps `smartdairy/farm/gates/...` for the readers between barns (seed 000 section 2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct BarnId(Name);

impl BarnId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for BarnId {
    type Err = String;

    /// The error is a lowercase fragment.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "gates" {
            return Err("`gates` is reserved: it stands at the barn's level of smartdairy/farm/gates".to_owned());
        }
        text.parse().map(Self).map_err(|error: super::NameError| error.to_string())
    }
}

impl fmt::Display for BarnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which client library speaks for a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// Paddock's own, built for many clients on one thread.
    #[default]
    Native,
    /// rumqttc, a library that devices in the field use: a second opinion.
    Rumqttc,
}

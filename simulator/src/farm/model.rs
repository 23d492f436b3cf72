//! The table of device kinds.

use std::{fmt, str::FromStr, time::Duration};

use protocol::QoS;

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// Measures each milking at one stall of a parlour.
    MilkMeter,
    /// Analyses a sample of each milking: fat, protein, solids, cells.
    QualityAnalyzer,
    /// Identifies the animals that enter the stalls of a parlour.
    ParlourReader,
    /// Identifies the animals that pass between barn and pasture.
    GateReader,
    /// Air temperature in a barn.
    TemperatureSensor,
    /// Air humidity in a barn.
    HumiditySensor,
    /// Ammonia in a barn.
    AmmoniaSensor,
    /// Carbon dioxide in a barn.
    Co2Sensor,
    /// Dispenses concentrate to one animal at a time.
    FeedingStation,
    /// Worn by one animal: activity, rumination, temperature, location.
    Collar,
    /// Watches a milk tank.
    ColdStorage,
    /// The temperature logger of seed 001 (Thermalog): `devices/{id}/...`.
    Esp32,
    /// The prop controller of seed 003 (Paragon): `paragon/{room}/...`.
    PropController,
}

/// What all devices of a model have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// The model's name in scenarios and reports.
    pub name: &'static str,
    /// `device_type` in the payload envelope (section 6); models without the envelope carry their name.
    pub device_type: &'static str,
    /// The topic of the device itself, with `{barn}`, `{room}` and `{id}` to fill in.
    pub base: &'static str,
    /// The topics of telemetry, in the order in which they take turns.
    pub telemetry: &'static [Leaf],
    /// The topic of status, birth and will.
    pub status: &'static str,
    /// The filters of configuration and commands.
    pub listens: &'static [&'static str],
    /// Natural time between two messages of one device, all topics together, as a mean over a day.
    pub interval: Duration,
    /// Time between two heartbeats.
    pub heartbeat: Duration,
}

/// One telemetry topic of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leaf {
    /// The topic, with placeholders as in [`Profile::base`].
    pub topic: &'static str,
    /// Turns it takes out of the sum over all leaves.
    pub share: u8,
    /// The natural delivery guarantee.
    pub qos: QoS,
}

impl Model {
    /// Every model, in the order of the table.
    pub const ALL: [Self; 13] = [
        Self::MilkMeter,
        Self::QualityAnalyzer,
        Self::ParlourReader,
        Self::GateReader,
        Self::TemperatureSensor,
        Self::HumiditySensor,
        Self::AmmoniaSensor,
        Self::Co2Sensor,
        Self::FeedingStation,
        Self::Collar,
        Self::ColdStorage,
        Self::Esp32,
        Self::PropController,
    ];

    /// What devices of this model have in common.
    #[must_use]
    pub fn profile(self) -> &'static Profile {
        todo!()
    }

    /// The model's name in scenarios and reports, such as `milk_meter`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MilkMeter => "milk_meter",
            Self::QualityAnalyzer => "quality_analyzer",
            Self::ParlourReader => "parlour_reader",
            Self::GateReader => "gate_reader",
            Self::TemperatureSensor => "temperature_sensor",
            Self::HumiditySensor => "humidity_sensor",
            Self::AmmoniaSensor => "ammonia_sensor",
            Self::Co2Sensor => "co2_sensor",
            Self::FeedingStation => "feeding_station",
            Self::Collar => "collar",
            Self::ColdStorage => "cold_storage",
            Self::Esp32 => "esp32",
            Self::PropController => "prop_controller",
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no model's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown device model {0:?}")]
pub struct UnknownModel(String);

impl FromStr for Model {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, UnknownModel> {
        Self::ALL.into_iter().find(|model| model.name() == name).ok_or_else(|| UnknownModel(name.to_owned()))
    }
}

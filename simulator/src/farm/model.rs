//! The table of device kinds.

use std::{fmt, str::FromStr, time::Duration};

use protocol::QoS;

pub use super::payload::DeviceType;

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
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
///
/// Topics are templates: `{barn}`, `{room}` and `{id}` stand for the device's own. Where the tree of seed 000 section 2.2
/// gives a model no `status` or `config`, they are added beside its data as the tree has them for the milk meter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// The model's name in scenarios and reports.
    pub name: &'static str,
    /// How device names begin; collars are named by the tag of their animal instead.
    pub stem: &'static str,
    /// The type in the payload envelope; absent for models that have payloads of their own.
    pub device_type: Option<DeviceType>,
    /// The topics of telemetry, in the order in which they take turns.
    pub telemetry: &'static [Leaf],
    /// The topic of status, birth and will.
    pub status: &'static str,
    /// The topic of signs of life.
    pub heartbeat_topic: &'static str,
    /// The topic of alerts, for models that raise any.
    pub alerts: Option<&'static str>,
    /// Where configuration and commands arrive.
    pub listens: &'static [Listen],
    /// Natural time between two messages of one device, all topics together, as a mean over a day.
    pub interval: Duration,
    /// How the messages spread over a day.
    pub rhythm: Rhythm,
    /// Time between two heartbeats.
    pub heartbeat: Duration,
}

/// One telemetry topic of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leaf {
    /// The topic.
    pub topic: &'static str,
    /// Turns it takes out of the sum over all leaves.
    pub share: u8,
    /// The natural delivery guarantee.
    pub qos: QoS,
}

/// A filter that a model subscribes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The filter. A last level `+` is the name of the command.
    pub filter: &'static str,
    /// What arrives there.
    pub request: Request,
}

/// What a device is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// To be in a state: may be retained, may come twice.
    Config,
    /// To act: once, and not when it is stale.
    Command,
}

/// How the messages of a device spread over a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rhythm {
    /// Evenly.
    Even,
    /// With the visits of the parlour.
    Parlour,
    /// By relative intensity for each hour of the day, the busiest being 1.
    Hours(&'static [f32; 24]),
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
        &PROFILES[self as usize]
    }

    /// The model's name in scenarios and reports, such as `milk_meter`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.profile().name
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

const fn leaf(topic: &'static str, share: u8, qos: QoS) -> Leaf {
    Leaf { topic, share, qos }
}

const fn config(filter: &'static str) -> Listen {
    Listen { filter, request: Request::Config }
}

const fn command(filter: &'static str) -> Listen {
    Listen { filter, request: Request::Command }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const CONTROL: Listen = command("smartdairy/commands/device/{id}/control");
const ENVIRONMENTAL_ALERTS: Option<&str> = Some("smartdairy/alerts/environmental");

/// Animals walk to the pasture after the morning's milking, come in before the evening's, and go out again.
const GATE_HOURS: [f32; 24] = [
    0.02, 0.02, 0.02, 0.02, 0.02, 0.1, 0.6, 1.0, 0.5, 0.1, 0.1, 0.1, //
    0.1, 0.1, 0.4, 1.0, 0.3, 0.2, 0.6, 0.8, 0.2, 0.02, 0.02, 0.02,
];

/// Six feeding windows, by day rather than by night.
const FEEDING_HOURS: [f32; 24] = [
    0.5, 0.1, 0.1, 0.1, 0.3, 0.6, 0.9, 1.0, 0.6, 0.4, 0.6, 0.9, //
    0.5, 0.4, 0.5, 0.7, 0.9, 1.0, 0.8, 0.6, 0.5, 0.6, 0.4, 0.3,
];

const PROFILES: [Profile; 13] = [
    Profile {
        name: "milk_meter",
        stem: "milk_meter",
        device_type: Some(DeviceType::MilkMeter),
        telemetry: &[leaf("smartdairy/farm/{barn}/milking_parlor/milk_meter/{id}/data", 1, QoS::AtLeastOnce)],
        status: "smartdairy/farm/{barn}/milking_parlor/milk_meter/{id}/status",
        heartbeat_topic: "smartdairy/farm/{barn}/milking_parlor/milk_meter/{id}/status",
        alerts: Some("smartdairy/alerts/milk_quality"),
        listens: &[config("smartdairy/farm/{barn}/milking_parlor/milk_meter/{id}/config"), CONTROL],
        interval: seconds(3600),
        rhythm: Rhythm::Parlour,
        heartbeat: seconds(60),
    },
    Profile {
        name: "quality_analyzer",
        stem: "quality_analyzer",
        device_type: Some(DeviceType::QualityAnalyzer),
        telemetry: &[leaf("smartdairy/farm/{barn}/milking_parlor/quality_analyzer/{id}/data", 1, QoS::AtLeastOnce)],
        status: "smartdairy/farm/{barn}/milking_parlor/quality_analyzer/{id}/status",
        heartbeat_topic: "smartdairy/farm/{barn}/milking_parlor/quality_analyzer/{id}/status",
        alerts: Some("smartdairy/alerts/milk_quality"),
        listens: &[config("smartdairy/farm/{barn}/milking_parlor/quality_analyzer/{id}/config"), CONTROL],
        interval: seconds(450),
        rhythm: Rhythm::Parlour,
        heartbeat: seconds(60),
    },
    Profile {
        name: "parlour_reader",
        stem: "rfid_reader",
        device_type: Some(DeviceType::RfidReader),
        telemetry: &[leaf("smartdairy/farm/{barn}/milking_parlor/rfid_reader/{id}/scan", 1, QoS::AtLeastOnce)],
        status: "smartdairy/farm/{barn}/milking_parlor/rfid_reader/{id}/status",
        heartbeat_topic: "smartdairy/farm/{barn}/milking_parlor/rfid_reader/{id}/status",
        alerts: None,
        listens: &[config("smartdairy/farm/{barn}/milking_parlor/rfid_reader/{id}/config"), CONTROL],
        interval: seconds(450),
        rhythm: Rhythm::Parlour,
        heartbeat: seconds(60),
    },
    Profile {
        name: "gate_reader",
        stem: "gate_reader",
        device_type: Some(DeviceType::RfidReader),
        telemetry: &[
            leaf("smartdairy/farm/gates/rfid_reader/{id}/scan", 2, QoS::AtLeastOnce),
            leaf("smartdairy/animal/herd/location_update", 1, QoS::AtLeastOnce),
        ],
        status: "smartdairy/farm/gates/rfid_reader/{id}/status",
        heartbeat_topic: "smartdairy/farm/gates/rfid_reader/{id}/status",
        alerts: None,
        listens: &[config("smartdairy/farm/gates/rfid_reader/{id}/config"), CONTROL],
        interval: seconds(150),
        rhythm: Rhythm::Hours(&GATE_HOURS),
        heartbeat: seconds(60),
    },
    Profile {
        name: "temperature_sensor",
        stem: "temperature",
        device_type: Some(DeviceType::EnvironmentalSensor),
        telemetry: &[leaf("smartdairy/farm/{barn}/environmental/temperature/{id}", 1, QoS::AtMostOnce)],
        status: "smartdairy/farm/{barn}/environmental/temperature/{id}/status",
        heartbeat_topic: "smartdairy/farm/{barn}/environmental/temperature/{id}/status",
        alerts: ENVIRONMENTAL_ALERTS,
        listens: &[config("smartdairy/farm/{barn}/environmental/temperature/{id}/config"), CONTROL],
        interval: seconds(60),
        rhythm: Rhythm::Even,
        heartbeat: seconds(300),
    },
    Profile {
        name: "humidity_sensor",
        stem: "humidity",
        device_type: Some(DeviceType::EnvironmentalSensor),
        telemetry: &[leaf("smartdairy/farm/{barn}/environmental/humidity/{id}", 1, QoS::AtMostOnce)],
        status: "smartdairy/farm/{barn}/environmental/humidity/{id}/status",
        heartbeat_topic: "smartdairy/farm/{barn}/environmental/humidity/{id}/status",
        alerts: ENVIRONMENTAL_ALERTS,
        listens: &[config("smartdairy/farm/{barn}/environmental/humidity/{id}/config"), CONTROL],
        interval: seconds(60),
        rhythm: Rhythm::Even,
        heartbeat: seconds(300),
    },
    Profile {
        name: "ammonia_sensor",
        stem: "ammonia",
        device_type: Some(DeviceType::EnvironmentalSensor),
        telemetry: &[leaf("smartdairy/farm/{barn}/environmental/ammonia/{id}", 1, QoS::AtLeastOnce)],
        status: "smartdairy/farm/{barn}/environmental/ammonia/{id}/status",
        heartbeat_topic: "smartdairy/farm/{barn}/environmental/ammonia/{id}/status",
        alerts: ENVIRONMENTAL_ALERTS,
        listens: &[config("smartdairy/farm/{barn}/environmental/ammonia/{id}/config"), CONTROL],
        interval: seconds(300),
        rhythm: Rhythm::Even,
        heartbeat: seconds(300),
    },
    Profile {
        name: "co2_sensor",
        stem: "co2",
        device_type: Some(DeviceType::EnvironmentalSensor),
        telemetry: &[leaf("smartdairy/farm/{barn}/environmental/co2/{id}", 1, QoS::AtMostOnce)],
        status: "smartdairy/farm/{barn}/environmental/co2/{id}/status",
        heartbeat_topic: "smartdairy/farm/{barn}/environmental/co2/{id}/status",
        alerts: ENVIRONMENTAL_ALERTS,
        listens: &[config("smartdairy/farm/{barn}/environmental/co2/{id}/config"), CONTROL],
        interval: seconds(60),
        rhythm: Rhythm::Even,
        heartbeat: seconds(300),
    },
    Profile {
        name: "feeding_station",
        stem: "feeding_station",
        device_type: Some(DeviceType::FeedStation),
        telemetry: &[
            leaf("smartdairy/farm/{barn}/feeding_station/{id}/consumption", 4, QoS::AtLeastOnce),
            leaf("smartdairy/farm/{barn}/feeding_station/{id}/inventory", 1, QoS::AtLeastOnce),
        ],
        status: "smartdairy/farm/{barn}/feeding_station/{id}/status",
        heartbeat_topic: "smartdairy/farm/{barn}/feeding_station/{id}/status",
        alerts: Some("smartdairy/alerts/system"),
        listens: &[config("smartdairy/farm/{barn}/feeding_station/{id}/config"), CONTROL],
        interval: seconds(240),
        rhythm: Rhythm::Hours(&FEEDING_HOURS),
        heartbeat: seconds(60),
    },
    Profile {
        name: "collar",
        stem: "",
        device_type: Some(DeviceType::ActivityTracker),
        telemetry: &[
            leaf("smartdairy/animal/{id}/activity", 1, QoS::AtMostOnce),
            leaf("smartdairy/animal/{id}/rumination", 1, QoS::AtMostOnce),
            leaf("smartdairy/animal/{id}/temperature", 1, QoS::AtMostOnce),
            leaf("smartdairy/animal/{id}/location", 1, QoS::AtMostOnce),
        ],
        status: "smartdairy/animal/{id}/status",
        heartbeat_topic: "smartdairy/animal/{id}/status",
        alerts: Some("smartdairy/alerts/animal_health"),
        listens: &[config("smartdairy/animal/{id}/config"), CONTROL],
        interval: seconds(225),
        rhythm: Rhythm::Even,
        heartbeat: seconds(900),
    },
    Profile {
        name: "cold_storage",
        stem: "cold_storage",
        device_type: Some(DeviceType::ColdStorageMonitor),
        telemetry: &[
            leaf("smartdairy/cold_storage/{id}/temperature", 2, QoS::AtLeastOnce),
            leaf("smartdairy/cold_storage/{id}/humidity", 1, QoS::AtMostOnce),
        ],
        status: "smartdairy/cold_storage/{id}/status",
        heartbeat_topic: "smartdairy/cold_storage/{id}/status",
        alerts: Some("smartdairy/cold_storage/alerts"),
        listens: &[config("smartdairy/cold_storage/{id}/config"), CONTROL],
        interval: seconds(60),
        rhythm: Rhythm::Even,
        heartbeat: seconds(60),
    },
    Profile {
        name: "esp32",
        stem: "ESP32",
        device_type: None,
        telemetry: &[leaf("devices/{id}/temperature", 1, QoS::AtLeastOnce)],
        status: "devices/{id}/status",
        heartbeat_topic: "devices/{id}/heartbeat",
        alerts: None,
        listens: &[config("devices/{id}/config"), command("devices/{id}/command")],
        interval: seconds(30),
        rhythm: Rhythm::Even,
        heartbeat: seconds(60),
    },
    Profile {
        name: "prop_controller",
        stem: "teensy",
        device_type: None,
        telemetry: &[
            leaf("paragon/{room}/sensors/{id}", 9, QoS::AtMostOnce),
            leaf("paragon/{room}/events/{id}", 1, QoS::AtLeastOnce),
        ],
        status: "paragon/{room}/status/{id}",
        heartbeat_topic: "paragon/{room}/status/{id}",
        alerts: None,
        listens: &[command("paragon/{room}/commands/+"), command("paragon/{room}/commands/{id}/+")],
        interval: seconds(5),
        rhythm: Rhythm::Even,
        heartbeat: seconds(30),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_finds_itself_by_its_name() {
        for model in Model::ALL {
            assert_eq!(model.name().parse(), Ok(model));
        }
        assert_eq!("cow".parse::<Model>().unwrap_err().to_string(), "unknown device model \"cow\"");
        let names: std::collections::HashSet<_> = Model::ALL.iter().map(|model| model.name()).collect();
        assert_eq!(names.len(), Model::ALL.len());
    }
}

//! The table of device kinds.

use std::time::Duration;

use protocol::QoS;
pub use scenarios::model::DeviceModel as Model;

pub use super::payload::DeviceType;

/// What all devices of a model have in common.
///
/// Topics are templates: `{barn}`, `{room}` and `{id}` stand for the device's own, `{tag}` for the animal that wears it. Where the tree of seed 000 section 2.2
/// gives a model no `status` or `config`, they are added beside its data as the tree has them for the milk meter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// The model.
    pub model: Model,
    /// The type in the payload envelope; absent for models that have payloads of their own.
    pub device_type: Option<DeviceType>,
    /// The topics of telemetry, in the order in which they take turns.
    pub telemetry: &'static [Leaf],
    /// The topic of status, birth and will; empty for a device that has none of them.
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

impl Profile {
    /// What devices of `model` have in common.
    #[must_use]
    pub fn of(model: Model) -> &'static Self {
        &PROFILES[model as usize]
    }

    /// Whether such a device only publishes: no Will, no birth, no heartbeat, no farewell.
    #[must_use]
    pub const fn is_bare(&self) -> bool {
        self.status.is_empty()
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

const PROFILES: [Profile; 14] = [
    Profile {
        model: Model::MilkMeter,
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
        model: Model::QualityAnalyzer,
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
        model: Model::ParlourReader,
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
        model: Model::GateReader,
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
        model: Model::TemperatureSensor,
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
        model: Model::HumiditySensor,
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
        model: Model::AmmoniaSensor,
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
        model: Model::Co2Sensor,
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
        model: Model::FeedingStation,
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
        model: Model::Collar,
        device_type: Some(DeviceType::ActivityTracker),
        telemetry: &[
            leaf("smartdairy/animal/{tag}/activity", 1, QoS::AtMostOnce),
            leaf("smartdairy/animal/{tag}/rumination", 1, QoS::AtMostOnce),
            leaf("smartdairy/animal/{tag}/temperature", 1, QoS::AtMostOnce),
            leaf("smartdairy/animal/{tag}/location", 1, QoS::AtMostOnce),
        ],
        status: "smartdairy/animal/{tag}/status",
        heartbeat_topic: "smartdairy/animal/{tag}/status",
        alerts: Some("smartdairy/alerts/animal_health"),
        listens: &[config("smartdairy/animal/{tag}/config"), CONTROL],
        interval: seconds(225),
        rhythm: Rhythm::Even,
        heartbeat: seconds(900),
    },
    Profile {
        model: Model::ColdStorage,
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
        model: Model::Esp32,
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
        model: Model::PropController,
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
    Profile {
        model: Model::Plain,
        device_type: None,
        telemetry: &[leaf("plain/{barn}/{id}", 1, QoS::AtMostOnce)],
        status: "",
        heartbeat_topic: "",
        alerts: None,
        listens: &[],
        interval: seconds(1),
        rhythm: Rhythm::Even,
        heartbeat: Duration::MAX,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_order_of_the_models() {
        for (model, _) in Model::ALL {
            assert_eq!(Profile::of(model).model, model);
        }
    }
}

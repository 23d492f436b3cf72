//! Which devices a farm is made of: what of a scenario the farm needs to know.

use std::{collections::HashMap, sync::Arc, time::Duration};

use protocol::QoS;
use scenarios::model::{Curve, Fill, PayloadSize, Scenario};

use super::Model;

/// The devices of a farm and its calendar.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The instant that `at` counts from, in milliseconds since 1970-01-01T00:00:00Z. It is midnight on the farm.
    pub epoch_ms: i64,
    /// The names of the barns; at least one.
    pub barns: Vec<String>,
    /// The devices, by group.
    pub groups: Vec<Group>,
}

/// Some devices of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The kind of device.
    pub model: Model,
    /// The devices.
    pub seats: Vec<Seat>,
    /// The QoS of telemetry; absent takes each topic's own.
    pub qos: Option<QoS>,
    /// The bytes of a payload, of plain devices only.
    pub payload: Option<usize>,
    /// Whether telemetry is published with RETAIN.
    pub retain: bool,
    /// Time between the messages of one device in shape `day`; absent takes the model's natural interval.
    pub interval: Option<Duration>,
    /// The share of one device of this group in shape `design`, above 0; absent takes the natural rate of its model.
    pub weight: Option<f64>,
    /// Multiplies the natural rate over the day; absent takes the model's natural rhythm.
    pub curve: Option<Arc<Curve>>,
}

/// One device of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Its identifier.
    pub name: String,
    /// The index of its barn in [`Plan::barns`].
    pub barn: u16,
    /// The topic of all its telemetry; absent takes the model's own.
    pub topic: Option<String>,
}

impl Group {
    /// `count` devices of `model` in the first `barns` barns in turn, named as the farm names them: `milk_meter_0001`,
    /// collars by the tag of their animal.
    #[must_use]
    pub fn new(model: Model, count: u32, barns: u16) -> Self {
        let seats = (0..count).map(|n| {
            let barn = u16::try_from(n % u32::from(barns.max(1))).expect("a remainder of 16 bits");
            let name = match model {
                Model::Collar => format!("999{:012}", n + 1),
                Model::Esp32 => format!("ESP32_{:03}", n + 1),
                _ => format!("{model}_{:04}", n + 1),
            };
            Seat { name, barn, topic: None }
        });
        let payload = (model == Model::Plain).then(|| PayloadSize::default().bytes());
        Self {
            model,
            seats: seats.collect(),
            qos: None,
            payload,
            retain: false,
            interval: None,
            weight: None,
            curve: None,
        }
    }
}

impl From<&Scenario> for Plan {
    fn from(scenario: &Scenario) -> Self {
        let number = |index: usize| u16::try_from(index).expect("a scenario has fewer than 65,536 barns");
        let barns: HashMap<&str, u16> =
            scenario.barns.iter().enumerate().map(|(index, barn)| (barn.as_str(), number(index))).collect();
        let curves: Vec<Arc<Curve>> = scenario.day.curves.iter().cloned().map(Arc::new).collect();
        let groups = scenario.devices.iter().map(|group| {
            let seats = (1..=group.count).map(|n| {
                let barn = group.barn(n).as_str();
                let name = group.client_id(n);
                let topic = group.topic.as_ref().map(|topic| topic.fill(&Fill { n, barn, id: &name }));
                Seat { barn: barns[barn], topic, name }
            });
            Group {
                model: group.model,
                seats: seats.collect(),
                qos: group.qos.map(qos),
                payload: group.payload.map(PayloadSize::bytes),
                retain: group.retain,
                interval: group.interval,
                weight: group.weight.map(|weight| weight.value()),
                curve: group.curve.map(|index| Arc::clone(&curves[usize::from(index)])),
            }
        });
        Self {
            epoch_ms: scenario.epoch_ms,
            barns: scenario.barns.iter().map(|barn| barn.as_str().to_owned()).collect(),
            groups: groups.collect(),
        }
    }
}

fn qos(qos: scenarios::model::QoS) -> QoS {
    match qos {
        scenarios::model::QoS::AtMostOnce => QoS::AtMostOnce,
        scenarios::model::QoS::AtLeastOnce => QoS::AtLeastOnce,
        scenarios::model::QoS::ExactlyOnce => QoS::ExactlyOnce,
    }
}

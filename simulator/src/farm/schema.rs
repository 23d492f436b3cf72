//! JSON schemas of every payload, generated from the types that write them.

use schemars::{JsonSchema, Schema, schema_for};

use super::{
    Model,
    models::{
        air::{ammonia::AmmoniaData, co2::Co2Data, humidity::HumidityData, temperature::TemperatureData},
        cold_storage::{RoomData, TankData},
        collar::{ActivityData, BodyData, LocationData, RuminationData},
        esp32::Reading,
        feeding_station::{ConsumptionData, InventoryData},
        gate_reader::LocationUpdate,
        milk_meter::MilkData,
        parlour_reader::ScanData,
        prop_controller::{EventData, SensorData},
        quality_analyzer::QualityData,
    },
    payload::{Alert, Envelope},
    status::{Esp32Status, PropStatus, StatusData},
};

/// The schema of each kind of payload with its name, such as `milk_meter.data`: the model and the last fixed level of the
/// topic; `alert` for all alerts.
#[must_use]
pub fn schemas() -> Vec<(String, Schema)> {
    let mut all = Vec::new();
    for (model, _) in Model::ALL {
        let telemetry: Vec<(&str, Schema)> = match model {
            // Its payloads are bytes.
            Model::Plain => continue,
            Model::MilkMeter => vec![("data", enveloped::<MilkData>())],
            Model::QualityAnalyzer => vec![("data", enveloped::<QualityData>())],
            Model::ParlourReader => vec![("scan", enveloped::<ScanData>())],
            Model::GateReader => {
                vec![("scan", enveloped::<ScanData>()), ("location_update", enveloped::<LocationUpdate>())]
            }
            Model::TemperatureSensor => vec![("temperature", enveloped::<TemperatureData>())],
            Model::HumiditySensor => vec![("humidity", enveloped::<HumidityData>())],
            Model::AmmoniaSensor => vec![("ammonia", enveloped::<AmmoniaData>())],
            Model::Co2Sensor => vec![("co2", enveloped::<Co2Data>())],
            Model::FeedingStation => {
                vec![("consumption", enveloped::<ConsumptionData>()), ("inventory", enveloped::<InventoryData>())]
            }
            Model::Collar => vec![
                ("activity", enveloped::<ActivityData>()),
                ("rumination", enveloped::<RuminationData>()),
                ("temperature", enveloped::<BodyData>()),
                ("location", enveloped::<LocationData>()),
            ],
            Model::ColdStorage => {
                vec![("temperature", enveloped::<TankData>()), ("humidity", enveloped::<RoomData>())]
            }
            Model::Esp32 => vec![("temperature", schema_for!(Reading))],
            Model::PropController => {
                vec![("sensors", schema_for!(SensorData<'_>)), ("events", schema_for!(EventData<'_>))]
            }
        };
        let status = match model {
            Model::Esp32 => schema_for!(Esp32Status<'_>),
            Model::PropController => schema_for!(PropStatus<'_>),
            _ => enveloped::<StatusData<'_>>(),
        };
        let named = telemetry.into_iter().chain([("status", status)]);
        all.extend(named.map(|(leaf, schema)| (format!("{}.{leaf}", model.name()), schema)));
    }
    all.push(("alert".to_owned(), schema_for!(Alert<'_>)));
    all
}

fn enveloped<D: JsonSchema>() -> Schema {
    schema_for!(Envelope<'_, D>)
}

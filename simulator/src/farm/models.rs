//! What each kind of device says. One model per file; [`super::model`] has their topics and intervals.

use super::{Model, device::Turn};

pub(super) mod air;
pub(super) mod cold_storage;
pub(super) mod collar;
pub(super) mod esp32;
pub(super) mod feeding_station;
pub(super) mod gate_reader;
pub(super) mod milk_meter;
pub(super) mod parlour_reader;
pub(super) mod prop_controller;
pub(super) mod quality_analyzer;

/// The payload of the next message of a device.
pub(super) fn telemetry(turn: &mut Turn<'_>) -> Vec<u8> {
    match turn.device.model {
        Model::MilkMeter => milk_meter::data(turn),
        Model::QualityAnalyzer => quality_analyzer::data(turn),
        Model::ParlourReader => parlour_reader::scan(turn),
        Model::GateReader => gate_reader::telemetry(turn),
        Model::TemperatureSensor => air::temperature::data(turn),
        Model::HumiditySensor => air::humidity::data(turn),
        Model::AmmoniaSensor => air::ammonia::data(turn),
        Model::Co2Sensor => air::co2::data(turn),
        Model::FeedingStation => feeding_station::telemetry(turn),
        Model::Collar => collar::telemetry(turn),
        Model::ColdStorage => cold_storage::telemetry(turn),
        Model::Esp32 => esp32::temperature(turn),
        Model::PropController => prop_controller::telemetry(turn),
        Model::Plain => unreachable!("its payload is a pattern"),
    }
}

//! The carbon dioxide sensor.

use schemars::JsonSchema;
use serde::Serialize;

use super::{air, judge, measured, spot};
use crate::farm::{device::Turn, payload::rounded};

/// Carbon dioxide in the air.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct Co2Data {
    #[schemars(range(min = 0.0, max = 5000.0))]
    co2_ppm: f64,
    /// How far the ventilation is open.
    #[schemars(range(min = 0.0, max = 100.0))]
    ventilation_percent: f64,
}

pub(in crate::farm) fn data(turn: &mut Turn<'_>) -> Vec<u8> {
    let (air, spot) = (air(turn), spot(turn));
    let co2_ppm = measured(turn, air.co2, 50.0, 0).clamp(0.0, 5000.0);
    let data = Co2Data { co2_ppm, ventilation_percent: rounded(air.ventilation, 0) };
    let quality = judge(turn, co2_ppm, [800.0, 1500.0, 3000.0], "HIGH_CO2", "carbon dioxide above 1500 ppm");
    turn.say(spot, data, quality)
}

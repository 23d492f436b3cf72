//! The temperature sensor.

use schemars::JsonSchema;
use serde::Serialize;

use super::{air, judge, measured, spot};
use crate::farm::{device::Turn, payload::rounded};

/// Air temperature and what the same board measures beside it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct TemperatureData {
    #[schemars(range(min = -10.0, max = 50.0))]
    temperature_celsius: f64,
    #[schemars(range(min = 900.0, max = 1100.0))]
    air_pressure_hpa: f64,
    #[schemars(range(min = 0.0, max = 120_000.0))]
    light_lux: f64,
}

pub(in crate::farm) fn data(turn: &mut Turn<'_>) -> Vec<u8> {
    let (air, spot) = (air(turn), spot(turn));
    let temperature_celsius = measured(turn, air.temperature, 0.5, 2).clamp(-10.0, 50.0);
    let data = TemperatureData {
        temperature_celsius,
        air_pressure_hpa: rounded(air.pressure, 1),
        light_lux: rounded(air.light, 0),
    };
    let quality = judge(turn, temperature_celsius, [28.0, 32.0, 38.0], "HIGH_TEMPERATURE", "barn above 32 degrees");
    turn.say(spot, data, quality)
}

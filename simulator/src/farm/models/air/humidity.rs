//! The humidity sensor; it computes the temperature-humidity index.

use schemars::JsonSchema;
use serde::Serialize;

use super::{air, judge, measured, spot};
use crate::farm::{
    climate::{dew_point, temperature_humidity_index},
    device::Turn,
    payload::rounded,
};

/// Air humidity and what follows from it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct HumidityData {
    #[schemars(range(min = 0.0, max = 100.0))]
    humidity_percent: f64,
    /// At the same probe.
    #[schemars(range(min = -10.0, max = 50.0))]
    temperature_celsius: f64,
    /// Degrees Celsius, by the formula of Magnus.
    #[schemars(range(min = -40.0, max = 50.0))]
    dew_point: f64,
    /// Temperature-humidity index: 0.8 T + RH (T - 14.4) + 46.4, RH from 0 to 1.
    #[schemars(range(min = 20.0, max = 110.0))]
    thi: f64,
}

pub(in crate::farm) fn data(turn: &mut Turn<'_>) -> Vec<u8> {
    let (air, spot) = (air(turn), spot(turn));
    let humidity_percent = measured(turn, air.humidity, 3.0, 1).clamp(0.0, 100.0);
    let temperature_celsius = measured(turn, air.temperature, 0.5, 2).clamp(-10.0, 50.0);
    // From the values as published, so that a consumer who computes it finds the same.
    let thi = rounded(temperature_humidity_index(temperature_celsius, humidity_percent), 1);
    let data = HumidityData {
        humidity_percent,
        temperature_celsius,
        dew_point: rounded(dew_point(temperature_celsius, humidity_percent), 2),
        thi,
    };
    let quality = judge(turn, thi, [68.0, 72.0, 78.0], "HEAT_STRESS", "temperature-humidity index above 72");
    turn.say(spot, data, quality)
}

//! The ammonia sensor.

use schemars::JsonSchema;
use serde::Serialize;

use super::{air, judge, measured, spot};
use crate::farm::{device::Turn, payload::rounded};

/// Ammonia in the air.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct AmmoniaData {
    #[schemars(range(min = 0.0, max = 100.0))]
    ammonia_ppm: f64,
    /// How far the ventilation is open.
    #[schemars(range(min = 0.0, max = 100.0))]
    ventilation_percent: f64,
}

pub(in crate::farm) fn data(turn: &mut Turn<'_>) -> Vec<u8> {
    let (air, spot) = (air(turn), spot(turn));
    let ammonia_ppm = measured(turn, air.ammonia, 0.6, 2).clamp(0.0, 100.0);
    let data = AmmoniaData { ammonia_ppm, ventilation_percent: rounded(air.ventilation, 0) };
    let quality = judge(turn, ammonia_ppm, [10.0, 25.0, 50.0], "HIGH_AMMONIA", "ammonia above 25 ppm");
    turn.say(spot, data, quality)
}

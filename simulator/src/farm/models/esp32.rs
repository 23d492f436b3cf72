//! The temperature logger of seed 001 (Thermalog): short payloads without the farm's envelope.

use schemars::JsonSchema;
use serde::Serialize;

use crate::farm::{
    device::{Turn, write},
    dice::{Dice, drift, mix},
    payload::rounded,
};

/// A reading, as the seed has it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct Reading {
    /// Degrees Celsius.
    #[schemars(range(min = -40.0, max = 85.0))]
    temp: f64,
    /// Relative humidity, percent.
    #[schemars(range(min = 0.0, max = 100.0))]
    humidity: f64,
}

pub(in crate::farm) fn temperature(turn: &mut Turn<'_>) -> Vec<u8> {
    let (seed, seconds) = (turn.device.seed, turn.moment.seconds());
    turn.device.sequence += 1;
    let room = Dice::new(seed, 1).between(19.0, 25.0);
    let warmth = ((turn.moment.hour() - 10.0) / 24.0 * std::f64::consts::TAU).sin();
    let temp = room + 1.5 * warmth + 0.8 * drift(mix(seed, 2), seconds, 1800.0) + 0.05 * turn.dice.normal();
    let humidity = 48.0 - 4.0 * warmth + 7.0 * drift(mix(seed, 3), seconds, 5400.0);
    write(&Reading { temp: rounded(temp, 1), humidity: rounded(humidity, 0) })
}

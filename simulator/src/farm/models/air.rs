//! The four sensors of a barn's air. All of one barn measure the same air, each with its own error.

pub(in crate::farm) mod ammonia;
pub(in crate::farm) mod co2;
pub(in crate::farm) mod humidity;
pub(in crate::farm) mod temperature;

use crate::farm::{
    climate::Air,
    device::{Raised, Spot, Turn},
    dice::Dice,
    payload::{Level, Quality, rounded},
};

const ZONES: [&str; 4] = ["north", "east", "south", "west"];

/// The air at the sensor's place.
fn air(turn: &Turn<'_>) -> Air {
    Air::inside(turn.barn.seed, turn.moment)
}

/// The lasting error of the sensor, in deviations.
fn offset(turn: &Turn<'_>) -> f64 {
    Dice::new(turn.device.seed, 0x0F).normal()
}

fn spot(turn: &Turn<'_>) -> Spot {
    Spot::zone(ZONES[turn.device.place as usize % ZONES.len()])
}

/// The verdict on a value over its thresholds; raises an alert where it rises beyond the second.
fn judge(turn: &mut Turn<'_>, value: f64, thresholds: [f64; 3], kind: &'static str, message: &'static str) -> Quality {
    let level = Level::over(value, thresholds);
    turn.note(level, Raised { kind, message, animal: None, value });
    Quality::level(level)
}

/// `value` with the sensor's lasting error and its noise, both as shares of `accuracy`.
fn measured(turn: &mut Turn<'_>, value: f64, accuracy: f64, decimals: usize) -> f64 {
    let error = 0.4 * offset(turn) + 0.15 * turn.dice.normal();
    rounded(value + accuracy * error, decimals)
}

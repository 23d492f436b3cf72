//! The watch of a milk tank: it warms with each milking, is cooled within two hours, and cycles until it is collected.

use schemars::JsonSchema;
use serde::Serialize;

use crate::farm::{
    clock::Moment,
    device::{Raised, Spot, Turn},
    dice::{Dice, drift, mix},
    payload::{Level, Quality, rounded},
};

/// The milk in the tank.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct TankData {
    /// Of the milk, or of the washing water when the tank is empty.
    #[schemars(range(min = 0.0, max = 80.0))]
    temperature_celsius: f64,
    #[schemars(range(min = 0.0, max = 8000.0))]
    volume_liters: f64,
    compressor_on: bool,
    agitator_on: bool,
    /// The tank is empty and being washed with hot water.
    washing: bool,
}

/// The air of the milk room.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct RoomData {
    #[schemars(range(min = 0.0, max = 100.0))]
    humidity_percent: f64,
    #[schemars(range(min = -10.0, max = 50.0))]
    room_temperature_celsius: f64,
}

/// Hours between which milk comes in.
const FILLS: [(f64, f64); 2] = [(4.7, 7.0), (16.2, 18.5)];
/// The tank is collected every second day at this hour, then washed.
const COLLECTION: f64 = 9.0;
const WASH_HOURS: f64 = 0.5;
/// The thermostat's hysteresis, degrees.
const COLD: f64 = 3.2;
const WARM: f64 = 4.0;
/// One cycle of the thermostat in hours, and the share of it in which the compressor runs.
const CYCLE: f64 = 0.9;
const RUNNING: f64 = 0.28;
/// Litres of one milking.
const MILKING: f64 = 1050.0;

/// The tank at one instant.
#[derive(Clone, Copy, Debug)]
struct Tank {
    temperature: f64,
    volume: f64,
    compressor_on: bool,
    washing: bool,
}

pub(in crate::farm) fn telemetry(turn: &mut Turn<'_>) -> Vec<u8> {
    let spot = Spot::zone("milk_room");
    if turn.leaf == 1 {
        let seconds = turn.moment.seconds();
        let data = RoomData {
            humidity_percent: rounded(72.0 + 8.0 * drift(mix(turn.device.seed, 1), seconds, 7200.0), 1),
            room_temperature_celsius: rounded(19.0 + 2.5 * drift(mix(turn.device.seed, 2), seconds, 10_000.0), 1),
        };
        return turn.say(spot, data, Quality::NONE);
    }
    let tank = Tank::at(turn.device.seed, turn.moment);
    let noise = 0.04 * turn.dice.normal();
    let temperature_celsius = rounded(tank.temperature + noise, 2);
    let data = TankData {
        temperature_celsius,
        volume_liters: rounded(tank.volume, 0),
        compressor_on: tank.compressor_on,
        // Two minutes in every seventeen, and while milk comes in.
        agitator_on: tank.volume > 0.0
            && (turn.moment.at.as_secs() / 60 % 17 < 2 || filling(turn.moment.hour()).is_some()),
        washing: tank.washing,
    };
    // The wash is hot and the tank is empty: the classic false alarm, which this device does not raise.
    let level = if tank.washing { Level::Normal } else { Level::over(temperature_celsius, [6.0, 10.0, 15.0]) };
    let message = "milk above 10 degrees";
    turn.note(level, Raised { kind: "TANK_TOO_WARM", message, animal: None, value: temperature_celsius });
    turn.say(spot, data, Quality::level(level))
}

impl Tank {
    fn at(seed: u64, moment: Moment) -> Self {
        let (day, hour) = (moment.day(), moment.hour());
        let collected_today = seed.wrapping_add(u64::from(day)).is_multiple_of(2);
        let since_collection = hour - COLLECTION;
        if collected_today && (0.0..WASH_HOURS).contains(&since_collection) {
            let hot = (1.0 - (since_collection / WASH_HOURS * 2.0 - 1.0).powi(2)) * 47.0;
            return Self { temperature: 18.0 + hot, volume: 0.0, compressor_on: false, washing: true };
        }
        let milkings = f64::from(milkings_since_collection(collected_today, hour)) + filling(hour).unwrap_or(0.0);
        let volume = milkings * MILKING;
        if volume == 0.0 {
            // Empty after the wash: the steel follows the room.
            return Self { temperature: 18.0, volume, compressor_on: false, washing: false };
        }
        // While milk comes in the blend warms, the more the less was there; then the compressor wins.
        let blend = if milkings <= 1.0 { 8.3 } else { 6.9 };
        let since_fill = FILLS.iter().map(|(_, end)| (hour - end).rem_euclid(24.0)).fold(f64::MAX, f64::min);
        let cooling = (blend - COLD) * (-since_fill / 0.75).exp();
        let (temperature, compressor_on) = match filling(hour) {
            Some(progress) => {
                (COLD + (blend - COLD) * progress.powf(0.6).max(if milkings <= 1.0 { 0.5 } else { 0.0 }), true)
            }
            None if COLD + cooling > WARM => (COLD + cooling, true),
            None => thermostat(moment, seed),
        };
        let failure = failure_hours(seed, day, hour);
        // Without cooling a full tank warms by a degree an hour and more while warm milk comes in.
        let warmed = failure * if filling(hour).is_some() { 3.0 } else { 1.2 };
        Self {
            temperature: temperature + warmed,
            volume,
            compressor_on: compressor_on && failure == 0.0,
            washing: false,
        }
    }
}

/// How far the present milking is, 0 to 1; `None` between milkings.
fn filling(hour: f64) -> Option<f64> {
    FILLS.iter().find(|(start, end)| (*start..*end).contains(&hour)).map(|(start, end)| (hour - start) / (end - start))
}

/// Whole milkings in the tank.
fn milkings_since_collection(collected_today: bool, hour: f64) -> u32 {
    let today = FILLS.iter().filter(|(_, end)| hour >= *end).count() as u32;
    match (collected_today, hour < COLLECTION) {
        // Before the collection: yesterday's two, the evening before that, and this morning's.
        (true, true) => 3 + today,
        (true, false) => today - 1,
        // The day after: last evening's.
        (false, _) => 1 + today,
    }
}

/// The sawtooth of the thermostat.
fn thermostat(moment: Moment, seed: u64) -> (f64, bool) {
    let phase = Dice::new(seed, 0x7E).unit();
    let place = (moment.seconds() / 3600.0 / CYCLE + phase).fract();
    if place < RUNNING {
        (WARM - (WARM - COLD) * place / RUNNING, true)
    } else {
        (COLD + (WARM - COLD) * (place - RUNNING) / (1.0 - RUNNING), false)
    }
}

/// Hours since the compressor failed; 0 while it works. It fails on one day in fifty, for some hours.
fn failure_hours(seed: u64, day: u32, hour: f64) -> f64 {
    let mut dice = Dice::new(mix(seed, 0xFA), u64::from(day));
    let fails = dice.chance(0.02);
    let (start, length) = (dice.between(2.0, 18.0), dice.between(2.0, 5.0));
    if fails && (start..start + length).contains(&hour) { hour - start } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn tank(minutes: u64) -> Tank {
        Tank::at(42, Moment::new(0, Duration::from_secs(minutes * 60)))
    }

    #[test]
    fn milk_is_cold_two_hours_after_each_milking() {
        for day in 0..40 {
            if (0..1440).any(|minute| failure_hours(42, day, minute as f64 / 60.0) > 0.0) {
                continue;
            }
            for (_, end) in FILLS {
                let tank = tank(u64::from(day) * 1440 + ((end + 2.0) * 60.0) as u64);
                // NZ: at most 6 degrees within 2 h of the end of milking.
                assert!(tank.washing || tank.volume == 0.0 || tank.temperature <= 6.0, "day {day}: {tank:?}");
            }
        }
    }

    #[test]
    fn the_compressor_cycles_and_the_tank_is_emptied() {
        let states: Vec<Tank> = (0..4 * 1440).map(tank).collect();
        let starts = states.windows(2).filter(|pair| !pair[0].compressor_on && pair[1].compressor_on).count();
        assert!((40..120).contains(&starts), "{starts}");
        assert!(states.iter().any(|tank| tank.volume == 0.0) && states.iter().any(|tank| tank.volume > 4000.0));
        assert!(states.iter().filter(|tank| tank.washing).count() == 2 * 30);
        for pair in states.windows(2) {
            let removed = pair[1].volume < pair[0].volume;
            assert!(!removed || pair[1].washing, "milk vanishes only by collection: {pair:?}");
        }
    }
}

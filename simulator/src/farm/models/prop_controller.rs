//! The prop controller of seed 003 (Paragon): a Teensy in a room of an escape game. Times are whole Unix seconds.

use schemars::JsonSchema;
use serde::Serialize;

use crate::farm::{
    device::{Turn, write},
    dice::{drift, mix},
    payload::rounded,
};

/// What the controller measures.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct SensorData<'a> {
    controller: &'a str,
    /// Unix seconds.
    timestamp: i64,
    sequence: u64,
    sensors: Sensors,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Sensors {
    /// Angle of the prop's dial, degrees.
    #[schemars(range(min = 0.0, max = 360.0))]
    dial_degrees: f64,
    /// A bit per switch.
    #[schemars(range(min = 0, max = 255))]
    switches: u32,
    /// Supply, volts.
    #[schemars(range(min = 4.0, max = 6.0))]
    supply_volts: f64,
    #[schemars(range(min = 0.0, max = 85.0))]
    board_celsius: f64,
}

/// A step of the game.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct EventData<'a> {
    controller: &'a str,
    /// Unix seconds.
    timestamp: i64,
    sequence: u64,
    event: Event,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Event {
    PuzzleStarted,
    HintGiven,
    PuzzleSolved,
    PuzzleReset,
}

/// The steps of one game, in order.
const GAME: [Event; 4] = [Event::PuzzleStarted, Event::HintGiven, Event::PuzzleSolved, Event::PuzzleReset];

pub(in crate::farm) fn telemetry(turn: &mut Turn<'_>) -> Vec<u8> {
    turn.device.sequence += 1;
    let (controller, sequence) = (&*turn.device.name, turn.device.sequence);
    let timestamp = turn.moment.timestamp().unix_seconds();
    if turn.leaf == 1 {
        // One event in ten turns.
        let event = GAME[(turn.device.turns / 10 % GAME.len() as u64) as usize];
        return write(&EventData { controller, timestamp, sequence, event });
    }
    let seconds = turn.moment.seconds();
    let angle = 180.0 + 180.0 * drift(mix(turn.device.seed, 1), seconds, 40.0);
    let sensors = Sensors {
        dial_degrees: rounded(angle, 1),
        switches: turn.dice.below(256),
        supply_volts: rounded(5.05 + 0.03 * turn.dice.normal(), 2),
        board_celsius: rounded(41.0 + 3.0 * drift(mix(turn.device.seed, 2), seconds, 900.0), 1),
    };
    write(&SensorData { controller, timestamp, sequence, sensors })
}

//! The RFID reader at a gate: an animal comes, goes, and the herd's register of places is updated.

use schemars::JsonSchema;
use serde::Serialize;

use super::parlour_reader::{ScanData, ScanEvent};
use crate::farm::{
    device::{Spot, Turn},
    dice::{Dice, mix},
    herd::Tag,
    payload::Quality,
};

/// An animal has changed its place.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct LocationUpdate {
    animal_rfid: Tag,
    from: Zone,
    to: Zone,
    /// The gate it went through.
    gate_id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Zone {
    Barn,
    Pasture,
}

/// Messages about one animal: detected, lost, location.
const MESSAGES: u64 = 3;

pub(in crate::farm) fn telemetry(turn: &mut Turn<'_>) -> Vec<u8> {
    let (pass, message) = (turn.device.turns / MESSAGES, turn.device.turns % MESSAGES);
    // Animals walk in a loose row: each gate has its own order, which starts over with the herd.
    let first = Dice::new(mix(turn.device.seed, 6), pass / u64::from(turn.barn.herd.len)).below(turn.barn.herd.len);
    let number = first + (pass % u64::from(turn.barn.herd.len)) as u32;
    let tag = turn.barn.herd.cow(number).tag;
    let spot = Spot { at_gates: true, ..Spot::default() };
    if turn.leaf == 0 {
        let event = if message == 0 { ScanEvent::TagDetected } else { ScanEvent::TagLost };
        let data = ScanData::new(event, tag, pass + 1, &mut turn.dice);
        return turn.say(spot, data, Quality::NONE);
    }
    let out = super::collar::is_pasture_time(turn.moment.hour());
    let (from, to) = if out { (Zone::Barn, Zone::Pasture) } else { (Zone::Pasture, Zone::Barn) };
    let data = LocationUpdate { animal_rfid: tag, from, to, gate_id: turn.device.name.to_string() };
    turn.say(spot, data, Quality::NONE)
}

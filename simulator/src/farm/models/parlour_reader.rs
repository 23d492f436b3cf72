//! The RFID reader at the entrance of a parlour: a scan for each animal that takes a stall.

use schemars::JsonSchema;
use serde::Serialize;

use crate::farm::{
    device::{Spot, Turn},
    dice::Dice,
    herd::Tag,
    parlour::Scan,
    payload::{Quality, rounded},
};

/// One event of a reader.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct ScanData {
    /// What happened.
    pub(super) event: ScanEvent,
    /// The animal's ISO 11784 number: 15 digits, leading zeros kept.
    pub(super) animal_rfid: Tag,
    /// Telegrams read in this pass; one animal gives 10 to 60 within the field.
    #[schemars(range(min = 3, max = 60))]
    pub(super) read_count: u32,
    /// Signal of the tag, dBm.
    #[schemars(range(min = -80, max = -30))]
    pub(super) tag_signal_dbm: f64,
    /// Counts the animals that this reader has seen.
    pub(super) pass: u64,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum ScanEvent {
    TagDetected,
    TagLost,
}

impl ScanData {
    pub(super) fn new(event: ScanEvent, animal_rfid: Tag, pass: u64, dice: &mut Dice) -> Self {
        Self {
            event,
            animal_rfid,
            read_count: 10 + dice.below(51),
            tag_signal_dbm: rounded(-55.0 + 5.0 * dice.normal(), 1),
            pass,
        }
    }
}

pub(in crate::farm) fn scan(turn: &mut Turn<'_>) -> Vec<u8> {
    let line = turn.barn.line(turn.device.place);
    let scan = turn.barn.lines[line].scan(turn.moment);
    let line = &turn.barn.lines[line];
    let (event, visit) = match scan {
        Scan::Detected(visit) => (ScanEvent::TagDetected, visit),
        Scan::Lost(visit) => (ScanEvent::TagLost, visit),
    };
    let pass = u64::from(visit.round) * u64::from(line.stall_count()) + u64::from(visit.stall) + 1;
    let data = ScanData::new(event, line.cow(visit).tag, pass, &mut turn.dice);
    turn.say(Spot::stall(visit.stall), data, Quality::NONE)
}

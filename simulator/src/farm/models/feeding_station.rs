//! The feeding station: what each animal took, and what is left in the bin.

use schemars::JsonSchema;
use serde::Serialize;

use crate::farm::{
    device::{Raised, Spot, Turn},
    herd::Tag,
    payload::{Level, Quality, rounded},
};

/// One visit of an animal.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct ConsumptionData {
    animal_rfid: Tag,
    feed_type: &'static str,
    /// What the animal may take in this window, kg.
    #[schemars(range(min = 0.0, max = 3.0))]
    entitlement_kg: f64,
    /// What it took, kg; 0 for a visit without reward.
    #[schemars(range(min = 0.0, max = 3.0))]
    consumed_kg: f64,
    #[schemars(range(min = 5, max = 900))]
    visit_duration_seconds: u32,
}

/// The content of the bin.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct InventoryData {
    feed_type: &'static str,
    #[schemars(range(min = 0.0, max = 600.0))]
    remaining_kg: f64,
    #[schemars(range(min = 600.0, max = 600.0))]
    capacity_kg: f64,
    #[schemars(range(min = 0.0, max = 100.0))]
    remaining_percent: f64,
    /// The bin was filled since the last report.
    refilled: bool,
}

const FEED: &str = "concentrate_18";
const CAPACITY: f64 = 600.0;
/// The auger is filled again when less is left, kg.
const REORDER: f64 = 50.0;

pub(in crate::farm) fn telemetry(turn: &mut Turn<'_>) -> Vec<u8> {
    let dice = &mut turn.dice;
    let left = turn.device.stock.unwrap_or_else(|| rounded(dice.between(0.3, 1.0) * CAPACITY, 1));
    if turn.leaf == 0 { consumption(turn, left) } else { inventory(turn, left) }
}

fn consumption(turn: &mut Turn<'_>, left: f64) -> Vec<u8> {
    let dice = &mut turn.dice;
    let animal = turn.barn.herd.cow(dice.below(turn.barn.herd.len));
    // As many visits without reward as with one; 95 to 97 % of the allotment is taken.
    let rewarded = dice.chance(0.5);
    let entitled = if rewarded { rounded(dice.between(0.3, 2.5), 2) } else { 0.0 };
    let consumed = rounded((entitled * dice.between(0.92, 1.0)).min(left), 2);
    let speed = dice.between(200.0, 400.0);
    let seconds =
        if rewarded { consumed * 1000.0 / speed * 60.0 + dice.between(10.0, 60.0) } else { dice.between(8.0, 60.0) };
    turn.device.stock = Some(left - consumed);
    let data = ConsumptionData {
        animal_rfid: animal.tag,
        feed_type: FEED,
        entitlement_kg: entitled,
        consumed_kg: consumed,
        visit_duration_seconds: seconds as u32,
    };
    turn.say(Spot::zone("feeding"), data, Quality::NONE)
}

fn inventory(turn: &mut Turn<'_>, left: f64) -> Vec<u8> {
    // A bin that was reported low is full at the next report.
    let refilled = turn.device.level == Level::Alert;
    let left = if refilled { CAPACITY } else { left };
    turn.device.stock = Some(left);
    let remaining_kg = rounded(left, 1);
    let data = InventoryData {
        feed_type: FEED,
        remaining_kg,
        capacity_kg: CAPACITY,
        remaining_percent: rounded(left / CAPACITY * 100.0, 1),
        refilled,
    };
    let level = if left < REORDER { Level::Alert } else { Level::Normal };
    let message = "feed below 50 kg";
    turn.note(level, Raised { kind: "LOW_FEED", message, animal: None, value: remaining_kg });
    turn.say(Spot::zone("feeding"), data, Quality::level(level))
}

//! The collar of one animal. Its name is the animal's tag, as the tree of topics has it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::farm::{
    clock::Moment,
    device::{Raised, Spot, Turn},
    dice::{drift, mix},
    herd::{Cow, Health, Tag},
    payload::{Level, Quality, rounded},
};

/// How much the animal moves.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct ActivityData {
    animal_rfid: Tag,
    #[schemars(range(min = 0.0, max = 100.0))]
    activity_level: f64,
    /// Steps of the last quarter of an hour.
    #[schemars(range(min = 0, max = 600))]
    step_count: u32,
    lying: bool,
}

/// How long the animal has ruminated.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct RuminationData {
    animal_rfid: Tag,
    /// Within the last block of two hours.
    #[schemars(range(min = 0.0, max = 120.0))]
    rumination_minutes: f64,
    /// The mean of the day, minutes in 24 hours.
    #[schemars(range(min = 0.0, max = 720.0))]
    rumination_minutes_daily: f64,
}

/// The animal's body.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct BodyData {
    animal_rfid: Tag,
    /// Degrees Celsius; 38.0 to 39.5 is normal.
    #[schemars(range(min = 36.0, max = 43.0))]
    body_temperature: f64,
}

/// Where the animal is.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct LocationData {
    animal_rfid: Tag,
    #[schemars(range(min = -90.0, max = 90.0))]
    latitude: f64,
    #[schemars(range(min = -180.0, max = 180.0))]
    longitude: f64,
    #[schemars(range(min = 0.5, max = 50.0))]
    accuracy_meters: f64,
}

/// The sides of barn and pasture in degrees: about 40 and 200 metres.
const BARN: f64 = 0.0004;
const PASTURE: f64 = 0.002;

pub(in crate::farm) fn telemetry(turn: &mut Turn<'_>) -> Vec<u8> {
    let cow = turn.barn.herd.cow(turn.device.place);
    let spot = Spot::zone(if is_pasture_time(turn.moment.hour()) { "pasture" } else { "barn" });
    match turn.leaf {
        0 => activity(turn, &cow, spot),
        1 => rumination(turn, &cow, spot),
        2 => body(turn, &cow, spot),
        _ => location(turn, &cow, spot),
    }
}

/// Whether the herd is on the pasture: between the milkings, and again in the evening.
pub(in crate::farm) fn is_pasture_time(hour: f64) -> bool {
    (7.0..15.25).contains(&hour) || (18.5..20.5).contains(&hour)
}

fn activity(turn: &mut Turn<'_>, cow: &Cow, spot: Spot) -> Vec<u8> {
    let moment = turn.moment;
    let lying = drift(mix(cow.seed, 7), moment.seconds(), 5400.0) < if is_day(moment) { -0.15 } else { 0.25 };
    let usual = if lying { 4.0 } else { 24.0 + 5.0 * drift(mix(cow.seed, 8), moment.seconds(), 1800.0) };
    // Oestrus: nearly three to four times the usual.
    let factor = match (cow.in_oestrus(moment), cow.health(moment.day())) {
        (true, _) => 3.2,
        (false, Health::Clinical) => 0.6,
        (false, _) => 1.0,
    };
    let level = (usual * factor + 1.5 * turn.dice.normal()).clamp(0.0, 100.0);
    let data = ActivityData {
        animal_rfid: cow.tag,
        activity_level: rounded(level, 1),
        step_count: (level * 3.0) as u32,
        lying,
    };
    turn.say(spot, data, Quality::NONE)
}

fn rumination(turn: &mut Turn<'_>, cow: &Cow, spot: Spot) -> Vec<u8> {
    let moment = turn.moment;
    // 516 +- 87 minutes a day, 281 of them by night (60 cows); less in oestrus, much less in sickness.
    let own = 516.0 + 62.0 * cow.ease.clamp(-2.5, 2.5) + 60.0 * drift(mix(cow.seed, 9), moment.seconds(), 86_400.0);
    let factor = match (cow.health(moment.day()), cow.in_oestrus(moment)) {
        (Health::Clinical, _) => 0.6,
        (_, true) => 0.75,
        _ => 1.0,
    };
    let daily = (own * factor).clamp(120.0, 700.0);
    let share = if is_day(moment) { 0.455 } else { 0.545 };
    let block = daily * share / 6.0 + 6.0 * turn.dice.normal();
    let data = RuminationData {
        animal_rfid: cow.tag,
        rumination_minutes: rounded(block.clamp(0.0, 120.0), 0),
        rumination_minutes_daily: rounded(daily, 0),
    };
    turn.say(spot, data, Quality::NONE)
}

fn body(turn: &mut Turn<'_>, cow: &Cow, spot: Spot) -> Vec<u8> {
    let moment = turn.moment;
    let rhythm = 0.15 * ((moment.hour() - 12.0) / 24.0 * std::f64::consts::TAU).sin();
    let fever = if cow.health(moment.day()) == Health::Clinical { 1.6 } else { 0.0 };
    let body_temperature = rounded(38.65 + rhythm + fever + 0.12 * turn.dice.normal(), 2);
    let level = Level::over(body_temperature, [39.5, 39.8, 41.0]);
    let message = "body above 39.8 degrees";
    let value = body_temperature;
    turn.note(level, Raised { kind: "FEVER", message, animal: Some(cow.tag), value });
    turn.say(spot, BodyData { animal_rfid: cow.tag, body_temperature }, Quality::level(level))
}

fn location(turn: &mut Turn<'_>, cow: &Cow, spot: Spot) -> Vec<u8> {
    let (south, west) = turn.barn.corner();
    let seconds = turn.moment.seconds();
    let side = if is_pasture_time(turn.moment.hour()) { PASTURE } else { BARN };
    // The walk of a grazing animal: a slow wander and a quick one.
    let walk = |axis: u64| {
        let slow = drift(mix(cow.seed, 20 + axis), seconds, 7200.0);
        let quick = drift(mix(cow.seed, 30 + axis), seconds, 600.0);
        side * (0.5 + 0.4 * slow + 0.1 * quick)
    };
    let data = LocationData {
        animal_rfid: cow.tag,
        latitude: rounded(south + walk(0), 6),
        longitude: rounded(west + walk(1), 6),
        accuracy_meters: rounded(turn.dice.between(1.5, 6.0), 1),
    };
    turn.say(spot, data, Quality::NONE)
}

fn is_day(moment: Moment) -> bool {
    (6.0..18.0).contains(&moment.hour())
}

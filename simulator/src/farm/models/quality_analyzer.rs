//! The quality analyser: one message per sample, after the milking that it was taken from.

use schemars::JsonSchema;
use serde::Serialize;

use crate::farm::{
    device::{Raised, Spot, Turn},
    dice::{Dice, mix},
    herd::{Health, Tag},
    payload::{Level, Quality, rounded},
};

/// One sample.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct QualityData {
    /// Where the sample is from.
    sample: Sample,
    /// The animal's ISO 11784 number; absent for a sample of the tank.
    #[serde(skip_serializing_if = "Option::is_none")]
    animal_rfid: Option<Tag>,
    #[schemars(range(min = 1.5, max = 9.0))]
    fat_percentage: f64,
    #[schemars(range(min = 2.0, max = 5.0))]
    protein_percentage: f64,
    #[schemars(range(min = 4.0, max = 5.5))]
    lactose_percentage: f64,
    /// Solids that are not fat: protein, lactose and ash.
    #[schemars(range(min = 6.5, max = 11.5))]
    snf_percentage: f64,
    /// Thousands of somatic cells per millilitre.
    #[schemars(range(min = 1, max = 20_000))]
    somatic_cells_thousands: u32,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Sample {
    /// Of one milking.
    Milking,
    /// Of the tank: no sample of an animal waits.
    Tank,
}

pub(in crate::farm) fn data(turn: &mut Turn<'_>) -> Vec<u8> {
    let line = turn.barn.line(turn.device.place);
    let visit = turn.barn.lines[line].sample();
    let cow = visit.map(|visit| turn.barn.lines[line].cow(visit));
    let day = turn.moment.day();
    let dice = &mut turn.dice;
    // What is the cow's own stays with her; the tank is the mean of many.
    let own = |trait_number| cow.map_or(0.0, |cow| Dice::new(mix(cow.seed, 5), trait_number).normal());
    let fat = (3.95 + 0.45 * own(0) + 0.25 * dice.normal()).clamp(2.0, 7.5);
    let protein = (3.31 + 0.24 * own(1) + 0.06 * dice.normal()).clamp(2.3, 4.7);
    let health = cow.map_or(Health::Healthy, |cow| cow.health(day));
    // An inflamed udder leaks salt and holds back lactose.
    let lactose_lost = if health == Health::Clinical { 0.35 } else { 0.0 };
    let lactose = (4.78 - lactose_lost + 0.10 * own(2) + 0.03 * dice.normal()).clamp(4.0, 5.3);
    let (score, deviation) = health.cell_score();
    let score = if cow.is_some() { score + deviation * dice.normal() } else { 4.0 + 0.3 * dice.normal() };
    let cells = (100.0 * (score - 3.0).exp2()).round().clamp(1.0, 20_000.0);
    let (protein, lactose) = (rounded(protein, 2), rounded(lactose, 2));
    let data = QualityData {
        sample: if cow.is_some() { Sample::Milking } else { Sample::Tank },
        animal_rfid: cow.map(|cow| cow.tag),
        fat_percentage: rounded(fat, 2),
        protein_percentage: protein,
        lactose_percentage: lactose,
        snf_percentage: rounded(protein + lactose + 0.7, 2),
        somatic_cells_thousands: cells as u32,
    };
    // Thresholds of the trade: 200 is healthy, 400 the legal limit of many countries, 750 that of others.
    let level = Level::over(cells, [200.0, 400.0, 750.0]);
    turn.device.level = Level::Normal;
    if level == Level::Critical {
        let message = "more than 750,000 somatic cells per ml";
        let animal = data.animal_rfid;
        turn.note(level, Raised { kind: "HIGH_SOMATIC_CELLS", message, animal, value: cells });
    }
    let spot = Spot { zone: Some("milking_parlor"), ..Spot::default() };
    turn.say(spot, data, Quality::level(level))
}

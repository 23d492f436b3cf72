//! The milk meter: one message per milking.

use schemars::JsonSchema;
use serde::Serialize;

use crate::farm::{
    device::{Raised, Spot, Turn},
    herd::Tag,
    milking::DENSITY,
    parlour::Identification,
    payload::{ConductivityStatus, Level, Quality, VolumeStatus, rounded},
};

/// One milking.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::farm) struct MilkData {
    /// The animal's ISO 11784 number.
    animal_rfid: Tag,
    /// How the meter knows the animal.
    identification: Identified,
    /// The part of the day.
    session: Session,
    /// Milk given, litres.
    #[schemars(range(min = 0.5, max = 50.0))]
    volume_liters: f64,
    /// Average conductivity, mS/cm at 25 degrees.
    #[schemars(range(min = 2.0, max = 10.0))]
    conductivity_ms_cm: f64,
    /// Of the milk in the meter.
    #[schemars(range(min = 5.0, max = 45.0))]
    temperature_celsius: f64,
    /// Volume over duration, litres per minute.
    #[schemars(range(min = 0.5, max = 6.0))]
    flow_rate_avg: f64,
    /// Greatest flow, litres per minute.
    #[schemars(range(min = 0.5, max = 10.0))]
    flow_rate_peak: f64,
    /// The flow dipped within the first two minutes.
    bimodal: bool,
    /// From the first milk to the last.
    #[schemars(range(min = 5, max = 900))]
    milking_duration_seconds: u32,
    /// From the first milk to the greatest flow.
    #[schemars(range(min = 0, max = 120))]
    incline_seconds: u32,
    /// From the end of the greatest flow to the last milk.
    #[schemars(range(min = 0, max = 900))]
    decline_seconds: u32,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Identified {
    Rfid,
    Manual,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Session {
    Morning,
    Midday,
    Evening,
    Night,
}

/// The milk below which a milking is worth an alert, litres.
const LOW_MILK: f64 = 3.0;

pub(in crate::farm) fn data(turn: &mut Turn<'_>) -> Vec<u8> {
    let (place, moment) = (turn.device.place, turn.moment);
    let (line, stall) = (turn.barn.line(place), turn.barn.rank(place));
    let (visit, identification) = turn.barn.lines[line].milk(stall, moment);
    let line = &turn.barn.lines[line];
    let (animal, milking) = (line.cow(visit).tag, line.milking(visit));
    // A meter is right within 2 %, below 5 litres within 0.1 litre.
    let litres = milking.kilograms / DENSITY;
    let error = if litres < 5.0 { 0.028 } else { 0.0057 * litres };
    let volume_liters = rounded((litres + error * turn.dice.normal()).clamp(0.5, 50.0), 2);
    let conductivity_ms_cm = rounded(milking.conductivity, 2);
    let seconds = (milking.curve.minutes * 60.0).round().max(5.0);
    let flow_rate_avg = rounded(volume_liters / seconds * 60.0, 2);
    let data = MilkData {
        animal_rfid: animal,
        identification: match identification {
            Identification::Rfid => Identified::Rfid,
            Identification::Manual => Identified::Manual,
        },
        session: session(moment.hour()),
        volume_liters,
        conductivity_ms_cm,
        temperature_celsius: rounded(milking.temperature, 1),
        flow_rate_avg,
        flow_rate_peak: rounded(milking.curve.peak / DENSITY, 2).max(flow_rate_avg),
        bimodal: milking.curve.is_bimodal(),
        milking_duration_seconds: seconds as u32,
        incline_seconds: (milking.curve.rise * 60.0).round() as u32,
        decline_seconds: (milking.curve.ebb * 60.0).round() as u32,
    };
    let conductivity_status = match conductivity_ms_cm {
        high if high > 6.5 => ConductivityStatus::AlertHigh,
        elevated if elevated > 5.5 => ConductivityStatus::WarningElevated,
        _ => ConductivityStatus::Normal,
    };
    let volume_status = match volume_liters {
        low if low < 5.0 => VolumeStatus::Low,
        high if high > 40.0 => VolumeStatus::High,
        _ => VolumeStatus::Normal,
    };
    let quality =
        Quality { conductivity_status: Some(conductivity_status), volume_status: Some(volume_status), status: None };
    let raised = |kind, message, value| Raised { kind, message, value, animal: Some(animal) };
    // Every milking is another animal, so no alert is a repetition of the last.
    turn.device.level = Level::Normal;
    if volume_liters < LOW_MILK {
        turn.note(Level::Alert, raised("LOW_MILK_VOLUME", "less than 3 litres in one milking", volume_liters));
    } else if conductivity_status == ConductivityStatus::AlertHigh {
        let message = "conductivity above 6.5 mS/cm, mastitis suspected";
        turn.note(Level::Alert, raised("HIGH_CONDUCTIVITY", message, conductivity_ms_cm));
    }
    turn.say(Spot::stall(visit.stall), data, quality)
}

fn session(hour: f64) -> Session {
    match hour {
        h if (4.0..12.0).contains(&h) => Session::Morning,
        h if (12.0..16.0).contains(&h) => Session::Midday,
        h if (16.0..22.0).contains(&h) => Session::Evening,
        _ => Session::Night,
    }
}

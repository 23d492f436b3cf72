//! When devices speak, and the order of the trade.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use scenarios::model::{Curve, DeviceModel as Model};
use simulator::farm::{DeviceId, Farm, Kind};

use super::{hours, json, natural, of, of_model, plan};

#[test]
fn a_scan_precedes_the_milk_of_the_same_animal_and_a_sample_follows() {
    let mut farm = Farm::from_plan(&plan(), 11);
    let parlour: Vec<_> = [Model::ParlourReader, Model::MilkMeter, Model::QualityAnalyzer]
        .into_iter()
        .flat_map(|model| of_model(&farm, model))
        .collect();
    let (mut inside, mut milked): (HashSet<String>, HashSet<String>) = Default::default();
    let (mut by_scan, mut by_hand) = (0, 0);
    for (at, device, said) in natural(&mut farm, &parlour, hours(72)) {
        if said.kind == Kind::Alert {
            continue;
        }
        let payload = json(&said);
        let animal = payload["data"]["animal_rfid"].as_str().map(str::to_owned);
        match farm.info(device).model {
            Model::ParlourReader => {
                assert_eq!(payload["data"]["event"], "tag_detected");
                assert!(inside.insert(animal.unwrap()), "scanned twice before the milk");
            }
            Model::MilkMeter if payload["data"]["identification"] == "rfid" => {
                by_scan += 1;
                assert!(inside.remove(animal.as_ref().unwrap()), "milk of {animal:?} at {at:?} without a scan");
                milked.insert(animal.unwrap());
            }
            Model::MilkMeter => {
                by_hand += 1;
                assert!(!inside.contains(animal.as_ref().unwrap()));
                milked.insert(animal.unwrap());
            }
            _ => assert!(animal.is_none_or(|animal| milked.contains(&animal)), "analysed before the milk"),
        }
    }
    // 16 stalls, 24 rounds a day, three days; the reader misses one in a hundred.
    assert_eq!(by_scan + by_hand, 16 * 24 * 3);
    assert!((1..40).contains(&by_hand), "{by_hand}");
}

#[test]
fn a_scan_precedes_the_milk_at_any_constant_rate_too() {
    for (scans, milks) in [(1, 1), (1, 7), (9, 1)] {
        let mut farm = Farm::from_plan(&of(&[(Model::ParlourReader, 1), (Model::MilkMeter, 8)]), 3);
        let meters: Vec<_> = of_model(&farm, Model::MilkMeter);
        let meters: Vec<_> = meters.into_iter().filter(|&m| farm.info(m).unit == farm.info(DeviceId(0)).unit).collect();
        let mut scanned = HashSet::new();
        for turn in 0..600u64 {
            let at = Duration::from_millis(turn * 10);
            for _ in 0..scans {
                let scan = json(&farm.telemetry(DeviceId(0), at));
                scanned.insert(scan["data"]["animal_rfid"].to_string());
            }
            for n in 0..milks {
                let said = farm.telemetry(meters[(turn as usize * milks + n) % meters.len()], at);
                let milk = json(&said);
                if said.kind == Kind::Telemetry && milk["data"]["identification"] == "rfid" {
                    assert!(scanned.contains(&milk["data"]["animal_rfid"].to_string()));
                }
            }
        }
    }
}

#[test]
fn milking_happens_in_two_sessions() {
    let mut farm = Farm::from_plan(&plan(), 12);
    let meters = of_model(&farm, Model::MilkMeter);
    for (at, _, said) in natural(&mut farm, &meters, hours(48)) {
        let hour = at.as_secs() % 86_400 / 3600;
        assert!((4..10).contains(&hour) || (16..20).contains(&hour), "{hour}");
        let session = json(&said)["data"]["session"].clone();
        assert!(said.kind == Kind::Alert || session == if hour < 12 { "morning" } else { "evening" });
    }
}

#[test]
fn mean_intervals_are_those_of_the_table() {
    let mut farm = Farm::from_plan(&plan(), 13);
    let devices: Vec<_> = farm.devices().collect();
    let mut counts: HashMap<DeviceId, u32> = HashMap::new();
    let days = 2;
    for (_, device, said) in natural(&mut farm, &devices, hours(24 * days)) {
        *counts.entry(device).or_default() += u32::from(said.kind == Kind::Telemetry);
    }
    for device in devices {
        let info = farm.info(device);
        let expected = hours(24 * days).as_secs_f64() / farm.interval(device).as_secs_f64();
        let counted = f64::from(counts[&device]);
        assert!((counted / expected - 1.0).abs() < 0.12, "{}: {counted} of {expected}", info.name);
        assert!((info.weight * farm.interval(device).as_secs_f64() - 1.0).abs() < 1e-9);
    }
}

#[test]
fn a_regular_device_is_jittered_within_a_tenth() {
    let farm = Farm::from_plan(&plan(), 14);
    let sensor = of_model(&farm, Model::TemperatureSensor)[0];
    let mut at = hours(0);
    let mut steps = Vec::new();
    for _ in 0..500 {
        let next = farm.next_natural(sensor, at);
        steps.push((next - at).as_secs_f64());
        at = next;
    }
    let steps = &steps[1..];
    assert!(steps.iter().all(|step| (53.9..66.1).contains(step)));
    let distinct: HashSet<_> = steps.iter().map(|step| step.to_bits()).collect();
    assert!(distinct.len() > 490);
}

#[test]
fn a_curve_shapes_the_day_and_keeps_its_rate() {
    let mut plan = of(&[(Model::TemperatureSensor, 4)]);
    let point = |time: &str, factor| (time.parse().unwrap(), factor);
    let points = vec![point("00:00", 0.0), point("11:59", 0.0), point("12:00", 3.0), point("23:59", 3.0)];
    plan.groups[0].curve = Some(Curve { name: "afternoon".parse().unwrap(), points }.into());
    let mut farm = Farm::from_plan(&plan, 15);
    let devices: Vec<_> = farm.devices().collect();
    let said = natural(&mut farm, &devices, hours(24));
    let said: Vec<_> = said.iter().filter(|(_, _, said)| said.kind == Kind::Telemetry).collect();
    assert!(said.iter().all(|(at, ..)| *at > hours(11)));
    let expected = 4.0 * 3.0 * 12.0 * 60.0;
    assert!((said.len() as f64 / expected - 1.0).abs() < 0.03, "{}", said.len());
}

//! Mustering the farm: which device stands in which barn, and what it is called there.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytestring::ByteString;

use super::{
    DeviceId, Model, Plan, Profile,
    barn::{Barn, Census},
    device::Device,
    dice::{Dice, mix, mix_name},
    payload::Level,
    plan::{Group, Seat},
    schedule,
    topics::fill,
};

/// The barns and devices of a plan.
pub(super) fn muster(plan: &Plan, seed: u64) -> (Vec<Barn>, Vec<Device>) {
    let mut barns = build(plan, seed);
    let mut places: HashMap<(u16, Model), u32> = HashMap::new();
    let mut devices = Vec::new();
    for (index, group) in plan.groups.iter().enumerate() {
        let number = u16::try_from(index).expect("a plan has fewer than 65,536 groups");
        let pattern = group.payload.map(|size| pattern(mix(seed, index as u64), size));
        for seat in &group.seats {
            let place = places.entry((seat.barn, group.model)).or_default();
            let barn = &mut barns[usize::from(seat.barn)];
            barn.unit.devices.push(DeviceId(u32::try_from(devices.len()).expect("devices are numbered in 32 bits")));
            devices.push(Device { pattern: pattern.clone(), ..device(group, number, seat, barn, *place) });
            *place += 1;
        }
    }
    (barns, devices)
}

fn build(plan: &Plan, seed: u64) -> Vec<Barn> {
    let mut censuses = vec![Census::default(); plan.barns.len()];
    for group in &plan.groups {
        for seat in &group.seats {
            let census = &mut censuses[usize::from(seat.barn)];
            match group.model {
                Model::MilkMeter => census.meters += 1,
                Model::ParlourReader => census.readers += 1,
                Model::QualityAnalyzer => census.analyzers += 1,
                Model::Collar => census.collars += 1,
                _ => {}
            }
        }
    }
    let barns = u16::try_from(plan.barns.len()).expect("a plan has fewer than 65,536 barns");
    let named = (0..barns).zip(&plan.barns).zip(censuses);
    named.map(|((number, name), census)| Barn::new(seed, name.clone(), number, barns, census)).collect()
}

/// `size` seeded bytes.
fn pattern(seed: u64, size: usize) -> Arc<[u8]> {
    let mut dice = Dice::new(seed, size as u64);
    (0..size).map(|_| dice.bits().to_be_bytes()[0]).collect()
}

fn device(group: &Group, number: u16, seat: &Seat, barn: &Barn, place: u32) -> Device {
    let (model, profile) = (group.model, Profile::of(group.model));
    let fill = |template| ByteString::from(fill(template, model, &seat.name, barn, place));
    let telemetry = |template| seat.topic.as_deref().map_or_else(|| fill(template), ByteString::from);
    let interval = group.interval.unwrap_or_else(|| schedule::natural(model, barn, place));
    Device {
        topics: profile.telemetry.iter().map(|leaf| telemetry(leaf.topic)).collect(),
        status: fill(profile.status),
        heartbeat: fill(profile.heartbeat_topic),
        name: seat.name.as_str().into(),
        model,
        group: number,
        unit: seat.barn,
        place,
        seed: mix_name(barn.seed, &seat.name),
        weight: group.weight.unwrap_or_else(|| interval.as_secs_f64().recip()),
        qos: group.qos,
        retain: group.retain,
        interval: group.interval,
        curve: group.curve.clone(),
        sequence: 0,
        statuses: 0,
        turns: 0,
        boots: 1,
        born: Duration::ZERO,
        connections: 0,
        level: Level::Normal,
        alert: None,
        stock: None,
        pattern: None,
        executed: Vec::new(),
    }
}

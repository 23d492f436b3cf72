//! Mustering the farm: which device stands in which barn, under which name.

use super::{
    DeviceId, Model, Plan,
    barn::{Barn, Census},
    device::Device,
    dice::mix_name,
    payload::Level,
    schedule,
    topics::{Names, room},
};

/// Milk meters of one barn.
const METERS: u64 = 8;

/// Devices of one barn when milk meters do not decide.
const DEVICES: u64 = 250;

/// The barns and devices of a plan.
pub(super) fn muster(plan: &Plan, seed: u64) -> (Vec<Barn>, Vec<Device>) {
    let total = |model| plan.groups.iter().filter(|group| group.model == model).map(|group| u64::from(group.count)).sum();
    let all: u64 = plan.groups.iter().map(|group| u64::from(group.count)).sum();
    let units = u64::div_ceil(total(Model::MilkMeter), METERS).max(all.div_ceil(DEVICES)).max(1);
    let units = u16::try_from(units).unwrap_or(u16::MAX);
    let mut barns: Vec<Barn> = (0..units)
        .map(|unit| {
            let here = |model| share(total(model), u64::from(units), u64::from(unit));
            let census = Census {
                meters: here(Model::MilkMeter),
                readers: here(Model::ParlourReader),
                analyzers: here(Model::QualityAnalyzer),
                collars: here(Model::Collar),
            };
            Barn::new(seed, unit, census)
        })
        .collect();
    let mut devices = Vec::new();
    let mut counts = [0u32; Model::ALL.len()];
    for (index, group) in plan.groups.iter().enumerate() {
        let group_index = u16::try_from(index).expect("a plan has fewer than 65,536 groups");
        for _ in 0..group.count {
            let number = counts[group.model as usize];
            counts[group.model as usize] += 1;
            let (unit, place) = (number % u32::from(units), number / u32::from(units));
            let barn = &mut barns[unit as usize];
            barn.unit.devices.push(DeviceId(u32::try_from(devices.len()).expect("devices are numbered in 32 bits")));
            let name = name(group.model, number, barn, place);
            let profile = group.model.profile();
            let names = Names { prefix: &plan.prefix, barn: &barn.unit.name, room: room(place), id: &name };
            let fill = |template| names.fill(template).into();
            let device_seed = mix_name(barn.seed, &name);
            let natural = schedule::natural(group.model, barn, place);
            devices.push(Device {
                topics: profile.telemetry.iter().map(|leaf| fill(leaf.topic)).collect(),
                status: fill(profile.status),
                heartbeat: fill(profile.heartbeat_topic),
                name: name.as_str().into(),
                model: group.model,
                group: group_index,
                unit: u16::try_from(unit).expect("units are counted in 16 bits"),
                place,
                seed: device_seed,
                weight: group.weight.unwrap_or_else(|| group.interval.unwrap_or(natural).as_secs_f64().recip()),
                qos: group.qos,
                interval: group.interval,
                sequence: 0,
                turns: 0,
                boots: 0,
                born: std::time::Duration::ZERO,
                level: Level::Normal,
                alert: None,
                stock: None,
                executed: Vec::new(),
            });
        }
    }
    (barns, devices)
}

/// What comes to one of `units` when `total` devices are dealt out in turn.
fn share(total: u64, units: u64, unit: u64) -> u32 {
    u32::try_from(total / units + u64::from(unit < total % units)).expect("devices are numbered in 32 bits")
}

/// The device's identifier everywhere: client, user, payload, topic.
fn name(model: Model, number: u32, barn: &Barn, place: u32) -> String {
    match model {
        // The tree puts the animal's tag where other devices have their id.
        Model::Collar => barn.herd.cow(place).tag.to_string(),
        Model::Esp32 => format!("ESP32_{:03}", number + 1),
        _ => format!("{}_{:04}", model.profile().stem, number + 1),
    }
}

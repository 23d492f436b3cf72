//! The farm as its callers see it: topics, payloads, time, order, commands.

#[path = "farm/commands.rs"]
mod commands;
#[path = "farm/distributions.rs"]
mod distributions;
#[path = "farm/life.rs"]
mod life;
#[path = "farm/rhythm.rs"]
mod rhythm;
#[path = "farm/schemas.rs"]
mod schemas;
#[path = "farm/topics.rs"]
mod topics;

use std::time::Duration;

use scenarios::model::DeviceModel as Model;
use serde_json::Value;
use simulator::farm::{DeviceId, Farm, Group, Plan, Publication};

/// 2026-07-28T00:00:00Z.
const EPOCH_MS: i64 = 1_785_196_800_000;

/// Some devices of every model in two barns.
fn plan() -> Plan {
    let groups = [
        (Model::MilkMeter, 16),
        (Model::QualityAnalyzer, 2),
        (Model::ParlourReader, 2),
        (Model::GateReader, 2),
        (Model::TemperatureSensor, 4),
        (Model::HumiditySensor, 4),
        (Model::AmmoniaSensor, 2),
        (Model::Co2Sensor, 2),
        (Model::FeedingStation, 4),
        (Model::Collar, 40),
        (Model::ColdStorage, 2),
        (Model::Esp32, 1),
        (Model::PropController, 2),
    ];
    of(&groups)
}

fn of(groups: &[(Model, u32)]) -> Plan {
    Plan {
        epoch_ms: EPOCH_MS,
        barns: vec!["barn_1".into(), "barn_2".into()],
        groups: groups.iter().map(|&(model, count)| Group::new(model, count, 2)).collect(),
    }
}

/// Every natural message of `devices` until `end`, in order of time.
fn natural(farm: &mut Farm, devices: &[DeviceId], end: Duration) -> Vec<(Duration, DeviceId, Publication)> {
    let mut queue: std::collections::BTreeSet<(Duration, DeviceId)> =
        devices.iter().map(|&device| (farm.next_natural(device, Duration::ZERO), device)).collect();
    let mut said = Vec::new();
    while let Some((at, device)) = queue.pop_first().filter(|(at, _)| *at < end) {
        said.push((at, device, farm.telemetry(device, at)));
        queue.insert((farm.next_natural(device, at), device));
    }
    said
}

/// The devices that speak once a minute or less; the others say so much that a few hours of them are enough.
fn slow(farm: &Farm) -> Vec<DeviceId> {
    farm.devices().filter(|&device| farm.interval(device) >= Duration::from_secs(60)).collect()
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

fn json(publication: &Publication) -> Value {
    serde_json::from_slice(&publication.payload).expect("payloads are JSON")
}

fn of_model(farm: &Farm, model: Model) -> Vec<DeviceId> {
    farm.devices().filter(|&device| farm.info(device).model == model).collect()
}

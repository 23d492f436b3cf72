//! Same seed, same bytes; units stand alone; birth, will and heartbeat agree.

use std::{collections::HashMap, time::Duration};

use proptest::prelude::*;
use protocol::QoS;
use scenarios::model::DeviceModel as Model;
use simulator::farm::{DeviceId, Farm, Publication};

use super::{hours, json, natural, of, of_model, plan};

/// FNV-1a over topics and payloads.
fn hash(said: impl IntoIterator<Item = Publication>) -> u64 {
    said.into_iter()
        .flat_map(|said| said.topic.as_bytes().iter().copied().chain(said.payload.clone()).collect::<Vec<_>>())
        .fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

/// Some of everything that devices say.
fn sample(seed: u64) -> Vec<Publication> {
    let mut farm = Farm::from_plan(&plan(), seed);
    let mut said = Vec::new();
    for second in 0..40u64 {
        for device in farm.devices() {
            let at = Duration::from_millis(17_000_000 + second * 977_003);
            if second % 10 == 0 {
                said.extend([farm.will(device, at), farm.birth(device, at), farm.heartbeat(device, at)]);
            }
            said.push(farm.telemetry(device, at));
        }
    }
    said
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    assert_eq!(sample(42), sample(42));
    // Scenarios in reports name seeds: a changed hash changes what they mean, and belongs in the changelog.
    assert_eq!(hash(sample(42)), SEED_42, "{:#x}", hash(sample(42)));
}

const SEED_42: u64 = 0x4c3a_8eeb_0382_f0d4;

#[test]
fn another_seed_gives_other_bytes() {
    assert_ne!(hash(sample(42)), hash(sample(43)));
}

#[test]
fn units_apart_say_what_the_whole_farm_says() {
    let mut whole = Farm::from_plan(&plan(), 9);
    let everyone: Vec<_> = whole.devices().collect();
    let mut expected: HashMap<DeviceId, Vec<(Duration, Publication)>> = HashMap::new();
    for (at, device, said) in natural(&mut whole, &everyone, hours(6)) {
        expected.entry(device).or_default().push((at, said));
    }
    let units: Vec<_> = whole.units().map(|unit| unit.devices.clone()).collect();
    assert_eq!(units.len(), 2);
    for unit in units {
        let mut apart = Farm::from_plan(&plan(), 9);
        let mut said: HashMap<DeviceId, Vec<(Duration, Publication)>> = HashMap::new();
        for (at, device, publication) in natural(&mut apart, &unit, hours(6)) {
            said.entry(device).or_default().push((at, publication));
        }
        for device in unit {
            assert_eq!(said.get(&device), expected.get(&device), "{device:?}");
        }
    }
}

#[test]
fn bonds_apart_say_what_the_whole_farm_says() {
    let mut whole = Farm::from_plan(&plan(), 9);
    let everyone: Vec<_> = whole.devices().collect();
    let bonds: Vec<u32> = everyone.iter().map(|device| whole.bond(*device)).collect();
    let all = natural(&mut whole, &everyone, hours(6));
    for share in 0..3 {
        let some: Vec<_> = everyone.iter().copied().filter(|device| bonds[device.0 as usize] % 3 == share).collect();
        assert!(!some.is_empty() && some.len() < everyone.len());
        let said = natural(&mut Farm::from_plan(&plan(), 9), &some, hours(6));
        let expected: Vec<_> = all.iter().filter(|(_, device, _)| some.contains(device)).cloned().collect();
        assert!(said == expected, "share {share}");
    }
}

#[test]
fn birth_and_will_are_retained_on_one_topic_and_name_one_connection() {
    let mut farm = Farm::from_plan(&plan(), 5);
    for device in farm.devices() {
        for nth in 1..=3 {
            let (will, birth) = (farm.will(device, hours(nth)), farm.birth(device, hours(nth)));
            let beat = farm.heartbeat(device, hours(nth) + Duration::from_secs(90));
            assert!(will.retain && birth.retain && will.topic == birth.topic);
            assert!(will.qos == QoS::AtLeastOnce && birth.qos == QoS::AtLeastOnce);
            let (will, birth, beat_payload) = (json(&will), json(&birth), json(&beat));
            let enveloped = !matches!(farm.info(device).model, Model::Esp32 | Model::PropController);
            let (boot, status, uptime, connection) = if enveloped {
                ("/metadata/boot_id", "/data/status", "/data/uptime_seconds", "/data/connection")
            } else {
                ("/boot", "/status", "/uptime", "/connection")
            };
            assert_eq!(will.pointer(status).unwrap().as_str(), Some("offline"));
            assert_eq!(birth.pointer(status).unwrap().as_str(), Some("online"));
            for said in [&will, &birth, &beat_payload] {
                // A connection that comes back is no boot.
                assert_eq!([connection, boot].map(|at| said.pointer(at).unwrap().as_u64()), [Some(nth), Some(1)]);
            }
            assert_eq!(beat_payload.pointer(uptime).unwrap(), 3600 * (nth - 1) + 90);
            // A heartbeat on the status topic repairs a status that a late will has overwritten.
            assert_eq!(beat.retain, farm.info(device).model != Model::Esp32);
        }
        assert!(farm.farewell(device, hours(4)).retain);
    }
}

#[test]
fn sequence_numbers_rise_by_one_over_all_measurements_and_over_all_statuses() {
    let mut farm = Farm::from_plan(&of(&[(Model::ColdStorage, 1)]), 5);
    let device = DeviceId(0);
    let mut statuses = vec![farm.will(device, hours(0)), farm.birth(device, hours(0))];
    let measured: Vec<_> = (0..50).map(|n| farm.telemetry(device, Duration::from_secs(n * 60))).collect();
    statuses.push(farm.heartbeat(device, hours(1)));
    let numbers = |said: &[Publication]| -> Vec<u64> {
        said.iter().map(|p| json(p)["metadata"]["sequence"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&measured), (1..=50).collect::<Vec<_>>());
    assert_eq!(numbers(&statuses), [1, 2, 3]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, ..ProptestConfig::default() })]

    /// Connections take as long as they take, end and come back, and heartbeats run from then on: whatever comes between two
    /// measurements, minutes later they are the same, byte for byte.
    #[test]
    fn what_is_measured_does_not_depend_on_when_statuses_come(
        seed in any::<u64>(),
        between in prop::collection::vec((0_u8..5, any::<bool>()), 40),
    ) {
        let (mut calm, mut busy) = (Farm::from_plan(&plan(), seed), Farm::from_plan(&plan(), seed));
        let everyone: Vec<_> = calm.devices().collect();
        for (turn, (beats, connects)) in between.iter().enumerate() {
            let at = Duration::from_secs(10 * turn as u64);
            for device in &everyone {
                if *connects {
                    busy.will(*device, at);
                    busy.birth(*device, at);
                }
                for _ in 0..*beats {
                    busy.heartbeat(*device, at);
                }
                prop_assert_eq!(calm.telemetry(*device, at), busy.telemetry(*device, at));
            }
        }
    }
}

#[test]
fn the_planned_quality_of_service_applies_to_telemetry() {
    let mut plan = of(&[(Model::TemperatureSensor, 1), (Model::TemperatureSensor, 1)]);
    plan.groups[1].qos = Some(QoS::ExactlyOnce);
    plan.groups[1].seats[0].name = "t2".into();
    plan.groups[1].seats[0].topic = Some("dialect/t2".into());
    let mut farm = Farm::from_plan(&plan, 1);
    assert_eq!(farm.telemetry(DeviceId(0), hours(1)).qos, QoS::AtMostOnce);
    let other = farm.telemetry(DeviceId(1), hours(1));
    assert_eq!((other.qos, &*other.topic), (QoS::ExactlyOnce, "dialect/t2"));
}

#[test]
fn ten_thousand_devices_are_raised_at_once() {
    let farm = Farm::from_plan(&of(&[(Model::Collar, 8000), (Model::MilkMeter, 1990), (Model::ParlourReader, 10)]), 1);
    assert_eq!(farm.len(), 10_000);
    assert_eq!(of_model(&farm, Model::ParlourReader).len(), 10);
}

proptest! {
    #[test]
    fn any_instant_is_safe(device in 0u32..83, at: u64, nanos in 0u32..1_000_000_000) {
        let mut farm = Farm::from_plan(&plan(), 1);
        let at = Duration::new(at, nanos);
        let device = DeviceId(device);
        farm.telemetry(device, at);
        farm.birth(device, at);
        let century = Duration::from_secs(100 * 365 * 86_400 - 86_400);
        prop_assert!(farm.next_natural(device, at.min(century)) > at.min(century));
    }
}

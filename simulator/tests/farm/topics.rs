//! Topics are those of the tree, and identifiers agree.

use std::{collections::HashSet, time::Duration};

use scenarios::model::DeviceModel as Model;
use simulator::farm::{Farm, Kind};

use super::{hours, json, natural, of, plan, slow};

/// Seed 000 section 2.2, seed 001 and seed 003, word for word; `+` stands for identifiers.
const TREE: [&str; 24] = [
    "smartdairy/farm/+/milking_parlor/milk_meter/+/data",
    "smartdairy/farm/+/milking_parlor/quality_analyzer/+/data",
    "smartdairy/farm/+/milking_parlor/rfid_reader/+/scan",
    "smartdairy/farm/+/environmental/temperature/+",
    "smartdairy/farm/+/environmental/humidity/+",
    "smartdairy/farm/+/environmental/ammonia/+",
    "smartdairy/farm/+/environmental/co2/+",
    "smartdairy/farm/+/feeding_station/+/consumption",
    "smartdairy/farm/+/feeding_station/+/inventory",
    "smartdairy/farm/gates/rfid_reader/+/scan",
    "smartdairy/animal/+/activity",
    "smartdairy/animal/+/rumination",
    "smartdairy/animal/+/temperature",
    "smartdairy/animal/+/location",
    "smartdairy/animal/herd/location_update",
    "smartdairy/cold_storage/+/temperature",
    "smartdairy/cold_storage/+/humidity",
    "smartdairy/cold_storage/alerts",
    "smartdairy/alerts/milk_quality",
    "smartdairy/alerts/animal_health",
    "smartdairy/alerts/environmental",
    "devices/+/temperature",
    "paragon/+/sensors/+",
    "paragon/+/events/+",
];

fn matches(filter: &str, topic: &str) -> bool {
    let (filter, topic): (Vec<_>, Vec<_>) = (filter.split('/').collect(), topic.split('/').collect());
    filter.len() == topic.len() && filter.iter().zip(&topic).all(|(level, name)| *level == "+" || level == name)
}

#[test]
fn every_telemetry_topic_is_in_the_tree_and_every_branch_is_used() {
    let mut farm = Farm::from_plan(&plan(), 1);
    let (everyone, slow) = (farm.devices().collect::<Vec<_>>(), slow(&farm));
    let slow: Vec<_> = slow.into_iter().filter(|&device| farm.info(device).model != Model::Collar).collect();
    let mut said: Vec<_> = natural(&mut farm, &everyone, hours(1)).into_iter().map(|(.., said)| said).collect();
    said.extend(natural(&mut farm, &slow, hours(24 * 4)).into_iter().map(|(.., said)| said));
    // Of many cows some have a fever on any day.
    let mut herd = Farm::from_plan(&of(&[(Model::Collar, 150)]), 1);
    said.extend(herd.devices().flat_map(|device| [(); 5].map(|()| herd.telemetry(device, hours(60)))));
    let mut used = HashSet::new();
    for said in said {
        let branch = TREE.iter().find(|branch| matches(branch, &said.topic));
        // Low feed is the farm's system alert; whether a bin runs low depends on the seed.
        let branch = branch.or((&*said.topic == "smartdairy/alerts/system").then_some(&"system"));
        used.insert(*branch.unwrap_or_else(|| panic!("{} is not in the tree", said.topic)));
    }
    let unused: Vec<_> = TREE.iter().filter(|branch| !used.contains(**branch)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn client_topic_and_payload_name_the_same_device() {
    let mut farm = Farm::from_plan(&plan(), 2);
    for device in farm.devices() {
        for turn in 0..12 {
            let said = farm.telemetry(device, Duration::from_secs(turn));
            let (name, model) = (farm.info(device).name, farm.info(device).model);
            let payload = json(&said);
            match model {
                Model::Esp32 => {}
                Model::PropController => assert_eq!(payload["controller"], name),
                _ => assert_eq!(payload["device_id"], name),
            }
            let shared = said.kind == Kind::Alert || said.topic.ends_with("herd/location_update");
            assert!(shared || said.topic.split('/').any(|level| level == name), "{name}: {}", said.topic);
            if model == Model::Collar && !shared {
                assert_eq!(payload["data"]["animal_rfid"], name);
            }
        }
    }
}

#[test]
fn names_are_unique_and_no_barn_is_called_gates() {
    let farm = Farm::from_plan(&plan(), 3);
    let names: HashSet<_> = farm.devices().map(|device| farm.info(device).name.to_owned()).collect();
    assert_eq!(names.len(), farm.len());
    assert!(farm.units().all(|unit| unit.name != "gates"));
    let mut dealt: Vec<_> = farm.units().flat_map(|unit| unit.devices.iter().copied()).collect();
    dealt.sort_unstable();
    assert!(dealt.into_iter().eq(farm.devices()), "every device is in one unit");
}

#[test]
fn a_device_listens_to_itself_only() {
    let farm = Farm::from_plan(&plan(), 4);
    for device in farm.devices() {
        let info = farm.info(device);
        let filters: Vec<String> =
            farm.subscriptions(device).into_iter().map(|subscription| subscription.filter.to_string()).collect();
        assert!(!filters.is_empty());
        for filter in filters {
            let room_wide = info.model == Model::PropController && filter == "paragon/clockwork/commands/+";
            let own = filter.split('/').any(|level| level == info.name);
            assert!(own || room_wide || info.model == Model::PropController, "{filter}");
        }
    }
    let meter = farm.subscriptions(simulator::farm::DeviceId(0));
    assert_eq!(&*meter[0].filter, "smartdairy/farm/barn_1/milking_parlor/milk_meter/milk_meter_0001/config");
    assert_eq!(&*meter[1].filter, "smartdairy/commands/device/milk_meter_0001/control");
}

#[test]
fn in_the_catalogue_devices_and_topics_agree_and_collars_are_named_by_tags() {
    for entry in scenarios::catalogue() {
        let scenario = entry.scenario();
        let mut farm = Farm::new(&scenario, scenario.seed);
        assert_eq!(farm.len(), scenario.device_count() as usize);
        for device in farm.devices() {
            let said = farm.telemetry(device, hours(5));
            let (name, topic) = (farm.info(device).name, &*said.topic);
            assert!(topic.split('/').any(|level| level == name), "{}: {name} says {topic}", entry.name);
        }
    }
}

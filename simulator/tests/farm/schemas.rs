//! Every payload obeys its schema, and the schemas that are shipped are those of the code.

use std::{collections::HashMap, path::Path, time::Duration};

use jsonschema::Validator;
use serde_json::Value;
use simulator::farm::{DeviceId, Farm, Kind, Publication, Received, schemas};

use super::{hours, natural, plan, slow};

struct Shipped(HashMap<String, Validator>);

impl Shipped {
    fn load() -> Self {
        let compiled = schemas().into_iter().map(|(name, schema)| {
            let validator = jsonschema::draft202012::options()
                .should_validate_formats(true)
                .build(schema.as_value())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, validator)
        });
        Self(compiled.collect())
    }

    fn check(&self, farm: &Farm, device: DeviceId, said: &Publication) -> String {
        let model = farm.info(device).model;
        let leaf = match said.kind {
            Kind::Alert => "alert".to_owned(),
            Kind::Status | Kind::Heartbeat | Kind::Answer => format!("{model}.status"),
            Kind::Plain => panic!("the plan has no plain device"),
            Kind::Telemetry => {
                let topic: Vec<_> = said.topic.rsplit('/').collect();
                let known = |leaf: &&str| self.0.contains_key(&format!("{model}.{leaf}"));
                let leaf = topic.iter().copied().find(known).unwrap_or_else(|| panic!("no schema for {}", said.topic));
                format!("{model}.{leaf}")
            }
        };
        let payload: Value = serde_json::from_slice(&said.payload).expect("payloads are JSON");
        if let Some(error) = self.0[&leaf].iter_errors(&payload).next() {
            panic!("{leaf}: {error} at {}: {payload}", error.instance_path);
        }
        assert_eq!(said.payload.last(), Some(&b'}'), "a stamp can be put before the end");
        leaf
    }
}

#[test]
fn every_payload_of_two_days_obeys_its_schema() {
    let shipped = Shipped::load();
    let mut checked: HashMap<String, u32> = HashMap::new();
    for seed in 0..2 {
        let mut farm = Farm::from_plan(&plan(), seed);
        let devices: Vec<_> = farm.devices().collect();
        for &device in &devices {
            let config = farm.subscriptions(device)[0].filter.to_string();
            let ask = Received { topic: &config, payload: b"{\"interval_seconds\":null}", retained: false };
            let status = [farm.will(device, hours(0)), farm.birth(device, hours(0)), farm.heartbeat(device, hours(1))];
            for said in
                status.into_iter().chain(farm.react(device, &ask, hours(1))).chain([farm.farewell(device, hours(2))])
            {
                *checked.entry(shipped.check(&farm, device, &said)).or_default() += 1;
            }
        }
        let slow = slow(&farm);
        let mut said = natural(&mut farm, &devices, hours(1));
        said.extend(natural(&mut farm, &slow, hours(24 * 2)));
        for (at, device, said) in said {
            // All messages of the parlour and the alerts; of the frequent ones some, spread over the day.
            let frequent = farm.interval(device) < Duration::from_secs(400) && said.kind == Kind::Telemetry;
            if !frequent || at.as_nanos() % 16 == 0 {
                *checked.entry(shipped.check(&farm, device, &said)).or_default() += 1;
            }
        }
    }
    let unchecked: Vec<_> = shipped.0.keys().filter(|name| !checked.contains_key(*name)).collect();
    assert!(unchecked.is_empty(), "{unchecked:?}");
    assert!(checked.values().sum::<u32>() > 10_000, "{checked:?}");
}

#[test]
fn the_schemas_bite() {
    let shipped = Shipped::load();
    let mut farm = Farm::from_plan(&plan(), 1);
    let said = farm.telemetry(DeviceId(0), hours(5));
    let good: Value = serde_json::from_slice(&said.payload).expect("payloads are JSON");
    let schema = &shipped.0["milk_meter.data"];
    assert!(schema.is_valid(&good));
    for (pointer, bad) in [
        ("/data/volume_liters", Value::from(51.0)),
        ("/data/volume_liters", Value::from("12.0")),
        ("/data/conductivity_ms_cm", Value::Null),
        ("/data/animal_rfid", Value::from("99900000000000")),
        ("/data/animal_rfid", Value::from(999_000_000_000_001u64)),
        ("/timestamp", Value::from("2026-07-28T05:00:00.000+06:00")),
        ("/metadata/battery_level", Value::from(101)),
        ("/device_type", Value::from("milkmeter")),
        ("/schema_version", Value::from("2.0")),
    ] {
        let mut wrong = good.clone();
        *wrong.pointer_mut(pointer).expect("the member exists") = bad;
        assert!(!schema.is_valid(&wrong), "{pointer}: {wrong}");
    }
}

/// `UPDATE_SCHEMAS=1 cargo test -p simulator` writes them.
#[test]
fn the_shipped_schemas_are_those_of_the_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let mut expected: Vec<String> = Vec::new();
    for (name, schema) in schemas() {
        let file = format!("{name}.json");
        let text = serde_json::to_string_pretty(schema.as_value()).expect("schemas are JSON") + "\n";
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(folder.join(&file), &text).expect("the folder is there");
        }
        let shipped = std::fs::read_to_string(folder.join(&file)).unwrap_or_default();
        assert!(shipped == text, "{file} is out of date: UPDATE_SCHEMAS=1 cargo test -p simulator");
        expected.push(file);
    }
    for entry in std::fs::read_dir(&folder).expect("the folder is there") {
        let name = entry.expect("it can be read").file_name().to_string_lossy().into_owned();
        assert!(expected.contains(&name), "{name} is of no payload");
    }
}

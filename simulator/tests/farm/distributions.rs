//! Values are those of the trade, and values that belong together agree.

use std::collections::HashMap;

use scenarios::model::DeviceModel as Model;
use serde_json::Value;
use simulator::farm::{Farm, Kind};

use super::{hours, json, natural, of, of_model};

fn measured(model: Model, count: u32, days: u64) -> Vec<(String, Value)> {
    let mut farm = Farm::from_plan(&of(&[(model, count)]), 21);
    let devices = of_model(&farm, model);
    natural(&mut farm, &devices, hours(24 * days))
        .into_iter()
        .filter(|(.., said)| said.kind == Kind::Telemetry)
        .map(|(.., said)| (said.topic.rsplit('/').next().expect("a topic has a level").to_owned(), json(&said)))
        .collect()
}

fn values(messages: &[(String, Value)], leaf: &str, member: &str) -> Vec<f64> {
    let of_leaf = messages.iter().filter(|(name, _)| name == leaf);
    of_leaf.filter_map(|(_, payload)| payload["data"][member].as_f64()).collect()
}

fn mean(values: &[f64]) -> f64 {
    assert!(values.len() > 100, "only {} values", values.len());
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn milk_is_that_of_a_herd_of_holsteins() {
    let milk = measured(Model::MilkMeter, 32, 4);
    let of = |member| values(&milk, "data", member);
    assert!((10.5..12.5).contains(&mean(&of("volume_liters"))), "{}", mean(&of("volume_liters")));
    assert!((4.9..5.5).contains(&mean(&of("conductivity_ms_cm"))));
    assert!((36.0..38.0).contains(&mean(&of("temperature_celsius"))));
    assert!((2.1..2.8).contains(&mean(&of("flow_rate_avg"))));
    assert!((3.2..4.4).contains(&mean(&of("flow_rate_peak"))));
    assert!((240.0..390.0).contains(&mean(&of("milking_duration_seconds"))));
    let statuses = milk.iter().fold(HashMap::<String, u32>::new(), |mut counts, (_, payload)| {
        *counts.entry(payload["quality"]["conductivity_status"].as_str().unwrap().to_owned()).or_default() += 1;
        counts
    });
    assert!(statuses["NORMAL"] * 10 > milk.len() as u32 * 7 && statuses.contains_key("ALERT_HIGH"), "{statuses:?}");
    for (_, payload) in &milk {
        let data = &payload["data"];
        let number = |member: &str| data[member].as_f64().unwrap();
        let average = number("volume_liters") / number("milking_duration_seconds") * 60.0;
        assert!(
            (number("flow_rate_avg") - average).abs() <= 0.006 && number("flow_rate_peak") >= number("flow_rate_avg")
        );
        let conductivity = number("conductivity_ms_cm");
        let status = payload["quality"]["conductivity_status"].as_str().unwrap();
        let expected = if conductivity > 6.5 {
            "ALERT_HIGH"
        } else if conductivity > 5.5 {
            "WARNING_ELEVATED"
        } else {
            "NORMAL"
        };
        assert_eq!(status, expected);
    }
}

#[test]
fn the_index_follows_from_temperature_and_humidity() {
    let air = measured(Model::HumiditySensor, 2, 2);
    for (_, payload) in &air {
        let number = |member: &str| payload["data"][member].as_f64().unwrap();
        let (t, rh) = (number("temperature_celsius"), number("humidity_percent") / 100.0);
        assert!((number("thi") - (0.8 * t + rh * (t - 14.4) + 46.4)).abs() <= 0.051);
        assert!(number("dew_point") <= t);
    }
}

#[test]
fn collars_measure_what_collars_measure() {
    let collars = measured(Model::Collar, 60, 2);
    let daily = mean(&values(&collars, "rumination", "rumination_minutes_daily"));
    assert!((470.0..530.0).contains(&daily), "{daily}");
    let blocks = mean(&values(&collars, "rumination", "rumination_minutes"));
    assert!((38.0..46.0).contains(&blocks), "{blocks}");
    let body = values(&collars, "temperature", "body_temperature");
    let normal = body.iter().filter(|&&degrees| (38.0..=39.5).contains(&degrees)).count();
    assert!(normal as f64 / body.len() as f64 > 0.97);
    for (_, payload) in collars.iter().filter(|(leaf, _)| leaf == "location") {
        let (north, east) =
            (payload["data"]["latitude"].as_f64().unwrap(), payload["data"]["longitude"].as_f64().unwrap());
        assert!((24.0..24.003).contains(&north) && (90.3..90.308).contains(&east), "{payload}");
    }
}

#[test]
fn milk_quality_is_that_of_a_herd() {
    let mut farm =
        Farm::from_plan(&of(&[(Model::MilkMeter, 16), (Model::ParlourReader, 2), (Model::QualityAnalyzer, 2)]), 22);
    let devices: Vec<_> = farm.devices().collect();
    let samples: Vec<_> = natural(&mut farm, &devices, hours(96))
        .into_iter()
        .filter(|(_, device, said)| farm.info(*device).model == Model::QualityAnalyzer && said.kind == Kind::Telemetry)
        .map(|(.., said)| ("data".to_owned(), json(&said)))
        .collect();
    assert!((3.7..4.2).contains(&mean(&values(&samples, "data", "fat_percentage"))));
    assert!((3.2..3.45).contains(&mean(&values(&samples, "data", "protein_percentage"))));
    assert!((8.4..9.1).contains(&mean(&values(&samples, "data", "snf_percentage"))));
    assert!((100.0..420.0).contains(&mean(&values(&samples, "data", "somatic_cells_thousands"))));
    let of_animals = samples.iter().filter(|(_, payload)| payload["data"]["sample"] == "milking").count();
    assert!(of_animals * 100 > samples.len() * 95, "{of_animals} of {}", samples.len());
}

#[test]
fn bins_are_emptied_by_animals_and_refilled() {
    let feed = measured(Model::FeedingStation, 1, 12);
    let eaten = values(&feed, "consumption", "consumed_kg");
    assert!((0.5..0.9).contains(&mean(&eaten)));
    let mut left: Option<f64> = None;
    let (mut taken, mut refills) = (0.0, 0);
    for (leaf, payload) in &feed {
        if leaf == "consumption" {
            taken += payload["data"]["consumed_kg"].as_f64().unwrap();
            continue;
        }
        let now = payload["data"]["remaining_kg"].as_f64().unwrap();
        if payload["data"]["refilled"] == true {
            refills += 1;
            assert_eq!(now, 600.0);
        } else if let Some(before) = left {
            assert!((before - taken - now).abs() < 0.2, "{before} - {taken} != {now}");
        }
        (left, taken) = (Some(now), 0.0);
    }
    assert!(refills > 0);
}

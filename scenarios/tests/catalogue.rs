//! The catalogue keeps what it promises.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use scenarios::{
    Scenario, catalogue, load,
    model::{Address, DeviceModel, QoS, Role},
};

fn entry(name: &str) -> Scenario {
    load(name).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_file_of_the_folder_is_embedded_and_resolves() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let embedded: BTreeSet<String> = catalogue().iter().map(|entry| entry.name.to_owned()).collect();
    assert_eq!(files, embedded);
    for entry in catalogue() {
        let scenario = scenarios::parse(entry.name, entry.text).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(scenario.name.as_str(), entry.name);
        assert!(!scenario.title.is_empty() && !scenario.description.is_empty(), "{}", entry.name);
        assert_eq!(scenario.brokers[0].address, Address::Embedded);
        assert!(scenario.unsupported().is_empty(), "{}: {:?}", entry.name, scenario.unsupported());
        assert!(!scenario.thresholds.is_empty(), "{}", entry.name);
    }
}

#[test]
fn phases_have_the_figures_of_the_design() {
    for (phase, devices, rate, connections) in [(1, 200, 500.0, 300), (2, 500, 1500.0, 800), (3, 1000, 3000.0, 1500)] {
        let design = entry(&format!("phase-{phase}"));
        let day = entry(&format!("phase-{phase}-day"));
        for scenario in [&design, &day] {
            assert_eq!(scenario.device_count(), devices);
            assert_eq!(scenario.connection_count(), connections);
            assert!(scenario.length() <= Duration::from_secs(90));
        }
        assert_eq!(design.peak_rate(), Some(rate));
        assert!(!design.is_natural());
        assert_eq!(day.peak_rate(), None);
        assert!(day.is_natural() && day.day.compress.value() > 1.0 && !day.day.curves.is_empty());
        let mix =
            |scenario: &Scenario| scenario.devices.iter().map(|group| (group.model, group.count)).collect::<Vec<_>>();
        assert_eq!(mix(&design), mix(&day));
    }
}

#[test]
fn phase_3_demands_what_the_project_promises() {
    let thresholds: Vec<String> = entry("phase-3").thresholds.iter().map(ToString::to_string).collect();
    for demanded in [
        "loss: count==0",
        "duplicates: count==0",
        "e2e{qos:1}: p(99)<10ms",
        "generator_lag: p(99.9)<5ms",
        "rate{stage:hold}: min>=0.99*intended",
    ] {
        assert!(thresholds.iter().any(|threshold| threshold == demanded), "{demanded} is not among {thresholds:?}");
    }
}

#[test]
fn every_message_of_a_phase_reaches_the_erp_and_every_message_of_a_barn_its_screens() {
    for phase in 1..=3 {
        let scenario = entry(&format!("phase-{phase}"));
        let erp = scenario.subscribers.iter().find(|group| group.role == Role::Erp).unwrap();
        assert_eq!(erp.subscriptions[0].filter.to_string(), "$share/erp/smartdairy/#");
        assert!(erp.subscriptions[0].filter.is_shared());
        assert_eq!(erp.expect.len(), scenario.devices.len());
        let screens = scenario.subscribers.iter().find(|group| group.name.as_str() == "barn-screen").unwrap();
        let filters: BTreeSet<String> =
            (1..=screens.count).map(|n| screens.subscriptions[0].filter.fill(&screens.fill(n))).collect();
        assert_eq!(filters.len(), scenario.barns.len());
    }
}

#[test]
fn keepers_follow_a_thermometer_that_exists_in_their_barn() {
    for phase in 1..=3 {
        let scenario = entry(&format!("phase-{phase}"));
        let keepers = scenario.subscribers.iter().find(|group| group.name.as_str() == "keeper").unwrap();
        let sensors = scenario.group(keepers.expect[0]);
        assert_eq!(keepers.count, sensors.count);
        for n in 1..=keepers.count {
            let topic =
                format!("smartdairy/farm/{}/environmental/temperature/{}", sensors.barn(n), sensors.client_id(n));
            assert_eq!(keepers.subscriptions[0].filter.fill(&keepers.fill(n)), topic);
        }
    }
}

#[test]
fn smoke_is_short_and_has_a_little_of_everything() {
    let smoke = entry("smoke");
    assert!(smoke.length() + smoke.drain < Duration::from_secs(10));
    let models: BTreeSet<DeviceModel> = smoke.devices.iter().map(|group| group.model).collect();
    // A plain device is none of a farm's.
    assert_eq!(models.len(), DeviceModel::ALL.len() - 1);
    let levels: BTreeSet<QoS> = smoke.devices.iter().filter_map(|group| group.qos).collect();
    assert_eq!(levels.len(), 3);
}

//! Scenarios with a bad network: what it did is told, and what must hold all the same holds.

use std::{collections::BTreeSet, fs, path::Path};

use crate::support::{output, paddock};

/// Runs a scenario of the catalogue, which must pass; the texts of what was done on purpose.
fn injected(name: &str) -> BTreeSet<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run");
    let output = output(paddock().args(["run", name, "--out"]).arg(&run));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    texts(&run)
}

fn texts(run: &Path) -> BTreeSet<String> {
    let lines = fs::read_to_string(run.join("observations.jsonl")).expect("the run's observations");
    let observations = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let events = observations.filter(|one| one["event"] == "injected");
    events.map(|event| event["text"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn a_bad_link_loses_nothing_and_tells_what_it_did() {
    let told = injected("bad-link");
    for wanted in ["network.fading: stalled for 300ms", "network.interference: connection severed (RST)"] {
        assert!(told.contains(wanted), "{wanted} is not in {told:?}");
    }
    assert!(
        !told.iter().any(|text| text.starts_with("network.radio")),
        "what befalls every packet is not told: {told:?}"
    );
}

#[test]
fn a_half_open_connection_is_noticed_by_keep_alive() {
    let told = injected("half-open");
    for wanted in ["network.gateway turned on", "network.gateway: swallowed from here on", "network.gateway turned off"]
    {
        assert!(told.contains(wanted), "{wanted} is not in {told:?}");
    }
}

#[test]
fn a_reconnect_storm_is_weathered() {
    let told = injected("reconnect-storm");
    let cut = ["100 devices of meter-2", "20 devices of air-2", "80 devices of humidity-2"];
    let cut = cut.map(|hit| format!("reconnect storm: {hit} cut within 0s, away for 2s"));
    assert_eq!(told.into_iter().collect::<Vec<_>>(), cut);
}

#[test]
fn a_network_needs_packets_that_it_can_see() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = ["--target", "mqtts://127.0.0.1:1", "--insecure", "--out"];
    let refused = output(paddock().args(["run", "bad-link"]).args(target).arg(folder.path().join("run")));
    let said = String::from_utf8_lossy(&refused.stdout).into_owned() + &String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains("[network]") && said.contains("mqtts:// hides them: use an mqtt:// or unix: address"),
        "{said}"
    );
    let simulated = output(paddock().args(["simulate", "bad-link", "--target", "mqtt://127.0.0.1:1"]));
    assert_eq!(simulated.status.code(), Some(2), "{}", String::from_utf8_lossy(&simulated.stderr));
}

//! paho-mqtt and MQTT.js: each brings a script that makes the same checks and says `ok NAME` for each.

use std::process::Command;

use crate::{
    support::{Broker, output},
    ways::{Everywhere, Way},
};

const CHECKS: [&str; 6] = ["qos 0", "qos 1", "qos 2", "retained", "will", "shared"];

#[test]
fn paho_speaks_3_1_1() {
    checked(paho(), &Broker::start().way(), "4");
}

#[test]
fn paho_speaks_5_0() {
    checked(paho(), &Broker::start().way(), "5");
}

#[test]
fn mqttjs_speaks_3_1_1() {
    checked(mqttjs(), &Broker::start().way(), "4");
}

#[test]
fn mqttjs_speaks_5_0() {
    checked(mqttjs(), &Broker::start().way(), "5");
}

#[test]
fn paho_speaks_over_tls_and_websocket() {
    everywhere(paho);
}

#[test]
fn mqttjs_speaks_over_tls_and_websocket() {
    everywhere(mqttjs);
}

/// Over TLS, WebSocket and both, with client certificates where they are required; each version in turn.
fn everywhere(library: fn() -> Command) {
    let broker = Everywhere::start();
    for (way, level) in broker.ways.iter().zip(["5", "4"].iter().cycle()) {
        checked(library(), way, level);
    }
}

fn paho() -> Command {
    // Debian's own Python, because Debian's paho belongs to it.
    let mut command = Command::new("/usr/bin/python3");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end/counterparts/paho_checks.py"));
    command
}

fn mqttjs() -> Command {
    let mut command = Command::new("node");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end/counterparts/mqttjs_checks.cjs"));
    command
}

fn checked(mut command: Command, way: &Way, level: &str) {
    let output = output(command.args([&way.url(), level]).args(way.files()));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{way:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    let done: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("ok ")).collect();
    assert_eq!(done, CHECKS);
}

//! paho-mqtt and MQTT.js: each brings a script that makes the same checks and says `ok NAME` for each.

use std::process::Command;

use crate::support::{Broker, output};

const CHECKS: [&str; 6] = ["qos 0", "qos 1", "qos 2", "retained", "will", "shared"];

#[test]
fn paho_speaks_3_1_1() {
    checked(paho(), "4");
}

#[test]
fn paho_speaks_5_0() {
    checked(paho(), "5");
}

#[test]
fn mqttjs_speaks_3_1_1() {
    checked(mqttjs(), "4");
}

#[test]
fn mqttjs_speaks_5_0() {
    checked(mqttjs(), "5");
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

fn checked(mut command: Command, level: &str) {
    let broker = Broker::start();
    let output = output(command.args(["127.0.0.1", &broker.port(), level]));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let done: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("ok ")).collect();
    assert_eq!(done, CHECKS);
}

//! The oracle's codec, `wire`, against the others: that of the broker, that of rumqttc and that of MQTT.js.
//!
//! `packets` makes any legal packet, `ours`, `rumqttc` and `mqttjs` compare what it means to each codec, `refused` compares what each refuses, and
//! `tables` holds wire's facts against those that people read.

#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod mqttjs;
mod ours;
mod packets;
mod refused;
mod rumqttc;
mod tables;

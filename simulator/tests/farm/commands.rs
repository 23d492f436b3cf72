//! Configuration and commands: done once, acknowledged, refused with a reason, never fatal.

use std::time::Duration;

use proptest::prelude::*;
use scenarios::model::DeviceModel as Model;
use serde_json::Value;
use simulator::farm::{DeviceId, Farm, Kind, Publication, Received};

use super::{hours, json, of, plan};

const METER: DeviceId = DeviceId(0);
const CONFIG: &str = "smartdairy/farm/barn_1/milking_parlor/milk_meter/milk_meter_0001/config";
const CONTROL: &str = "smartdairy/commands/device/milk_meter_0001/control";

fn ask(farm: &mut Farm, topic: &str, payload: &str) -> Vec<Publication> {
    farm.react(METER, &Received { topic, payload: payload.as_bytes(), retained: false }, hours(1))
}

fn answer(publications: &[Publication]) -> Value {
    let first = &publications[0];
    assert!(first.kind == Kind::Answer && !first.retain && first.topic.ends_with("/status"));
    json(first)["data"]["answer"].clone()
}

#[test]
fn a_new_interval_is_acknowledged_and_kept() {
    let mut farm = Farm::from_plan(&plan(), 1);
    let natural = farm.interval(METER);
    let reply = ask(&mut farm, CONFIG, r#"{"interval_seconds":2.5,"correlation_id":"c-1"}"#);
    assert_eq!(answer(&reply)["outcome"], "accepted");
    assert_eq!(answer(&reply)["correlation_id"], "c-1");
    assert_eq!(json(&reply[0])["data"]["interval_seconds"], 2.5);
    assert_eq!(farm.interval(METER), Duration::from_millis(2500));
    let next = farm.next_natural(METER, hours(1));
    assert!(next - hours(1) < Duration::from_secs(6));
    ask(&mut farm, CONFIG, r#"{"interval_seconds":null}"#);
    assert_eq!(farm.interval(METER), natural);
}

#[test]
fn retained_configuration_is_applied_and_a_retained_command_is_not() {
    let mut farm = Farm::from_plan(&plan(), 1);
    let config = Received { topic: CONFIG, payload: br#"{"interval_seconds":7}"#, retained: true };
    assert_eq!(answer(&farm.react(METER, &config, hours(1)))["outcome"], "accepted");
    let restart = Received { topic: CONTROL, payload: br#"{"command":"restart"}"#, retained: true };
    let reply = farm.react(METER, &restart, hours(1));
    assert_eq!((reply.len(), &answer(&reply)["outcome"]), (1, &Value::from("stale")));
}

#[test]
fn a_command_is_executed_once() {
    let mut farm = Farm::from_plan(&plan(), 1);
    let first = ask(&mut farm, CONTROL, r#"{"command":"report","correlation_id":"a"}"#);
    assert_eq!((first.len(), first[1].kind), (2, Kind::Telemetry));
    let again = ask(&mut farm, CONTROL, r#"{"command":"report","correlation_id":"a"}"#);
    assert_eq!((again.len(), &answer(&again)["outcome"]), (1, &Value::from("duplicate")));
}

#[test]
fn restart_goes_offline_and_comes_back_with_a_new_boot() {
    let mut farm = Farm::from_plan(&plan(), 1);
    farm.birth(METER, hours(0));
    farm.birth(METER, hours(0));
    let reply = ask(&mut farm, CONTROL, r#"{"command":"restart"}"#);
    let seen: Vec<_> = reply
        .iter()
        .map(|said| (json(said)["data"]["status"].clone(), json(said)["metadata"]["boot_id"].as_u64(), said.retain))
        .collect();
    assert_eq!(
        seen,
        [("online".into(), Some(1), false), ("offline".into(), Some(1), true), ("online".into(), Some(2), true)]
    );
    // On the connection that it has, whose will must still be known as its own.
    let connections: Vec<_> = reply.iter().map(|said| json(said)["data"]["connection"].as_u64()).collect();
    assert_eq!(connections, [Some(2); 3]);
    assert_eq!(json(&reply[2])["data"]["uptime_seconds"], 0);
    assert_eq!(json(&farm.telemetry(METER, hours(1)))["metadata"]["boot_id"], 2);
}

#[test]
fn a_command_past_its_time_is_not_executed() {
    let mut farm = Farm::from_plan(&plan(), 1);
    for (issued, outcome) in
        [("2026-07-28T00:59:58Z", "accepted"), ("2026-07-28T00:59:00Z", "stale"), ("soon", "rejected")]
    {
        let command = format!(r#"{{"command":"ping","issued_at":"{issued}","ttl_seconds":5}}"#);
        assert_eq!(answer(&ask(&mut farm, CONTROL, &command))["outcome"], outcome, "{issued}");
    }
}

#[test]
fn what_is_not_understood_is_refused_with_a_reason() {
    let mut farm = Farm::from_plan(&plan(), 1);
    let natural = farm.interval(METER);
    let long = format!(r#"{{"command":"{}"}}"#, "x".repeat(20_000));
    let deep = "[".repeat(5000);
    for (topic, payload) in [
        (CONFIG, "{"),
        (CONFIG, ""),
        (CONFIG, r#"{"interval_seconds":"5"}"#),
        (CONFIG, r#"{"interval_seconds":0}"#),
        (CONFIG, r#"{"interval_seconds":-1}"#),
        (CONFIG, r#"{"interval_seconds":1e300}"#),
        (CONFIG, r#"{"interval":5}"#),
        (CONTROL, r#"{"command":"fly"}"#),
        (CONTROL, r#"{"command":7}"#),
        (CONTROL, r#"{}"#),
        (CONTROL, r#"{"command":"set_interval"}"#),
        (CONTROL, &long),
        (CONTROL, &deep),
    ] {
        let reply = ask(&mut farm, topic, payload);
        let answer = answer(&reply);
        assert_eq!((reply.len(), &answer["outcome"]), (1, &Value::from("rejected")), "{payload}");
        assert!(!answer["reason"].as_str().unwrap().is_empty());
        assert!(reply[0].payload.len() < 2000);
    }
    assert_eq!(farm.interval(METER), natural);
}

#[test]
fn the_other_seeds_have_their_own_commands() {
    let mut farm = Farm::from_plan(&of(&[(Model::Esp32, 1), (Model::PropController, 1)]), 1);
    let esp32 = Received { topic: "devices/ESP32_001/command", payload: br#"{"command":"ping"}"#, retained: false };
    let reply = farm.react(DeviceId(0), &esp32, hours(1));
    assert_eq!(&*reply[0].topic, "devices/ESP32_001/status");
    assert_eq!(json(&reply[0])["answer"]["outcome"], "accepted");
    // The command of the seed, to a room and to one controller.
    for topic in ["paragon/clockwork/commands/test", "paragon/clockwork/commands/prop_controller_0001/test"] {
        let test = Received { topic, payload: br#"{"test":true,"timestamp":1785196800}"#, retained: false };
        let reply = farm.react(DeviceId(1), &test, hours(1));
        assert_eq!(&*reply[0].topic, "paragon/clockwork/status/prop_controller_0001");
        assert_eq!(json(&reply[0])["answer"]["command"], "test");
        assert_eq!(json(&reply[0])["answer"]["outcome"], "accepted");
    }
    let elsewhere = Received { topic: "paragon/vault/commands/test", payload: b"{}", retained: false };
    assert!(farm.react(DeviceId(1), &elsewhere, hours(1)).is_empty());
}

proptest! {
    #[test]
    fn no_bytes_are_fatal(payload: Vec<u8>, device in 0u32..83, which in 0usize..2, retained: bool) {
        let mut farm = Farm::from_plan(&plan(), 1);
        let device = DeviceId(device);
        let topic = farm.subscriptions(device)[which].filter.replace('+', "x");
        for publication in farm.react(device, &Received { topic: &topic, payload: &payload, retained }, hours(1)) {
            json(&publication);
        }
        let elsewhere = Received { topic: "elsewhere", payload: &payload, retained };
        prop_assert!(farm.react(device, &elsewhere, hours(1)).is_empty());
    }

    #[test]
    fn json_of_any_text_is_answered(text in "\\PC{0,300}") {
        let mut farm = Farm::from_plan(&plan(), 1);
        let payload = serde_json::json!({"command": text, "correlation_id": text}).to_string();
        let reply = farm.react(METER, &Received { topic: CONTROL, payload: payload.as_bytes(), retained: false }, hours(1));
        let id = answer(&reply)["correlation_id"].as_str().unwrap().to_owned();
        prop_assert!(text.starts_with(&id) && id.len() <= 128);
    }
}

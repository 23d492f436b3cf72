//! The load generator as a user meets it: closed loops, and what it takes of the machine.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::{output, paddock};

/// Two groups of plain devices that send as fast as they may, one at QoS 0 and one at QoS 1.
const FLOOD: &str = r##"
[scenario]
name = "flood"
lag_limit = "1h"
drain = "30s"

[devices.once]
model = "plain"
count = 3
qos = 0
topic = "bytes/{id}"

[devices.acknowledged]
model = "plain"
count = 3
qos = 1
topic = "bytes/{id}"
payload = "24B"

[subscribers.all]
count = 2
filters = ["bytes/#"]

[[stages]]
name = "flood"
hold = "1s"
shape = "flood"
in_flight = 5

[thresholds]
loss = ["count==0"]
duplicates = ["count==0"]
"##;

/// Connections that do next to nothing.
const IDLE: &str = r#"
[scenario]
name = "idle"
lag_limit = "1h"

[devices.bare]
model = "plain"
count = DEVICES
qos = 1

[subscribers.idle]
count = SUBSCRIBERS

[[stages]]
name = "hold"
hold = "1s"
rate = 1
"#;

#[test]
fn a_flood_loses_nothing_and_says_that_it_is_a_closed_loop() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("flood.toml");
    fs::write(&file, FLOOD).expect("a file");
    let run = folder.path().join("run");
    let ended = output(paddock().args(["run"]).arg(&file).arg("--out").arg(&run));
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{said}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains("closed loop"), "{said}");
    let observed = observations(&run);
    let warnings: Vec<&str> = observed.iter().filter_map(|one| one["text"].as_str()).collect();
    assert!(warnings.iter().any(|text| text.contains("5 messages of each device")), "{warnings:?}");
    let rows = observed.iter().find(|one| one["kind"] == "ledger").expect("a ledger")["rows"].clone();
    for group in ["once", "acknowledged"] {
        let of_group = |key: &str| -> u64 {
            let rows = rows.as_array().expect("rows").iter().filter(|row| row["group"] == group);
            rows.map(|row| row["counts"][key].as_u64().expect("a count")).sum()
        };
        // Far more than one window of each device, so what came back let the next ones go.
        assert!(of_group("published") > 10 * 5 * 3, "{group}: {rows}");
        assert_eq!(of_group("received"), 2 * of_group("published"), "{group}");
    }
}

/// What one connection with Keep Alive may take of the generator's memory, in KiB.
const KIB_EACH: f64 = 8.0;

#[test]
fn an_idle_connection_takes_little() {
    idle(500);
}

/// `cargo test --release --test end_to_end -- --ignored ten_thousand_connections`
#[test]
#[ignore = "takes half a minute; tests/run --peers runs it"]
fn ten_thousand_connections_take_8_kib_each() {
    idle(10_000);
}

/// Compares a generator that holds `more` idle connections with one that holds few.
#[expect(clippy::print_stdout, reason = "the figure is what a reader wants")]
fn idle(more: u32) {
    for (what, devices, subscribers) in [("idle connection", 0, more), ("bare device", more, 0)] {
        let (few, many) = (resident(20, 20), resident(20 + devices, 20 + subscribers));
        let each = many.saturating_sub(few) as f64 / f64::from(more) / 1024.0;
        println!("{each:.1} KiB for each {what}, {more} of them");
        assert!(each <= KIB_EACH, "{each:.1} KiB for each {what}");
        // A figure of nothing would measure nothing.
        assert!(each > 0.2, "{each:.1} KiB for each {what}");
    }
}

/// Bytes that the generator holds resident with so many connections, all open.
fn resident(devices: u32, subscribers: u32) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("idle.toml");
    let text = IDLE.replace("DEVICES", &devices.to_string()).replace("SUBSCRIBERS", &subscribers.to_string());
    fs::write(&file, text).expect("a file");
    let run = folder.path().join("run");
    let ended = output(paddock().args(["run"]).arg(&file).arg("--out").arg(&run));
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    let windows: Vec<Value> = observations(&run).into_iter().filter(|one| one["kind"] == "window").collect();
    let full = windows.iter().rfind(|one| one["connections"] == devices + subscribers).expect("all connected");
    full["generator"]["rss_bytes"].as_u64().expect("its memory")
}

fn observations(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("observations.jsonl")).expect("the run's record");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

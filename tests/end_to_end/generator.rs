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
            rows.map(|row| row[key].as_u64().expect("a count")).sum()
        };
        // Far more than one window of each device, so what came back let the next ones go.
        assert!(of_group("published") > 10 * 5 * 3, "{group}: {rows}");
        assert_eq!(of_group("received"), 2 * of_group("published"), "{group}");
    }
}

fn observations(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("observations.jsonl")).expect("the run's record");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

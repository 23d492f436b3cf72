//! What a target says of itself: its resources, for reports of a run against another machine, and what it dropped.

use std::{fs, path::Path, time::Duration};

use serde_json::Value;

use crate::support::{Running, output, output_within, paddock};

const SCENARIO: &str = r#"
[scenario]
name = "watched"
drain = "5s"
lag_limit = "5s"

[devices.meter]
model = "milk_meter"
count = 4
qos = 1

[subscribers.erp]
role = "erp"
count = 1
filters = ["smartdairy/#"]

[[stages]]
name = "hold"
hold = "3s"
rate = 100
"#;

/// Far more than the connection of somebody who reads so slowly holds, at QoS 0: the reference broker drops the rest.
const SHEDDING: &str = r##"
[scenario]
name = "shedding"
drain = "4s"
lag_limit = "1h"

[devices.camera]
model = "plain"
count = 4
qos = 0
topic = "pictures/{id}"
payload = "512KiB"

[subscribers.phone]
count = 1
filters = ["pictures/#"]
qos = 0
read_rate = 20

[[stages]]
name = "hold"
hold = "2s"
rate = 80

[thresholds]
loss = ["count==0"]
"##;

#[test]
fn what_the_broker_says_that_it_dropped_stands_beside_the_loss() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shedding.toml");
    fs::write(&file, SHEDDING).expect("the folder is writable");
    let out = folder.path().join("run");
    let ended = output(paddock().arg("run").arg(&file).arg("--out").arg(&out));
    let said = String::from_utf8_lossy(&ended.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(ended.status.code(), Some(6), "{said}{}", String::from_utf8_lossy(&ended.stderr));
    let summary: Value = serde_json::from_slice(&fs::read(out.join("summary.json")).unwrap()).expect("it is JSON");
    let (drops, lost) = (&summary["broker_drops"], summary["ledger_total"]["lost"].as_u64().expect("it is counted"));
    let slow = drops["causes"]["slow"].as_u64().unwrap_or_else(|| panic!("{drops}"));
    assert!(slow > 0 && slow <= lost, "{slow} of {lost}");
    let source = drops["source"].as_str().expect("an address");
    assert!(source.starts_with("http://127.0.0.1:"), "{source}");
    let sentence = format!("The broker says that it dropped {slow} messages meanwhile: {slow} slow (");
    assert!(said.contains(&sentence), "{said}");
    let page = fs::read_to_string(out.join("report.html")).expect("a report");
    assert!(page.contains(&sentence), "it is not in the report");
}

/// Mosquitto that lets few messages wait for a client, and tells of it soon or as late as ever.
fn shedding_mosquitto(folder: &Path, extra: &str) -> String {
    let descriptor = folder.join("small.toml");
    let text = format!(
        r#"
name = "small"
product = "Mosquitto with small queues"
versions = ["3.1.1", "5.0"]

[process]
program = "mosquitto"
arguments = ["-c", "${{config}}"]
config = '''
user root
persistence false
allow_anonymous true
max_queued_messages 10
{extra}
listener ${{port}} 127.0.0.1
'''
"#
    );
    fs::write(&descriptor, text).expect("the folder is writable");
    descriptor.display().to_string()
}

/// Somebody who takes far fewer messages at QoS 1 than come, and a broker that does not let them wait.
fn shed_at(target: &str, folder: &Path, events: &str) -> (Value, String) {
    let file = folder.join("shedding.toml");
    let text = SHEDDING.replace("qos = 0", "qos = 1").replace("512KiB", "64B").replace("rate = 80", "rate = 300");
    fs::write(&file, text + events).expect("the folder is writable");
    let out = folder.join("run");
    let mut command = paddock();
    command.arg("run").arg(&file).args(["--target", target, "--out"]).arg(&out);
    let ended = output_within(Duration::from_secs(90), &mut command);
    let said = String::from_utf8_lossy(&ended.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(ended.status.code(), Some(6), "{said}{}", String::from_utf8_lossy(&ended.stderr));
    let summary = fs::read(out.join("summary.json")).expect("the run leaves its summary");
    (serde_json::from_slice(&summary).expect("it is JSON"), said)
}

#[test]
fn what_mosquitto_says_below_sys_stands_beside_the_loss() {
    let folder = tempfile::tempdir().unwrap();
    let target = shedding_mosquitto(folder.path(), "sys_interval 1");
    let (summary, said) = shed_at(&target, folder.path(), "");
    let (drops, lost) = (&summary["broker_drops"], summary["ledger_total"]["lost"].as_u64().expect("it is counted"));
    assert!(lost > 100, "{said}");
    assert_eq!((&drops["source"], &drops["note"]), (&"$SYS/broker/publish/messages/dropped".into(), &Value::Null));
    // The ledger and the broker count the same messages.
    assert_eq!(drops["causes"], serde_json::json!({ "any": lost }), "{said}");
    let sentence = format!("The broker says that it dropped {lost} messages meanwhile ($SYS/broker");
    assert!(said.contains(&sentence), "{said}");
}

#[test]
fn a_broker_that_began_again_says_what_it_dropped_since() {
    let restart = "\n[[events]]\nat = \"hold+300ms\"\ndo = \"restart_broker\"\nfor = \"200ms\"\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("restarted.toml");
    fs::write(&file, SHEDDING.to_owned() + restart).expect("the folder is writable");
    let out = folder.path().join("run");
    let mut command = paddock();
    let ended = output_within(Duration::from_secs(90), command.arg("run").arg(&file).arg("--out").arg(&out));
    let said = String::from_utf8_lossy(&ended.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    let summary: Value = serde_json::from_slice(&fs::read(out.join("summary.json")).unwrap()).expect("it is JSON");
    let (drops, again) =
        (&summary["broker_drops"], "it was started again, and what it dropped before that is not known");
    assert_eq!(drops["note"], again, "{said}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains(&format!("/metrics; {again})")), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let target = shedding_mosquitto(folder.path(), "sys_interval 1");
    let (summary, said) = shed_at(&target, folder.path(), restart);
    assert_eq!(summary["broker_drops"]["note"], again, "{said}");
}

/// A token.
const SECRET: &str = "barn-door-7";

/// A run against `target` that reads `page`: its summary, and what it said.
fn run(folder: &Path, target: &str, page: &str) -> (Value, String) {
    let file = folder.join("watched.toml");
    fs::write(&file, SCENARIO).expect("the folder is writable");
    let (out, token) = (folder.join("run"), folder.join("token"));
    fs::write(&token, SECRET).expect("the folder is writable");
    let mut command = paddock();
    command.args(["run", "--target", target, "--metrics", page, "--metrics-token-file"]).arg(token);
    let output = output_within(Duration::from_secs(60), command.arg("--out").arg(&out).arg(&file));
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for entry in fs::read_dir(&out).expect("the run leaves a folder") {
        let text = fs::read(entry.expect("it is readable").path()).expect("it has files only");
        assert!(!String::from_utf8_lossy(&text).contains(SECRET) && !said.contains(SECRET), "the token was shown");
    }
    let summary = fs::read(out.join("summary.json")).expect("the run leaves its summary");
    (serde_json::from_slice(&summary).expect("it is JSON"), said)
}

#[test]
fn a_broker_s_own_metrics_stand_for_its_process() {
    let broker = Running::start(paddock().args(["broker", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0"]));
    let listening = broker.line("its address", |line| line.starts_with("listening on "));
    let monitoring = broker.line("its monitor", |line| line.starts_with("monitoring on "));
    let (target, page) = (&listening["listening on ".len()..], &monitoring["monitoring on ".len()..]);
    let folder = tempfile::tempdir().unwrap();
    let (summary, said) = run(folder.path(), target, page);
    let peak = &summary["peak"];
    assert!(peak["target_rss_bytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20), "{said}\n{peak}");
    assert!(peak["target_open_files"].as_u64().is_some_and(|files| files > 5), "{said}\n{peak}");
    assert!(peak["target_cpu"].as_f64().is_some_and(|cpu| (0.0..64.0).contains(&cpu)), "{said}\n{peak}");
    assert!(!said.contains("metrics page"), "{said}");
    // A page of a broker that is none of metrics costs one warning.
    let folder = tempfile::tempdir().unwrap();
    let (summary, said) = run(folder.path(), target, &format!("{page}/health/live"));
    assert_eq!((&summary["events"]["warning"], &summary["peak"]["target_cpu"]), (&1.into(), &Value::Null), "{said}");
    assert!(said.contains("health/live: it has neither process_cpu_seconds_total"), "{said}");
    broker.signal("TERM");
    assert_eq!(broker.end().code(), Some(0));
}

#[test]
fn what_reads_no_page_is_refused_before_anything_begins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("odd.txt");
    fs::write(&file, "two words\n").unwrap();
    let file = file.display().to_string();
    let said = |verb: &str, arguments: &[&str]| {
        let output = output(paddock().args([verb, "smoke"]).args(arguments).current_dir(folder.path()));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was left behind");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for verb in ["run", "capacity"] {
        let https = ["--metrics", "https://broker.example/metrics"];
        let no_ca = said(verb, &[&https[..], &["--metrics-ca", &file]].concat());
        assert!(no_ca.contains("--metrics-ca: ") && no_ca.contains("no certificate"), "{no_ca}");
        let no_token = said(verb, &[&https[..], &["--metrics-token-file", &file]].concat());
        assert!(
            no_token.contains("--metrics-token-file: the first line of ") && !no_token.contains("two words"),
            "{no_token}"
        );
        let readable = said(verb, &["--metrics", "http://192.0.2.7/metrics", "--metrics-token-file", &file]);
        assert!(readable.contains("everybody on the way to 192.0.2.7 can read it: use https://"), "{readable}");
        assert!(said(verb, &["--metrics-ca", &file]).contains("--metrics <URL>"), "a CA of no page");
    }
}

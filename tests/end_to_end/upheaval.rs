//! Scenarios that freeze, kill and restart the broker, with real processes: the figures are the computed ones.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::support::{output, paddock};

/// How often a run is made again that the generator itself spoiled. A figure that is wrong is never asked for again.
const ATTEMPTS: u32 = 3;

/// What a run left behind.
struct Run {
    code: Option<i32>,
    said: String,
    observations: Vec<Value>,
    summary: Value,
}

impl Run {
    fn of(scenario: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let run = folder.path().join("run");
        let output = output(paddock().args(["run", scenario]).args(more).arg("--out").arg(&run));
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let read = |file: &str| fs::read_to_string(run.join(file)).unwrap_or_else(|error| panic!("{error}: {said}"));
        let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        Self {
            code: output.status.code(),
            observations: read("observations.jsonl").lines().map(json).collect(),
            summary: json(&read("summary.json")),
            said,
        }
    }

    /// When what the scenario did happened, in seconds after the run's start; the text begins so.
    fn moment(&self, text: &str) -> f64 {
        let told = self
            .observations
            .iter()
            .find(|one| one["event"] == "injected" && one["text"].as_str().is_some_and(|told| told.starts_with(text)));
        told.unwrap_or_else(|| panic!("nothing {text}: {}", self.said))["at_ns"].as_u64().expect("a time") as f64 / 1e9
    }

    /// Of all messages, from intended start to arrival, in seconds.
    fn p95(&self) -> f64 {
        let all = self.summary["distributions"].as_array().expect("a list");
        let whole =
            all.iter().find(|one| one["metric"] == "e2e" && one["labels"].as_object().is_some_and(|it| it.is_empty()));
        whole.and_then(|whole| whole["p95_ns"].as_u64()).unwrap_or_else(|| panic!("no figure: {}", self.said)) as f64
            / 1e9
    }

    fn count(&self, event: &str) -> u64 {
        let all = self.observations.iter().filter(|one| one["event"] == event);
        all.map(|one| one["count"].as_u64().unwrap_or(1)).sum()
    }
}

/// The reference broker, which takes four messages at a time of each client and lets the others wait on their way to it.
fn narrow_broker(folder: &Path) -> PathBuf {
    let descriptor = folder.join("narrow.toml");
    let text = r#"
name = "narrow"
product = "Reference broker with a narrow door"
versions = ["3.1.1", "5.0"]

[process]
program = "${paddock}"
arguments = ["broker", "--config", "${config}"]
config = '''
[limits]
receive_maximum = 4

[[listeners]]
address = "127.0.0.1:${port}"
anonymous = true
'''
"#;
    fs::write(&descriptor, text).expect("a file can be written");
    descriptor
}

/// Freezes the broker for two of ten seconds; p95 must be what the freeze itself comes to.
fn freeze(target: &str) -> Run {
    for attempt in 1..=ATTEMPTS {
        let run = Run::of("broker-freeze", &["--target", target]);
        // Whatever the machine did, all was sent.
        let ledger = &run.summary["ledger_total"];
        let counts = ["intended", "published"].map(|name| ledger[name].as_u64());
        assert_eq!(counts, [Some(5000); 2], "{}", run.said);
        if run.code == Some(7) && attempt < ATTEMPTS {
            continue;
        }
        // Messages of the last 5 % of 10 s, half a second, waited longest.
        let frozen = run.moment("broker goes on (SIGCONT)") - run.moment("broker frozen (SIGSTOP)");
        let truth = frozen - 0.05 * 10.0;
        let measured = run.p95();
        assert!((1.9..2.5).contains(&frozen), "frozen for {frozen} s: {}", run.said);
        assert!((measured / truth - 1.0).abs() <= 0.1, "p95 {measured} s, computed {truth} s: {}", run.said);
        return run;
    }
    unreachable!("the last attempt is judged")
}

#[test]
fn p95_of_a_frozen_broker_is_the_computed_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = freeze(narrow_broker(folder.path()).to_str().expect("a path"));
    assert_eq!(run.code, Some(0), "{}", run.said);
    assert_eq!(run.summary["ledger_total"]["received"].as_u64(), Some(5000), "{}", run.said);
}

#[test]
fn p95_of_a_frozen_mosquitto_is_the_computed_one() {
    // As it is installed it lets a thousand messages wait for a client, and drops what a thaw brings beyond them.
    freeze("mosquitto");
}

#[test]
fn a_broker_comes_back_twice_and_sessions_that_it_lost_are_told() {
    let run = Run::of("broker-restart", &[]);
    // On a busy machine it may be late, and its clients slow to come back.
    assert!(matches!(run.code, Some(0 | 6 | 7)), "{}", run.said);
    let order = ["broker ended, as it was asked to", "broker killed (SIGKILL)", "broker serves again"];
    let [ended, killed, back] = order.map(|text| run.moment(text));
    // It is away for a second from when it is asked to end, which takes its time.
    assert!((2.0..4.0).contains(&ended) && (6.0..8.0).contains(&killed) && back >= 2.9, "{}", run.said);
    // Twenty meters and the ERP, twice.
    assert_eq!(run.count("session_lost"), 42, "{}", run.said);
    // What the windows say of the broker's process goes on with the new ones.
    let windows = run.observations.iter().filter(|one| one["kind"] == "window");
    let sampled =
        windows.filter(|one| one["at_ns"].as_u64() >= Some(9_000_000_000)).all(|one| !one["target"].is_null());
    assert!(sampled, "{}", run.said);
    assert!(!run.said.contains("has ended"), "it was meant to end: {}", run.said);
}

#[test]
fn nobody_freezes_a_broker_that_others_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run");
    let target = ["--target", "mqtt://127.0.0.1:1", "--out"];
    let refused = output(paddock().args(["run", "broker-freeze"]).args(target).arg(&run));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("events[0]") && said.contains("somebody else runs mqtt://127.0.0.1:1"), "{said}");
    assert!(!run.exists(), "nothing ran");
}

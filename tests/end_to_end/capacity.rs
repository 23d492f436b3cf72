//! `paddock capacity` from its command line to its document, against a target whose capacity is known.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use serde_json::Value;

use crate::support::{Running, output, output_within, paddock};

/// A handful of devices and one reader of everything, on a machine that may do other work.
const SCENARIO: &str = r#"
[scenario]
name = "knee"
seed = 7
warm_up = "200ms"
drain = "3s"
lag_limit = "2s"

[brokers.broker]
url = "embedded"
version = "5.0"

[devices.meter]
model = "milk_meter"
count = 8
qos = 1

[devices.collar]
model = "collar"
count = 4
qos = 0
version = "3.1.1"

[subscribers.archive]
role = "erp"
count = 2
filters = ["$share/archive/#"]
qos = 1

[[stages]]
name = "hold"
hold = "1s"
rate = 100

[search]
slo = ["p(99)<250ms", "loss count==0"]
step_length = "1s"
tolerance = "25%"
confirm = 1
max = 5000

[output]
html = false
junit = false
hdr_log = false
"#;

/// What the sink takes per second.
const KNEE: f64 = 300.0;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let file = folder.join("knee.toml");
    fs::write(&file, SCENARIO).expect("the folder is writable");
    let mut command = paddock();
    command.arg("capacity").arg(&file).arg("--out").arg(folder.join("found")).args(arguments);
    command
}

fn found(folder: &Path) -> Value {
    let text = fs::read(folder.join("found/capacity.json")).expect("the search leaves its document");
    serde_json::from_slice(&text).expect("it is JSON")
}

fn search(folder: &Path, arguments: &[&str]) -> (Output, Value) {
    let output = output_within(Duration::from_secs(150), &mut command(folder, arguments));
    (output, found(folder))
}

/// A sink that takes so many messages a second, and its address.
fn sink(per_second: f64) -> (Running, String) {
    let sink = Running::start(paddock().args(["null-sink", "--messages-per-second", &per_second.to_string()]));
    let line = sink.line("its address", |line| line.starts_with("listening on "));
    (sink, line.trim_start_matches("listening on ").trim().to_owned())
}

/// A search whose third step is under way.
fn under_way(folder: &Path, target: &str) -> Running {
    let running = Running::start(&mut command(folder, &["--target", target, "--start", "50", "--step-length", "2s"]));
    let third = folder.join("found/steps/03-100/observations.jsonl");
    running.wait_until("third step", || fs::metadata(&third).is_ok_and(|known| known.len() > 0));
    running
}

/// What the first two steps found is there, whatever befell the third.
fn assert_kept(found: &Value, third: &str) {
    let steps = found["steps"].as_array().expect("steps");
    let verdicts: Vec<&str> = steps.iter().map(|step| step["verdict"].as_str().expect("text")).collect();
    assert_eq!(verdicts, ["held", "held", third], "{found:#}");
    assert_eq!((&found["held"], &found["answer"]["kind"]), (&50.0.into(), &"none".into()));
    assert!(found["sentence"].as_str().expect("text").contains("50 msg/s was held once"), "{found:#}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_known_knee_is_found_and_never_overstated() {
    let (sink, url) = sink(KNEE);
    let folder = tempfile::tempdir().unwrap();
    let (output, found) = search(folder.path(), &["--target", &url, "--start", "100"]);
    let said = text(&output.stderr) + &text(&output.stdout);
    // A loaded machine makes steps fail that would hold, never the other way round.
    let steps = found["steps"].as_array().unwrap();
    for step in steps.iter().filter(|step| step["verdict"] == "held") {
        // In a step of a second and its warm-up as much again may wait as the SLO lets pass.
        assert!(step["asked"].as_f64().unwrap() <= KNEE * 1.3, "{said}");
    }
    assert_eq!(output.status.code(), Some(0), "{said}");
    let figure = found["answer"]["figure"].as_f64().unwrap();
    assert!((KNEE / 3.0..=KNEE * 1.3).contains(&figure), "{said}");
    assert!(steps.iter().any(|step| step["verdict"] == "broke"), "{said}");
    let last = steps.last().unwrap();
    assert_eq!(
        (&last["kind"], &last["verdict"], &last["asked"]),
        (&"confirmation".into(), &"held".into(), &figure.into())
    );
    // The sink was given by its address, and its process is one of this machine.
    let (about, used) = (&found["target"]["description"], &last["broker"]);
    assert!(about.as_str().unwrap().ends_with("of this machine, named by the user"), "{about}");
    assert!(used["rss_bytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20) && used["cpu"].is_number(), "{used}");
    assert_eq!(found["environment"]["shared_with_target"], true);
    // Every step is a run that can be looked at.
    for step in steps {
        let run = folder.path().join("found").join(step["folder"].as_str().unwrap());
        assert!(run.join("observations.jsonl").is_file() && run.join("summary.json").is_file(), "{}", run.display());
    }
    // The answer was compared with what the generator can do.
    assert!(folder.path().join("found/ceiling/capacity.json").is_file(), "{said}");
    assert!(found["ceiling"]["figure"].as_f64().is_some_and(|ceiling| ceiling > 0.0), "{said}");
    assert!(text(&output.stdout).contains("phase 1 needs 500 msg/s: "), "{said}");
    assert!(text(&output.stderr).contains("confirming: "), "{said}");
    sink.signal("TERM");
    assert_eq!(sink.end().code(), Some(0));
}

#[test]
fn ctrl_c_ends_the_step_and_keeps_what_was_found() {
    let (_sink, url) = sink(1e6);
    let folder = tempfile::tempdir().unwrap();
    let running = under_way(folder.path(), &url);
    running.signal("INT");
    assert_eq!(running.end().code(), Some(130));
    let found = found(folder.path());
    assert_eq!((&found["ending"], &found["exit_code"]), (&"interrupted".into(), &130.into()));
    assert_kept(&found, "interrupted");
    let page = fs::read_to_string(folder.path().join("found/report.html")).unwrap();
    assert!(page.contains("INTERRUPTED") && page.contains("50 msg&#x2f;s was held once"), "the page says the same");
    // The run of that step is whole as far as it went.
    assert!(folder.path().join("found/steps/03-100/summary.json").is_file());
}

#[test]
fn a_target_that_dies_is_said_to_be_gone() {
    let (sink, url) = sink(1e6);
    let folder = tempfile::tempdir().unwrap();
    let running = under_way(folder.path(), &url);
    sink.kill();
    assert_eq!(running.end().code(), Some(5));
    let found = found(folder.path());
    assert_eq!((&found["ending"], &found["exit_code"]), (&"aborted".into(), &5.into()));
    assert_kept(&found, "gone");
    let said = format!("went away in the step at 100 msg/s, nobody listens at {url} any more");
    assert!(found["sentence"].as_str().unwrap().contains(&said), "{found:#}");
}

#[test]
fn the_generator_s_own_ceiling_is_a_search_too_and_serves_later_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (output, found) = search(folder.path(), &["--ceiling", "--max", "200", "--step-length", "500ms"]);
    let said = text(&output.stderr) + &text(&output.stdout);
    assert_eq!((&found["subject"], &found["headroom"]), (&"generator".into(), &Value::Array(Vec::new())), "{said}");
    assert_eq!(found["target"]["description"], "null sink, child process");
    let document = folder.path().join("found/capacity.json").display().to_string();
    let scenario = folder.path().join("knee.toml").display().to_string();
    let read = |arguments: &[&str]| {
        let common = ["capacity", &scenario, "--ceiling-of", &document, "--target", "mqtt://127.0.0.1:1"];
        self::output(paddock().args(common).args(arguments).current_dir(folder.path()))
    };
    // It is read before anything is reached.
    let output = read(&["--search", "connections"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("it is about the rate of knee"), "{}", text(&output.stderr));
    // A generator that may be later does more.
    fs::write(&scenario, SCENARIO.replace("lag_limit = \"2s\"", "lag_limit = \"1s\"")).unwrap();
    let output = read(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("allowed to lag 2s for it"), "{}", text(&output.stderr));
    fs::write(&scenario, SCENARIO).unwrap();
    let output = read(&[]);
    assert_eq!(output.status.code(), Some(5), "nobody listens there");
    assert!(
        !text(&output.stderr).contains("not sampled"),
        "of nobody nothing is to be known: {}",
        text(&output.stderr)
    );
}

#[test]
fn what_cannot_be_searched_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let said = |arguments: &[&str]| {
        let output = output(paddock().arg("capacity").args(arguments).current_dir(folder.path()));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        text(&output.stderr)
    };
    assert!(said(&["phase-1-day"]).contains("give every stage a plain `rate`"));
    assert!(said(&["phase-1", "--slo", "los count==0"]).contains("did you mean `loss`?"));
    let both = said(&["phase-1", "--slo", "p(99)<200ms", "--slo", "p(99)>1s"]);
    assert!(both.contains("--slo p(99)>1s: it and `e2e: p(99)<200ms` can never both hold"), "{both}");
    assert!(said(&["phase-1", "--slo", "e2e{stage:hodl} p(99)<1s"]).contains("phase-1 has no stage:hodl"));
    assert!(said(&["phase-1", "--tolerance", "80%"]).contains("from 1% to 50%"));
    assert!(said(&["phase-1", "--search", "connections", "--max", "10"]).contains("raise --max"));
    for start in ["0", "NaN", "1e999"] {
        assert!(said(&["phase-1", "--start", start]).contains("begins above 0"));
    }
    assert!(said(&["phase-1", "--max", "1e999"]).contains("ends at a figure"));
    assert!(said(&["phase-1", "--start", "100", "--max", "10"]).contains("--start 100 is above --max 10"));
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing was left behind");
}

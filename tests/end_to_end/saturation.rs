//! A generator that gets no processor says so and ends with 7; one whose target holds it up does not.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use serde_json::Value;

use crate::support::{Broker, Running, output_within, paddock};

/// A starved run takes as long as others let it.
const PATIENCE: Duration = Duration::from_secs(240);

fn scenario(folder: &Path, group: &str, rest: &str) -> String {
    let file = folder.join("scenario.toml");
    let text = format!(
        r##"
[scenario]
name = "saturation"
drain = "20s"

[brokers.broker]
url = "embedded"
connect_timeout = "60s"

[devices.meter]
{group}

[subscribers.archive]
role = "service"
count = 1
filters = ["#"]
qos = 0

{rest}
"##
    );
    fs::write(&file, text).expect("a file can be written");
    file.display().to_string()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn summary(run: &Path) -> Value {
    let text = fs::read_to_string(run.join("summary.json")).expect("a summary");
    serde_json::from_str(&text).expect("JSON")
}

/// The first processor that this process may use.
fn processor() -> String {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("processors");
    list.trim().split([',', '-']).next().expect("one of them").to_owned()
}

#[test]
fn a_generator_that_others_keep_from_the_processor_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (run, processor) = (folder.path().join("run"), processor());
    let stages = "[[stages]]\nname = \"hold\"\nhold = \"3s\"\nrate = 300";
    let file = scenario(folder.path(), "model = \"milk_meter\"\ncount = 10\nqos = 0", stages);
    let broker = Broker::start();
    // Weaker than the tests beside this one, and stronger than the generator.
    let rival = ["-c", &processor, "nice", "-n", "12", "sh", "-c", "while :; do :; done"];
    let _rivals = [(); 2].map(|()| Running::start(Command::new("taskset").args(rival)));
    let mut command = Command::new("taskset");
    command.args(["-c", &processor, "nice", "-n", "19", env!("CARGO_BIN_EXE_paddock"), "run", &file]);
    let output = output_within(PATIENCE, command.args(["--target", &broker.url(), "--out"]).arg(&run));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(7), "{said}");
    let reason = summary(&run)["reasons"][0].as_str().expect("a reason").to_owned();
    assert!(reason.starts_with("the generator was saturated: "), "{reason}");
    assert!(reason.contains("for a processor that others had"), "{reason}");
    assert!(reason.contains("the target did not hold it up"), "{reason}");
}

#[test]
fn a_target_that_takes_nothing_more_does_not_make_the_run_invalid() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run");
    // 32 MB in two seconds: more than both ends of a connection hold.
    let rest = "[[events]]\nat = \"hold+1s\"\ndo = \"freeze_broker\"\nfor = \"2s\"\n\n\
                [[stages]]\nname = \"hold\"\nhold = \"4s\"\nrate = 64";
    let file = scenario(folder.path(), "model = \"plain\"\npayload = \"256KiB\"\ncount = 1\nqos = 0", rest);
    // Machines that take the processor away are no matter of this test; the target's silence of two seconds is.
    let text = fs::read_to_string(&file)
        .expect("it was written")
        .replace("drain = \"20s\"", "drain = \"20s\"\nlag_limit = \"1s\"");
    fs::write(&file, text).expect("a file can be written");
    let mut output = output_within(PATIENCE, paddock().args(["run", &file, "--out"]).arg(&run));
    // Asked once more where other programs had the processor, and never because of what the target did.
    if output.status.code() == Some(7) && said(&output).contains("a processor that") {
        fs::remove_dir_all(&run).expect("a run folder");
        output = output_within(PATIENCE, paddock().args(["run", &file, "--out"]).arg(&run));
    }
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("for the target, which is no lag of the generator"), "{said}");
    let mut stood = said.split("and up to ").nth(1).expect("what stood in send queues").split_whitespace();
    let (size, unit) = (stood.next().and_then(|size| size.parse::<f64>().ok()), stood.next());
    assert!(unit == Some("MiB") || unit == Some("KiB") && size.is_some_and(|size| size > 100.0), "{said}");
    let lag = summary(&run)["distributions"]
        .as_array()
        .expect("a list")
        .iter()
        .find_map(|one| (one["metric"] == "generator_lag").then(|| one["p99_ns"].as_u64())?);
    assert!(lag.is_some_and(|lag| lag < 1_000_000_000), "{lag:?}: {said}");
}

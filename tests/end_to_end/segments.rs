//! One run on four processes: the same messages to the byte, and one account of all of them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, SystemTime},
};

use reports::{
    Counter, Labels, Reader, Summary, metric,
    observation::{LedgerRow, Verdict, house_histogram},
};

use crate::support::{Broker, Running, output, paddock};

/// Devices of a parlour, which share what they say, and others that do not; readers alone and in a group.
const SCENARIO: &str = r##"
[scenario]
name = "herd"
title = "A small herd"
seed = 11
drain = "5s"
# What is asked here is who sent what, not how promptly a busy machine did.
lag_limit = "1h"
barns = ["barn_1", "barn_2"]

[devices.meter]
model = "milk_meter"
count = 6
client_id = "meter_{n:03}"
qos = 1

[devices.reader]
model = "parlour_reader"
count = 2
client_id = "reader_{n:03}"
qos = 2

[devices.collar]
model = "collar"
count = 9
client_id = "collar_{n:03}"
qos = 0

[subscribers.archive]
role = "service"
count = 3
filters = ["#"]
qos = 2

[subscribers.erp]
role = "service"
count = 4
filters = ["$share/erp/smartdairy/#"]
qos = 1

[requests.parlour]
to = ["meter", "reader"]
rate = 30
requesters = 3

[requests.connector]
to = ["collar"]
rate = 10
requesters = 3
version = "3.1.1"

[[stages]]
name = "hold"
hold = "3s"
rate = 80

[thresholds]
loss = ["count==0"]
duplicates = ["count==0"]
unanswered = ["count==0"]
"##;

const SEGMENTS: usize = 4;
const RUN_ID: &str = "5eed0011";

#[test]
fn four_segments_say_what_one_run_says_and_are_accounted_for_as_one() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("herd.toml");
    fs::write(&scenario, SCENARIO).expect("written");
    let command = || {
        let mut command = paddock();
        command.arg("run").arg(&scenario).args(["--target", &broker.url(), "--run-id", RUN_ID]);
        command
    };

    let listener = Listener::start(&broker);
    let whole = folder.path().join("whole");
    expect(&output(command().arg("--out").arg(&whole)), 0);
    let said_by_one = listener.end(&broker);

    let listener = Listener::start(&broker);
    let segments = together(folder.path(), &command);
    let said_by_four = listener.end(&broker);
    assert_eq!(said_by_one.len(), 240 + 30);
    assert!(said_by_one == said_by_four, "{:?}", said_by_one.symmetric_difference(&said_by_four).take(4));

    let joint = folder.path().join("joint");
    let merged = output(paddock().args(["report", "merge"]).args(&segments).arg("--out").arg(&joint));
    expect(&merged, 0);
    let told = String::from_utf8_lossy(&merged.stdout).into_owned();
    assert!(told.contains("4 segments, started together; latency between segments is right within"), "{told}");

    let (whole, joint) = (summary(&whole), summary(&joint));
    assert_eq!(joint.ended().map(|ended| ended.verdict), Some(Verdict::Pass));
    assert_eq!(rows(&joint), rows(&whole));
    // Who asks in one process is answered by devices of others.
    assert_eq!(joint.requests(), whole.requests());
    assert_eq!(whole.request_counts(&Labels::none()).map(|counts| counts.answered), Some(90 + 30));
    assert_eq!(joint.counter(Counter::Lost, &Labels::none()), Some(0));
    let parts: Vec<Summary> = segments.iter().map(|segment| summary(segment)).collect();
    for name in [metric::E2E, metric::GENERATOR_LAG, "send_lag", "ack", metric::CONNECT, metric::ROUND_TRIP] {
        let samples = |summary: &Summary| summary.histogram(name, &Labels::none()).map(|samples| samples.len());
        assert_eq!(samples(&joint), samples(&whole), "{name}");
        // To the sample, what the segments measured.
        let mut sum = house_histogram();
        for part in &parts {
            if let Some(samples) = part.histogram(name, &Labels::none()) {
                sum.add(samples).expect("both are house histograms");
            }
        }
        assert_eq!(joint.histogram(name, &Labels::none()), Some(sum), "{name}");
    }
    // Every window's messages are in the joint windows, in those of their own second.
    let flow = |summary: &Summary| summary.flow(&Labels::none());
    assert_eq!(flow(&joint), flow(&whole));

    // Alone, a segment says that it is one, and claims nothing that only all of them know.
    for part in &parts {
        let ended = part.ended().expect("it ended");
        assert_eq!((ended.verdict, part.thresholds().len()), (Verdict::Inconclusive, 0));
        assert!(ended.reasons[0].starts_with("partial: this is segment "), "{:?}", ended.reasons);
        assert_eq!(part.counter(Counter::Lost, &Labels::none()), Some(0));
        assert_ne!(part.counter(Counter::Received, &Labels::none()), Some(0));
    }
    let sum = |counter| parts.iter().filter_map(|part| part.counter(counter, &Labels::none())).sum::<u64>();
    assert_eq!(Some(sum(Counter::Intended)), whole.counter(Counter::Intended, &Labels::none()));
    assert_eq!(Some(sum(Counter::Received)), whole.counter(Counter::Received, &Labels::none()));

    let judged = output(paddock().arg("report").arg(&segments[0]).args(["--thresholds", "smoke"]));
    expect(&judged, 2);
    refusals(folder.path(), &segments);
}

/// Nobody listens there.
const NOBODY: [&str; 2] = ["--target", "mqtt://127.0.0.1:1"];

/// Runs a share of a scenario, by its name or file; how it ended, what it said, and whether it left anything behind.
fn share(scenario: &str, target: &[&str]) -> (Option<i32>, String, bool) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    let ended = output(paddock().args(["run", scenario, "--segment", "1/2"]).args(target).arg("--out").arg(&out));
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned(), out.exists())
}

#[test]
fn what_segments_cannot_account_for_is_refused_before_anything_is_sent() {
    for (scenario, target, expected) in [
        ("smoke", &[][..], "segments meet on one broker"),
        // Without a target, too: naming one would not help.
        ("broker-freeze", &[], "events[0] freezes, kills or restarts the broker"),
        ("retained-flood", &NOBODY, "--segment 1/2: subscribers.screen come late"),
    ] {
        let (code, told, left) = share(scenario, target);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(expected), "{told}");
        assert!(!left, "{expected} left a folder");
    }
}

#[test]
fn what_segments_can_account_for_is_tried() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("flood.toml");
    // Acknowledged floods, devices that leave, and a bad network are each segment's own.
    let text = SCENARIO.replace("qos = 0", "qos = 1").replace("rate = 80", "shape = \"flood\"\nin_flight = 5");
    fs::write(&file, text).expect("written");
    for scenario in [file.to_str().expect("a path"), "gateway-backlog", "bad-link"] {
        let (code, told, _) = share(scenario, &NOBODY);
        assert_eq!(code, Some(5), "{scenario}: {told}");
    }
}

/// What cannot be joined is said, and leaves nothing behind.
fn refusals(folder: &Path, segments: &[PathBuf]) {
    let whole = folder.join("whole");
    let joint = folder.join("joint");
    let (one, two) = (&segments[0], &segments[1]);
    let cases: [(&[&PathBuf], &str); 5] = [
        (&[one, two], "segments are missing: 3/4, 4/4"),
        (&[one, two, one], "are both segment 1/4"),
        (&[one, &whole], "is a whole run, not a segment of one"),
        (&[&joint], "is joined already"),
        (&[one, &folder.join("nowhere")], "is not there"),
    ];
    for (runs, expected) in cases {
        let out = folder.join("refused");
        let refused = output(paddock().args(["report", "merge"]).args(runs).arg("--out").arg(&out));
        expect(&refused, 2);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(told.contains(expected), "{told}");
        assert!(!out.exists(), "{expected} left a folder");
    }
    let taken = output(paddock().args(["report", "merge"]).args(segments).arg("--out").arg(&joint));
    expect(&taken, 2);
}

/// Runs all segments as processes from one moment on; their folders. A machine too busy to be ready by then gets more time.
fn together(folder: &Path, command: &dyn Fn() -> Command) -> Vec<PathBuf> {
    for lead in [4, 12, 36] {
        let start = SystemTime::now() + Duration::from_secs(lead);
        let start = jiff::Timestamp::try_from(start).expect("a time").to_string();
        let folders: Vec<PathBuf> = (1..=SEGMENTS).map(|index| folder.join(format!("{lead}-{index}"))).collect();
        let outputs: Vec<Output> = thread::scope(|scope| {
            let running = folders.iter().zip(1..).map(|(out, index): (_, usize)| {
                let mut command = command();
                command.args(["--segment", &format!("{index}/{SEGMENTS}"), "--start-at", &start]).arg("--out").arg(out);
                scope.spawn(move || output(command.stdin(Stdio::null())))
            });
            let running: Vec<_> = running.collect();
            running.into_iter().map(|one| one.join().expect("it ends")).collect()
        });
        let late = |one: &Output| String::from_utf8_lossy(&one.stdout).contains("after the agreed start");
        if !outputs.iter().any(late) {
            outputs.iter().for_each(|one| expect(one, 8));
            return folders;
        }
    }
    panic!("the segments were not ready within 36 s");
}

/// Hears every measured message of the run.
struct Listener(Running);

impl Listener {
    fn start(broker: &Broker) -> Self {
        let port = broker.address.port().to_string();
        let topics = format!("paddock/{RUN_ID}/#");
        let running = Running::start(
            Command::new("stdbuf")
                .args(["-oL", "mosquitto_sub", "-d", "-h", "127.0.0.1", "-p", &port, "-q", "2"])
                .args(["-t", &topics, "-F", "message %q %t %p"]),
        );
        running.line("Subscribed", |line| line.starts_with("Subscribed"));
        Self(running)
    }

    /// Every message until now that carries a stamp, and every request that says in its payload which it is: its QoS, topic and payload.
    fn end(self, broker: &Broker) -> BTreeSet<String> {
        let port = broker.address.port().to_string();
        let last = format!("paddock/{RUN_ID}/last");
        let publish = ["-h", "127.0.0.1", "-p", &port, "-q", "1", "-t", &last, "-m", "over"];
        assert!(output(Command::new("mosquitto_pub").args(publish)).status.success());
        let mut said = BTreeSet::new();
        loop {
            let line = self.0.line("a message", |line| line.starts_with("message "));
            if line.ends_with(" over") {
                return said;
            }
            let asks = line.contains("/control ") && line.contains("\"correlation_id\"");
            if line.contains("\"stamp\":") || asks {
                assert!(said.insert(line.clone()), "said twice: {line}");
            }
        }
    }
}

fn rows(summary: &Summary) -> Vec<LedgerRow> {
    summary.ledger().expect("a ledger")
}

fn summary(folder: &Path) -> Summary {
    let mut summary = Summary::new();
    for observation in Reader::open(&folder.join("observations.jsonl")).expect("a run") {
        summary.apply(&observation.expect("readable"));
    }
    summary
}

fn expect(output: &Output, code: i32) {
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{said}\n{errors}");
}

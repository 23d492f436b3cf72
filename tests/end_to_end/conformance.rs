//! The suite against the reference broker: it passes, and every case can fail.

mod properties;
mod reports;

use std::{
    process::Output,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crate::support::{DEADLINE, output, output_within, paddock};

/// One test keeps the machine busy, another starts brokers that would not be ready in time then.
static MACHINE: Mutex<()> = Mutex::new(());

fn conformance(arguments: &[&str]) -> Output {
    output(paddock().arg("conformance").args(arguments))
}

#[track_caller]
fn ends_with(arguments: &[&str], code: i32) -> String {
    let output = conformance(arguments);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{said}");
    said
}

#[test]
fn the_reference_broker_conforms() {
    let said = ends_with(&["--strict"], 0);
    assert!(!said.contains("not applicable"), "a configuration of the broker is missing:\n{said}");
}

/// Each of its departures was settled by hand (conformance/FINDINGS.md) and stands in its descriptor: whatever else comes, or
/// comes no more, fails here.
#[test]
fn mosquitto_departs_where_it_is_known_to_and_nowhere_else() {
    let said = ends_with(&["--targets", "mosquitto"], 0);
    assert!(said.contains("\nKNOWN qos.repeated_is_delivered_once (5.0): "), "{said}");
}

/// It looks for what has run out every five seconds; nobody has told the suite.
#[test]
fn a_mosquitto_without_a_descriptor_may_be_as_late_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("plain.toml");
    let text = "name = \"plain\"\nproduct = \"Eclipse Mosquitto\"\nversions = [\"3.1.1\", \"5.0\"]\n[process]\n\
                program = \"mosquitto\"\narguments = [\"-p\", \"${port}\"]\n";
    std::fs::write(&file, text).expect("it can be written");
    let file = file.to_str().expect("a name");
    ends_with(&["will.is_published_after_silence", "connect.silence_is_noticed", "--targets", file], 0);
}

#[test]
fn every_case_sees_its_mutants() {
    ends_with(&["prove", "--jobs", "64"], 0);
}

/// Three servers, one of which is stopped in the end.
#[test]
#[ignore = "tests/run --peers installs it"]
fn servers_of_nats_are_one_cluster() {
    ends_with(&["cluster.*", "--mqtt", "3.1.1", "--targets", "nats-cluster"], 0);
}

/// What no case decides yet, exactly: the list may only become shorter. `paddock conformance coverage --open` prints it.
const OPEN: &str = include_str!("conformance/open.txt");

#[test]
fn no_statement_is_lost() {
    let output = conformance(&["coverage", "--open"]);
    let said = String::from_utf8(output.stdout).expect("text");
    let numbers =
        said.lines().filter(|line| line.starts_with("MQTT-")).map(|line| line.split(": ").next().unwrap_or(line));
    assert_eq!(numbers.collect::<Vec<_>>(), OPEN.lines().collect::<Vec<_>>());
    assert!(said.contains("392 statements: "), "{said}");
}

#[test]
fn what_selects_nothing_is_an_error_with_a_hint() {
    let said = ends_with(&["list", "publish.qos_3_is_malforme"], 2);
    assert!(said.contains("did you mean `publish.qos_3_is_malformed`?"), "{said}");
    assert!(ends_with(&["explain", "5:3.3.1-4"], 0).contains("MQTT-3.3.1-4"));
}

#[test]
fn a_target_that_nobody_serves_is_exit_5() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    ends_with(&["--target", &format!("mqtt://{unused}")], 5);
}

/// Everything over TLS, as in a farm where each device has a certificate; WebSockets too.
const GUARDED: &str = r#"
name = "guarded"
product = "Eclipse Mosquitto, for clients with certificates"
versions = ["3.1.1", "5.0"]
[process]
program = "mosquitto"
arguments = ["-c", "${config}"]
prepare = [["${paddock}", "certs", "--out", "${dir}/certs", "--key", "ecdsa", "--device", "meter"]]
config = """
user root
persistence false
per_listener_settings true

listener ${port} 127.0.0.1
allow_anonymous true

listener ${port:tls} 127.0.0.1
allow_anonymous true
cafile ${dir}/certs/ca.crt
certfile ${dir}/certs/server.crt
keyfile ${dir}/certs/server.key
require_certificate true

listener ${port:wss} 127.0.0.1
protocol websockets
allow_anonymous true
cafile ${dir}/certs/ca.crt
certfile ${dir}/certs/server.crt
keyfile ${dir}/certs/server.key
"""
[listeners]
tls = "mqtts://localhost:${port:tls}"
secure_websocket = "wss://localhost:${port:wss}/mqtt"
ca = "${dir}/certs/ca.crt"
cert = "${dir}/certs/devices/meter.crt"
key = "${dir}/certs/devices/meter.key"
[capabilities]
tolerance = "8s"
"#;

#[test]
fn a_target_can_want_certificates_and_listen_for_secure_websockets_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("guarded.toml");
    std::fs::write(&file, GUARDED).expect("it can be written");
    let selectors = ["tls.clients_*", "tls.certificate_*", "websocket.goes_over_tls", "websocket.answers_with_mqtt"];
    let said = ends_with(&[&selectors[..], &["--targets", file.to_str().expect("a name")]].concat(), 0);
    assert!(said.contains("; 10 judgements") && !said.contains("not applicable"), "{said}");
}

/// Each departs somewhere (conformance/FINDINGS.md), so the run fails; it does not end otherwise, as it would if the suite could
/// not go on or the broker died.
#[test]
#[ignore = "tests/run --peers installs them"]
fn every_peer_is_judged_to_the_end() {
    let _machine = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let programs = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/bin");
    let path = format!("{programs}:{}", std::env::var("PATH").expect("there is a PATH"));
    for name in ["nats", "rabbitmq", "aedes", "amqtt", "rumqttd", "rmqttd"] {
        // A minute each on a machine that does nothing else.
        let run = &mut paddock();
        let output = output_within(5 * DEADLINE, run.env("PATH", &path).args(["conformance", "--targets", name]));
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{name}\n{said}{errors}");
    }
}

/// What a run says of each case that does not pass, in the order of the names, and how many of each verdict there are.
fn verdicts(said: &str) -> Vec<String> {
    let told = |line: &&str| {
        ["FAIL ", "WARN ", "KNOWN ", "INCONCLUSIVE ", "ERROR "]
            .iter()
            .any(|verdict| line.strip_prefix(verdict).is_some_and(|rest| !rest.starts_with('(')))
    };
    // What came has names of the try in it.
    let case = |line: &str| line.split(": ").next().unwrap_or(line).to_owned();
    let mut verdicts: Vec<String> = said.lines().filter(told).map(case).collect();
    verdicts.sort();
    verdicts.extend(said.lines().find(|line| line.starts_with("all ")).map(str::to_owned));
    verdicts
}

/// Becomes true when this is dropped.
struct AtTheEnd<'a>(&'a AtomicBool);

impl Drop for AtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
#[ignore = "minutes: ten runs against each of two brokers, on a machine that is kept busy"]
fn ten_shuffled_runs_on_a_busy_machine_give_the_same_verdicts() {
    let _machine = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let processors = thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..2 * processors {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        // They end when this thread panics, too; the scope waits for them.
        let _end = AtTheEnd(&done);
        let differ: Vec<String> = [&[][..], &["--targets", "mosquitto"]].into_iter().filter_map(differing).collect();
        assert!(differ.is_empty(), "{}", differ.join("\n"));
    });
}

/// What differs from the first of ten shuffled runs against this target.
fn differing(target: &[&str]) -> Option<String> {
    let run = |seed: u32| {
        let seed = seed.to_string();
        let output = conformance(&[target, &["--shuffle", &seed]].concat());
        verdicts(&String::from_utf8_lossy(&output.stdout))
    };
    let first = run(1);
    assert!(first.len() > usize::from(!target.is_empty()), "{target:?}: the run told nothing");
    (2..=10).find_map(|seed| {
        let other = run(seed);
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            these.iter().filter(|line| !those.contains(line)).cloned().collect()
        };
        let (lost, new) = (only(&first, &other), only(&other, &first));
        let differs = !lost.is_empty() || !new.is_empty();
        differs.then(|| format!("{target:?}: with seed 1 {lost:#?}, with seed {seed} {new:#?}"))
    })
}

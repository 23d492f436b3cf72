//! The load generator against a real Mosquitto.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{self, Command},
    sync::atomic::{AtomicU16, Ordering},
};

use crate::support::{Running, output, paddock};

#[test]
fn a_run_against_mosquitto_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Mosquitto::start(folder.path(), "allow_anonymous true");
    for version in ["3.1.1", "5.0"] {
        let out = folder.path().join(version);
        let scenario = scenario(folder.path(), version);
        let target = format!("mqtt://127.0.0.1:{}", broker.port);
        let run = output(paddock().args(["run", &scenario, "--target", &target, "--out"]).arg(&out));
        let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
        assert_eq!(run.status.code(), Some(0), "{said}");
        let text = fs::read_to_string(out.join("summary.json")).expect("a summary");
        let summary: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        // Its process was found by its port.
        assert!(summary["peak"]["target_rss_bytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20), "{said}\n{text}");
        let ledger = summary["ledger"].as_array().expect("a ledger");
        for qos in [1, 2] {
            let rows: Vec<_> = ledger.iter().filter(|row| row["qos"] == qos).collect();
            assert!(!rows.is_empty(), "nothing went at QoS {qos}: {text}");
            let counts = |name: &str| rows.iter().filter_map(|row| row["counts"][name].as_u64()).sum::<u64>();
            assert!(counts("received") > 0, "nothing arrived at QoS {qos}: {text}");
            assert_eq!((counts("lost"), counts("duplicated")), (0, 0), "{text}");
        }
    }
    // The run has tidied up: no retained message is left.
    assert_eq!(broker.retained(), Vec::<String>::new());
}

#[test]
fn a_run_gives_user_and_password_and_is_refused_without() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let passwords = folder.path().join("passwords");
    let made = output(Command::new("mosquitto_passwd").args(["-c", "-b"]).arg(&passwords).args(["vet", "hay & oats"]));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let rules = format!("allow_anonymous false\npassword_file {}", passwords.display());
    let broker = Mosquitto::start(folder.path(), &rules);
    let target = format!("mqtt://127.0.0.1:{}", broker.port);
    let secret = folder.path().join("secret");
    fs::write(&secret, "hay & oats\n").expect("a temporary file");
    let run = |arguments: &[&str], out: &str| {
        let mut command = paddock();
        command.args(["run", "smoke", "--target", &target, "--out"]).arg(folder.path().join(out)).args(arguments);
        output(&mut command).status.code()
    };
    assert_eq!(run(&["--user", "vet", "--password-file", &secret.display().to_string()], "allowed"), Some(0));
    assert_eq!(run(&["--user", "vet", "--password", "straw"], "refused"), Some(5));
    let observed = fs::read_to_string(folder.path().join("allowed/observations.jsonl")).expect("observations");
    assert!(!observed.contains("hay & oats"), "the password is in the run folder");
}

#[test]
fn a_search_takes_mosquitto_by_name_or_by_address_and_says_what_it_uses() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Mosquitto::start(folder.path(), "allow_anonymous true");
    let address = format!("mqtt://127.0.0.1:{}", broker.port);
    let process = format!("mosquitto, process {} of this machine, named by the user", broker.pid());
    for (target, described) in [("mosquitto", ", started for this run"), (&address, &process)] {
        let out = folder.path().join(described.len().to_string());
        let search =
            ["--start", "40", "--max", "40", "--confirm", "1", "--step-length", "1s", "--slo", "loss count==0"];
        let mut command = paddock();
        let output = output(command.args(["capacity", "smoke", "--target", target, "--out"]).arg(&out).args(search));
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let text = fs::read_to_string(out.join("capacity.json")).unwrap_or_else(|error| panic!("{error}: {said}"));
        let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let about = found["target"]["description"].as_str().expect("text");
        assert!(about.to_lowercase().contains("mosquitto") && about.ends_with(described), "{about}: {said}");
        // The last one is a confirmation: long enough for whole windows.
        let used = &found["steps"].as_array().and_then(|steps| steps.last()).expect("steps")["broker"];
        assert!(used["cpu"].is_number() && used["rss_bytes"].as_u64() > Some(1 << 20), "{used}: {said}");
    }
}

/// The smoke scenario with every client on one version.
fn scenario(folder: &Path, version: &str) -> String {
    let smoke = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/catalogue/smoke.toml");
    let text = fs::read_to_string(smoke).expect("the catalogue's file");
    let mut document: toml::Table = text.parse().expect("TOML");
    let brokers = document.entry("brokers").or_insert_with(|| toml::Table::new().into());
    for (_, broker) in brokers.as_table_mut().expect("a table") {
        broker.as_table_mut().expect("a table").insert("version".into(), version.into());
    }
    for (_, devices) in document["devices"].as_table_mut().expect("a table") {
        devices.as_table_mut().expect("a table").remove("version");
    }
    let file = folder.join(format!("smoke-{version}.toml"));
    fs::write(&file, document.to_string()).expect("a temporary file");
    file.display().to_string()
}

/// A Mosquitto without rules of its own beyond a plain listener.
pub(super) struct Mosquitto {
    port: u16,
    running: Running,
}

impl Mosquitto {
    /// Starts it with these lines in its configuration, which may open more listeners.
    pub(super) fn start(folder: &Path, rules: &str) -> Self {
        let port = free_port();
        let file = folder.join("mosquitto.conf");
        // Started as root it would become somebody else, who may not read private keys.
        fs::write(
            &file,
            format!("user root\nmax_queued_messages 0\nlog_dest stdout\nlistener {port} 127.0.0.1\n{rules}\n"),
        )
        .expect("a temporary file");
        let running = Running::start(Command::new("stdbuf").args(["-oL", "/usr/sbin/mosquitto", "-c"]).arg(&file));
        running.line("its start", |line| line.ends_with("running"));
        Self { port, running }
    }

    /// Its process.
    fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// The topics of all retained messages outside `$SYS`.
    fn retained(&self) -> Vec<String> {
        let port = self.port.to_string();
        let mut command = Command::new("mosquitto_sub");
        // Ends when nothing came for a second: retained messages come at once.
        let arguments = ["-h", "127.0.0.1", "-p", &port, "-t", "#", "--retained-only", "-W", "1", "-F", "%t"];
        let output = output(command.args(arguments));
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }
}

/// A port on which nobody listens, for programs that cannot pick one themselves. It is below those that the system gives
/// to outgoing connections, of which other tests make many meanwhile.
pub(super) fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let start = process::id() % 10_000;
    for _ in 0..10_000 {
        let port = 20_000 + (start + u32::from(TAKEN.fetch_add(1, Ordering::Relaxed))) % 10_000;
        let port = u16::try_from(port).expect("below 30,000");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}

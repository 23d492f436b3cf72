//! The broker's configuration file as its users meet it: examples, errors, exit codes.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::Output,
};

use tempfile::TempDir;

use crate::support::{DEADLINE, Running, output, paddock};

/// A configuration file in a folder of its own.
struct File {
    _folder: TempDir,
    path: PathBuf,
}

fn file(text: &str) -> File {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("broker.toml");
    fs::write(&path, text).expect("a temporary file");
    File { _folder: folder, path }
}

fn check(file: &File, more: &[&str]) -> Output {
    output(paddock().args(["broker", "check"]).arg(&file.path).args(more).env("PORT", "1999"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_printed_example_is_a_sound_configuration() {
    let example = output(paddock().args(["broker", "example"]));
    let checked = check(&file(&text(&example.stdout)), &[]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    assert!(text(&checked.stdout).contains("broker.toml: sound"), "{}", text(&checked.stdout));
}

#[test]
fn the_printed_schema_is_the_shipped_one() {
    let printed = output(paddock().args(["broker", "schema"]));
    assert_eq!(text(&printed.stdout), include_str!("../../reference-broker/broker.schema.json"));
}

#[test]
fn a_bad_configuration_is_explained_and_exit_2() {
    let bad = file("[limits]\nqueue_bytes = 3\n[broker]\nworkers = \"${NOBODY_SETS_THIS}\"\n");
    let checked = check(&bad, &[]);
    assert_eq!((checked.status.code(), text(&checked.stdout)), (Some(2), String::new()));
    let said = text(&checked.stderr);
    for part in ["broker.toml:2:1", "did you mean `queued_bytes`?", "broker.toml:4:12", "NOBODY_SETS_THIS", "2 errors"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let started = output(paddock().args(["broker", "--config"]).arg(&bad.path));
    assert_eq!((started.status.code(), text(&started.stdout)), (Some(2), String::new()));
    let missing = output(paddock().args(["broker", "check", "/nowhere/broker.toml"]));
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("cannot read /nowhere/broker.toml"), "{}", text(&missing.stderr));
}

#[test]
fn show_prints_what_would_be_in_effect() {
    let shown = check(&file("[[listeners]]\naddress = \"127.0.0.1:${PORT}\"\n"), &["--show"]);
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
    let said = text(&shown.stdout);
    assert!(said.contains("address = \"127.0.0.1:1999\"") && said.contains("queued_messages = 10000"), "{said}");
    assert!(!said.contains('#'), "{said}");
}

#[test]
fn each_listener_of_the_configuration_is_announced_in_its_order() {
    let two = file("[[listeners]]\naddress = \"127.0.0.1:0\"\n[[listeners]]\naddress = \"127.0.0.2:0\"\n");
    let broker = Running::start(paddock().args(["broker", "--config"]).arg(&two.path));
    broker.line("the first", |line| line.starts_with("listening on mqtt://127.0.0.1:"));
    broker.line("the second", |line| line.starts_with("listening on mqtt://127.0.0.2:"));
    broker.signal("TERM");
    assert!(broker.end().success());
}

#[test]
fn without_a_configuration_strangers_are_let_in_only_when_that_is_said() {
    let address = ["broker", "--listen", "0.0.0.0:0"];
    let refused = output(paddock().args(address));
    assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(2), String::new()));
    assert!(text(&refused.stderr).contains("--allow-anonymous"), "{}", text(&refused.stderr));
    let broker = Running::start(paddock().args(address).arg("--allow-anonymous"));
    broker.line("the address", |line| line.starts_with("listening on mqtt://0.0.0.0:"));
    broker.signal("TERM");
    assert!(broker.end().success());
}

/// A broker with a configuration that can be read again, and its log.
struct Daemon {
    broker: Running,
    file: File,
    log: PathBuf,
    address: String,
}

impl Daemon {
    fn start(text: &str) -> Self {
        let file = file(text);
        let log = file.path.with_extension("log");
        let stderr = fs::File::create(&log).expect("a temporary file");
        let broker = Running::start(paddock().args(["broker", "--config"]).arg(&file.path).stderr(stderr));
        let line = broker.line("the address", |line| line.starts_with("listening on mqtt://"));
        let address = line.trim_start_matches("listening on mqtt://").to_owned();
        Self { broker, file, log, address }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    /// Replaces the file, asks for it to be read, and waits until the log says `end` once more. What it said.
    fn reload(&self, text: &str, end: &str) -> String {
        fs::write(&self.file.path, text).expect("a temporary file");
        let before = self.said().len();
        self.broker.signal("HUP");
        self.broker.wait_until(end, || self.said()[before..].contains(end));
        self.said()[before..].to_owned()
    }

    /// The first byte of the answer to a CONNECT, if there is one.
    fn connect(&self) -> (TcpStream, Option<u8>) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a time");
        let _closed = stream.write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01x");
        let mut first = [0];
        let answer = matches!(stream.read(&mut first), Ok(1)).then_some(first[0]);
        (stream, answer)
    }
}

#[test]
fn sighup_reads_the_configuration_again_and_says_what_changed() {
    let listener = "[[listeners]]\nname = \"barn\"\naddress = \"127.0.0.1:0\"\n";
    let daemon = Daemon::start(listener);
    let (kept, answer) = daemon.connect();
    assert_eq!(answer, Some(0x20));
    let end = "configuration read again";
    let said = daemon.reload(&format!("[broker]\nworkers = 7\n{listener}connections = 1\n"), end);
    assert!(said.contains("changed: listeners.barn.connections (not set) -> 1"), "{said}");
    assert!(said.contains("needs a restart: broker.workers (not set) -> 7"), "{said}");
    assert_eq!(daemon.connect().1, None, "there is one connection already");
    // Nothing of a file with an error is taken over, and nobody is disturbed.
    let wrong = format!("[limits]\nqueue_bytes = 1\n{listener}connections = 5\n");
    let said = daemon.reload(&wrong, "configuration not taken over: nothing changed");
    assert!(said.contains("`queue_bytes` is not a key of `limits`") && said.contains("at=2:1"), "{said}");
    assert!(!said.contains("changed: "), "{said}");
    assert_eq!(daemon.connect().1, None, "still one");
    let said = daemon.reload(&format!("{listener}connections = 2\n[log]\nlevel = \"warn\"\n"), "changed");
    assert!(!said.contains("needs a restart"), "{said}");
    daemon.broker.wait_until("room for one more", || daemon.connect().1 == Some(0x20));
    drop(kept);
    daemon.broker.signal("TERM");
    assert!(daemon.broker.end().success());
}

#[test]
fn certificates_are_checked_with_the_configuration_and_read_again_at_sighup() {
    let certificates = tempfile::tempdir().expect("a temporary folder");
    let folder = certificates.path().to_str().expect("a path of characters");
    let make = |more: &[&str]| assert!(output(paddock().args(["certs", "--out", folder]).args(more)).status.success());
    make(&["--device", "meter"]);
    let listener = |key: &str| {
        let tls = format!("tls = {{ certificate = \"{folder}/server.crt\", key = \"{folder}/{key}\" }}");
        format!("[[listeners]]\naddress = \"127.0.0.1:0\"\n[[listeners]]\naddress = \"127.0.0.2:0\"\n{tls}\n")
    };
    let mixed = check(&file(&listener("devices/meter.key")), &[]);
    assert_eq!(mixed.status.code(), Some(2));
    assert!(text(&mixed.stderr).contains("= key: listeners[1].tls.key"), "{}", text(&mixed.stderr));
    let daemon = Daemon::start(&listener("server.key"));
    make(&["--server", "localhost", "--force"]);
    let said = daemon.reload(&listener("server.key"), "configuration read again");
    assert!(said.contains("certificates read again"), "{said}");
    fs::write(certificates.path().join("server.key"), "no key").expect("a temporary file");
    let said = daemon.reload(&listener("server.key"), "configuration not taken over: nothing changed");
    assert!(said.contains("key=listeners[1].tls.key"), "{said}");
    assert_eq!(daemon.connect().1, Some(0x20));
}

//! `paddock broker` as a process: what it logs, how it is watched, how it ends.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::support::{DEADLINE, ended, paddock};

/// A broker whose log is read when it has ended. It does not outlive the test.
struct Watched {
    child: Child,
    address: SocketAddr,
    monitor: SocketAddr,
    log: mpsc::Receiver<String>,
}

impl Watched {
    fn start(arguments: &[&str]) -> Self {
        let mut child = paddock()
            .args(arguments)
            .args(["broker", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--workers", "2"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("paddock starts");
        let mut stderr = child.stderr.take().expect("piped");
        let (sender, log) = mpsc::channel();
        thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).expect("a log of characters");
            // Nobody listens any more when the test has failed.
            let _unheard = sender.send(text);
        });
        let mut stdout = child.stdout.take().expect("piped");
        let mut address = |start: &str| -> SocketAddr {
            let mut line = Vec::new();
            let mut byte = [0];
            while byte != *b"\n" {
                stdout.read_exact(&mut byte).expect("a line");
                line.extend(byte);
            }
            let line = String::from_utf8(line).expect("text");
            let address = line.trim().strip_prefix(start).unwrap_or_else(|| panic!("{line:?}"));
            address.parse().expect("an address")
        };
        let (address, monitor) = (address("listening on mqtt://"), address("monitoring on http://"));
        Self { child, address, monitor, log }
    }

    fn signal(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    /// How it ended by itself, what it logged, and how long that took.
    fn end(mut self) -> (ExitStatus, String, Duration) {
        let began = Instant::now();
        let status = ended(&mut self.child);
        let took = began.elapsed();
        (status, self.log.recv_timeout(DEADLINE).expect("the log ends with the broker"), took)
    }

    /// The answer of the monitor.
    fn ask(&self, path: &str) -> String {
        let mut stream = dial(self.monitor);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: barn\r\n\r\n").expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Asks until it says that it is `state`: "ready" once its workers have begun, which is after it has said where it
    /// listens; "draining" from the first signal on.
    fn becomes(&self, state: &str) {
        let end = Instant::now() + DEADLINE;
        while !self.ask("/health/ready").ends_with(&format!("\r\n\r\n{state}\n")) {
            assert!(Instant::now() < end, "it never becomes {state}");
        }
    }

    fn client(&self, level: u8, client_id: &str) -> TcpStream {
        let mut stream = dial(self.address);
        let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', level, 2, 0, 0];
        if level == 5 {
            body.push(0);
        }
        body.extend(u16::try_from(client_id.len()).expect("short").to_be_bytes());
        body.extend(client_id.as_bytes());
        let length = u8::try_from(body.len()).expect("short");
        assert!(length < 128);
        stream.write_all(&[&[0x10, length], &body[..]].concat()).expect("it reads");
        let mut header = [0; 2];
        stream.read_exact(&mut header).expect("CONNACK");
        let mut connack = vec![0; header[1].into()];
        stream.read_exact(&mut connack).expect("CONNACK");
        assert_eq!((header[0], connack[1]), (0x20, 0));
        stream
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a time");
    stream
}

fn exchange(stream: &mut TcpStream, send: &[u8], expect: &[u8]) {
    stream.write_all(send).expect("it reads");
    let mut got = vec![0; expect.len()];
    stream.read_exact(&mut got).expect("an answer");
    assert_eq!(got, expect);
}

/// MQTT-4.13.2-1: whoever is disconnected by the server hears why; and whatever was acknowledged before is delivered.
#[test]
fn a_broker_that_is_told_to_end_keeps_its_promises_and_says_good_bye() {
    let broker = Watched::start(&["-v"]);
    broker.becomes("ready");
    // Twelve clients on two workers: some of them are not where the publisher is.
    let mut subscribers: Vec<_> = (0..12).map(|number| broker.client(5, &format!("s{number}"))).collect();
    for subscriber in &mut subscribers {
        exchange(subscriber, &[0x82, 7, 0, 1, 0, 0, 1, b't', 1], &[0x90, 4, 0, 1, 0, 1]);
    }
    let mut publisher = broker.client(4, "publisher");
    exchange(&mut publisher, &[0x32, 7, 0, 1, b't', 0, 9, b'h', b'i'], &[0x40, 2, 0, 9]);
    broker.signal();
    for subscriber in &mut subscribers {
        let mut rest = Vec::new();
        subscriber.read_to_end(&mut rest).expect("the end");
        let publish = [0x32, 8, 0, 1, b't', 0, 1, 0, b'h', b'i'];
        assert_eq!(rest, [&publish[..], &[0xE0, 1, 0x8B]].concat());
    }
    drop((subscribers, publisher));
    let (status, log, _) = broker.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains(" INFO stopping clients=13 within=2s\n"), "{log}");
    assert!(log.contains(" INFO stopped queued=0 unacknowledged=0\n"), "{log}");
}

#[test]
fn a_client_that_does_not_read_does_not_hold_the_end() {
    let broker = Watched::start(&["-v"]);
    let mut deaf = broker.client(4, "deaf");
    exchange(&mut deaf, &[0x82, 6, 0, 1, 0, 1, b't', 1], &[0x90, 3, 0, 1, 1]);
    let mut publisher = broker.client(4, "publisher");
    let publish = [&[0x30, 0x83, 0x80, 0x01, 0, 1, b't'][..], &[b'x'; 16 * 1024]].concat();
    for _ in 0..1_000 {
        publisher.write_all(&publish).expect("it reads");
    }
    exchange(&mut publisher, &[0xC0, 0], &[0xD0, 0]);
    broker.signal();
    let (status, log, took) = broker.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(took < Duration::from_secs(10), "{took:?}: {log}");
    assert!(log.contains("Messages dropped") || log.contains(" INFO stopped "), "{log}");
    drop(deaf);
}

#[test]
fn a_second_signal_ends_at_once() {
    let broker = Watched::start(&[]);
    // It does not hang up, so the first signal waits for it.
    let _lazy = broker.client(5, "lazy");
    broker.signal();
    broker.becomes("draining");
    broker.signal();
    let (status, log, _) = broker.end();
    assert_eq!(status.code(), Some(130), "{log}");
    assert!(log.ends_with(" WARN ended at once by a second signal\n"), "{log}");
}

#[test]
fn a_client_cannot_forge_a_line_of_the_log() {
    let broker = Watched::start(&["-v"]);
    drop(broker.client(4, "a\n2026-01-01T00:00:00.000Z  INFO connected client=admin"));
    drop(broker.client(4, "\u{1b}[2J\u{202e}b"));
    let metrics = broker.ask("/metrics");
    assert!(metrics.contains("\npaddock_broker_connects_accepted_total{"), "{metrics}");
    broker.signal();
    let (_, log, _) = broker.end();
    assert!(log.lines().all(|line| line.contains("Z  INFO ") && !line.starts_with("2026-01-01")), "{log}");
    assert!(
        log.contains(r#" connected client="a\n2026-01-01T00:00:00.000Z  INFO connected client=admin" peer=127.0.0.1:"#),
        "{log}"
    );
    assert!(log.contains(r#" connected client="\u{1b}[2J\u{202e}b" peer="#), "{log}");
}

#[test]
fn a_log_of_json_is_one_object_per_line() {
    let broker = Watched::start(&["-v", "--log-format", "json"]);
    let name = "\u{1b}[2J\n\"}\u{202e}";
    drop(broker.client(5, name));
    broker.signal();
    let (_, log, _) = broker.end();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let connected = lines.iter().find(|line| line["message"] == "connected").unwrap_or_else(|| panic!("{log}"));
    assert_eq!((&connected["client"], &connected["version"]), (&name.into(), &"5.0".into()));
    assert_eq!(lines.last().map(|line| &line["message"]), Some(&"stopped".into()));
    assert!(!log.contains('\u{1b}') && !log.contains('\u{202e}'));
}

/// Without `-v` and PADDOCK_LOG the configuration says what is logged, and how.
#[test]
fn the_configuration_says_what_is_logged() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("broker.toml");
    let listen = "[[listeners]]\naddress = \"127.0.0.1:0\"\n";
    let logged = |log: &str, verbose: &[&str]| {
        std::fs::write(&file, format!("{listen}[log]\n{log}\n")).expect("a temporary file");
        let mut command = paddock();
        // stdin is empty, as if the parent were gone: it starts and ends.
        command.args(verbose).args(["broker", "--exit-with-parent", "--config"]).arg(&file).env_remove("PADDOCK_LOG");
        let output = crate::support::output(&mut command);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).expect("text")
    };
    assert!(logged("", &[]).contains(" INFO started "));
    assert_eq!(logged("level = \"warn\"", &[]), "");
    let json = logged("format = \"json\"", &[]);
    assert!(json.lines().all(|line| line.starts_with("{\"time\":")), "{json}");
    assert!(json.contains("\"message\":\"started\""), "{json}");
    let told = logged("level = \"error\"\nformat = \"json\"", &["-v", "--log-format", "text"]);
    assert!(told.contains(" INFO started "), "{told}");
}

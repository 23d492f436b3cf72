//! What one idle connection costs a broker, over each carrier. The broker is a process of its own, so that the clients'
//! memory does not count.

use std::{
    env, fs,
    io::{BufRead, BufReader, Lines, Read},
    process::{Child, ChildStdout, Command, Stdio},
};

use transport::{Address, ClientCertificates, Listener, Options, ServerTls, ServerTlsOptions, WebSocketOptions};

use super::support::{Pki, Version, Wire, start};

/// The name under which this binary runs itself as a broker, and what tells it the carrier and the folder.
const CHILD: &str = "memory::serve_another_process";
const CARRIER: &str = "PADDOCK_TEST_CARRIER";
const FOLDER: &str = "PADDOCK_TEST_FOLDER";

/// How many connections are opened before the first look, and then between the two looks.
const WARM_UP: usize = 200;
const CONNECTIONS: usize = 1000;

#[test]
#[ignore = "not a test: the broker of the measurement"]
fn serve_another_process() {
    let (Ok(carrier), Ok(folder)) = (env::var(CARRIER), env::var(FOLDER)) else { return };
    let path = |name: &str| format!("{folder}/{name}");
    let mut options = Options::default();
    if carrier.contains("TLS") {
        let client_certificates = match carrier.contains("certificate") {
            true => ClientCertificates::Required(path("ca.crt").into()),
            false => ClientCertificates::NotAsked,
        };
        let files = ServerTlsOptions::new(path("server.crt"), path("server.key"));
        options.tls = Some(ServerTls::load(ServerTlsOptions { client_certificates, ..files }).unwrap());
    }
    options.websocket = carrier.contains("WebSocket").then(WebSocketOptions::default);
    let address = match &*carrier {
        "Unix" => Address::Unix(path("broker.sock").into()),
        _ => "127.0.0.1:0".parse().unwrap(),
    };
    let broker = start(Listener::bind(address, options).unwrap().into());
    println!("\nlistening on {}", broker.handle().entrances().next().unwrap().address);
    // Until the other process closes our standard input.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

struct Serving {
    process: Child,
    address: Address,
    /// Must stay open: the process writes to it now and then.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Serving {
    fn start(carrier: &str, folder: &str) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", CHILD, "--ignored", "--nocapture"])
            .env(CARRIER, carrier)
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut texts = lines.by_ref().map(Result::unwrap);
        let address = texts.find_map(|line| line.strip_prefix("listening on ")?.parse().ok());
        let address = address.expect("it listens");
        Self { process, address, _output: lines }
    }

    /// Resident bytes.
    fn memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ended = self.process.wait();
    }
}

#[tokio::test]
#[ignore = "a measurement: see the README"]
async fn cost_of_an_idle_connection() {
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let pki = Pki::new();
    pki.server();
    let device = pki.device("milk-meter-7", None);
    println!("| carrier | memory |\n|---|---|");
    for carrier in [
        "TCP",
        "Unix",
        "WebSocket",
        "TLS 1.2",
        "TLS 1.3",
        "TLS 1.3 with a client certificate",
        "WebSocket over TLS 1.3",
    ] {
        let broker = Serving::start(carrier, pki.folder.path().to_str().unwrap());
        let version = if carrier.contains("1.2") { Version::Tls12 } else { Version::Tls13 };
        let client = pki.client(version, carrier.contains("certificate").then_some(&device));
        let mut wires = Vec::new();
        let mut before = 0;
        for number in 0..WARM_UP + CONNECTIONS {
            if number == WARM_UP {
                before = broker.memory();
            }
            let mut wire = Wire::dial(&broker.address).await;
            if carrier.contains("TLS") {
                wire = wire.secured(&client).await.unwrap();
            }
            if carrier.contains("WebSocket") {
                wire = wire.framed().await;
            }
            let id = format!("{number:06}");
            wire.send(&[&[0x10, 18, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 6], id.as_bytes()].concat()).await;
            wire.expect(&[0x20, 2, 0, 0]).await;
            wires.push(wire);
        }
        let each = broker.memory().saturating_sub(before) as f64 / CONNECTIONS as f64;
        println!("| {carrier} | {:.1} KiB |", each / 1024.0);
    }
}

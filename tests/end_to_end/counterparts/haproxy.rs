//! HAProxy before two brokers: it spreads clients over both, and both see where the clients really are.

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
};

use super::mosquitto_broker::free_port;
use crate::{
    support::{Certificates, Running, output, paddock},
    ways::Listening,
};

const WAYS: [&str; 3] = ["mqtt", "mqtts", "ws"];

#[test]
fn haproxy_balances_tcp_tls_and_websocket_and_both_brokers_see_the_true_clients() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let certificates = Certificates::make(&folder.path().join("certs"), &[]);
    let brokers = ["one", "two"].map(|name| Backend::start(folder.path(), name));
    let fronts: BTreeMap<&str, u16> = WAYS.into_iter().chain(["ready"]).map(|way| (way, free_port())).collect();
    let _haproxy = haproxy(&fronts, &brokers);
    for way in WAYS {
        let path = if way == "ws" { "/mqtt" } else { "" };
        let url = format!("{way}://127.0.0.1:{}{path}", fronts[way]);
        // Loopback is a whole network: each client comes from an address of its own.
        let sources = [2, 3, 4, 5].map(|last| IpAddr::from([127, 0, 0, last]));
        for source in sources {
            echo(&url, source, (way == "mqtts").then(|| certificates.authority()));
        }
        let seen = brokers.each_ref().map(|broker| broker.seen(way, 2));
        assert_eq!(seen.each_ref().map(Vec::len), [2, 2], "{way}: {seen:?}");
        let mut all = seen.concat();
        all.sort_unstable();
        assert_eq!(all, sources, "{way}");
    }
}

/// A client that publishes to itself.
fn echo(url: &str, source: IpAddr, authority: Option<String>) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end/counterparts/paho_echo.py");
    let mut command = Command::new("/usr/bin/python3");
    command.args([script, url, &source.to_string(), &format!("barn-{source}")]).args(authority);
    let echoed = output(&mut command);
    assert!(echoed.status.success(), "{url} from {source}: {}", String::from_utf8_lossy(&echoed.stderr));
}

/// HAProxy, ready.
fn haproxy(fronts: &BTreeMap<&str, u16>, brokers: &[Backend; 2]) -> Running {
    let mut command = Command::new("/usr/sbin/haproxy");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end/counterparts/haproxy.cfg");
    command.args(["-db", "-q", "-f", file]);
    for (name, port) in fronts {
        command.env(name.to_uppercase(), port.to_string());
    }
    for (name, broker) in ["ONE", "TWO"].iter().zip(brokers) {
        for (way, port) in &broker.ports {
            command.env(format!("{name}_{}", way.to_uppercase()), port.to_string());
        }
    }
    let running = Running::start(&mut command);
    running.wait_until("HAProxy", || TcpStream::connect(("127.0.0.1", fronts["ready"])).is_ok());
    running
}

/// A broker that only a proxy may reach, and what it logs.
struct Backend {
    ports: BTreeMap<&'static str, u16>,
    log: PathBuf,
    running: Running,
}

impl Backend {
    fn start(folder: &Path, name: &str) -> Self {
        let file = folder.join(format!("{name}.toml"));
        let log = folder.join(format!("{name}.log"));
        let mut text = "[log]\nlevel = \"info\"\nformat = \"json\"\n".to_owned();
        for way in WAYS {
            let carrier = match way {
                "mqtts" => "tls = { certificate = \"certs/server.crt\", key = \"certs/server.key\" }",
                "ws" => "websocket = {}",
                _ => "",
            };
            let address = "address = \"127.0.0.1:0\"\nproxy_protocol = true";
            text += &format!("[[listeners]]\nname = \"{way}\"\n{address}\n{carrier}\n");
        }
        fs::write(&file, text).expect("a temporary file");
        let stderr = fs::File::create(&log).expect("a temporary file");
        let running = Running::start(paddock().args(["broker", "--config"]).arg(&file).stderr(stderr));
        let ports = WAYS.map(|way| {
            let listening = Listening::next(&running);
            assert_eq!(listening.scheme, way);
            (way, listening.address.port())
        });
        Self { ports: ports.into(), log, running }
    }

    /// Where the clients of one way came from, in order, once there were as many.
    fn seen(&self, way: &str, clients: usize) -> Vec<IpAddr> {
        let seen = || -> Vec<IpAddr> {
            let log = fs::read_to_string(&self.log).expect("a log");
            let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            let connected = lines.filter(|line| line["message"] == "connected" && line["listener"] == way);
            let peers = connected.map(|line| line["peer"].as_str().and_then(|peer| peer.parse::<SocketAddr>().ok()));
            peers.map(|peer| peer.expect("the PROXY header says where it comes from").ip()).collect()
        };
        self.running.wait_until("line about each client", || seen().len() >= clients);
        seen()
    }
}

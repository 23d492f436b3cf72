//! HAProxy before two brokers: it spreads clients over both, and both see where the clients really are.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
};

use reference_broker::{Access, AllowAll, Attempt, Authenticate, Broker, Config, Decision, Identity, Refusal};
use transport::{Address, Listener, Options, ServerTls, ServerTlsOptions, WebSocketOptions};

use super::mosquitto_broker::free_port;
use crate::support::{Certificates, Running, output};

const WAYS: [&str; 3] = ["mqtt", "mqtts", "ws"];

#[test]
fn haproxy_balances_tcp_tls_and_websocket_and_both_brokers_see_the_true_clients() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let certificates = Certificates::make(&folder.path().join("certs"), &[]);
    let brokers = [Backend::start(&certificates), Backend::start(&certificates)];
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
        let seen = brokers.each_ref().map(|broker| broker.seen(way));
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

/// A broker that only a proxy may reach, and who came.
struct Backend {
    ports: BTreeMap<&'static str, u16>,
    witness: Arc<Witness>,
    _broker: Broker,
}

impl Backend {
    fn start(certificates: &Certificates) -> Self {
        let (certificate, key) = certificates.pair("server");
        let witness = Arc::new(Witness::default());
        let mut ports = BTreeMap::new();
        let mut binds = Vec::new();
        for way in WAYS {
            let tls = || ServerTls::load(ServerTlsOptions::new(&certificate, &key)).expect("sound certificates");
            let options = Options {
                proxy_protocol: true,
                tls: (way == "mqtts").then(tls),
                websocket: (way == "ws").then(WebSocketOptions::default),
                ..Options::default()
            };
            let anywhere = Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
            let listener = Listener::bind(anywhere, options).expect("a free port");
            ports.insert(way, listener.address().tcp().expect("a TCP port").port());
            binds.push(listener.into());
        }
        let access = Access::new(Arc::<Witness>::clone(&witness), Arc::new(AllowAll));
        let broker = Broker::start(binds, Config { access, ..Config::default() }).expect("a broker");
        Self { ports, witness, _broker: broker }
    }

    /// Where the clients of one way came from, in order.
    fn seen(&self, way: &str) -> Vec<IpAddr> {
        let seen = self.witness.0.lock().expect("nobody panics over it");
        seen.iter().filter(|(scheme, _)| *scheme == way).map(|(_, address)| *address).collect()
    }
}

/// Lets everybody in and remembers how and from where they came.
#[derive(Debug, Default)]
struct Witness(Mutex<Vec<(&'static str, IpAddr)>>);

impl Authenticate for Witness {
    fn connect(&self, attempt: &Attempt<'_>) -> Decision<Result<Identity, Refusal>> {
        let identity = attempt.identity(None);
        let address = identity.address.expect("the PROXY header says where it comes from");
        self.0.lock().expect("nobody panics over it").push((attempt.origin.peer.scheme.name(), address));
        Decision::Now(Ok(identity))
    }
}

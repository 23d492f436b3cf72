//! The reference broker on every transport, and how clients get there.

use std::{fs, net::SocketAddr};

use tempfile::TempDir;
use transport::Endpoint;

use crate::support::{Certificates, Running, paddock};

/// One way to a broker on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) scheme: &'static str,
    pub(crate) address: SocketAddr,
    /// The file with the CA to trust.
    pub(crate) authority: Option<String>,
    /// The files with the certificate to show and its key.
    pub(crate) identity: Option<(String, String)>,
}

impl Way {
    /// Over TCP.
    pub(crate) fn plain(address: SocketAddr) -> Self {
        Self { scheme: "mqtt", address, authority: None, identity: None }
    }

    pub(crate) fn url(&self) -> String {
        let path = if self.is_web_socket() { "/mqtt" } else { "" };
        format!("{}://{}{path}", self.scheme, self.address)
    }

    pub(crate) fn is_web_socket(&self) -> bool {
        self.scheme.starts_with("ws")
    }

    /// Its files: the CA, the certificate and its key, as far as there are.
    pub(crate) fn files(&self) -> Vec<String> {
        let identity = self.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
        self.authority.iter().chain(identity).cloned().collect()
    }

    /// These options before its files.
    pub(crate) fn arguments(&self, options: [&str; 3]) -> Vec<String> {
        options.iter().zip(self.files()).flat_map(|(option, file)| [(*option).to_owned(), file]).collect()
    }
}

/// A reference broker with a listener for each way but plain TCP: TLS, TLS with client certificates required, WebSocket,
/// secure WebSocket, and that with client certificates required.
pub(crate) struct Everywhere {
    pub(crate) ways: Vec<Way>,
    pub(crate) certificates: Certificates,
    _folder: TempDir,
    _running: Running,
}

impl Everywhere {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let certificates = Certificates::make(&folder.path().join("certs"), &["--device", "milk_meter_001"]);
        let tls = "certificate = \"certs/server.crt\", key = \"certs/server.key\"";
        let mutual = format!("{tls}, client_certificates = {{ ca = \"certs/ca.crt\" }}");
        let identity = certificates.pair("devices/milk_meter_001");
        let listeners = [
            (format!("tls = {{ {tls} }}"), None),
            (format!("tls = {{ {mutual} }}"), Some(&identity)),
            ("websocket = {}".to_owned(), None),
            (format!("tls = {{ {tls} }}\nwebsocket = {{}}"), None),
            (format!("tls = {{ {mutual} }}\nwebsocket = {{}}"), Some(&identity)),
        ];
        let file = folder.path().join("broker.toml");
        let text: String = listeners
            .iter()
            .enumerate()
            .map(|(n, (carrier, _))| format!("[[listeners]]\nname = \"{n}\"\naddress = \"127.0.0.1:0\"\n{carrier}\n"))
            .collect();
        fs::write(&file, format!("{text}[log]\nlevel = \"warn\"\n")).expect("a temporary file");
        let running = Running::start(paddock().args(["broker", "--config"]).arg(&file));
        let ways = listeners.map(|(_, identity)| {
            let Listening { scheme, address } = Listening::next(&running);
            let authority = (scheme != "ws").then(|| certificates.authority());
            Way { scheme, address, authority, identity: identity.cloned() }
        });
        Self { ways: ways.into(), certificates, _folder: folder, _running: running }
    }

    /// The way over `scheme` that asks for no client certificate.
    pub(crate) fn way(&self, scheme: &str) -> &Way {
        self.ways.iter().find(|way| way.scheme == scheme && way.identity.is_none()).expect("it is there")
    }
}

/// Where a broker says that it listens.
pub(crate) struct Listening {
    pub(crate) scheme: &'static str,
    pub(crate) address: SocketAddr,
}

impl Listening {
    /// What the next line says.
    pub(crate) fn next(broker: &Running) -> Self {
        let line = broker.line("an address", |line| line.starts_with("listening on "));
        let url = line.strip_prefix("listening on ").unwrap_or_default();
        let endpoint: Endpoint = url.parse().unwrap_or_else(|error| panic!("{line:?}: {error}"));
        let address = format!("{}:{}", endpoint.host, endpoint.port);
        let address = address.parse().unwrap_or_else(|error| panic!("{line:?}: {error}"));
        Self { scheme: endpoint.scheme.name(), address }
    }
}

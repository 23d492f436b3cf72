//! The reference broker on every transport, and how clients get there.

use std::net::SocketAddr;

use reference_broker::{Broker, Config};
use tempfile::TempDir;
use transport::{Address, ClientCertificates, Listener, Options, ServerTls, ServerTlsOptions, WebSocketOptions};

use crate::support::Certificates;

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
    _broker: Broker,
}

impl Everywhere {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let certificates = Certificates::make(&folder.path().join("certs"), &["--device", "milk_meter_001"]);
        let (certificate, key) = certificates.pair("server");
        let tls = |required: bool| {
            let mut options = ServerTlsOptions::new(&certificate, &key);
            if required {
                options.client_certificates = ClientCertificates::Required(certificates.authority().into());
            }
            Some(ServerTls::load(options).expect("sound certificates"))
        };
        let websocket = Some(WebSocketOptions::default());
        let mut ways = Vec::new();
        let mut binds = Vec::new();
        for (scheme, required) in [("mqtts", false), ("mqtts", true), ("ws", false), ("wss", false), ("wss", true)] {
            let options = Options {
                tls: if scheme == "ws" { None } else { tls(required) },
                websocket: websocket.clone().filter(|_| scheme.starts_with("ws")),
                ..Options::default()
            };
            let anywhere = Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
            let listener = Listener::bind(anywhere, options).expect("a free port");
            ways.push(Way {
                scheme,
                address: listener.address().tcp().expect("a TCP port"),
                authority: (scheme != "ws").then(|| certificates.authority()),
                identity: required.then(|| certificates.pair("devices/milk_meter_001")),
            });
            binds.push(listener.into());
        }
        let broker = Broker::start(binds, Config::default()).expect("a broker");
        Self { ways, certificates, _folder: folder, _broker: broker }
    }

    /// The way over `scheme` that asks for no client certificate.
    pub(crate) fn way(&self, scheme: &str) -> &Way {
        self.ways.iter().find(|way| way.scheme == scheme && way.identity.is_none()).expect("it is there")
    }
}

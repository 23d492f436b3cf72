//! Certificates, carriers, and a client that sends and expects literal bytes over any of them.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::{SinkExt, StreamExt};
use reference_broker::{Bind, Broker, Config};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, SupportedProtocolVersion,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        version::{TLS12, TLS13},
    },
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{ClientRequestBuilder, Message},
};
use transport::{
    Address, Listener, Options, ServerTlsOptions,
    certificates::{Authority, Flaw, Folder, KeyKind, Period, Profile, Stored, Subject},
};

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A CA and what it issued, in a folder that goes with it.
pub(crate) struct Pki {
    pub(crate) folder: TempDir,
    authority: Authority,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = authority();
        std::fs::write(folder.path().join("ca.crt"), authority.certificate()).unwrap();
        Self { folder, authority }
    }

    /// Another CA takes over the folder, and issues what this one had issued to the server.
    pub(crate) fn change_authority(&mut self) {
        self.authority = authority();
        std::fs::write(self.ca(), self.authority.certificate()).unwrap();
        self.server();
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// What a server for `localhost` shows.
    pub(crate) fn server(&self) -> ServerTlsOptions {
        let stored = self.store("server", &Profile::Server(vec!["localhost".parse().unwrap()]), None);
        ServerTlsOptions::new(stored.certificate, stored.key)
    }

    /// What the device `name` shows.
    pub(crate) fn device(&self, name: &str, flaw: Option<Flaw>) -> Stored {
        self.store(name, &Profile::Device(name.parse().unwrap()), flaw)
    }

    fn store(&self, name: &str, profile: &Profile, flaw: Option<Flaw>) -> Stored {
        let (subject, now) = (Subject::default(), SystemTime::now());
        let issued = match flaw {
            None => self.authority.issue(profile, &subject, KeyKind::Ecdsa, Period::starting(now, DAY)),
            Some(flaw) => self.authority.issue_bad(flaw, profile, &subject, KeyKind::Ecdsa, now),
        };
        Folder::new(self.folder.path(), true).store(name, &issued.unwrap()).unwrap()
    }

    /// A client that trusts this CA, speaks `version`, and shows `device`.
    pub(crate) fn client(&self, version: Version, device: Option<&Stored>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.ca()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_protocol_versions(version.supported()).with_root_certificates(roots);
        let config = match device {
            None => builder.with_no_client_auth(),
            Some(device) => {
                let chain = CertificateDer::pem_file_iter(&device.certificate).unwrap().map(Result::unwrap).collect();
                let key = PrivateKeyDer::from_pem_file(&device.key).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        Arc::new(config).into()
    }
}

const DAY: Duration = Duration::from_secs(86_400);

fn authority() -> Authority {
    let period = Period::starting(SystemTime::now(), 30 * DAY);
    Authority::create("Test CA", &Subject::default(), KeyKind::Ecdsa, period).unwrap()
}

/// Which version of TLS a client speaks.
#[derive(Clone, Copy)]
pub(crate) enum Version {
    Tls12,
    Tls13,
}

impl Version {
    fn supported(self) -> &'static [&'static SupportedProtocolVersion] {
        static BOTH: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];
        match self {
            Self::Tls12 => &BOTH[..1],
            Self::Tls13 => &BOTH[1..],
        }
    }
}

pub(crate) fn bind(options: Options) -> Bind {
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    Listener::bind(address, options).unwrap().into()
}

/// One worker that takes large packets and waits for slow readers.
pub(crate) fn config() -> Config {
    let mut config = Config { workers: 1, ..Config::default() };
    config.protocol.maximum_packet_size = 8 << 20;
    config.limits.outbound_bytes = 64 << 20;
    config
}

pub(crate) fn start(bind: Bind) -> Broker {
    Broker::start(vec![bind], config()).unwrap()
}

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A client that sends and expects literal bytes.
pub(crate) enum Wire {
    Bytes(Box<dyn Io>),
    /// What came and was not expected yet stands beside the frames.
    Frames(Box<WebSocketStream<Box<dyn Io>>>, Vec<u8>),
}

impl Wire {
    pub(crate) async fn dial(address: &Address) -> Self {
        Self::Bytes(match address {
            Address::Tcp(address) => Box::new(TcpStream::connect(address).await.unwrap()),
            Address::Unix(path) => Box::new(UnixStream::connect(path).await.unwrap()),
        })
    }

    fn bytes(self) -> Box<dyn Io> {
        match self {
            Self::Bytes(io) => io,
            Self::Frames(..) => panic!("already in frames"),
        }
    }

    /// Shakes hands as a client of TLS.
    pub(crate) async fn secured(self, connector: &TlsConnector) -> std::io::Result<Self> {
        let name = "localhost".try_into().unwrap();
        let stream = timeout(DEADLINE, connector.connect(name, self.bytes())).await.expect("in time")?;
        Ok(Self::Bytes(Box::new(stream)))
    }

    /// Upgrades to WebSocket.
    pub(crate) async fn framed(self) -> Self {
        let request = ClientRequestBuilder::new("ws://localhost/mqtt".parse().unwrap()).with_sub_protocol("mqtt");
        let upgrade = client_async(request, self.bytes());
        let (stream, _) = timeout(DEADLINE, upgrade).await.expect("in time").unwrap();
        Self::Frames(Box::new(stream), Vec::new())
    }

    /// CONNECT of 3.1.1 with Clean Session and the one-letter identifier `id`, accepted.
    pub(crate) async fn connected(mut self, id: u8) -> Self {
        self.send(&[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 1, id]).await;
        self.expect(&[0x20, 2, 0, 0]).await;
        self
    }

    /// SUBSCRIBE to the one-letter topic `topic` at QoS 0.
    pub(crate) async fn subscribe(&mut self, topic: u8) {
        self.send(&[0x82, 6, 0, 1, 0, 1, topic, 0]).await;
        self.expect(&[0x90, 3, 0, 1, 0]).await;
    }

    /// PINGREQ and its answer: everything before has been dealt with.
    pub(crate) async fn ping(&mut self) {
        self.send(&[0xC0, 0]).await;
        self.expect(&[0xD0, 0]).await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        match self {
            Self::Bytes(io) => {
                io.write_all(bytes).await.unwrap();
                io.flush().await.unwrap();
            }
            Self::Frames(stream, _) => stream.send(Message::binary(bytes.to_vec())).await.unwrap(),
        }
    }

    pub(crate) async fn expect(&mut self, bytes: &[u8]) {
        let got = timeout(DEADLINE, self.read(bytes.len())).await.expect("in time");
        assert!(got == bytes, "{:02x?} instead of {:02x?}", &got[..got.len().min(99)], &bytes[..bytes.len().min(99)]);
    }

    async fn read(&mut self, length: usize) -> Vec<u8> {
        match self {
            Self::Bytes(io) => {
                let mut got = vec![0; length];
                io.read_exact(&mut got).await.unwrap();
                got
            }
            Self::Frames(stream, early) => {
                while early.len() < length {
                    match stream.next().await.unwrap().unwrap() {
                        // MQTT-6.0.0-1 in both.
                        Message::Binary(bytes) => early.extend_from_slice(&bytes),
                        other => panic!("{other:?}"),
                    }
                }
                early.drain(..length).collect()
            }
        }
    }

    /// The broker says good-bye in the carrier's own way and sends nothing more.
    pub(crate) async fn expect_closed(&mut self) {
        let closed = async {
            match self {
                Self::Bytes(io) => {
                    let mut rest = Vec::new();
                    // Without close_notify this is an error in TLS.
                    io.read_to_end(&mut rest).await.unwrap();
                    assert_eq!(rest, [0; 0]);
                }
                Self::Frames(stream, early) => {
                    assert_eq!(*early, [0; 0]);
                    let last = stream.next().await.unwrap().unwrap();
                    assert!(last.is_close(), "{last:?}");
                    assert!(stream.next().await.is_none_or(|end| end.is_err()));
                }
            }
        };
        timeout(DEADLINE, closed).await.expect("in time");
    }
}

/// A PUBLISH of QoS 0 to the one-letter topic `topic` with `length` bytes.
pub(crate) fn publish(topic: u8, length: usize) -> Vec<u8> {
    let mut packet = vec![0x30];
    let mut left = length + 3;
    loop {
        let byte = u8::try_from(left % 128).unwrap();
        left /= 128;
        packet.push(if left > 0 { byte | 0x80 } else { byte });
        if left == 0 {
            break;
        }
    }
    packet.extend([0, 1, topic]);
    packet.extend((0..length).map(|at| (at % 251) as u8));
    packet
}

/// Looks again and again until the broker has counted what `done` asks for. Counters tell nobody that they changed, and what
/// is counted here (a handshake that failed) its client sees before the broker counts it.
pub(crate) async fn until_counted(broker: &Broker, done: impl Fn(reference_broker::Counters) -> bool) {
    let counted = async {
        while !done(broker.handle().counters()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(DEADLINE, counted).await.unwrap_or_else(|_| panic!("{:?}", broker.handle().counters()));
}

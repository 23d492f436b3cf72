//! What an acceptor knows of its peers, what it does to the files of Unix sockets, and what the pump owes to TLS.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::{
    future::poll_fn,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    sync::Arc,
    task::{Context, Waker},
    time::{Duration, SystemTime},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use transport::{
    Acceptor, Address, ClientCertificates, Listener, Options, Peer, Pump, Scheme, ServerTls, ServerTlsOptions, Stream,
    certificates::{Authority, Folder, KeyKind, Period, Profile, Subject},
};

const DEADLINE: Duration = Duration::from_secs(20);

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

async fn accepted(acceptor: &mut Acceptor) -> (Stream, Peer) {
    timeout(DEADLINE, poll_fn(|cx| acceptor.poll_accept(cx))).await.expect("in time").unwrap()
}

#[tokio::test]
async fn a_plain_peer_is_known_by_its_address() {
    let listener = Listener::bind(loopback(), Options::default()).unwrap();
    let client = TcpStream::connect(listener.address().tcp().unwrap()).await.unwrap();
    let (_, peer) = accepted(&mut listener.start().unwrap()).await;
    assert_eq!(peer, Peer::new(Some(client.local_addr().unwrap()), Scheme::Mqtt));
}

#[tokio::test]
async fn a_proxied_peer_is_known_by_its_true_source() {
    let listener = Listener::bind(loopback(), Options { proxy_protocol: true, ..Options::default() }).unwrap();
    let address = listener.address().tcp().unwrap();
    let mut acceptor = listener.start().unwrap();
    for (header, source) in [
        (&b"PROXY TCP6 2001:db8::7 ::1 50000 1883\r\n"[..], Some("[2001:db8::7]:50000".parse().unwrap())),
        (b"PROXY UNKNOWN\r\n", None),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", Some("127.0.0.1:0".parse().unwrap())),
    ] {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(&[header, b"moo"].concat()).await.unwrap();
        let (mut stream, peer) = accepted(&mut acceptor).await;
        // LOCAL: the proxy itself, from whatever port it has.
        let expected = source.map(|source: SocketAddr| match source.port() {
            0 => client.local_addr().unwrap(),
            _ => source,
        });
        assert_eq!(peer, Peer::new(expected, Scheme::Mqtt));
        let mut first = [0; 3];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"moo");
    }
}

/// A server with a certificate for `barn.example` that wants those of clients, and a client that has one.
struct Tls {
    server: ServerTls,
    connector: TlsConnector,
    /// What the client shows.
    certificate: CertificateDer<'static>,
}

impl Tls {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (subject, now) = (Subject::default(), SystemTime::now());
        let period = Period::starting(now, Duration::from_secs(3600));
        let authority = Authority::create("Test CA", &subject, KeyKind::Ecdsa, period).unwrap();
        let ca = folder.path().join("ca.crt");
        std::fs::write(&ca, authority.certificate()).unwrap();
        let store = |name: &str, profile: &Profile| {
            let issued = authority.issue(profile, &subject, KeyKind::Ecdsa, period).unwrap();
            Folder::new(folder.path(), false).store(name, &issued).unwrap()
        };
        let server = store("server", &Profile::Server(vec!["barn.example".parse().unwrap()]));
        let device = store("meter", &Profile::Device("milk-meter-7".parse().unwrap()));
        let options = ServerTlsOptions {
            client_certificates: ClientCertificates::Required(ca.clone()),
            ..ServerTlsOptions::new(server.certificate, server.key)
        };
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&ca).unwrap()).unwrap();
        let certificate = CertificateDer::from_pem_file(&device.certificate).unwrap();
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate.clone()], PrivateKeyDer::from_pem_file(&device.key).unwrap())
            .unwrap();
        Self { server: ServerTls::load(options).unwrap(), connector: Arc::new(config).into(), certificate }
    }

    fn options(&self) -> Options {
        Options { tls: Some(self.server.clone()), ..Options::default() }
    }

    async fn connect<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> TlsStream<S> {
        self.connector.connect("barn.example".try_into().unwrap(), stream).await.unwrap()
    }
}

#[tokio::test]
async fn a_peer_over_tls_is_known_by_its_certificate_and_the_name_it_asked_for() {
    let tls = Tls::new();
    let listener = Listener::bind(loopback(), tls.options()).unwrap();
    let client = TcpStream::connect(listener.address().tcp().unwrap()).await.unwrap();
    let mut acceptor = listener.start().unwrap();
    let (_client, (_, peer)) = tokio::join!(tls.connect(client), accepted(&mut acceptor));
    assert_eq!((peer.scheme, peer.server_name.as_deref()), (Scheme::Mqtts, Some("barn.example")));
    let shown = peer.certificate.unwrap();
    assert_eq!(shown.common_name.as_deref(), Some("milk-meter-7"));
    assert_eq!(*shown.der, *tls.certificate);
}

/// Between the pump's buffer and the socket there are records that are encrypted already. A pump that only looks at its own
/// buffer would leave them there. (A Unix socket always takes the same amount before it is full.)
#[tokio::test]
async fn records_that_the_socket_did_not_take_follow_when_it_does() {
    const CHUNK: [u8; 8192] = [7; 8192];
    let tls = Tls::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broker.sock");
    let mut acceptor = Listener::bind(Address::Unix(path.clone()), tls.options()).unwrap().start().unwrap();
    let mut most = usize::MAX;
    for attempt in ["find out how much it takes", "stop a little before"] {
        let client = UnixStream::connect(&path).await.unwrap();
        let (mut client, (ours, _)) = tokio::join!(tls.connect(client), accepted(&mut acceptor));
        let mut pump = Pump::new();
        let key = pump.insert(ours);
        let mut chunks = 0;
        while pump.unsent(key) == 0 && chunks < most {
            pump.out(key).unwrap().extend_from_slice(&CHUNK);
            pump.flush(&mut Context::from_waker(Waker::noop()));
            chunks += 1;
        }
        assert_eq!(pump.unsent(key) == 0, chunks == most, "{attempt}");
        let mut all = vec![0; chunks * CHUNK.len()];
        let mut read = Box::pin(client.read_exact(&mut all));
        let turns = poll_fn(|cx| {
            while pump.next(cx).is_some() {}
            pump.flush(cx);
            read.as_mut().poll(cx)
        });
        timeout(DEADLINE, turns).await.unwrap_or_else(|_| panic!("{attempt}: something stays behind")).unwrap();
        most = chunks - 3;
    }
}

#[tokio::test]
async fn every_address_of_ipv4_and_ipv6_can_be_bound_side_by_side() {
    let v4 = Listener::bind("0.0.0.0:0".parse::<SocketAddr>().unwrap(), Options::default()).unwrap();
    let port = v4.address().tcp().unwrap().port();
    let v6 = Listener::bind(format!("[::]:{port}").parse::<SocketAddr>().unwrap(), Options::default()).unwrap();
    let (mut v4, mut v6) = (v4.start().unwrap(), v6.start().unwrap());
    let _client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    assert!(accepted(&mut v4).await.1.address.unwrap().is_ipv4());
    let _client = TcpStream::connect(("::1", port)).await.unwrap();
    assert!(accepted(&mut v6).await.1.address.unwrap().is_ipv6());
}

#[tokio::test]
async fn a_socket_file_has_its_mode_and_goes_with_its_last_listener() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broker.sock");
    let options = Options { unix_mode: 0o600, ..Options::default() };
    let listener = Listener::bind(Address::Unix(path.clone()), options).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut acceptor = listener.try_clone().unwrap().start().unwrap();
    drop(listener);
    let _client = UnixStream::connect(&path).await.unwrap();
    assert_eq!(accepted(&mut acceptor).await.1, Peer::new(None, Scheme::Unix));
    drop(acceptor);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_file_is_replaced_only_when_nobody_listens_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broker.sock");
    let bind = || Listener::bind(Address::Unix(path.clone()), Options::default());
    // A process that was killed leaves its file.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let first = bind().unwrap();
    let error = bind().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    // Somebody else's file in the same place stays.
    std::fs::remove_file(&path).unwrap();
    let second = bind().unwrap();
    drop(first);
    assert!(path.exists(), "the second one's file");
    drop(second);
    std::fs::write(&path, "notes").unwrap();
    assert_eq!(bind().unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&path).unwrap(), b"notes");
}

//! What an acceptor knows of its peers, and what it does to the files of Unix sockets.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::{
    future::poll_fn,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use transport::{
    Acceptor, Address, ClientCertificates, Listener, Options, Peer, Scheme, ServerTls, ServerTlsOptions, Stream,
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

#[tokio::test]
async fn a_peer_over_tls_is_known_by_its_certificate_and_the_name_it_asked_for() {
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
    let tls = Some(ServerTls::load(options).unwrap());
    let listener = Listener::bind(loopback(), Options { tls, ..Options::default() }).unwrap();

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&ca).unwrap()).unwrap();
    let certificate = CertificateDer::from_pem_file(&device.certificate).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate.clone()], PrivateKeyDer::from_pem_file(&device.key).unwrap())
        .unwrap();
    let client = TcpStream::connect(listener.address().tcp().unwrap()).await.unwrap();
    let name = "barn.example".try_into().unwrap();
    let mut acceptor = listener.start().unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let (client, (_, peer)) = tokio::join!(connector.connect(name, client), accepted(&mut acceptor));
    client.unwrap();
    assert_eq!((peer.scheme, peer.server_name.as_deref()), (Scheme::Mqtts, Some("barn.example")));
    let shown = peer.certificate.unwrap();
    assert_eq!(shown.common_name.as_deref(), Some("milk-meter-7"));
    assert_eq!(*shown.der, *certificate);
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

//! The dialling side against listeners of this crate and of OpenSSL: every scheme, and what a person reads when it fails.

#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::{
    fs,
    future::poll_fn,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, split},
    net::TcpListener,
    sync::mpsc,
    task::JoinHandle,
};
use transport::{
    Address, ClientCertificates, ClientTls, ClientTlsFiles, DialError, DialOptions, Endpoint, Listener, Options, Peer,
    ServerTls, ServerTlsOptions, Stream, TlsFailure, TlsVersions, WebSocketOptions,
    certificates::{Authority, CertificateError, Flaw, Folder, Issued, KeyKind, Period, Profile, Subject},
    dial,
};

const DAY: Duration = Duration::from_secs(86_400);

/// A CA, a server's certificate and a device's, as files.
struct Farm {
    folder: TempDir,
    authority: Authority,
}

impl Farm {
    fn new() -> Self {
        // RSA, because only such a CA signs with SHA-1; a small one of OpenSSL is found faster.
        let folder = tempfile::tempdir().unwrap();
        let (key, certificate) = (folder.path().join("ca.key"), folder.path().join("ca.crt"));
        let made = Command::new("openssl")
            .args(["req", "-new", "-x509", "-days", "30", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Barn CA"])
            .arg("-keyout")
            .arg(key)
            .arg("-out")
            .arg(certificate)
            .output()
            .unwrap_or_else(|error| panic!("openssl: {error}; tests/run installs what is missing"));
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let authority = Folder::new(folder.path(), false).authority("ca").unwrap().unwrap();
        let farm = Self { folder, authority };
        for (name, profile) in [("server", server()), ("device", device())] {
            let period = Period::starting(SystemTime::now(), DAY);
            farm.store(name, &farm.authority.issue(&profile, &Subject::default(), KeyKind::Ecdsa, period).unwrap());
        }
        farm
    }

    fn store(&self, name: &str, issued: &Issued) {
        Folder::new(self.folder.path(), false).store(name, issued).unwrap();
    }

    /// Stores a bad certificate as `name`; `false` if it does not exist.
    fn bad(&self, name: &str, flaw: Flaw, profile: &Profile) -> bool {
        match self.authority.issue_bad(flaw, profile, &Subject::default(), KeyKind::Ecdsa, SystemTime::now()) {
            Ok(issued) => self.store(name, &issued),
            Err(CertificateError::Inapplicable(_)) => return false,
            Err(error) => panic!("{error}"),
        }
        true
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A listener's TLS with the certificate `name`.
    fn server(&self, name: &str, clients: ClientCertificates) -> ServerTlsOptions {
        let mut options = ServerTlsOptions::new(self.path(&format!("{name}.crt")), self.path(&format!("{name}.key")));
        options.client_certificates = clients;
        options
    }

    fn required(&self) -> ClientCertificates {
        ClientCertificates::Required(self.path("ca.crt"))
    }

    /// A client that trusts the CA and shows the certificate `identity`, if any.
    fn client(&self, identity: Option<&str>) -> ClientTlsFiles {
        ClientTlsFiles {
            authorities: vec![self.path("ca.crt")],
            identity: identity.map(|name| (self.path(&format!("{name}.crt")), self.path(&format!("{name}.key")))),
            insecure: false,
        }
    }
}

fn server() -> Profile {
    Profile::Server(["localhost", "127.0.0.1"].map(|name| name.parse().unwrap()).into())
}

fn device() -> Profile {
    Profile::Device("milk_meter_001".parse().unwrap())
}

/// Sends back what it gets, and tells who came.
struct Echo {
    address: Address,
    peers: mpsc::UnboundedReceiver<Peer>,
    task: JoinHandle<()>,
}

impl Echo {
    fn start(address: Address, options: Options) -> Self {
        let listener = Listener::bind(address, options).unwrap();
        let address = listener.address().clone();
        let mut acceptor = listener.start().unwrap();
        let (came, peers) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, peer)) = poll_fn(|cx| acceptor.poll_accept(cx)).await else { continue };
                let _gone = came.send(peer);
                tokio::spawn(async move {
                    let (mut from, mut to) = split(stream);
                    let _gone = copy(&mut from, &mut to).await;
                });
            }
        });
        Self { address, peers, task }
    }

    fn tls(options: ServerTlsOptions) -> Self {
        Self::start(anywhere(), Options { tls: Some(ServerTls::load(options).unwrap()), ..Options::default() })
    }

    fn url(&self, scheme: &str, path: &str) -> Endpoint {
        format!("{scheme}://{}{path}", self.address).parse().unwrap()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn anywhere() -> Address {
    Address::Tcp("127.0.0.1:0".parse().unwrap())
}

fn with(files: &ClientTlsFiles) -> DialOptions {
    DialOptions { tls: Some(ClientTls::read(files).unwrap()), ..DialOptions::default() }
}

async fn echoes(stream: &mut Stream) -> std::io::Result<()> {
    stream.write_all(b"hay").await?;
    stream.flush().await?;
    let mut back = [0; 3];
    stream.read_exact(&mut back).await?;
    assert_eq!(&back, b"hay");
    Ok(())
}

/// What a person reads of an attempt that has to fail, while dialling or at the first use.
async fn failure(endpoint: &Endpoint, options: &DialOptions) -> String {
    match dial(endpoint, options).await {
        Err(DialError::Tls(_, failure)) => failure.to_string(),
        Err(other) => panic!("{other}"),
        Ok(mut stream) => TlsFailure::explained(&echoes(&mut stream).await.unwrap_err()),
    }
}

#[tokio::test]
async fn every_scheme_is_dialled() {
    let farm = Farm::new();
    let tls = || Some(ServerTls::load(farm.server("server", ClientCertificates::NotAsked)).unwrap());
    let websocket = || Some(WebSocketOptions::default());
    let socket = Address::Unix(farm.path("broker.sock"));
    for (scheme, address, options) in [
        ("mqtt", anywhere(), Options::default()),
        ("mqtts", anywhere(), Options { tls: tls(), ..Options::default() }),
        ("ws", anywhere(), Options { websocket: websocket(), ..Options::default() }),
        ("wss", anywhere(), Options { tls: tls(), websocket: websocket(), ..Options::default() }),
        ("unix", socket, Options::default()),
    ] {
        let mut echo = Echo::start(address, options);
        let endpoint = match &echo.address {
            Address::Tcp(_) => echo.url(scheme, ""),
            Address::Unix(path) => format!("unix:{}", path.display()).parse().unwrap(),
        };
        assert_eq!(endpoint.scheme.name(), scheme);
        let mut stream = dial(&endpoint, &with(&farm.client(None))).await.unwrap();
        echoes(&mut stream).await.unwrap();
        assert_eq!(echo.peers.recv().await.unwrap().scheme, endpoint.scheme);
    }
}

#[tokio::test]
async fn a_bad_certificate_of_a_broker_is_refused_in_words() {
    let farm = Farm::new();
    for flaw in Flaw::ALL {
        // rustls, the listener's, does not load such a key: see the next test.
        if flaw == Flaw::WeakKey {
            continue;
        }
        let name = flaw.name();
        assert!(farm.bad(name, flaw, &server()));
        let echo = Echo::tls(farm.server(name, ClientCertificates::NotAsked));
        let endpoint = echo.url("mqtts", "");
        let said = failure(&endpoint, &with(&farm.client(None))).await;
        let expected = match flaw {
            Flaw::Expired => "the broker's certificate expired on ",
            Flaw::NotYetValid => "the broker's certificate is valid only from ",
            Flaw::WrongName => "the broker's certificate is not for 127.0.0.1, but for wrong-name.invalid",
            Flaw::WrongCa => "another CA of the same name issued it",
            Flaw::SelfSigned => "from a CA that is not trusted here",
            Flaw::WrongUsage => "is not for servers",
            Flaw::LeafAsCa => "is refused: ",
            Flaw::WeakKey => unreachable!("skipped"),
            Flaw::WeakSignature => "too weak",
        };
        assert!(said.contains(expected), "{flaw:?}: {said}");
        let insecure = ClientTlsFiles { insecure: true, ..ClientTlsFiles::default() };
        let mut stream = dial(&endpoint, &with(&insecure)).await.unwrap_or_else(|error| panic!("{flaw:?}: {error}"));
        echoes(&mut stream).await.unwrap();
    }
}

#[tokio::test]
async fn a_broker_with_a_weak_key_is_refused() {
    let farm = Farm::new();
    assert!(farm.bad("weak", Flaw::WeakKey, &server()));
    for (certificate, fails) in [("weak", true), ("server", false)] {
        let openssl =
            OpenSsl::serve(&farm.path(&format!("{certificate}.crt")), &farm.path(&format!("{certificate}.key")));
        let endpoint = format!("mqtts://127.0.0.1:{}", openssl.port).parse().unwrap();
        let outcome = dial(&endpoint, &with(&farm.client(None))).await;
        assert_eq!(matches!(outcome, Err(DialError::Tls(..))), fails, "{certificate}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_a_missing_or_bad_one_named() {
    let farm = Farm::new();
    for versions in [TlsVersions::Only13, TlsVersions::Only12] {
        let mut options = farm.server("server", farm.required());
        options.versions = versions;
        let mut echo = Echo::tls(options);
        let endpoint = echo.url("mqtts", "");
        let mut stream = dial(&endpoint, &with(&farm.client(Some("device")))).await.unwrap();
        echoes(&mut stream).await.unwrap();
        let peer = echo.peers.recv().await.unwrap();
        assert_eq!(peer.certificate.unwrap().common_name.as_deref(), Some("milk_meter_001"));
        let said = failure(&endpoint, &with(&farm.client(None))).await;
        assert_eq!(said, "the broker wants a client certificate", "{versions:?}");
        for flaw in Flaw::ALL {
            let name = format!("{}-{versions:?}", flaw.name());
            if !farm.bad(&name, flaw, &device()) {
                continue;
            }
            if flaw == Flaw::WeakKey {
                let unusable = ClientTls::read(&farm.client(Some(&name))).unwrap_err().to_string();
                assert!(unusable.contains(&name), "{unusable}");
                continue;
            }
            let said = failure(&endpoint, &with(&farm.client(Some(&name)))).await;
            assert!(said.starts_with("the broker refuses the client certificate"), "{flaw:?} {versions:?}: {said}");
        }
    }
}

#[tokio::test]
async fn a_websocket_names_a_missing_certificate_too() {
    let farm = Farm::new();
    let tls = Some(ServerTls::load(farm.server("server", farm.required())).unwrap());
    let options = Options { tls, websocket: Some(WebSocketOptions::default()), ..Options::default() };
    let echo = Echo::start(anywhere(), options);
    let said = failure(&echo.url("wss", ""), &with(&farm.client(None))).await;
    assert_eq!(said, "the broker wants a client certificate");
}

#[tokio::test]
async fn a_wrong_path_is_told_as_such() {
    let echo = Echo::start(anywhere(), Options { websocket: Some(WebSocketOptions::default()), ..Options::default() });
    let endpoint = echo.url("ws", "/elsewhere");
    let said = dial(&endpoint, &DialOptions::default()).await.unwrap_err().to_string();
    assert!(said.contains("/elsewhere") && said.contains("404"), "{said}");
}

#[tokio::test]
async fn what_speaks_no_tls_is_told_as_such() {
    let farm = Farm::new();
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("mqtts://{}", plain.local_addr().unwrap()).parse().unwrap();
    let talker = tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let mut ignored = Vec::new();
        let _gone = stream.read_to_end(&mut ignored).await;
    });
    assert_eq!(failure(&endpoint, &with(&farm.client(None))).await, "no TLS is spoken there");
    talker.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_time_out_covers_the_handshakes() {
    let farm = Farm::new();
    // The system accepts into the backlog; nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for scheme in ["mqtts", "ws", "wss"] {
        let endpoint = format!("{scheme}://{}", silent.local_addr().unwrap()).parse().unwrap();
        let outcome = dial(&endpoint, &with(&farm.client(None))).await;
        assert!(matches!(outcome, Err(DialError::TimedOut(..))), "{scheme}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_tls_endpoint_needs_to_know_whom_to_trust() {
    let outcome = dial(&"mqtts://127.0.0.1:1".parse().unwrap(), &DialOptions::default()).await;
    assert!(matches!(outcome, Err(DialError::NoTls(_))), "{outcome:?}");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let farm = Farm::new();
    fs::write(farm.path("empty"), "").unwrap();
    let said = |files: ClientTlsFiles| ClientTls::read(&files).unwrap_err().to_string();
    let authority = |name: &str| ClientTlsFiles { authorities: vec![farm.path(name)], ..ClientTlsFiles::default() };
    let identity = |certificate: &str, key: &str| ClientTlsFiles {
        identity: Some((farm.path(certificate), farm.path(key))),
        ..farm.client(None)
    };
    for (files, words) in [
        (authority("missing"), ["missing", "No such file"]),
        (authority("empty"), ["empty", "no certificate"]),
        (authority("ca.key"), ["ca.key", "no certificate"]),
        (identity("device.crt", "device.crt"), ["device.crt", "no private key"]),
        (identity("device.crt", "server.key"), ["server.key", "Mismatch"]),
    ] {
        let said = said(files);
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    }
}

/// `openssl s_server`, which loads keys that nobody should use.
struct OpenSsl {
    port: u16,
    child: Child,
}

impl OpenSsl {
    fn serve(certificate: &Path, key: &Path) -> Self {
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-cipher", "ALL:@SECLEVEL=0", "-cert"])
            .arg(certificate)
            .arg("-key")
            .arg(key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("openssl: {error}; tests/run installs what is missing"));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let address = line.strip_prefix("ACCEPT ")?;
            address.rsplit(':').next()?.parse().ok()
        });
        Self { port: port.expect("openssl says where it listens"), child }
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

#[tokio::test]
async fn a_connection_comes_from_the_address_that_it_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint: Endpoint = format!("mqtt://{}", listener.local_addr().unwrap()).parse().unwrap();
    for source in ["127.0.0.2", "127.0.0.3"] {
        let options = DialOptions { source: Some(source.parse().unwrap()), ..DialOptions::default() };
        let _stream = dial(&endpoint, &options).await.unwrap();
        assert_eq!(listener.accept().await.unwrap().1.ip().to_string(), source);
    }
    // No address of this machine, and one of another kind than the broker's.
    for (source, wrong) in [("192.0.2.1", "cannot connect from 192.0.2.1: "), ("::1", "the broker has no IPv6 address")]
    {
        let options = DialOptions { source: Some(source.parse().unwrap()), ..DialOptions::default() };
        let error = dial(&endpoint, &options).await.unwrap_err();
        assert!(matches!(error, DialError::Source(..)) && error.to_string().contains(wrong), "{error}");
    }
}

//! The same conversation over every carrier.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use reference_broker::{Bind, Broker, Config};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use transport::{Address, ClientCertificates, Listener, Options, ServerTls, TlsVersions, WebSocketOptions};

use super::support::{DEADLINE, Pki, Version, Wire, bind, publish, start};

/// What a client does before MQTT.
#[derive(Default)]
struct Dialling<'a> {
    header: &'a [u8],
    tls: Option<TlsConnector>,
    framed: bool,
}

impl Dialling<'_> {
    async fn dial(&self, address: &Address) -> Wire {
        let mut wire = Wire::dial(address).await;
        wire.send(self.header).await;
        if let Some(tls) = &self.tls {
            wire = wire.secured(tls).await.unwrap();
        }
        if self.framed { wire.framed().await } else { wire }
    }
}

/// Two clients connect, subscribe, and send each other small and large messages; a stop says good-bye.
async fn mqtt_passes(bind: Bind, dialling: Dialling<'_>) {
    let broker = start(bind);
    let address = broker.handle().entrances().next().unwrap().address.clone();
    let mut a = dialling.dial(&address).await.connected(b'a').await;
    let mut b = dialling.dial(&address).await.connected(b'b').await;
    a.subscribe(b'1').await;
    b.subscribe(b'2').await;
    for length in [0, 10, 20_000, 1 << 20, 5] {
        let (to_a, to_b) = (publish(b'1', length), publish(b'2', length));
        b.send(&to_a).await;
        a.expect(&to_a).await;
        a.send(&to_b).await;
        b.expect(&to_b).await;
    }
    // Many packets at once, and one in pieces: MQTT-6.0.0-2 in both.
    let small = publish(b'1', 100);
    b.send(&small.repeat(1000)).await;
    a.expect(&small.repeat(1000)).await;
    for byte in &small {
        b.send(&[*byte]).await;
    }
    a.expect(&small).await;
    b.ping().await;
    a.send(&[0xE0, 0]).await;
    a.expect_closed().await;
    let ((), report) = tokio::join!(b.expect_closed(), broker.stop());
    assert!(report.graceful);
    assert_eq!(report.counters.dropped(), 0);
}

fn secured(pki: &Pki, versions: TlsVersions, client_certificates: ClientCertificates) -> Options {
    let tls = ServerTls::load(transport::ServerTlsOptions { versions, client_certificates, ..pki.server() }).unwrap();
    Options { tls: Some(tls), ..Options::default() }
}

fn framed(options: Options) -> Options {
    Options { websocket: Some(WebSocketOptions::default()), ..options }
}

#[tokio::test]
async fn mqtt_passes_over_tcp() {
    mqtt_passes(bind(Options::default()), Dialling::default()).await;
}

#[tokio::test]
async fn mqtt_passes_over_ipv6() {
    let address: SocketAddr = "[::1]:0".parse().unwrap();
    mqtt_passes(Listener::bind(address, Options::default()).unwrap().into(), Dialling::default()).await;
}

#[tokio::test]
async fn mqtt_passes_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broker.sock");
    let listener = Listener::bind(Address::Unix(path.clone()), Options::default()).unwrap();
    mqtt_passes(listener.into(), Dialling::default()).await;
    assert!(!path.exists(), "the file goes with the broker");
}

#[tokio::test]
async fn mqtt_passes_over_tls_1_2() {
    let pki = Pki::new();
    let dialling = Dialling { tls: Some(pki.client(Version::Tls12, None)), ..Dialling::default() };
    mqtt_passes(bind(secured(&pki, TlsVersions::Both, ClientCertificates::NotAsked)), dialling).await;
}

#[tokio::test]
async fn mqtt_passes_over_tls_1_3() {
    let pki = Pki::new();
    let dialling = Dialling { tls: Some(pki.client(Version::Tls13, None)), ..Dialling::default() };
    mqtt_passes(bind(secured(&pki, TlsVersions::Both, ClientCertificates::NotAsked)), dialling).await;
}

#[tokio::test]
async fn mqtt_passes_over_tls_with_required_client_certificates() {
    let pki = Pki::new();
    for (version, versions) in [(Version::Tls12, TlsVersions::Only12), (Version::Tls13, TlsVersions::Only13)] {
        let device = pki.device("milk-meter-7", None);
        let dialling = Dialling { tls: Some(pki.client(version, Some(&device))), ..Dialling::default() };
        mqtt_passes(bind(secured(&pki, versions, ClientCertificates::Required(pki.ca()))), dialling).await;
    }
}

#[tokio::test]
async fn mqtt_passes_over_websocket() {
    let dialling = Dialling { framed: true, ..Dialling::default() };
    mqtt_passes(bind(framed(Options::default())), dialling).await;
}

#[tokio::test]
async fn mqtt_passes_over_secure_websocket() {
    let pki = Pki::new();
    let options = framed(secured(&pki, TlsVersions::Both, ClientCertificates::NotAsked));
    let dialling = Dialling { framed: true, tls: Some(pki.client(Version::Tls13, None)), ..Dialling::default() };
    mqtt_passes(bind(options), dialling).await;
}

#[tokio::test]
async fn mqtt_passes_behind_a_proxy_over_each_carrier() {
    let pki = Pki::new();
    let v1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 50000 1883\r\n";
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xc3\x50\x07\x5b";
    for header in [&v1[..], v2] {
        for (tls, framing) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut options = Options::default();
            if tls {
                options = secured(&pki, TlsVersions::Both, ClientCertificates::NotAsked);
            }
            if framing {
                options = framed(options);
            }
            let tls = tls.then(|| pki.client(Version::Tls13, None));
            let dialling = Dialling { header, tls, framed: framing };
            mqtt_passes(bind(Options { proxy_protocol: true, ..options }), dialling).await;
        }
    }
}

#[tokio::test]
async fn clients_of_different_carriers_meet_in_one_broker() {
    let pki = Pki::new();
    let folder = tempfile::tempdir().unwrap();
    let unix = Address::Unix(folder.path().join("broker.sock"));
    let tls = secured(&pki, TlsVersions::Both, ClientCertificates::NotAsked);
    let binds = vec![
        bind(Options::default()),
        Listener::bind(unix, Options::default()).unwrap().into(),
        bind(tls.clone()),
        bind(framed(tls)),
    ];
    let broker = Broker::start(binds, Config { workers: 2, ..Config::default() }).unwrap();
    let addresses: Vec<_> = broker.handle().entrances().map(|entrance| entrance.address.clone()).collect();
    let client = pki.client(Version::Tls13, None);
    let mut wires = Vec::new();
    for (at, address) in addresses.iter().enumerate() {
        let dialling = Dialling { header: &[], tls: (at > 1).then(|| client.clone()), framed: at == 3 };
        let mut wire = dialling.dial(address).await.connected(b'a' + at as u8).await;
        wire.subscribe(b't').await;
        wires.push(wire);
    }
    let message = publish(b't', 300);
    for sender in 0..wires.len() {
        wires[sender].send(&message).await;
        for wire in &mut wires {
            wire.expect(&message).await;
        }
    }
    broker.stop().await;
}

/// MQTT-6.0.0-1 in both.
#[tokio::test]
async fn a_text_frame_closes_its_connection_and_no_other() {
    let broker = start(bind(framed(Options::default())));
    let address = broker.handle().entrances().next().unwrap().address.clone();
    let mut bystander = Wire::dial(&address).await.framed().await.connected(b'b').await;
    let Wire::Frames(mut texter, _) = Wire::dial(&address).await.framed().await.connected(b't').await else {
        panic!("in frames")
    };
    texter.send(Message::text("\u{c0}")).await.unwrap();
    let answer = tokio::time::timeout(DEADLINE, texter.next()).await.expect("in time").unwrap().unwrap();
    assert!(matches!(&answer, Message::Close(Some(frame)) if u16::from(frame.code) == 1003), "{answer:?}");
    bystander.ping().await;
    assert_eq!(broker.handle().counters().violations, 1);
    broker.stop().await;
}

//! What one idle connection costs a broker, over each carrier. The broker is a process of its own, so that the clients'
//! memory does not count.

use std::path::Path;

use super::{
    child::BrokerProcess,
    support::{Pki, Version, Wire},
};

/// How many connections are opened before the first look, and then between the two looks.
const WARM_UP: usize = 200;
const CONNECTIONS: usize = 1000;

/// A broker with one listener for `carrier`, whose certificates are in `folder`.
fn serving(carrier: &str, folder: &Path) -> BrokerProcess {
    let address = match carrier {
        "Unix" => format!("unix:{}", folder.join("broker.sock").display()),
        _ => "127.0.0.1:0".to_owned(),
    };
    let mut listener = format!("broker.workers = 1\n[[listeners]]\naddress = \"{address}\"\nanonymous = true\n");
    if carrier.contains("WebSocket") {
        listener.push_str("websocket = {}\n");
    }
    if carrier.contains("TLS") {
        listener.push_str("tls.certificate = \"server.crt\"\ntls.key = \"server.key\"\n");
    }
    if carrier.contains("certificate") {
        listener.push_str("tls.client_certificates.ca = \"ca.crt\"\n");
    }
    BrokerProcess::start(folder, &listener, 1)
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
        let broker = serving(carrier, pki.folder.path());
        let version = if carrier.contains("1.2") { Version::Tls12 } else { Version::Tls13 };
        let client = pki.client(version, carrier.contains("certificate").then_some(&device));
        let mut wires = Vec::new();
        let mut before = 0;
        for number in 0..WARM_UP + CONNECTIONS {
            if number == WARM_UP {
                before = broker.resident();
            }
            let mut wire = Wire::dial(&broker.addresses[0]).await;
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
        let each = broker.resident().saturating_sub(before) as f64 / CONNECTIONS as f64;
        println!("| {carrier} | {:.1} KiB |", each / 1024.0);
    }
}

//! Client certificates, and certificates that change while the broker runs.

use transport::{ClientCertificates, Options, ServerTls, ServerTlsOptions, TlsVersions, certificates::Flaw};

use super::support::{Pki, Version, Wire, bind, start, until_counted};

fn options(tls: &ServerTls) -> Options {
    Options { tls: Some(tls.clone()), ..Options::default() }
}

/// Tries to connect and waits for the refusal, which in TLS 1.3 comes after the client's handshake.
async fn is_refused(address: &transport::Address, client: &tokio_rustls::TlsConnector) {
    match Wire::dial(address).await.secured(client).await {
        Err(_) => {}
        Ok(Wire::Bytes(mut io)) => {
            use tokio::io::AsyncReadExt;
            let read = tokio::time::timeout(super::support::DEADLINE, io.read(&mut [0; 1])).await.expect("in time");
            assert!(read.is_err(), "{read:?}");
        }
        Ok(Wire::Frames(..)) => panic!("nobody asked for frames"),
    }
}

#[tokio::test]
async fn required_certificates_keep_out_whoever_has_none_or_a_bad_one() {
    let pki = Pki::new();
    let required = ClientCertificates::Required(pki.ca());
    let tls = ServerTls::load(ServerTlsOptions { client_certificates: required, ..pki.server() }).unwrap();
    let broker = start(bind(options(&tls)));
    let address = broker.handle().entrances().next().unwrap().address.clone();
    let good = pki.device("good", None);
    let mut refused = 0;
    for version in [Version::Tls12, Version::Tls13] {
        let mut bystander =
            Wire::dial(&address).await.secured(&pki.client(version, Some(&good))).await.unwrap().connected(b'g').await;
        is_refused(&address, &pki.client(version, None)).await;
        for flaw in
            [Flaw::Expired, Flaw::NotYetValid, Flaw::WrongCa, Flaw::SelfSigned, Flaw::WrongUsage, Flaw::LeafAsCa]
        {
            let bad = pki.device("bad", Some(flaw));
            is_refused(&address, &pki.client(version, Some(&bad))).await;
        }
        refused += 7;
        until_counted(&broker, |counters| counters.handshakes_without_certificate == refused).await;
        bystander.ping().await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn optional_certificates_may_be_missing_but_not_bad() {
    let pki = Pki::new();
    let optional = ClientCertificates::Optional(pki.ca());
    let tls = ServerTls::load(ServerTlsOptions { client_certificates: optional, ..pki.server() }).unwrap();
    let broker = start(bind(options(&tls)));
    let address = broker.handle().entrances().next().unwrap().address.clone();
    let (good, bad) = (pki.device("good", None), pki.device("bad", Some(Flaw::WrongCa)));
    for device in [None, Some(&good)] {
        let client = pki.client(Version::Tls13, device);
        Wire::dial(&address).await.secured(&client).await.unwrap().connected(b'o').await.ping().await;
    }
    is_refused(&address, &pki.client(Version::Tls13, Some(&bad))).await;
    until_counted(&broker, |counters| counters.handshakes_without_certificate == 1).await;
    broker.stop().await;
}

#[tokio::test]
async fn a_version_that_is_switched_off_is_refused() {
    let pki = Pki::new();
    for (versions, other) in [(TlsVersions::Only12, Version::Tls13), (TlsVersions::Only13, Version::Tls12)] {
        let tls = ServerTls::load(ServerTlsOptions { versions, ..pki.server() }).unwrap();
        let broker = start(bind(options(&tls)));
        let address = broker.handle().entrances().next().unwrap().address.clone();
        assert!(Wire::dial(&address).await.secured(&pki.client(other, None)).await.is_err());
        until_counted(&broker, |counters| counters.handshakes_without_tls == 1).await;
        broker.stop().await;
    }
}

#[tokio::test]
async fn a_reload_changes_the_certificate_for_new_connections_and_leaves_old_ones_alone() {
    let mut pki = Pki::new();
    let tls = ServerTls::load(pki.server()).unwrap();
    let broker = start(bind(options(&tls)));
    let address = broker.handle().entrances().next().unwrap().address.clone();
    let before = pki.client(Version::Tls13, None);
    let mut old = Wire::dial(&address).await.secured(&before).await.unwrap().connected(b'o').await;
    old.subscribe(b't').await;

    pki.change_authority();
    let after = pki.client(Version::Tls13, None);
    assert!(Wire::dial(&address).await.secured(&after).await.is_err(), "the files alone change nothing");
    broker.handle().reload_certificates().unwrap();
    let mut new = Wire::dial(&address).await.secured(&after).await.unwrap().connected(b'n').await;
    let message = super::support::publish(b't', 50_000);
    new.send(&message).await;
    old.expect(&message).await;
    assert!(Wire::dial(&address).await.secured(&before).await.is_err(), "not even by resuming");

    std::fs::write(&tls.options().key, "no key").unwrap();
    let wrong = broker.handle().reload_certificates().unwrap_err();
    let error = wrong[0].1.to_string();
    assert!(wrong.len() == 1 && error.contains("server.key") && error.contains("private key"), "{error}");
    Wire::dial(&address).await.secured(&after).await.unwrap().connected(b'x').await;
    old.ping().await;
    broker.stop().await;
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name() {
    let pki = Pki::new();
    let good = pki.server();
    let device = pki.device("device", None);
    let empty = pki.folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let cases = [
        (ServerTlsOptions { certificates: "missing.crt".into(), ..good.clone() }, "missing.crt: No such file"),
        (ServerTlsOptions { certificates: empty.clone(), ..good.clone() }, "empty.pem: there is no certificate"),
        (ServerTlsOptions { key: empty.clone(), ..good.clone() }, "empty.pem: there is no private key"),
        (ServerTlsOptions { key: device.key, ..good.clone() }, "device.key: "),
        (
            ServerTlsOptions { client_certificates: ClientCertificates::Required(empty), ..good },
            "empty.pem: there is no certificate",
        ),
    ];
    for (options, complaint) in cases {
        let error = ServerTls::load(options).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
}

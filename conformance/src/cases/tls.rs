//! MQTT over TLS: sections 4.2 and 5.4 of both standards, which have no numbers there, and what TLS itself demands.
//!
//! * here: what the server shows and speaks.
//! * `bytes`: cases that count what goes over the socket.
//! * `session`: TLS by hand, for them.

mod bytes;
mod session;

use transport::{
    ClientTls, DialError, DialOptions, Scheme, TlsVersions,
    certificates::{Authority, Flaw, KeyKind, Period, Profile},
    dial,
};

use super::prelude::*;
use crate::{Stop, tls::TlsLie};
pub(super) use bytes::CASES as BYTES;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "tls.certificate_is_trusted",
        title: "The certificate of the server is valid, from a CA that the client trusts, and for the name that it asks for",
        unnumbered: &[Both("section 5.4.3")],
        needs: &[Capability::Tls],
        mutants: &[
            flawed("shows an expired certificate", Flaw::Expired),
            flawed("shows a certificate that is not valid yet", Flaw::NotYetValid),
            flawed("shows a certificate for another name", Flaw::WrongName),
            flawed("shows a certificate of another CA", Flaw::WrongCa),
            flawed("shows a certificate that only it vouches for", Flaw::SelfSigned),
            flawed("shows a certificate that is for clients", Flaw::WrongUsage),
            flawed("shows a certificate that somebody issued who is no CA", Flaw::LeafAsCa),
        ],
        script: run!(certificate_is_trusted),
        ..Case::PLAIN
    },
    Case {
        id: "tls.speaks_1_2",
        title: "TLS 1.2 is spoken",
        unnumbered: &[Both("RFC 9325, 3.1.1")],
        needs: &[Capability::Tls],
        mutants: &[Mutant::tls("speaks TLS 1.3 only", TlsLie::Versions(TlsVersions::Only13)).against_advice()],
        script: run!(speaks_1_2),
        ..Case::PLAIN
    },
    Case {
        id: "tls.speaks_1_3",
        title: "TLS 1.3 is spoken",
        unnumbered: &[Both("RFC 9325, 3.1.1")],
        needs: &[Capability::Tls],
        mutants: &[Mutant::tls("speaks TLS 1.2 only", TlsLie::Versions(TlsVersions::Only12)).against_advice()],
        script: run!(speaks_1_3),
        ..Case::PLAIN
    },
    Case {
        id: "tls.clients_need_certificates",
        title: "Where clients need a certificate, one without is not let in",
        unnumbered: &[Both("section 5.4.1")],
        needs: &[Capability::Tls, Capability::ClientCertificates],
        mutants: &[Mutant::configuration("lets clients in without a certificate", "tls")],
        script: run!(clients_need_certificates),
        ..Case::PLAIN
    },
    Case {
        id: "tls.clients_need_trusted_certificates",
        title: "Where clients need a certificate, one that anybody made is not taken",
        unnumbered: &[Both("section 5.4.1")],
        needs: &[Capability::Tls, Capability::ClientCertificates],
        mutants: &[Mutant::configuration("lets clients in with any certificate", "tls")],
        script: run!(clients_need_trusted_certificates),
        ..Case::PLAIN
    },
];

const fn flawed(name: &'static str, flaw: Flaw) -> Mutant {
    Mutant::tls(name, TlsLie::Certificate(flaw))
}

/// How the client trusts the target.
fn trusted(bench: &Bench) -> CaseResult<ClientTls> {
    bench.site().tls.clone().ok_or_else(|| Stop::Error("nothing says whom to trust".into()))
}

/// A client over TLS done so, or how TLS failed.
async fn over(bench: &Bench, tls: ClientTls) -> CaseResult<Result<Peer, String>> {
    let options = DialOptions { tls: Some(tls), connect_timeout: bench.site().patience, source: None };
    match dial(bench.endpoint(Scheme::Mqtts)?, &options).await {
        Ok(stream) => Ok(Ok(bench.peer_on("client", stream))),
        Err(DialError::Tls(_, failure)) => {
            bench.remark(format!("TLS: {failure}"));
            Ok(Err(failure.to_string()))
        }
        Err(error) => Err(Stop::Inconclusive(error.to_string())),
    }
}

async fn certificate_is_trusted(bench: &mut Bench) -> CaseResult {
    match over(bench, trusted(bench)?).await? {
        Err(failure) => Err(Stop::breach("a certificate that the client can trust", failure)),
        Ok(mut peer) => {
            peer.send(bench.connect("client")).await?;
            peer.expect_accepted().await.map(|_| ())
        }
    }
}

async fn speaks_1_2(bench: &mut Bench) -> CaseResult {
    speaks(bench, TlsVersions::Only12, "TLS 1.2 is spoken").await
}

async fn speaks_1_3(bench: &mut Bench) -> CaseResult {
    speaks(bench, TlsVersions::Only13, "TLS 1.3 is spoken").await
}

async fn speaks(bench: &Bench, versions: TlsVersions, what: &str) -> CaseResult {
    match over(bench, trusted(bench)?.only(versions)).await? {
        Err(failure) => bench.advise(false, what, failure),
        Ok(mut peer) => {
            peer.send(bench.connect("client")).await?;
            peer.expect_accepted().await?;
        }
    }
    Ok(())
}

async fn clients_need_certificates(bench: &mut Bench) -> CaseResult {
    not_let_in(bench, trusted(bench)?.anonymous()).await
}

async fn clients_need_trusted_certificates(bench: &mut Bench) -> CaseResult {
    let issued = || {
        let period = Period::starting(std::time::SystemTime::now(), std::time::Duration::from_secs(3600));
        let subject = "/O=Anybody".parse()?;
        let anybody = Authority::create("Paddock Conformance", &subject, KeyKind::Ecdsa, period)?;
        anybody.issue(&Profile::Device("conformance".parse()?), &subject, KeyKind::Ecdsa, period)
    };
    let issued = issued().map_err(|error: transport::certificates::CertificateError| Stop::Error(error.to_string()))?;
    let tls = trusted(bench)?.showing(&issued).map_err(|error| Stop::Error(error.to_string()))?;
    not_let_in(bench, tls).await
}

/// In TLS 1.3 a client is done before the server has looked at its certificate: then its CONNECT comes to nothing.
async fn not_let_in(bench: &Bench, tls: ClientTls) -> CaseResult {
    let Ok(mut peer) = over(bench, tls).await? else { return Ok(()) };
    peer.send(bench.connect("client")).await?;
    peer.expect_refused(&[0x87, 0x86], &[5, 4]).await
}

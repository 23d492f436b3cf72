//! What happens between accepting a socket and speaking MQTT on it.

use std::{io, net::SocketAddr};

use tokio::time::timeout;
use tokio_rustls::rustls::{self, AlertDescription, CertificateError};

use crate::{
    Options, Peer, ProxyError, Scheme, Stream, UpgradeError,
    client_tls::moment,
    proxy::{self, Source},
    socket::Socket,
};

/// Why an accepted socket never spoke MQTT.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// It took longer than [`Options::handshake_timeout`].
    #[error("not ready in time")]
    TimedOut,
    /// It made room for a newer one: [`Options::pending_handshakes`] were under way.
    #[error("too many others were under way, and it was the oldest")]
    Evicted,
    /// The peer went away.
    #[error("the peer went away: {0}")]
    Abandoned(#[source] io::Error),
    /// The PROXY header was missing or malformed.
    #[error(transparent)]
    Proxy(ProxyError),
    /// The client showed no certificate where one is required, or one that is not valid here.
    #[error("{}", certificate_in_words(.0))]
    Certificate(#[source] rustls::Error),
    /// TLS failed for another cause: no common version or cipher, the peer refuses our certificate, it speaks no TLS.
    #[error("TLS: {}", tls_in_words(.0))]
    Tls(#[source] rustls::Error),
    /// The request for a WebSocket was refused.
    #[error("WebSocket: {0}")]
    Upgrade(UpgradeError),
    /// It broke off because of a defect in this program.
    #[error("internal error")]
    Internal,
}

impl HandshakeError {
    fn tls(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(inner @ (rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)) => {
                Self::Certificate(inner.clone())
            }
            Some(inner) => Self::Tls(inner.clone()),
            None => Self::Abandoned(error),
        }
    }
}

/// What is wrong with what a client showed.
fn certificate_in_words(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(flaw) = error else {
        return "the client showed no certificate".to_owned();
    };
    let said = match flaw {
        CertificateError::UnknownIssuer => "is from a CA that is not trusted here".to_owned(),
        CertificateError::BadSignature => {
            "is not from the trusted CA that it names: another CA of the same name issued it".to_owned()
        }
        CertificateError::ExpiredContext { not_after, .. } => format!("expired on {}", moment(*not_after)),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("is valid only from {} on", moment(*not_before))
        }
        CertificateError::InvalidPurposeContext { .. } => "is not for clients".to_owned(),
        CertificateError::Other(flaw) => format!("is refused: {}", flaw.0),
        flaw => format!("is refused: {flaw}"),
    };
    format!("the client's certificate {said}")
}

/// Why there was no TLS.
fn tls_in_words(error: &rustls::Error) -> String {
    match error {
        // A client without TLS begins with something that is no record of it.
        rustls::Error::InvalidMessage(_) => "the client does not speak it".to_owned(),
        // DecryptError: the signature of a CA that has the name of a trusted one and not its key.
        rustls::Error::AlertReceived(AlertDescription::UnknownCA | AlertDescription::DecryptError) => {
            "the client does not trust the CA of our certificate".to_owned()
        }
        rustls::Error::AlertReceived(AlertDescription::CertificateExpired) => {
            "the client finds our certificate expired, or not yet valid".to_owned()
        }
        rustls::Error::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate,
        ) => "the client refuses our certificate: its name, use or strength is not what it wants".to_owned(),
        rustls::Error::AlertReceived(alert) => format!("the client ended it: {alert:?}"),
        error => error.to_string(),
    }
}

impl From<ProxyError> for HandshakeError {
    fn from(error: ProxyError) -> Self {
        match error {
            ProxyError::Io(error) => Self::Abandoned(error),
            malformed @ ProxyError::Malformed(_) => Self::Proxy(malformed),
        }
    }
}

impl From<UpgradeError> for HandshakeError {
    fn from(error: UpgradeError) -> Self {
        match error {
            UpgradeError::Io(error) => Self::Abandoned(error),
            other => Self::Upgrade(other),
        }
    }
}

/// Makes `socket` ready for MQTT, in the time that `options` gives.
pub(crate) async fn shake(
    socket: Socket,
    address: Option<SocketAddr>,
    options: &Options,
) -> Result<(Stream, Peer), HandshakeError> {
    timeout(options.handshake_timeout, untimed(socket, address, options)).await.unwrap_or(Err(HandshakeError::TimedOut))
}

async fn untimed(
    mut socket: Socket,
    address: Option<SocketAddr>,
    options: &Options,
) -> Result<(Stream, Peer), HandshakeError> {
    let unix = matches!(socket, Socket::Unix(_));
    let mut peer = Peer::new(address, options.scheme(unix));
    if options.proxy_protocol {
        match proxy::read(&mut socket).await? {
            Source::Address(source) => peer.address = Some(source),
            Source::Unknown => peer.address = None,
            Source::Proxy => {}
        }
    }
    let mut stream = match &options.tls {
        None => Stream::from(socket),
        Some(tls) => {
            let (stream, shown) = tls.accept(socket).await.map_err(HandshakeError::tls)?;
            peer.certificate = shown.certificate;
            peer.server_name = shown.server_name;
            stream.into()
        }
    };
    if let Some(websocket) = &options.websocket {
        stream = stream.accept_websocket(websocket).await?;
    }
    Ok((stream, peer))
}

impl Options {
    /// What is spoken below MQTT.
    pub(crate) const fn scheme(&self, unix: bool) -> Scheme {
        match (&self.tls, &self.websocket) {
            (None, None) if unix => Scheme::Unix,
            (None, None) => Scheme::Mqtt,
            (Some(_), None) => Scheme::Mqtts,
            (None, Some(_)) => Scheme::Ws,
            (Some(_), Some(_)) => Scheme::Wss,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::{Error, InvalidMessage, pki_types::UnixTime};

    use super::*;

    #[test]
    fn what_keeps_a_client_out_is_said_in_words() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let expired = CertificateError::ExpiredContext { time: at(1_795_270_023), not_after: at(1_795_183_443) };
        for (error, said) in [
            (Error::NoCertificatesPresented, "the client showed no certificate"),
            (CertificateError::UnknownIssuer.into(), "the client's certificate is from a CA that is not trusted here"),
            (expired.into(), "the client's certificate expired on Nov 20 14:04:03 2026 +00:00"),
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), "TLS: the client does not speak it"),
            (
                Error::AlertReceived(AlertDescription::UnknownCA),
                "TLS: the client does not trust the CA of our certificate",
            ),
        ] {
            assert_eq!(HandshakeError::tls(io::Error::other(error)).to_string(), said);
        }
    }
}

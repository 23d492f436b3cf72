//! What happens between accepting a socket and speaking MQTT on it.

use std::{io, net::SocketAddr};

use tokio::time::timeout;
use tokio_rustls::rustls;

use crate::{
    Options, Peer, ProxyError, Scheme, Stream, UpgradeError,
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
    #[error("client certificate: {0}")]
    Certificate(#[source] rustls::Error),
    /// TLS failed for another cause: no common version or cipher, the peer refuses our certificate, it speaks no TLS.
    #[error("TLS: {0}")]
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

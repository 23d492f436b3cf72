//! Reaching a broker.

use std::{io, time::Duration};

use tokio::{
    net::{TcpStream, UnixStream},
    time::timeout,
};

use crate::{ClientTls, Endpoint, Scheme, Stream, TlsFailure, UpgradeError, socket::Socket};

/// How to reach a broker.
#[derive(Clone, Debug)]
pub struct DialOptions {
    /// How to trust the broker, and what to show it; needed for `mqtts` and `wss` only. Default none.
    pub tls: Option<ClientTls>,
    /// How long resolving the name, connecting, TLS and WebSocket may take in all. Default 10 s.
    pub connect_timeout: Duration,
}

impl Default for DialOptions {
    fn default() -> Self {
        Self { tls: None, connect_timeout: Duration::from_secs(10) }
    }
}

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name has no address, the port refuses, the network is down.
    #[error("{0}: {1}")]
    Io(Endpoint, #[source] io::Error),
    /// Nobody answered in time.
    #[error("{0}: no answer within {1:?}")]
    TimedOut(Endpoint, Duration),
    /// TLS did not come about.
    #[error("{0}: {1}")]
    Tls(Endpoint, #[source] TlsFailure),
    /// The caller gave no [`DialOptions::tls`] for an endpoint that needs it.
    #[error("{0}: nothing says whom to trust")]
    NoTls(Endpoint),
    /// The server does not open a WebSocket on this path.
    #[error("{0}: {1}")]
    WebSocket(Endpoint, #[source] UpgradeError),
}

/// Connects to `endpoint`, trying its addresses in turn.
///
/// # Errors
///
/// [`DialError`] names the endpoint and the cause.
pub async fn dial(endpoint: &Endpoint, options: &DialOptions) -> Result<Stream, DialError> {
    match timeout(options.connect_timeout, connect(endpoint, options)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(DialError::TimedOut(endpoint.clone(), options.connect_timeout)),
    }
}

async fn connect(endpoint: &Endpoint, options: &DialOptions) -> Result<Stream, DialError> {
    let tls = match (&options.tls, endpoint.scheme.is_tls()) {
        (Some(tls), true) => Some(tls),
        (None, true) => return Err(DialError::NoTls(endpoint.clone())),
        (_, false) => None,
    };
    let socket = socket(endpoint).await.map_err(|error| DialError::Io(endpoint.clone(), error))?;
    let stream = match tls {
        None => Stream::from(socket),
        Some(tls) => {
            let shaken = tls.connect(&endpoint.host, socket).await;
            tokio_rustls::TlsStream::from(shaken.map_err(|failure| DialError::Tls(endpoint.clone(), failure))?).into()
        }
    };
    if !endpoint.scheme.is_web_socket() {
        return Ok(stream);
    }
    let opened = stream.request_websocket(&endpoint.authority(), &endpoint.path).await;
    opened.map_err(|error| match error {
        // The broker has looked at the client's certificate meanwhile.
        UpgradeError::Io(error) => match TlsFailure::of(&error) {
            Some(failure) => DialError::Tls(endpoint.clone(), failure),
            None => DialError::WebSocket(endpoint.clone(), UpgradeError::Io(error)),
        },
        error => DialError::WebSocket(endpoint.clone(), error),
    })
}

async fn socket(endpoint: &Endpoint) -> io::Result<Socket> {
    match endpoint.scheme {
        Scheme::Unix => UnixStream::connect(&endpoint.path).await.map(Socket::Unix),
        Scheme::Mqtt | Scheme::Mqtts | Scheme::Ws | Scheme::Wss => {
            Socket::tcp(TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await?)
        }
    }
}

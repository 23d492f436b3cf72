//! Reaching a broker.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    net::{TcpSocket, TcpStream, UnixStream, lookup_host},
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
    /// The address of this machine that the connection comes from. Default the system's choice.
    pub source: Option<IpAddr>,
}

impl Default for DialOptions {
    fn default() -> Self {
        Self { tls: None, connect_timeout: Duration::from_secs(10), source: None }
    }
}

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name has no address, the port refuses, the network is down.
    #[error("{0}: {1}")]
    Io(Endpoint, #[source] io::Error),
    /// [`DialOptions::source`] cannot be sent from: this machine does not have it, or not for the endpoint's kind of address.
    #[error("{0}: cannot connect from {1}: {2}")]
    Source(Endpoint, IpAddr, #[source] io::Error),
    /// Every local port of the source address is taken: by connections to this endpoint, or, with [`DialOptions::source`], by any that
    /// are open or ended within a minute.
    #[error("{0}: no local port is left")]
    NoPort(Endpoint),
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
    let socket = socket(endpoint, options.source).await?;
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

async fn socket(endpoint: &Endpoint, source: Option<IpAddr>) -> Result<Socket, DialError> {
    let failed = |error: io::Error| match error.kind() {
        // Of connecting, not of binding: all ports of the source address are taken.
        io::ErrorKind::AddrNotAvailable => DialError::NoPort(endpoint.clone()),
        _ => DialError::Io(endpoint.clone(), error),
    };
    let stream = match (endpoint.scheme, source) {
        (Scheme::Unix, _) => return UnixStream::connect(&endpoint.path).await.map(Socket::Unix).map_err(failed),
        (_, None) => TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.map_err(failed)?,
        (_, Some(source)) => {
            let addresses = lookup_host((endpoint.host.as_str(), endpoint.port)).await.map_err(failed)?;
            let mut outcome = Err(DialError::Source(endpoint.clone(), source, unlike(source)));
            for address in addresses.filter(|address| address.is_ipv4() == source.is_ipv4()) {
                let socket = bound(source).map_err(|error| match error.kind() {
                    io::ErrorKind::AddrNotAvailable => {
                        let error = io::Error::new(error.kind(), "this machine has no such address");
                        DialError::Source(endpoint.clone(), source, error)
                    }
                    io::ErrorKind::AddrInUse => DialError::NoPort(endpoint.clone()),
                    _ => DialError::Source(endpoint.clone(), source, error),
                })?;
                outcome = socket.connect(address).await.map_err(failed);
                if outcome.is_ok() {
                    break;
                }
            }
            outcome?
        }
    };
    Socket::tcp(stream).map_err(failed)
}

fn unlike(source: IpAddr) -> io::Error {
    let kind = if source.is_ipv4() { "IPv4" } else { "IPv6" };
    io::Error::new(io::ErrorKind::InvalidInput, format!("the broker has no {kind} address"))
}

/// A socket that will connect from `source`.
pub(crate) fn bound(source: IpAddr) -> io::Result<TcpSocket> {
    let socket = if source.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind(SocketAddr::new(source, 0))?;
    Ok(socket)
}

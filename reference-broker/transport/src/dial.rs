//! Reaching a broker.

use std::{io, time::Duration};

use tokio::{net::TcpStream, time::timeout};

use crate::{Endpoint, Scheme, Stream};

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name has no address, the port refuses, the network is down.
    #[error("{0}: {1}")]
    Io(Endpoint, #[source] io::Error),
    /// Nobody answered in time.
    #[error("{0}: no answer within {1:?}")]
    TimedOut(Endpoint, Duration),
}

/// Connects to `endpoint`, trying its addresses in turn, within `limit` in all.
///
/// # Errors
///
/// [`DialError`] names the endpoint and the cause.
pub async fn dial(endpoint: &Endpoint, limit: Duration) -> Result<Stream, DialError> {
    match endpoint.scheme {
        Scheme::Mqtt => match timeout(limit, TcpStream::connect((endpoint.host.as_str(), endpoint.port))).await {
            Ok(Ok(stream)) => Stream::tcp(stream).map_err(|e| DialError::Io(endpoint.clone(), e)),
            Ok(Err(error)) => Err(DialError::Io(endpoint.clone(), error)),
            Err(_) => Err(DialError::TimedOut(endpoint.clone(), limit)),
        },
        Scheme::Mqtts | Scheme::Ws | Scheme::Wss | Scheme::Unix => {
            Err(DialError::Io(endpoint.clone(), io::ErrorKind::Unsupported.into()))
        }
    }
}

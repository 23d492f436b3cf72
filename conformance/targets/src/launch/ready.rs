//! When a broker is ready.

use std::{fmt, io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time,
};

/// Between two attempts: a refused connection on the same machine costs nothing.
const PAUSE: Duration = Duration::from_millis(20);

/// Why an attempt to reach a broker came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The port takes no connection.
    Refused,
    /// The connection was closed before an answer came; so it is, too, where something else than the broker holds the port.
    Closed,
    /// No answer came.
    Mute,
    /// The answer is no CONNACK.
    Strange,
    /// CONNACK says Server unavailable.
    Unavailable,
}

/// Returns once something accepts at the URL's host and port.
pub(crate) async fn connects(url: &str) {
    while connected(url).await.is_none() {
        time::sleep(PAUSE).await;
    }
}

/// Returns once a broker at the URL answers a CONNECT with anything but Server unavailable: a port that is open is not yet a
/// broker that serves. TLS and WebSocket are not spoken here: there, and at a Unix socket, a connection has to do.
pub(crate) async fn answers(url: &str) {
    while attempt(url).await.is_err() {
        time::sleep(PAUSE).await;
    }
}

/// As [`answers`], but at most this long; then it says what came of the latest attempt.
pub(crate) async fn within(url: &str, deadline: Duration) -> Result<(), Silence> {
    let mut latest = Silence::Mute;
    let arrival = async {
        while let Err(why) = attempt(url).await {
            latest = why;
            time::sleep(PAUSE).await;
        }
    };
    let outcome = time::timeout(deadline, arrival).await;
    outcome.map_err(|_| latest)
}

/// Tries once.
async fn attempt(url: &str) -> Result<(), Silence> {
    /// The longest time for one attempt: some brokers forget whoever comes too early.
    const PATIENCE: Duration = Duration::from_secs(5);
    time::timeout(PATIENCE, answered(url)).await.unwrap_or(Err(Silence::Mute))
}

async fn answered(url: &str) -> Result<(), Silence> {
    /// A whole conversation: Clean Session, Keep Alive 30 s, Client Identifier `paddock-is-it-up`.
    const CONNECT: &[u8] = b"\x10\x1c\0\x04MQTT\x04\x02\0\x1e\0\x10paddock-is-it-up";
    const DISCONNECT: &[u8] = b"\xe0\0";
    const SERVER_UNAVAILABLE: u8 = 3;
    let closed = |_: io::Error| Silence::Closed;
    if let Some(path) = url.strip_prefix("unix:") {
        return UnixStream::connect(path).await.map(drop).map_err(|_| Silence::Refused);
    }
    let mut stream = connected(url).await.ok_or(Silence::Refused)?;
    if !url.starts_with("mqtt://") {
        return Ok(());
    }
    stream.write_all(CONNECT).await.map_err(closed)?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.map_err(closed)?;
    // A broker that refused has closed by now.
    let _ = stream.write_all(DISCONNECT).await;
    match answer {
        [0x20, 2, _, SERVER_UNAVAILABLE] => Err(Silence::Unavailable),
        [0x20, 2, _, _] => Ok(()),
        _ => Err(Silence::Strange),
    }
}

async fn connected(url: &str) -> Option<TcpStream> {
    let stream = TcpStream::connect(authority(url)).await.ok()?;
    // Loopback can connect a port to itself while nobody listens there.
    let own = |end: io::Result<SocketAddr>| end.ok();
    (own(stream.local_addr()) != own(stream.peer_addr())).then_some(stream)
}

/// `HOST:PORT` of a URL; the port is the scheme's where none is written.
fn authority(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("mqtt", url));
    let authority = rest.split('/').next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // The colons of an IPv6 address stand in brackets.
    if authority.rsplit(']').next().is_some_and(|port| port.contains(':')) {
        return authority.to_owned();
    }
    let port = match scheme {
        "mqtts" => 8883,
        "ws" => 80,
        "wss" => 443,
        _ => 1883,
    };
    format!("{authority}:{port}")
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "nobody listens there",
            Self::Closed => "the connection is closed at once, as where nobody listens",
            Self::Mute => "no answer comes",
            Self::Strange => "the answer is no CONNACK of 3.1.1",
            Self::Unavailable => "it answers Server unavailable",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_has_the_port_of_the_scheme_where_none_is_written() {
        for (url, expected) in [
            ("mqtt://127.0.0.1:1234", "127.0.0.1:1234"),
            ("mqtt://broker", "broker:1883"),
            ("mqtts://vet:secret@broker", "broker:8883"),
            ("ws://broker/mqtt", "broker:80"),
            ("wss://[::1]/mqtt", "[::1]:443"),
            ("mqtt://[::1]:1884", "[::1]:1884"),
        ] {
            assert_eq!(authority(url), expected, "{url}");
        }
    }
}

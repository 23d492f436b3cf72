//! When a broker is ready.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time,
};

/// Between two attempts: a refused connection on the same machine costs nothing.
const PAUSE: Duration = Duration::from_millis(20);

/// Returns once something accepts at the URL's host and port.
pub(crate) async fn connects(url: &str) {
    while connected(url).await.is_none() {
        time::sleep(PAUSE).await;
    }
}

/// Returns once a broker at the URL's host and port answers a CONNECT with anything but Server unavailable: a port that is
/// open is not yet a broker that serves.
pub(crate) async fn answers(url: &str) {
    /// The longest time for one attempt: some brokers forget whoever comes too early.
    const PATIENCE: Duration = Duration::from_secs(5);
    loop {
        if let Ok(Some(true)) = time::timeout(PATIENCE, answered(url)).await {
            return;
        }
        time::sleep(PAUSE).await;
    }
}

async fn answered(url: &str) -> Option<bool> {
    /// A whole conversation: Clean Session, Keep Alive 30 s, Client Identifier `paddock-is-it-up`.
    const CONNECT: &[u8] = b"\x10\x1c\0\x04MQTT\x04\x02\0\x1e\0\x10paddock-is-it-up";
    const DISCONNECT: &[u8] = b"\xe0\0";
    const SERVER_UNAVAILABLE: u8 = 3;
    let mut stream = connected(url).await?;
    stream.write_all(CONNECT).await.ok()?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.ok()?;
    // A broker that refused has closed by now.
    let _ = stream.write_all(DISCONNECT).await;
    Some(answer[..2] == [0x20, 2] && answer[3] != SERVER_UNAVAILABLE)
}

async fn connected(url: &str) -> Option<TcpStream> {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    let stream = TcpStream::connect(authority).await.ok()?;
    // Loopback can connect a port to itself while nobody listens there.
    let own = |end: io::Result<SocketAddr>| end.ok();
    (own(stream.local_addr()) != own(stream.peer_addr())).then_some(stream)
}

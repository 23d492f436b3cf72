//! One connection's bytes, whatever carries them.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::TlsStream;

use crate::{
    socket::Socket,
    websocket::{self, Role, UpgradeError, WebSocket, WebSocketOptions},
};

/// A connected byte stream, ordered and lossless each way (MQTT-4.2-1).
///
/// ```text
///   MQTT        MQTT        MQTT        MQTT
///    │           │        WebSocket   WebSocket
///    │          TLS          │          TLS
///   TCP, Unix   TCP, Unix   TCP, Unix   TCP, Unix
/// ```
#[derive(Debug)]
pub struct Stream(Carrier);

/// What carries the bytes.
#[derive(Debug)]
enum Carrier {
    Socket(Socket),
    Tls(Box<TlsStream<Socket>>),
    WebSocket(Box<WebSocket<Socket>>),
    SecureWebSocket(Box<WebSocket<TlsStream<Socket>>>),
}

impl Stream {
    /// A stream over TCP, with Nagle's algorithm off: packets are small and a turn writes them together anyway.
    ///
    /// # Errors
    ///
    /// What the operating system says, which happens when the peer is gone already.
    pub fn tcp(stream: TcpStream) -> io::Result<Self> {
        Socket::tcp(stream).map(Self::from)
    }

    /// A stream over a Unix socket.
    pub fn unix(stream: UnixStream) -> Self {
        Self(Carrier::Socket(Socket::Unix(stream)))
    }

    /// Answers the peer's request for a WebSocket; afterwards the stream is what its frames carry.
    pub(crate) async fn accept_websocket(mut self, options: &WebSocketOptions) -> Result<Self, UpgradeError> {
        websocket::accept(&mut self, options).await?;
        Ok(self.framed(Role::Server, Vec::new()))
    }

    /// Asks the peer for a WebSocket at `path` of `host` (a name or address, with its port unless that is the default one);
    /// afterwards the stream is what its frames carry.
    ///
    /// # Errors
    ///
    /// [`UpgradeError`] says what the server answers instead.
    pub async fn request_websocket(mut self, host: &str, path: &str) -> Result<Self, UpgradeError> {
        let early = websocket::request(&mut self, host, path).await?;
        Ok(self.framed(Role::Client, early))
    }

    /// Whether its end is said in a form of its own, before the socket is closed.
    pub(crate) const fn says_goodbye(&self) -> bool {
        !matches!(self.0, Carrier::Socket(_))
    }

    fn framed(self, role: Role, early: Vec<u8>) -> Self {
        match self.0 {
            Carrier::Socket(io) => Self(Carrier::WebSocket(Box::new(WebSocket::new(io, role, early)))),
            Carrier::Tls(io) => Self(Carrier::SecureWebSocket(Box::new(WebSocket::new(*io, role, early)))),
            // Frames in frames: nobody asks for them.
            framed @ (Carrier::WebSocket(_) | Carrier::SecureWebSocket(_)) => Self(framed),
        }
    }
}

impl From<Socket> for Stream {
    fn from(socket: Socket) -> Self {
        Self(Carrier::Socket(socket))
    }
}

impl From<TlsStream<Socket>> for Stream {
    fn from(stream: TlsStream<Socket>) -> Self {
        Self(Carrier::Tls(Box::new(stream)))
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Carrier::Socket(Socket::Tcp(stream)) => Pin::new(stream).poll_read(cx, buf),
            Carrier::Socket(Socket::Unix(stream)) => Pin::new(stream).poll_read(cx, buf),
            Carrier::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
            Carrier::WebSocket(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
            Carrier::SecureWebSocket(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Carrier::Socket(Socket::Tcp(stream)) => Pin::new(stream).poll_write(cx, buf),
            Carrier::Socket(Socket::Unix(stream)) => Pin::new(stream).poll_write(cx, buf),
            Carrier::Tls(stream) => Pin::new(&mut **stream).poll_write(cx, buf),
            Carrier::WebSocket(stream) => Pin::new(&mut **stream).poll_write(cx, buf),
            Carrier::SecureWebSocket(stream) => Pin::new(&mut **stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Carrier::Socket(stream) => Pin::new(stream).poll_flush(cx),
            Carrier::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
            Carrier::WebSocket(stream) => Pin::new(&mut **stream).poll_flush(cx),
            Carrier::SecureWebSocket(stream) => Pin::new(&mut **stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Carrier::Socket(stream) => Pin::new(stream).poll_shutdown(cx),
            Carrier::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
            Carrier::WebSocket(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
            Carrier::SecureWebSocket(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
        }
    }
}

//! One connection's bytes, whatever carries them.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A connected byte stream, ordered and lossless each way (MQTT-4.2-1).
#[derive(Debug)]
pub struct Stream(Carrier);

/// What carries the bytes. TLS and WebSocket will stand beside TCP.
#[derive(Debug)]
enum Carrier {
    Tcp(TcpStream),
}

impl Stream {
    /// A stream over TCP, with Nagle's algorithm off: packets are small and a turn writes them together anyway.
    ///
    /// # Errors
    ///
    /// What the operating system says, which happens when the peer is gone already.
    pub fn tcp(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self(Carrier::Tcp(stream)))
    }

    /// The address of the other side.
    ///
    /// # Errors
    ///
    /// What the operating system says, which happens when the peer is gone already.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Carrier::Tcp(stream) => stream.peer_addr(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Carrier::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Carrier::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Carrier::Tcp(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Carrier::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

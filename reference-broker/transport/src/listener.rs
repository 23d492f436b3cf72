//! Accepting connections.

use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener},
    task::{Context, Poll, ready},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use crate::Stream;

/// How many connections the kernel may hold that nobody has accepted yet.
const BACKLOG: i32 = 4096;

/// A bound socket that several workers may accept from. It belongs to no runtime until [`Listener::start`].
#[derive(Debug)]
pub struct Listener(StdListener);

impl Listener {
    /// Binds `address`; port 0 picks a free one.
    ///
    /// # Errors
    ///
    /// What the operating system says: the port is busy, or the address is not this machine's.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // A broker that restarts must not wait for old connections to fade.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self(socket.into()))
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Another handle to the same socket, for another worker.
    ///
    /// # Errors
    ///
    /// What the operating system says: no file descriptor is left.
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// Ties the socket to the tokio runtime of the calling thread.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn start(self) -> io::Result<Acceptor> {
        TcpListener::from_std(self.0).map(Acceptor)
    }
}

/// A [`Listener`] at work on one runtime.
#[derive(Debug)]
pub struct Acceptor(TcpListener);

impl Acceptor {
    /// The next connection. An error is either of one connection that died in the queue or of this process (no file
    /// descriptor left); either way the listener goes on, and the caller waits a little before it asks again.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Stream, SocketAddr)>> {
        let (stream, address) = ready!(self.0.poll_accept(cx))?;
        Poll::Ready(Stream::tcp(stream).map(|stream| (stream, address)))
    }
}

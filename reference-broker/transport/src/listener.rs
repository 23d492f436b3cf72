//! Accepting connections.

use std::{
    io,
    net::{SocketAddr, TcpListener as StdTcpListener},
    task::{Context, Poll, ready},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use crate::{Address, Peer, Scheme, Stream};

/// How many connections the kernel may hold that nobody has accepted yet.
const BACKLOG: i32 = 4096;

/// What is spoken on a [`Listener`] below MQTT. Default: nothing but TCP.
#[derive(Clone, Debug, Default)]
pub struct Options {}

/// A bound socket that several workers may accept from. It belongs to no runtime until [`Listener::start`].
#[derive(Debug)]
pub struct Listener {
    socket: StdTcpListener,
    address: Address,
    options: Options,
}

impl Listener {
    /// Binds `address`; port 0 picks a free one. An IPv6 address takes IPv6 only, so that `[::]` and `0.0.0.0` can be
    /// bound side by side, whatever the system's default is.
    ///
    /// # Errors
    ///
    /// What the operating system says: the port is busy, or the address is not this machine's.
    pub fn bind(address: impl Into<Address>, options: Options) -> io::Result<Self> {
        match address.into() {
            Address::Tcp(address) => {
                let socket = bind_tcp(address)?;
                let address = Address::Tcp(socket.local_addr()?);
                Ok(Self { socket, address, options })
            }
            Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Where it listens, with the port that was picked.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Another handle to the same socket, for another worker.
    ///
    /// # Errors
    ///
    /// What the operating system says: no file descriptor is left.
    pub fn try_clone(&self) -> io::Result<Self> {
        let socket = self.socket.try_clone()?;
        Ok(Self { socket, address: self.address.clone(), options: self.options.clone() })
    }

    /// Ties the socket to the tokio runtime of the calling thread.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn start(self) -> io::Result<Acceptor> {
        TcpListener::from_std(self.socket).map(Acceptor)
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<StdTcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A broker that restarts must not wait for old connections to fade.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A [`Listener`] at work on one runtime.
#[derive(Debug)]
pub struct Acceptor(TcpListener);

impl Acceptor {
    /// The next connection, ready for MQTT. An error is either of one connection that died in the queue or of this process
    /// (no file descriptor left); either way the listener goes on, and the caller waits a little before it asks again.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Stream, Peer)>> {
        let (stream, address) = ready!(self.0.poll_accept(cx))?;
        Poll::Ready(Stream::tcp(stream).map(|stream| (stream, Peer::new(Some(address), Scheme::Mqtt))))
    }
}

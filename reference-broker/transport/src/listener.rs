//! Sockets that are listened on.

use std::{
    io,
    net::{SocketAddr, TcpListener as StdTcpListener},
    os::unix::net::UnixListener as StdUnixListener,
    sync::Arc,
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UnixListener};

use crate::{
    Acceptor, Address, ServerTls, WebSocketOptions,
    acceptor::Accepting,
    unix::{self, SocketFile},
};

/// How many connections the kernel may hold that nobody has accepted yet.
const BACKLOG: i32 = 4096;

/// What is spoken on a [`Listener`] below MQTT, and what bounds its beginning. Default: nothing but TCP.
#[derive(Clone, Debug)]
pub struct Options {
    /// TLS.
    pub tls: Option<ServerTls>,
    /// WebSocket, over TLS if that is on.
    pub websocket: Option<WebSocketOptions>,
    /// Whether each connection begins with a header of the PROXY protocol (version 1 or 2), below TLS. One without it is
    /// closed. Whoever reaches such a listener can claim any address, so let only the proxy reach it. Default `false`.
    pub proxy_protocol: bool,
    /// How long PROXY header, TLS handshake and WebSocket upgrade may take together. Default 10 s.
    pub handshake_timeout: Duration,
    /// How many connections of one listener and worker may be under way to it, at least 1. Beyond that the oldest makes
    /// room, once it has had a quarter of its time; until then the kernel holds new ones. Default 1,024.
    pub pending_handshakes: usize,
    /// The permissions of a Unix socket's file. Default `0o660`: its owner and group may connect.
    pub unix_mode: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tls: None,
            websocket: None,
            proxy_protocol: false,
            handshake_timeout: Duration::from_secs(10),
            pending_handshakes: 1024,
            unix_mode: 0o660,
        }
    }
}

/// A bound socket that several workers may accept from. It belongs to no runtime until [`Listener::start`].
#[derive(Debug)]
pub struct Listener {
    bound: Bound,
    address: Address,
    options: Arc<Options>,
}

#[derive(Debug)]
enum Bound {
    Tcp(StdTcpListener),
    Unix(StdUnixListener, Arc<SocketFile>),
}

impl Listener {
    /// Binds `address`. Port 0 picks a free one. An IPv6 address takes IPv6 only, so that `[::]` and `0.0.0.0` can be
    /// bound side by side, whatever the system's default is. A socket file that nobody listens on any more is replaced,
    /// and removed with the listener.
    ///
    /// # Errors
    ///
    /// What the operating system says: the port or socket file is in use, or the address is not this machine's.
    pub fn bind(address: impl Into<Address>, options: Options) -> io::Result<Self> {
        let options = Arc::new(options);
        match address.into() {
            Address::Tcp(address) => {
                let socket = bind_tcp(address)?;
                let address = Address::Tcp(socket.local_addr()?);
                Ok(Self { bound: Bound::Tcp(socket), address, options })
            }
            Address::Unix(path) => {
                let (socket, file) = unix::bind(&path, options.unix_mode, BACKLOG)?;
                Ok(Self { bound: Bound::Unix(socket, Arc::new(file)), address: Address::Unix(path), options })
            }
        }
    }

    /// Where it listens, with the port that was picked.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// What is spoken on it.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// How clients write it: `mqtts://127.0.0.1:8883`, `ws://[::1]:8083/mqtt`, `unix:/run/broker.sock`.
    pub fn url(&self) -> String {
        let path = self.options.websocket.as_ref().map_or("", |websocket| &websocket.path);
        match &self.address {
            Address::Tcp(address) => format!("{}://{address}{path}", self.options.scheme(false).name()),
            unix @ Address::Unix(_) => unix.to_string(),
        }
    }

    /// Another handle to the same socket, for another worker.
    ///
    /// # Errors
    ///
    /// What the operating system says: no file descriptor is left.
    pub fn try_clone(&self) -> io::Result<Self> {
        let bound = match &self.bound {
            Bound::Tcp(socket) => Bound::Tcp(socket.try_clone()?),
            Bound::Unix(socket, file) => Bound::Unix(socket.try_clone()?, file.clone()),
        };
        Ok(Self { bound, address: self.address.clone(), options: self.options.clone() })
    }

    /// Ties the socket to the tokio runtime of the calling thread.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn start(self) -> io::Result<Acceptor> {
        Ok(match self.bound {
            Bound::Tcp(socket) => Acceptor::new(Accepting::Tcp(TcpListener::from_std(socket)?), self.options, None),
            Bound::Unix(socket, file) => {
                Acceptor::new(Accepting::Unix(UnixListener::from_std(socket)?), self.options, Some(file))
            }
        })
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<StdTcpListener> {
    // MQTT-4.2-1 (MQTT-7.1.1-1 in 3.1.1): an ordered, lossless stream each way.
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

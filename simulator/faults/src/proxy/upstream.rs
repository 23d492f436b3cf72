//! Where the broker is, and the streams to either side.

use std::{
    fmt, io,
    net::SocketAddr,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Where the broker is: an address, `host:port`, a Unix socket, or whatever a closure dials.
#[derive(Clone)]
pub struct Upstream(Dial);

#[derive(Clone)]
enum Dial {
    Tcp(SocketAddr),
    Named(String),
    #[cfg(unix)]
    Unix(PathBuf),
    Other(Arc<dyn Fn() -> Dialling + Send + Sync>),
}

type Dialling = Pin<Box<dyn Future<Output = io::Result<Box<dyn Duplex>>> + Send>>;

/// A stream both ways.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

impl Upstream {
    /// A broker at a Unix socket.
    #[cfg(unix)]
    #[must_use]
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self(Dial::Unix(path.into()))
    }

    /// Whatever `dial` gives, once per connection.
    #[must_use]
    pub fn dialled<S, F>(dial: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
    {
        Self(Dial::Other(Arc::new(move || {
            let dialling = dial();
            Box::pin(async move { Ok(Box::new(dialling.await?) as Box<dyn Duplex>) })
        })))
    }

    pub(super) async fn dial(&self) -> io::Result<Stream> {
        let tcp = |stream: TcpStream| {
            stream.set_nodelay(true)?;
            Ok(Stream::Tcp(stream))
        };
        match &self.0 {
            Dial::Tcp(address) => tcp(TcpStream::connect(address).await?),
            Dial::Named(name) => tcp(TcpStream::connect(name).await?),
            #[cfg(unix)]
            Dial::Unix(path) => Ok(Stream::Other(Box::new(tokio::net::UnixStream::connect(path).await?))),
            Dial::Other(dial) => dial().await.map(Stream::Other),
        }
    }
}

impl From<SocketAddr> for Upstream {
    fn from(address: SocketAddr) -> Self {
        Self(Dial::Tcp(address))
    }
}

/// `host:port`.
impl From<&str> for Upstream {
    fn from(name: &str) -> Self {
        Self(Dial::Named(name.to_owned()))
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Dial::Tcp(address) => write!(f, "{address}"),
            Dial::Named(name) => write!(f, "{name}"),
            #[cfg(unix)]
            Dial::Unix(path) => write!(f, "{}", path.display()),
            Dial::Other(_) => write!(f, "dialled by a closure"),
        }
    }
}

/// One side of a connection.
pub(super) enum Stream {
    Tcp(TcpStream),
    Other(Box<dyn Duplex>),
}

impl Stream {
    /// Ends it at once: RST where there is such a thing.
    pub(super) fn reset(self) {
        if let Self::Tcp(stream) = &self {
            // The peer is gone already when this fails.
            let _gone = stream.set_zero_linger();
        }
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(match self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
            Self::Other(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
        })?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Other(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Other(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

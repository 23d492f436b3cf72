//! Accepting connections on one runtime.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    net::{TcpListener, UnixListener},
    task::{AbortHandle, JoinSet},
    time::{Instant, Sleep, sleep_until},
};

use crate::{HandshakeError, Options, Peer, Stream, handshake::shake, socket::Socket, unix::SocketFile};

/// How many handshakes one call begins at most.
const STARTS_PER_CALL: usize = 64;
/// When all places are taken, a handshake may be evicted after this share of its time: long enough for an honest client
/// behind a crowd of others, and short enough that silent ones hold up nobody for long.
const GRACE_SHARE: u32 = 4;

/// Why a connection did not come about. The listener goes on in any case.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// Either one connection died in the queue, or this process lacks something (no file descriptor left): the caller
    /// waits a little before it asks again.
    #[error("accepting failed: {0}")]
    Listener(#[source] io::Error),
    /// A socket was accepted, but came to nothing.
    #[error("no connection with {}: {error}", peer.map_or_else(|| "somebody".to_owned(), |peer| peer.to_string()))]
    Handshake {
        /// Where it came from.
        peer: Option<SocketAddr>,
        /// What went wrong.
        error: HandshakeError,
    },
}

/// A [`crate::Listener`] at work on one runtime.
#[derive(Debug)]
pub struct Acceptor {
    socket: Accepting,
    options: Arc<Options>,
    /// Whether a socket is ready for MQTT as it is.
    is_plain: bool,
    handshakes: Handshakes,
    /// Removed when the last of a listener's acceptors goes.
    _file: Option<Arc<SocketFile>>,
}

#[derive(Debug)]
pub(crate) enum Accepting {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Acceptor {
    pub(crate) fn new(socket: Accepting, options: Arc<Options>, file: Option<Arc<SocketFile>>) -> Self {
        Self {
            socket,
            is_plain: options.tls.is_none() && options.websocket.is_none() && !options.proxy_protocol,
            handshakes: Handshakes::new(options.pending_handshakes, options.handshake_timeout),
            options,
            _file: file,
        }
    }

    /// The next connection, ready for MQTT.
    ///
    /// # Errors
    ///
    /// [`AcceptError`]: the listener goes on.
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Stream, Peer), AcceptError>> {
        if self.is_plain {
            let (socket, address) = ready!(self.socket.poll_accept(cx)).map_err(AcceptError::Listener)?;
            let scheme = self.options.scheme(matches!(socket, Socket::Unix(_)));
            return Poll::Ready(Ok((socket.into(), Peer::new(address, scheme))));
        }
        for _ in 0..STARTS_PER_CALL {
            if let Poll::Ready(done) = self.handshakes.poll_done(cx) {
                return Poll::Ready(done);
            }
            ready!(self.handshakes.poll_room(cx));
            let (socket, address) = ready!(self.socket.poll_accept(cx)).map_err(AcceptError::Listener)?;
            self.handshakes.start(socket, address, &self.options);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Accepting {
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Socket, Option<SocketAddr>)>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = ready!(listener.poll_accept(cx))?;
                Poll::Ready(Socket::tcp(stream).map(|socket| (socket, Some(address))))
            }
            Self::Unix(listener) => {
                let (stream, _) = ready!(listener.poll_accept(cx))?;
                Poll::Ready(Ok((Socket::Unix(stream), None)))
            }
        }
    }
}

type Done = Result<(Stream, Peer), AcceptError>;

/// Handshakes under way: tasks of the runtime, bounded in number and time.
#[derive(Debug)]
struct Handshakes {
    tasks: JoinSet<Done>,
    /// Those under way, and some that are done, the oldest first.
    by_age: VecDeque<(Instant, AbortHandle)>,
    maximum: usize,
    grace: Duration,
    /// Rings when the oldest may be evicted.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Handshakes {
    fn new(maximum: usize, timeout: Duration) -> Self {
        Self {
            tasks: JoinSet::new(),
            by_age: VecDeque::new(),
            maximum: maximum.max(1),
            grace: timeout / GRACE_SHARE,
            timer: None,
        }
    }

    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<Done> {
        let Some(done) = ready!(self.tasks.poll_join_next(cx)) else { return Poll::Pending };
        let broken = |error| AcceptError::Handshake { peer: None, error };
        Poll::Ready(match done {
            Ok(done) => done,
            Err(error) if error.is_cancelled() => Err(broken(HandshakeError::Evicted)),
            Err(_) => Err(broken(HandshakeError::Internal)),
        })
    }

    /// Ready while another handshake may begin: there is a place, or the oldest has had its time.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.by_age.front().is_some_and(|(_, task)| task.is_finished()) {
            self.by_age.pop_front();
        }
        if self.tasks.len() < self.maximum {
            self.timer = None;
            return Poll::Ready(());
        }
        let Some((began, _)) = self.by_age.front() else { return Poll::Pending };
        let due = *began + self.grace;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        timer.as_mut().poll(cx)
    }

    /// Begins a handshake; the oldest goes if there is no place.
    fn start(&mut self, socket: Socket, address: Option<SocketAddr>, options: &Arc<Options>) {
        if self.tasks.len() >= self.maximum
            && let Some((_, oldest)) = self.by_age.pop_front()
        {
            oldest.abort();
        }
        // One that is slow must not keep what is left of all that were faster.
        if self.by_age.len() >= 2 * self.maximum {
            self.by_age.retain(|(_, task)| !task.is_finished());
        }
        let options = options.clone();
        let task = self.tasks.spawn(async move {
            shake(socket, address, &options).await.map_err(|error| AcceptError::Handshake { peer: address, error })
        });
        self.by_age.push_back((Instant::now(), task));
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::net::UnixStream;

    use super::*;

    #[tokio::test]
    async fn one_slow_handshake_keeps_nothing_of_the_faster_ones() {
        let options = Arc::new(Options { proxy_protocol: true, ..Options::default() });
        let mut handshakes = Handshakes::new(4, Duration::from_secs(60));
        let (_silent, socket) = UnixStream::pair().unwrap();
        handshakes.start(Socket::Unix(socket), None, &options);
        for _ in 0..100 {
            let (_, socket) = UnixStream::pair().unwrap();
            handshakes.start(Socket::Unix(socket), None, &options);
            assert!(poll_fn(|cx| handshakes.poll_done(cx)).await.is_err());
            poll_fn(|cx| handshakes.poll_room(cx)).await;
            assert!(handshakes.by_age.len() <= 8);
        }
        assert_eq!(handshakes.tasks.len(), 1);
    }
}

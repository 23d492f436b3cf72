//! A small HTTP server with bounds, on a thread of its own.
//!
//! Connections, the size of a request and the time it may take are bounded; who takes nothing for half a minute is cut off. What is
//! answered, and to whom, is the business of the module `guard`.

use crate::guard::{Names, guarded};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::sleep;

/// How many connections are served at once; more wait.
const CONNECTIONS: usize = 96;
/// The longest head of a request, in bytes.
const HEAD: usize = 16 * 1024;
/// How long the head of a request may take, also the next one on the same connection.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a peer may take nothing of what was sent to it.
const STALLED: Duration = Duration::from_secs(30);
/// How long a failed accept keeps quiet.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What the thread yields to others by, as `nice` counts: looking on must not cost the run.
const NICENESS: i32 = 10;

/// A listening server. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens at `address` (port 0 picks a free one) and serves what `routes` makes, inside of the server's runtime.
    ///
    /// # Errors
    /// When the address cannot be bound, or a thread could not be set up.
    pub(crate) fn start(
        address: SocketAddr,
        name: &str,
        routes: impl FnOnce() -> Router + Send + 'static,
    ) -> io::Result<Self> {
        let listener = StdListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
                tracing::debug!(%error, "the web server keeps its priority");
            }
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    error = serve(listener, guarded(routes(), Names::of_this_machine())) => {
                        tracing::error!(%address, %error, "the web server ended");
                    }
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was printed there.
            let _panicked = thread.join();
        }
    }
}

/// Accepts for ever.
async fn serve(listener: StdListener, routes: Router) -> io::Error {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Who finds no place waits in the kernel's queue.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return io::ErrorKind::Other.into() };
        match listener.accept().await {
            Ok((stream, _)) => {
                let answered = answer(stream, routes.clone());
                tokio::spawn(async move {
                    answered.await;
                    drop(place);
                });
            }
            // Out of descriptors, most likely.
            Err(error) => {
                tracing::debug!(%error, "the web server could not accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer(stream: TcpStream, routes: Router) {
    if let Err(error) = SockRef::from(&stream).set_tcp_user_timeout(Some(STALLED)) {
        tracing::debug!(%error, "a viewer that takes nothing will not be noticed");
    }
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD);
    let connection = protocol.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the web server failed");
    }
}

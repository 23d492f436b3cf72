//! The HTTP side of a running broker: metrics and health, for monitoring systems and orchestrators.
//!
//! | path | answer |
//! |---|---|
//! | `/metrics` | every counter and gauge, OpenMetrics text |
//! | `/health/live` | 200 while the process runs |
//! | `/health/ready` | 200 while it accepts clients; 503 with `starting` or `draining` otherwise |
//! | `/` | a list of these |
//!
//! It has a thread and a runtime of its own, so that whoever asks too much slows no worker. One request per connection;
//! connections, their time and the size of a request are bounded.

mod metrics;
mod process;

use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener},
    sync::Arc,
    thread,
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
pub use metrics::described as metrics;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot},
    time::{sleep, timeout},
};

use crate::Handle;

/// The longest head of a request, in bytes.
const HEAD: usize = 16 * 1024;
/// How long a failed accept keeps quiet.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where a [`Monitor`] listens, and its bounds.
#[derive(Clone, Copy, Debug)]
pub struct MonitorOptions {
    /// The address; port 0 picks a free one. Whoever reaches it may read everything: it asks for no password. Default
    /// 127.0.0.1:9398.
    pub address: SocketAddr,
    /// How many connections are served at once; more wait. Default 16.
    pub connections: usize,
    /// How long a connection may take from its first moment to the last byte of the answer. Default 10 s.
    pub time: Duration,
}

impl Default for MonitorOptions {
    fn default() -> Self {
        Self { address: ([127, 0, 0, 1], 9398).into(), connections: 16, time: Duration::from_secs(10) }
    }
}

/// Serves metrics and health until it is dropped.
#[derive(Debug)]
pub struct Monitor {
    address: SocketAddr,
    /// Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl Monitor {
    /// Listens and serves what `broker` shows.
    ///
    /// # Errors
    ///
    /// The address cannot be bound, or a thread could not be set up.
    pub fn start(options: MonitorOptions, broker: Handle) -> io::Result<Self> {
        let listener = StdListener::bind(options.address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        thread::Builder::new().name("broker-monitor".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    error = serve(listener, options, broker) => {
                        tracing::error!(%address, %error, "the monitor ended");
                    }
                }
            });
        })?;
        tracing::info!(%address, "monitoring");
        Ok(Self { address, _stop: stop })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Accepts for ever.
async fn serve(listener: StdListener, options: MonitorOptions, broker: Handle) -> io::Error {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    let routes = routes(broker);
    let places = Arc::new(Semaphore::new(options.connections.max(1)));
    loop {
        // Who finds no place waits in the kernel's queue.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return io::ErrorKind::Other.into() };
        match listener.accept().await {
            Ok((stream, _)) => {
                let answered = answer(stream, routes.clone(), options.time);
                tokio::spawn(async move {
                    answered.await;
                    drop(place);
                });
            }
            // Out of descriptors, most likely.
            Err(error) => {
                tracing::debug!(%error, "the monitor could not accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Answers one request.
async fn answer(stream: TcpStream, routes: Router, time: Duration) {
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(time).max_buf_size(HEAD).keep_alive(false);
    let connection = protocol.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    match timeout(time, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection to the monitor failed"),
        Err(_) => tracing::debug!("a connection to the monitor took too long"),
    }
}

fn routes(broker: Handle) -> Router {
    let nothing = || async { (StatusCode::NOT_FOUND, "there is nothing here; / lists what there is\n") };
    Router::new()
        .route("/", get(|| async { INDEX }))
        .route("/metrics", get(metrics_page))
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(readiness))
        .fallback(nothing)
        .with_state(broker)
}

const INDEX: &str = "\
/metrics        counters and gauges, OpenMetrics text
/health/live    200 while the process runs
/health/ready   200 while it accepts clients, 503 while it starts or drains
";

async fn metrics_page(State(broker): State<Handle>) -> impl IntoResponse {
    match metrics::render(&broker) {
        Ok(text) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn readiness(State(broker): State<Handle>) -> impl IntoResponse {
    let readiness = broker.readiness();
    let status = if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, format!("{readiness}\n"))
}

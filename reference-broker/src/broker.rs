//! A running broker.

use std::{future::Future, io, net::SocketAddr};

use tokio::net::TcpListener;

use crate::{Config, Counters};

/// What a broker did until it stopped.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// The final counters.
    pub counters: Counters,
    /// Whether every client was told and every byte flushed within [`Config::shutdown_within`].
    pub graceful: bool,
}

/// Serves MQTT on `listener` until `shutdown` completes, then tells the clients (DISCONNECT 0x8B), flushes and stops.
///
/// # Errors
///
/// The listener or a worker thread could not be set up.
pub async fn serve(listener: TcpListener, config: Config, shutdown: impl Future<Output = ()>) -> io::Result<Report> {
    let broker = Broker::start(listener, config)?;
    shutdown.await;
    Ok(broker.stop().await)
}

/// A broker whose workers run. Dropping it stops them without telling the clients.
#[derive(Debug)]
pub struct Broker {
    handle: Handle,
}

impl Broker {
    /// Starts the workers and accepts on `listener`. Needs a tokio runtime with I/O around it.
    ///
    /// # Errors
    ///
    /// The listener or a worker thread could not be set up.
    pub fn start(listener: TcpListener, config: Config) -> io::Result<Self> {
        let _ = config;
        Ok(Self { handle: Handle { address: listener.local_addr()? } })
    }

    /// A view from outside that may be cloned and sent anywhere.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Tells the clients (DISCONNECT 0x8B), flushes and stops, within [`Config::shutdown_within`].
    pub async fn stop(self) -> Report {
        todo!("the next landing")
    }
}

/// A view of a running broker.
#[derive(Clone, Debug)]
pub struct Handle {
    address: SocketAddr,
}

impl Handle {
    /// Where the broker listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything counted so far.
    pub fn counters(&self) -> Counters {
        Counters::default()
    }
}

//! A running broker.

use std::{
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, UNIX_EPOCH},
};

use transport::TlsError;

use crate::{
    Access, Bind, Config, Counters, Entrance, Log, Redirect,
    counters::Tally,
    driver::{self, Ended, Hub},
    routing::WorkerId,
    status::{GAUGES, Sample},
};

/// What a broker did until it stopped.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// The final counters.
    pub counters: Counters,
    /// Whether every client was told and every byte flushed within [`Config::shutdown_within`].
    pub graceful: bool,
    /// What was not finished.
    pub left: Left,
}

/// What a broker left behind when it stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Connections that were cut off because the time was up.
    pub connections: usize,
    /// Messages that waited in sessions to be sent.
    pub queued: usize,
    /// QoS 1 and 2 messages that were sent and not acknowledged.
    pub unacknowledged: usize,
}

/// Serves MQTT on `binds` until `shutdown` completes, then tells the clients (DISCONNECT 0x8B), flushes and stops.
///
/// # Errors
///
/// A listener or a worker thread could not be set up.
pub async fn serve(binds: Vec<Bind>, config: Config, shutdown: impl Future<Output = ()>) -> io::Result<Report> {
    let broker = Broker::start(binds, config)?;
    shutdown.await;
    Ok(broker.stop().await)
}

/// A broker whose workers run on threads of their own. Dropping it asks them to stop without waiting for them.
#[derive(Debug)]
pub struct Broker {
    handle: Handle,
    threads: Vec<JoinHandle<Ended>>,
}

impl Broker {
    /// Starts the workers, which accept on `binds`.
    ///
    /// # Errors
    ///
    /// A listener or a worker thread could not be set up.
    pub fn start(binds: Vec<Bind>, config: Config) -> io::Result<Self> {
        let hub = Arc::new(Hub::new(&config, &binds));
        transport::reserve_descriptors(hub.maximum_connections());
        let mut broker = Self { handle: Handle { hub }, threads: Vec::new() };
        let workers = u16::try_from(config.workers.max(1)).map_err(|_| io::ErrorKind::InvalidInput)?;
        for id in (0..workers).map(WorkerId) {
            broker.threads.push(driver::spawn(id, broker.handle.hub.clone(), &binds)?);
        }
        for entrance in broker.handle.entrances() {
            tracing::info!(listener = entrance.name, url = entrance.url, "listening");
        }
        tracing::info!(version = env!("CARGO_PKG_VERSION"), workers, "started");
        Ok(broker)
    }

    /// A view from outside that may be cloned and sent anywhere.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Tells the clients (DISCONNECT 0x8B), flushes and stops, within [`Config::shutdown_within`].
    pub async fn stop(mut self) -> Report {
        let clients = self.handle.counters().clients();
        tracing::info!(clients, within = ?self.handle.hub.shutdown_within(), "stopping");
        self.handle.hub.stop();
        let threads = std::mem::take(&mut self.threads);
        // A worker that panicked was not graceful.
        let join = move || threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect::<Vec<_>>();
        let ended = tokio::task::spawn_blocking(join).await.unwrap_or_default();
        let graceful = !ended.is_empty() && ended.iter().all(|ended| ended.graceful);
        let sum = |of: fn(&Ended) -> usize| ended.iter().map(of).sum();
        let left = Left {
            connections: sum(|ended| ended.connections),
            queued: sum(|ended| ended.queued),
            unacknowledged: sum(|ended| ended.unacknowledged),
        };
        let Left { connections, queued, unacknowledged } = left;
        if graceful {
            tracing::info!(queued, unacknowledged, "stopped");
        } else {
            tracing::warn!(connections, queued, unacknowledged, "stopped before every client could be told");
        }
        Report { counters: self.handle.counters(), graceful, left }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.handle.hub.stop();
    }
}

/// Whether a broker takes clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Not every worker runs yet.
    Starting,
    /// It takes clients.
    Ready,
    /// It was asked to stop and takes no more.
    Draining,
}

impl Readiness {
    /// Whether it takes clients.
    pub const fn is_ready(self) -> bool {
        matches!(self, Self::Ready)
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        })
    }
}

/// A view of a running broker.
#[derive(Clone, Debug)]
pub struct Handle {
    hub: Arc<Hub>,
}

impl Handle {
    /// Where the first TCP listener listens.
    ///
    /// # Panics
    ///
    /// If the broker has no TCP listener; [`Handle::entrances`] names them all.
    pub fn address(&self) -> SocketAddr {
        self.entrances().find_map(|entrance| entrance.address.tcp()).expect("a broker with a TCP listener")
    }

    /// The listeners, in the order of the `binds` that the broker was started with.
    pub fn entrances(&self) -> impl Iterator<Item = &Arc<Entrance>> {
        self.hub.entrances()
    }

    /// Reads the certificates and keys of every TLS listener again. Connections that begin from now on get the new ones, older
    /// ones go on undisturbed. A listener whose files are wrong keeps what it had, which is logged and returned.
    ///
    /// # Errors
    ///
    /// Of each listener whose files are wrong: its name and what is wrong.
    pub fn reload_certificates(&self) -> Result<(), Vec<(String, TlsError)>> {
        let mut wrong = Vec::new();
        for (entrance, reloaded) in self.hub.reload_certificates() {
            match reloaded {
                Ok(()) => tracing::info!(listener = entrance.name, "certificates read again"),
                Err(error) => {
                    tracing::error!(listener = entrance.name, %error, "the certificates stay as they were");
                    wrong.push((entrance.name.clone(), error));
                }
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// How many connections each listener has now, by its name.
    pub fn entrance_connections(&self) -> impl Iterator<Item = (&str, usize)> {
        self.hub.entrance_connections()
    }

    /// Whether it takes clients.
    pub fn readiness(&self) -> Readiness {
        self.hub.readiness()
    }

    /// When it was started, in seconds since 1970.
    pub fn started(&self) -> u64 {
        self.hub.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }

    /// Everything counted so far, worker by worker.
    pub fn worker_counters(&self) -> impl Iterator<Item = Counters> {
        self.hub.shared.tallies.iter().map(Tally::snapshot)
    }

    /// Everything counted so far.
    pub fn counters(&self) -> Counters {
        self.hub.counters()
    }

    /// Everything that rises and falls: its name, what it is, and its value now.
    pub fn gauges(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let sample = Sample::take(&self.hub.shared);
        GAUGES.iter().map(move |gauge| (gauge.name, gauge.help, (gauge.read)(&sample)))
    }

    /// Takes over what `config` says of [`Config::limits`], [`Config::protocol`], [`Config::overlap`],
    /// [`Config::response_information`] and [`Config::shutdown_within`]. Limits hold at once for what is to come; what is
    /// there already stays. What is offered in CONNACK holds for connections that begin afterwards. Of the limits `mailbox`,
    /// `mailbox_bytes` and `memory` stay as they were when the broker started; so does [`Config::workers`].
    pub fn set_config(&self, config: &Config) {
        self.hub.set_config(config);
    }

    /// Changes how many connections the listener at place `index` of [`Handle::entrances`] may have open; those that are
    /// open stay.
    ///
    /// # Panics
    ///
    /// If there is no such listener.
    pub fn set_entrance_connections(&self, index: usize, maximum: Option<usize>) {
        self.hub.set_entrance_connections(index, maximum);
    }

    /// Changes how often `$SYS` is published (see [`Config::sys_interval`]); zero for never.
    pub fn set_sys_interval(&self, interval: Duration) {
        self.hub.shared.rhythm.set_sys(interval);
        self.hub.nudge();
    }

    /// Changes how much is written to the log (see [`Config::log`]).
    pub fn set_log(&self, log: Log) {
        self.hub.shared.rhythm.set_log(log);
        self.hub.nudge();
    }

    /// Replaces who decides about access. What the new rules no longer allow ends at once: connections of clients that
    /// may not connect any more (Not authorized), subscriptions, Wills that are due, retained messages of publishers that
    /// lost the right. Rights that come back do not bring back subscriptions.
    pub fn set_access(&self, access: Access) {
        self.hub.set_access(access);
    }

    /// Sends every client that is connected or connects from now on to another server; `None` ends that. Sessions stay, and
    /// Wills are published.
    pub fn redirect(&self, redirect: Option<Redirect>) {
        self.hub.redirect(redirect);
    }

    /// How many messages are retained now, and the bytes of their topics, payloads and properties.
    pub fn retained(&self) -> (usize, usize) {
        self.hub.shared.retained.size()
    }
}

//! What the threads of one broker share: the stores, the mailboxes, the clock, and the wish to stop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::Context,
    time::{Duration, Instant, SystemTime},
};

use arc_swap::ArcSwap;
use protocol::Time;
use transport::{ServerTls, TlsError};

use super::mailbox::Mailbox;
use crate::{
    Access, Bind, Config, Counters, Entrance, Readiness, Redirect,
    mail::Mail,
    routing::WorkerId,
    worker::{Shared, Worker},
};

/// Descriptors that are left for everything but connections.
const SPARE_DESCRIPTORS: u64 = 64;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Hub {
    /// As of the start; only for its stores.
    pub(crate) shared: Arc<Shared>,
    /// What workers are to go by.
    current: ArcSwap<Shared>,
    /// Raised after `current` was replaced.
    revision: AtomicUsize,
    maximum_connections: AtomicUsize,
    /// In milliseconds.
    shutdown_within: AtomicU64,
    mailboxes: Vec<Mailbox>,
    epoch: Instant,
    pub(crate) started: SystemTime,
    /// Workers that have begun.
    running: AtomicUsize,
    stopping: AtomicBool,
    /// How often clients were sent to another server.
    redirections: AtomicUsize,
    connections: AtomicUsize,
    doors: Vec<Door>,
}

/// One listener's share in the connections.
#[derive(Debug)]
struct Door {
    entrance: Arc<Entrance>,
    connections: AtomicUsize,
    maximum: AtomicUsize,
    tls: Option<ServerTls>,
}

impl Door {
    fn new(bind: &Bind) -> Self {
        let Bind { listener, name, connections, acceptors: _, anonymous, certificate_user } = bind;
        let address = listener.address().clone();
        Self {
            entrance: Arc::new(Entrance {
                name: name.clone(),
                address,
                url: listener.url(),
                anonymous: *anonymous,
                certificate_user: *certificate_user,
            }),
            connections: AtomicUsize::new(0),
            maximum: AtomicUsize::new(connections.unwrap_or(usize::MAX)),
            tls: listener.options().tls.clone(),
        }
    }
}

impl Hub {
    pub(crate) fn new(config: &Config, binds: &[Bind]) -> Self {
        let shared = Arc::new(Shared::new(config));
        Self {
            mailboxes: (0..shared.workers())
                .map(|_| Mailbox::new(config.limits.mailbox, config.limits.mailbox_bytes))
                .collect(),
            current: ArcSwap::new(shared.clone()),
            revision: AtomicUsize::new(0),
            shared,
            shutdown_within: AtomicU64::new(milliseconds(config.shutdown_within)),
            epoch: Instant::now(),
            started: SystemTime::now(),
            running: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            redirections: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            maximum_connections: AtomicUsize::new(config.limits.connections.unwrap_or_else(descriptors)),
            doors: binds.iter().map(Door::new).collect(),
        }
    }

    /// Everything counted so far, all workers together.
    pub(crate) fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        for tally in &self.shared.tallies {
            sum += tally.snapshot();
        }
        sum
    }

    /// Takes over what `config` says of connections, limits, offers and the shutdown; every worker goes by it from its next
    /// turn on.
    pub(crate) fn set_config(&self, config: &Config) {
        let maximum = config.limits.connections.unwrap_or_else(descriptors);
        self.maximum_connections.store(maximum, Ordering::Relaxed);
        self.shutdown_within.store(milliseconds(config.shutdown_within), Ordering::Relaxed);
        self.current.store(Arc::new(self.current.load().revised(config)));
        self.revision.fetch_add(1, Ordering::Release);
        self.nudge();
    }

    /// Bounds the connections of listener `door`; those that are open stay.
    pub(crate) fn set_entrance_connections(&self, door: usize, maximum: Option<usize>) {
        self.doors[door].maximum.store(maximum.unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    /// How often [`Hub::set_config`] was called.
    pub(super) fn revision(&self) -> usize {
        self.revision.load(Ordering::Acquire)
    }

    /// What workers are to go by.
    pub(super) fn current(&self) -> Arc<Shared> {
        self.current.load_full()
    }

    pub(crate) fn maximum_connections(&self) -> usize {
        self.maximum_connections.load(Ordering::Relaxed)
    }

    pub(crate) fn shutdown_within(&self) -> Duration {
        Duration::from_millis(self.shutdown_within.load(Ordering::Relaxed))
    }

    /// Replaces the access rules; every worker goes by them from its next turn on.
    pub(crate) fn set_access(&self, access: Access) {
        self.shared.policy.replace(access);
        self.mailboxes.iter().for_each(Mailbox::nudge);
    }

    /// Asks every worker to end.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.nudge();
    }

    /// Has every worker look at its deadlines again.
    pub(crate) fn nudge(&self) {
        self.mailboxes.iter().for_each(Mailbox::nudge);
    }

    /// Sends clients to another server, or no longer.
    pub(crate) fn redirect(&self, redirect: Option<Redirect>) {
        self.shared.redirect.store(redirect.map(Arc::new));
        self.redirections.fetch_add(1, Ordering::Release);
        self.mailboxes.iter().for_each(Mailbox::nudge);
    }

    pub(super) fn redirections(&self) -> usize {
        self.redirections.load(Ordering::Acquire)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(super) fn now(&self) -> Time {
        self.time(Instant::now())
    }

    pub(super) fn time(&self, instant: Instant) -> Time {
        Time::ZERO.after(instant.saturating_duration_since(self.epoch))
    }

    pub(super) fn instant(&self, time: Time) -> Instant {
        // A session may expire in a century; a timer need not reach that far.
        let ahead = time.since(self.now()).min(Duration::from_secs(86_400));
        Instant::now() + ahead
    }

    /// One more worker has begun.
    pub(super) fn worker_runs(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn readiness(&self) -> Readiness {
        if self.is_stopping() {
            Readiness::Draining
        } else if self.running.load(Ordering::Relaxed) < self.shared.workers() {
            Readiness::Starting
        } else {
            Readiness::Ready
        }
    }

    /// The name of each listener, and how many connections it has.
    pub(crate) fn entrance_connections(&self) -> impl Iterator<Item = (&str, usize)> {
        self.doors.iter().map(|door| (door.entrance.name.as_str(), door.connections.load(Ordering::Relaxed)))
    }

    /// Every listener.
    pub(crate) fn entrances(&self) -> impl Iterator<Item = &Arc<Entrance>> {
        self.doors.iter().map(|door| &door.entrance)
    }

    /// Reads the certificates of every TLS listener again.
    pub(crate) fn reload_certificates(&self) -> impl Iterator<Item = (&Entrance, Result<(), TlsError>)> {
        self.doors.iter().filter_map(|door| Some((&*door.entrance, door.tls.as_ref()?.reload())))
    }

    pub(super) fn entrance(&self, door: usize) -> &Entrance {
        &self.doors[door].entrance
    }

    /// Counts a connection of listener `door` in; `None` when there may be no more.
    pub(super) fn connection_opened(&self, door: usize) -> Option<&Arc<Entrance>> {
        let all = self.connections.fetch_add(1, Ordering::Relaxed);
        let own = self.doors[door].connections.fetch_add(1, Ordering::Relaxed);
        let own_maximum = self.doors[door].maximum.load(Ordering::Relaxed);
        if all < self.maximum_connections() && own < own_maximum {
            return Some(&self.doors[door].entrance);
        }
        self.connection_closed(door);
        None
    }

    pub(super) fn connection_closed(&self, door: usize) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
        self.doors[door].connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Moves the mail of worker `id` to `into`.
    pub(super) fn take(&self, cx: &Context<'_>, id: WorkerId, into: &mut Vec<Mail>) {
        self.mailboxes[id.index()].take(cx, into);
    }

    /// Posts the mail of worker `id`; whether none is left.
    pub(super) fn post(&self, cx: &Context<'_>, worker: &mut Worker, id: WorkerId) -> bool {
        let mut all = true;
        for to in self.others(id) {
            let outbox = worker.outbox(to);
            if !outbox.is_empty() {
                all &= self.mailboxes[to.index()].put(cx, outbox);
            }
        }
        all
    }

    /// Whether worker `id` still has mail that found no room.
    pub(super) fn is_congested(&self, worker: &mut Worker, id: WorkerId) -> bool {
        self.others(id).any(|to| !worker.outbox(to).is_empty())
    }

    fn others(&self, id: WorkerId) -> impl Iterator<Item = WorkerId> {
        let count = u16::try_from(self.mailboxes.len()).expect("workers are counted in u16");
        (0..count).map(WorkerId).filter(move |to| *to != id)
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// How many connections the open-file limit of this process leaves room for.
fn descriptors() -> usize {
    let (soft, _) = rlimit::Resource::NOFILE.get().unwrap_or((1024, 1024));
    usize::try_from(soft.saturating_sub(SPARE_DESCRIPTORS)).unwrap_or(usize::MAX)
}

//! What all workers of one broker share.

use std::{
    hash::{BuildHasher, RandomState},
    ops,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use arc_swap::ArcSwapOption;
use protocol::{Scale, Utf8String, server};

use super::{
    gate::Policy,
    room::{Full, FullSessions},
};
use crate::{
    Config, Limits, Overlap, Redirect,
    counters::Tally,
    memory::{Charge, Kind, Memory},
    rate::Rate,
    registry::{Registry, User},
    retained::RetainedStore,
    routing::{Routes, WorkerId},
    status::Rhythm,
};

/// What a worker goes by, and (by [`Deref`](std::ops::Deref)) the stores. A reload makes another one of these with the same
/// stores; each worker takes it at the beginning of a turn, so that reading a limit costs nothing.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) protocol: Arc<server::Config>,
    pub(crate) overlap: Overlap,
    pub(crate) response_information: Option<String>,
    pub(crate) connect_rate: Option<Arc<Rate>>,
    stores: Arc<Stores>,
}

/// The stores that every worker of one broker sees.
#[derive(Debug)]
pub(crate) struct Stores {
    pub(crate) policy: Policy,
    /// Changed by [`crate::Handle::redirect`].
    pub(crate) redirect: ArcSwapOption<Redirect>,
    pub(crate) routes: Routes,
    pub(crate) retained: RetainedStore,
    pub(crate) registry: Registry,
    pub(crate) memory: Arc<Memory>,
    /// One per worker.
    pub(crate) full_sessions: Vec<FullSessions>,
    /// One per worker.
    pub(crate) tallies: Vec<Tally>,
    /// One per worker: what its sessions hold.
    scales: Vec<Scale>,
    pub(crate) rhythm: Rhythm,
    names: AtomicU64,
    secret: RandomState,
}

impl ops::Deref for Shared {
    type Target = Stores;

    fn deref(&self) -> &Stores {
        &self.stores
    }
}

impl Shared {
    pub(crate) fn new(config: &Config) -> Self {
        let memory = Memory::new(config.limits.memory);
        let stores = Stores {
            policy: Policy::new(config.access.clone()),
            redirect: ArcSwapOption::from_pointee(config.redirect.clone()),
            routes: Routes::default(),
            retained: RetainedStore::new(&config.limits, &memory),
            full_sessions: (0..config.workers.max(1)).map(|_| FullSessions::default()).collect(),
            memory,
            registry: Registry::new(config.limits.sessions),
            tallies: (0..config.workers.max(1)).map(|_| Tally::default()).collect(),
            scales: (0..config.workers.max(1)).map(|_| Scale::default()).collect(),
            rhythm: Rhythm::new(config),
            names: AtomicU64::new(0),
            secret: RandomState::new(),
        };
        Self::with(config, Arc::new(stores), config.limits.connect_rate.map(Rate::new).map(Arc::new))
    }

    fn with(config: &Config, stores: Arc<Stores>, connect_rate: Option<Arc<Rate>>) -> Self {
        Self {
            limits: config.limits.clone().within_reason(),
            protocol: Arc::new(config.protocol.clone()),
            overlap: config.overlap,
            response_information: config.response_information.clone(),
            connect_rate,
            stores,
        }
    }

    /// The same stores under the limits and offers of `config`; what belongs to the start of a broker (workers, mailboxes,
    /// all memory) stays as it is.
    pub(crate) fn revised(&self, config: &Config) -> Self {
        let Limits { mailbox, mailbox_bytes, memory, connect_rate, .. } = self.limits;
        let rate = match config.limits.connect_rate {
            same if same == connect_rate => self.connect_rate.clone(),
            other => other.map(Rate::new).map(Arc::new),
        };
        let mut revised = Self::with(config, self.stores.clone(), rate);
        revised.limits = Limits { mailbox, mailbox_bytes, memory, ..revised.limits };
        self.registry.set_limit(revised.limits.sessions);
        self.retained.set_limits(&revised.limits);
        revised
    }

    pub(crate) fn workers(&self) -> usize {
        self.tallies.len()
    }

    /// What the sessions of all workers hold, worker by worker.
    pub(crate) fn scales(&self) -> &[Scale] {
        &self.scales
    }

    /// What the sessions of `worker` hold.
    pub(crate) fn scale(&self, worker: WorkerId) -> &Scale {
        &self.scales[worker.index()]
    }

    /// Whether the queues of all sessions together may hold a message of `size` bytes more, asked on `worker`. While that holds
    /// little, it reads nothing that changes with the messages of other workers.
    pub(crate) fn room_in_queues(&self, worker: WorkerId, size: usize) -> Result<(), Full> {
        let size = size + Scale::PER_DELIVERY;
        let limit = self.limits.all_queued_bytes;
        let left = self.memory.limit().saturating_sub(self.memory.bytes());
        let lower = limit.min(left);
        // So much is kept free for each worker, so that what it takes unasked never exceeds the whole.
        let parts = 16 * self.scales.len();
        let mine = self.scale(worker).bytes() + size;
        if mine.saturating_mul(parts) <= lower {
            return Ok(());
        }
        let share = lower / parts;
        let others =
            |(index, scale): (usize, &Scale)| if index == worker.index() { 0 } else { scale.bytes().max(share) };
        if mine + self.scales.iter().enumerate().map(others).sum::<usize>() <= lower {
            Ok(())
        } else if left < limit {
            Err(Full::Memory)
        } else {
            Err(Full::Queues)
        }
    }

    /// How many more bytes the broker may hold.
    pub(crate) fn spare_memory(&self) -> usize {
        self.memory.limit().saturating_sub(self.memory.bytes() + self.queued())
    }

    /// Nothing yet, of `kind`.
    pub(crate) fn charge(&self, kind: Kind) -> Charge {
        Charge::new(&self.memory, kind)
    }

    fn queued(&self) -> usize {
        self.scales.iter().map(Scale::bytes).sum()
    }

    /// Tells `filter` from the others of a session, by a hash that no client can know.
    pub(crate) fn mark(&self, filter: &str) -> u64 {
        self.secret.hash_one(filter)
    }

    /// The owner of sessions of the user `name`.
    pub(crate) fn user(&self, name: Option<&str>) -> User {
        User::named(name, &self.secret)
    }

    /// A Client Identifier for a client that sent none (MQTT-3.1.3-6, MQTT-3.1.3-7; MQTT-3.1.3-6 in
    /// 3.1.1): unique, and hard to guess, because
    /// whoever knows it may take the session over.
    pub(crate) fn new_client_id(&self) -> Utf8String {
        let number = self.names.fetch_add(1, Relaxed);
        let mark = self.secret.hash_one(number);
        Utf8String::new(format!("auto-{number:x}-{mark:016x}")).expect("letters, digits and dashes")
    }
}

//! What all workers of one broker share.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use protocol::{Scale, Utf8String, server};

use super::gate::Policy;
use crate::{
    Config, Limits, Overlap,
    counters::Tally,
    registry::Registry,
    retained::RetainedStore,
    routing::{Routes, WorkerId},
};

/// The stores and settings that every worker of one broker sees.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) protocol: Arc<server::Config>,
    pub(crate) overlap: Overlap,
    pub(crate) policy: Policy,
    pub(crate) routes: Routes,
    pub(crate) retained: RetainedStore,
    pub(crate) registry: Registry,
    /// One per worker.
    pub(crate) tallies: Vec<Tally>,
    /// One per worker: what its sessions hold.
    scales: Vec<Scale>,
    /// In milliseconds; 0 publishes no `$SYS`. Changed by a reload.
    sys_interval: AtomicU64,
    /// How often the log says what was lost; `None` for never.
    pub(crate) digest_interval: Option<Duration>,
    pub(crate) log_lines_per_second: u32,
    names: AtomicU64,
    secret: RandomState,
}

impl Shared {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            limits: config.limits.clone(),
            protocol: Arc::new(config.protocol.clone()),
            overlap: config.overlap,
            policy: Policy::new(config.access.clone()),
            routes: Routes::default(),
            retained: RetainedStore::new(&config.limits),
            registry: Registry::new(config.limits.sessions),
            tallies: (0..config.workers.max(1)).map(|_| Tally::default()).collect(),
            scales: (0..config.workers.max(1)).map(|_| Scale::default()).collect(),
            sys_interval: AtomicU64::new(milliseconds(config.sys_interval)),
            digest_interval: (!config.log.digest_interval.is_zero()).then_some(config.log.digest_interval),
            log_lines_per_second: config.log.lines_per_second,
            names: AtomicU64::new(0),
            secret: RandomState::new(),
        }
    }

    pub(crate) fn workers(&self) -> usize {
        self.tallies.len()
    }

    /// How often `$SYS` is published; `None` for never.
    pub(crate) fn sys_interval(&self) -> Option<Duration> {
        let milliseconds = self.sys_interval.load(Relaxed);
        (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    }

    /// Changes how often; zero for never.
    pub(crate) fn set_sys_interval(&self, interval: Duration) {
        self.sys_interval.store(milliseconds(interval), Relaxed);
    }

    /// What the sessions of all workers hold, worker by worker.
    pub(crate) fn scales(&self) -> &[Scale] {
        &self.scales
    }

    /// What the sessions of `worker` hold.
    pub(crate) fn scale(&self, worker: WorkerId) -> &Scale {
        &self.scales[worker.index()]
    }

    /// Whether all sessions together may hold `size` more, asked on `worker`. While that has no more than its share, nothing
    /// that other threads write is read.
    pub(crate) fn has_room(&self, worker: WorkerId, size: usize) -> bool {
        let limit = self.limits.all_queued_bytes;
        self.scale(worker).bytes() + size <= limit / self.scales.len()
            || self.scales.iter().map(Scale::bytes).sum::<usize>() + size <= limit
    }

    /// A Client Identifier for a client that sent none (MQTT-3.1.3-6, MQTT-3.1.3-7): unique, and hard to guess, because
    /// whoever knows it may take the session over.
    pub(crate) fn new_client_id(&self) -> Utf8String {
        let number = self.names.fetch_add(1, Relaxed);
        let mark = self.secret.hash_one(number);
        Utf8String::new(format!("auto-{number:x}-{mark:016x}")).expect("letters, digits and dashes")
    }
}

fn milliseconds(interval: Duration) -> u64 {
    u64::try_from(interval.as_millis()).unwrap_or(u64::MAX)
}

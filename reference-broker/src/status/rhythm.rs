//! How often the broker speaks of itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::{Config, Log};

/// Changed by a reload while the workers go on.
#[derive(Debug)]
pub(crate) struct Rhythm {
    /// In milliseconds; 0 is never. So is the next.
    sys: AtomicU64,
    digest: AtomicU64,
    lines_per_second: Arc<AtomicU32>,
}

impl Rhythm {
    pub(crate) fn new(config: &Config) -> Self {
        let this = Self { sys: AtomicU64::new(0), digest: AtomicU64::new(0), lines_per_second: Arc::default() };
        this.set_sys(config.sys_interval);
        this.set_log(config.log);
        this
    }

    /// How often `$SYS` is published; `None` for never.
    pub(crate) fn sys(&self) -> Option<Duration> {
        interval(&self.sys)
    }

    /// How often the log says what was lost; `None` for never.
    pub(crate) fn digest(&self) -> Option<Duration> {
        interval(&self.digest)
    }

    /// See [`Log::lines_per_second`].
    pub(crate) fn lines_per_second(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.lines_per_second)
    }

    pub(crate) fn set_sys(&self, interval: Duration) {
        self.sys.store(milliseconds(interval), Relaxed);
    }

    pub(crate) fn set_log(&self, log: Log) {
        self.digest.store(milliseconds(log.digest_interval), Relaxed);
        self.lines_per_second.store(log.lines_per_second, Relaxed);
    }
}

fn interval(milliseconds: &AtomicU64) -> Option<Duration> {
    Some(milliseconds.load(Relaxed)).filter(|milliseconds| *milliseconds > 0).map(Duration::from_millis)
}

fn milliseconds(interval: Duration) -> u64 {
    u64::try_from(interval.as_millis()).unwrap_or(u64::MAX)
}

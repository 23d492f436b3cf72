//! How a fleet behaves.

use std::time::Duration;

use protocol::{Time, Version};

use transport::Endpoint;

use super::Backoff;
use crate::{EngineKind, Target};

/// How a fleet behaves.
#[derive(Clone, Debug)]
pub struct FleetOptions {
    /// The broker.
    pub target: Target,
    /// Who decides when telemetry is due. Default: the devices.
    pub pace: Pace,
    /// When to try again after a connection ended or was not made.
    pub backoff: Backoff,
    /// How the devices of each group connect, by [`DeviceInfo::group`](crate::farm::DeviceInfo::group); default habits
    /// where absent.
    pub habits: Vec<Habits>,
    /// Where the devices of each group connect instead of the target's endpoint, by group: through a bad network, say. Default
    /// the target's.
    pub detours: Vec<Option<Endpoint>>,
    /// How the engine's clock and the scenario's time go together.
    pub timeline: Timeline,
    /// How many messages of telemetry each device keeps while it is offline; the oldest goes first. Default 1,000.
    pub offline_buffer: usize,
    /// Seeds the jitter of the back-off.
    pub seed: u64,
}

impl FleetOptions {
    /// The defaults above, for this broker; the scenario's epoch is at `epoch` on the engine's clock.
    pub fn new(target: Target, seed: u64, epoch: Time) -> Self {
        Self {
            target,
            pace: Pace::Natural,
            habits: Vec::new(),
            detours: Vec::new(),
            backoff: Backoff::default(),
            timeline: Timeline { epoch, begins: Duration::ZERO, compression: 1.0 },
            offline_buffer: 1000,
            seed,
        }
    }
}

/// How the engine's clock and the scenario's time go together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timeline {
    /// The engine's time at which the scenario's time is `begins`.
    pub epoch: Time,
    /// The scenario's time, since its own epoch, at `epoch`: the time of day at which a run starts.
    pub begins: Duration,
    /// How many seconds of the scenario pass in one second of the engine; above 0. Heartbeats and back-off are never
    /// compressed.
    pub compression: f64,
}

impl Timeline {
    /// The scenario's time at `time`; before `epoch` it stands still.
    pub fn scenario(&self, time: Time) -> Duration {
        let real = time.since(self.epoch);
        // Exact when nothing is compressed, so that payloads do not depend on rounding.
        self.begins + if self.compression == 1.0 { real } else { real.mul_f64(self.compression) }
    }

    /// The engine's time at `scenario`, saturating; `epoch` for what was before it.
    pub fn engine(&self, scenario: Duration) -> Time {
        let since = scenario.saturating_sub(self.begins);
        let real = if self.compression == 1.0 {
            since
        } else {
            Duration::try_from_secs_f64(since.as_secs_f64() / self.compression).unwrap_or(Duration::MAX)
        };
        self.epoch.after(real)
    }
}

/// How the devices of a group connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    /// Which engine runs the clients. Default native.
    pub engine: EngineKind,
    /// The protocol version. Default 5.0.
    pub version: Version,
    /// Clean Start. Default true.
    pub clean_start: bool,
    /// Session Expiry Interval in seconds. Default 0.
    pub session_expiry: u32,
    /// Keep Alive in seconds. Default 60.
    pub keep_alive: u16,
    /// How many messages of telemetry each device keeps while it is offline; the oldest goes first. Default
    /// [`FleetOptions::offline_buffer`].
    pub buffer: Option<usize>,
    /// Time between two messages of what a device kept, once it is back. Default none: as fast as the connection takes them.
    pub flush_every: Option<Duration>,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            engine: EngineKind::default(),
            version: Version::V5,
            clean_start: true,
            session_expiry: 0,
            keep_alive: 60,
            buffer: None,
            flush_every: None,
        }
    }
}

/// Who decides when telemetry is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The devices' own intervals and milking times.
    Natural,
    /// The owner, with [`Fleet::publish_telemetry`](super::Fleet::publish_telemetry).
    Driven,
}

/// How a number of devices comes to connect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ramp {
    /// Evenly over this time; zero means all at once.
    Over(Duration),
    /// At this many connections per second; above 0.
    PerSecond(f64),
}

impl Ramp {
    /// How long after the beginning device number `nth` (from 0) of `count` connects.
    pub fn delay(self, nth: usize, count: usize) -> Duration {
        match self {
            Self::Over(whole) => whole.mul_f64(nth as f64 / count.max(1) as f64),
            Self::PerSecond(rate) => Duration::try_from_secs_f64(nth as f64 / rate).unwrap_or(Duration::MAX),
        }
    }
}

impl From<&scenarios::model::DeviceGroup> for Habits {
    fn from(group: &scenarios::model::DeviceGroup) -> Self {
        Self {
            engine: match group.engine {
                scenarios::model::Engine::Native => EngineKind::Native,
                scenarios::model::Engine::Rumqttc => EngineKind::Rumqttc,
            },
            version: match group.version {
                scenarios::model::Version::V311 => Version::V311,
                scenarios::model::Version::V5 => Version::V5,
            },
            clean_start: group.clean_start,
            session_expiry: u32::try_from(group.session_expiry.as_secs()).unwrap_or(u32::MAX),
            keep_alive: u16::try_from(group.keep_alive.as_secs()).unwrap_or(u16::MAX),
            buffer: usize::try_from(group.buffer).ok(),
            flush_every: group.flush_rate.map(|rate| Duration::from_secs_f64(rate.per_second().recip())),
        }
    }
}

//! Stages: the load over time.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde::Serialize;

use super::{GroupId, Name, Rate};

/// Addresses a stage of [`super::Scenario::stages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct StageId(pub u16);

/// A stretch of time with one load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stage {
    /// Its name in events, thresholds and reports.
    pub name: Name,
    /// Over this time connections and rate go linearly from the previous stage's figures (0 before the first) to this one's.
    pub ramp: Duration,
    /// How long it lasts after the ramp (and after the warm-up, in the first stage); this part is measured.
    pub hold: Duration,
    /// What is published.
    pub load: Load,
    /// The curve of [`super::Day::curves`] (an index) that multiplies a rate; absent is level.
    pub curve: Option<u16>,
    /// When exactly.
    pub arrival: Arrival,
    /// How many messages of a rate come at once; at least 1.
    pub burst: u32,
    /// The device groups that publish; at least one.
    pub groups: Vec<GroupId>,
    /// How many devices are connected: the first of each group, in proportion.
    pub devices: u32,
}

/// What a stage publishes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// This many messages per second over all devices, by their weights (shape `design`).
    Rate(Rate),
    /// Each device at its natural interval, by the farm's day (shape `day`).
    Natural,
    /// What a file says.
    Trace(TraceId),
    /// As much as the broker takes: each device has `in_flight` messages of its own under way and sends more when some of them
    /// are back. A closed loop: nothing is intended before the broker is ready for it.
    Flood {
        /// How many messages of one device may be under way: unacknowledged at QoS 1 and 2, not yet received by everybody
        /// who must at QoS 0. At least 1.
        in_flight: u32,
    },
}

impl Load {
    /// The rate, if it is one.
    #[must_use]
    pub fn rate(self) -> Option<Rate> {
        match self {
            Self::Rate(rate) => Some(rate),
            Self::Natural | Self::Trace(_) | Self::Flood { .. } => None,
        }
    }
}

/// Addresses a trace of [`super::Scenario::traces`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TraceId(pub u16);

/// When messages start, as a file says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// The file, as the scenario names it.
    pub file: PathBuf,
    /// Ascending in time; at least one.
    #[serde(skip)]
    pub starts: Arc<[TraceStart]>,
    /// After how long it begins anew, above the last start; absent for never.
    pub repeat: Option<Duration>,
}

/// Messages that start together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceStart {
    /// Since the beginning of the stage's hold.
    pub at: Duration,
    /// Whose devices send them, by their weights; absent for any of the stage's groups.
    pub group: Option<GroupId>,
    /// How many; at least 1.
    pub count: u32,
}

/// How intended starts are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// Evenly.
    #[default]
    Constant,
    /// At random with the same mean, as independent devices do.
    Poisson,
}

/// What a [`Segment`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Connections and rate change; not measured.
    Ramp,
    /// Full load, once, in the first stage; not measured.
    WarmUp,
    /// Full load; measured.
    Hold,
}

/// A part of the run's time, between its start and the drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// The stage that it belongs to.
    pub stage: StageId,
    /// What it is for.
    pub part: Part,
    /// Its beginning, since the run's start.
    pub start: Duration,
    /// Its length; above 0.
    pub length: Duration,
}

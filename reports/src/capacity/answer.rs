//! What a search found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer of a search, in the unit of the search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// The target's own: it held the SLO here in every confirmation, and broke it not far above.
    Confirmed {
        /// The sustained figure.
        figure: f64,
        /// How many longer runs held it.
        confirmations: u32,
        /// The lowest figure at which the target broke the SLO.
        broke_at: f64,
    },
    /// The target held the SLO here in every confirmation; what is above was not found out.
    AtLeast {
        /// The sustained figure.
        figure: f64,
        /// How many longer runs held it.
        confirmations: u32,
        /// What kept the search from going further.
        limited_by: Limit,
        /// The same in words.
        reason: String,
    },
    /// No figure could be confirmed.
    None {
        /// Why.
        reason: String,
    },
}

impl Answer {
    /// The sustained figure, if there is one.
    #[must_use]
    pub fn figure(&self) -> Option<f64> {
        match self {
            Self::Confirmed { figure, .. } | Self::AtLeast { figure, .. } => Some(*figure),
            Self::None { .. } => None,
        }
    }

    /// Whether the target may be able to do more.
    #[must_use]
    pub fn is_at_least(&self) -> bool {
        matches!(self, Self::AtLeast { .. })
    }
}

/// What kept a search from going further, besides the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The generator was the bottleneck, or the figure is above half of its ceiling.
    Generator,
    /// The highest figure that the user allowed.
    Maximum,
    /// A limit of the generator's machine: open files, local ports.
    Machine,
    /// What is above could not be decided.
    Undecided,
}

/// The resource that ended the search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limiter {
    /// Which.
    pub resource: Resource,
    /// What shows it, with its figures.
    pub evidence: String,
}

/// A resource that runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// The target kept whole cores busy.
    BrokerCpu,
    /// The target's memory grew out of proportion.
    BrokerMemory,
    /// The target stopped reading or acknowledging.
    BackPressure,
    /// Messages did not arrive.
    Loss,
    /// Connections were lost or refused.
    Connections,
    /// Latency broke the SLO while no processor was busy: locks, disks, timers, the network.
    LatencyWithoutCpu,
    /// Latency broke the SLO, and what the target used is not known.
    Latency,
    /// The generator.
    Generator,
    /// Open files of this process.
    OpenFiles,
    /// Local ports towards one address.
    LocalPorts,
}

impl Resource {
    /// For people, a lowercase fragment.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BrokerCpu => "broker CPU",
            Self::BrokerMemory => "broker memory",
            Self::BackPressure => "back-pressure of the broker",
            Self::Loss => "lost messages",
            Self::Connections => "lost or refused connections",
            Self::LatencyWithoutCpu => "latency without a busy processor",
            Self::Latency => "latency",
            Self::Generator => "the generator",
            Self::OpenFiles => "open files of the generator",
            Self::LocalPorts => "local ports of the generator",
        }
    }
}

/// The phases of the farm and their messages per second.
pub const PHASES: [(&str, f64); 3] = [("phase 1", 500.0), ("phase 2", 1500.0), ("phase 3", 3000.0)];

/// The answer against one phase of the farm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Headroom {
    /// `phase 3`.
    pub phase: String,
    /// Its messages per second.
    pub rate: f64,
    /// The answer divided by the rate: 2.0 is twice what the phase needs, below 1 it does not fit.
    pub factor: f64,
    /// Whether it fits.
    pub holds: bool,
}

impl Headroom {
    /// `figure` messages per second against every phase.
    #[must_use]
    pub fn of(figure: f64) -> Vec<Self> {
        let phase = |(phase, rate): (&str, f64)| Self {
            phase: phase.to_owned(),
            rate,
            factor: figure / rate,
            holds: figure >= rate,
        };
        PHASES.into_iter().map(phase).collect()
    }
}

/// The generator's own ceiling: what it can do against a sink that does as little as can be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ceiling {
    /// The highest figure that it held, in the unit of the search.
    pub figure: f64,
    /// Whether it may be able to do more: the search for it went no further than was needed.
    pub at_least: bool,
    /// Where its own document is: a path as given, or relative to this document.
    pub source: String,
}

/// The Universal Scalability Law, X(N) = λN / (1 + σ(N - 1) + κN(N - 1)), fitted to the steps below saturation. X is messages
/// per second; N, the messages in flight, is their product with the mean latency (Little's law).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fit {
    /// Messages per second of one in flight.
    pub lambda: f64,
    /// Contention: the serial share.
    pub sigma: f64,
    /// Coherency: the cost of crosstalk.
    pub kappa: f64,
    /// How many steps it was fitted to.
    pub points: u32,
    /// Share of the variance that it explains, at most 1.
    pub r_squared: f64,
    /// Messages per second at its peak; absent when it has none.
    pub peak: Option<f64>,
}

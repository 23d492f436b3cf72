//! The bad network between devices and broker.

use std::time::Duration;

use serde::Serialize;

use super::{GroupId, Name, Rate};

/// Addresses a rule of [`super::Scenario::network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RuleId(pub u16);

/// One hardship. TCP cannot lose a packet, so loss means a severed or stalled connection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkRule {
    /// Its name in events and reports.
    pub name: Name,
    /// The device groups whose connections it applies to.
    pub groups: Vec<GroupId>,
    /// The direction that it applies to.
    pub direction: Direction,
    /// What it does.
    pub fault: Fault,
    /// The chance that it hits, above 0, at most 1: per connection for [`Fault::HalfOpen`] and [`Fault::Bandwidth`], else per
    /// packet.
    pub chance: f64,
    /// Whether it applies from the start; otherwise an event turns it on.
    pub enabled: bool,
}

/// A direction of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the device to the broker.
    Up,
    /// From the broker to the device.
    Down,
    /// Both.
    #[default]
    Both,
}

/// What a network does to packets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Holds each packet back; order stays.
    Delay {
        /// The least delay.
        delay: Duration,
        /// At most this much more, evenly at random.
        jitter: Duration,
    },
    /// Passes nothing for a while.
    Stall {
        /// How long; above 0.
        length: Duration,
    },
    /// Cuts the connection.
    Sever,
    /// Swallows everything from here on and keeps the connection open.
    HalfOpen,
    /// Passes at most this many bytes per second.
    Bandwidth {
        /// Bytes per second.
        bytes: Rate,
    },
    /// Passes one byte at a time.
    Trickle {
        /// The pause after each byte.
        pause: Duration,
    },
}

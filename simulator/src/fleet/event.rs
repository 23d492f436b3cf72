//! What a fleet tells its owner.

use std::time::Duration;

use protocol::{ReasonCode, Tag, Time};

use crate::{
    ClientEvent, ClientKey,
    engine::{Closed, ConnectFailure},
    farm::DeviceId,
};

/// What happened in a fleet.
#[derive(Debug)]
pub enum FleetEvent {
    /// A device is connected.
    Online {
        /// Which.
        device: DeviceId,
        /// Whether the broker resumed its session.
        session_present: bool,
        /// Whether it was connected before.
        again: bool,
        /// From CONNECT to CONNACK; as [`ClientEvent::Connected`].
        took: Option<Duration>,
    },
    /// The connection of a device ended; unless the fleet is stopping it tries again at `retry_at`.
    Offline {
        /// Which.
        device: DeviceId,
        /// Why.
        cause: Closed,
        /// When it tries again.
        retry_at: Option<Time>,
    },
    /// The broker refused a device's CONNECT.
    Refused {
        /// Which.
        device: DeviceId,
        /// Why.
        reason: ReasonCode,
        /// When it tries again.
        retry_at: Option<Time>,
    },
    /// A device got no CONNACK.
    ConnectFailed {
        /// Which.
        device: DeviceId,
        /// Why.
        failure: ConnectFailure,
        /// When it tries again.
        retry_at: Option<Time>,
    },
    /// Tagged telemetry was handed to the socket for the first time, `count` with consecutive tags; as
    /// [`ClientEvent::Written`].
    Written {
        /// Whose.
        device: DeviceId,
        /// The stamper's name for the first of them.
        tag: Tag,
        /// How many, at least 1.
        count: u32,
        /// When.
        at: Time,
    },
    /// Tagged telemetry was acknowledged, `count` with consecutive tags; as [`ClientEvent::Published`].
    Published {
        /// Whose.
        device: DeviceId,
        /// The stamper's name for the first of them.
        tag: Tag,
        /// How many, at least 1.
        count: u32,
        /// The broker's verdict.
        reason: ReasonCode,
        /// When.
        at: Time,
    },
    /// Tagged telemetry will never be sent: the device's buffer was full and this was the oldest in it, or the fleet
    /// stopped.
    Dropped {
        /// Whose.
        device: DeviceId,
        /// The stamper's name for it.
        tag: Tag,
    },
    /// An event of a client that the owner added to the engine itself.
    Other(ClientKey, ClientEvent),
}

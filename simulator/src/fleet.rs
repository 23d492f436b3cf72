//! A fleet: the devices of a farm, as clients of a broker.
//!
//! Every device connects with its Will, publishes its birth, subscribes to its configuration and command topics, sends
//! heartbeats, answers commands, reconnects with jittered exponential back-off when its connection ends, and keeps a
//! bounded buffer of telemetry while it is offline. When telemetry is due is decided by the devices' natural intervals
//! ([`Pace::Natural`]) or by the owner ([`Pace::Driven`], [`Fleet::publish_telemetry`]).

mod backoff;
mod options;

use protocol::{ReasonCode, Tag, Time};

pub use self::{
    backoff::Backoff,
    options::{FleetOptions, Pace, Ramp, Timeline},
};
use crate::{
    ClientEngine, ClientEvent, ClientKey,
    engine::{Closed, ConnectFailure},
    farm::{DeviceId, Farm, Publication},
};

/// Sees every telemetry publication once, before it is sent or buffered: the place to stamp it.
///
/// A buffered publication keeps the stamp that it got when it was due.
pub trait Stamper {
    /// May alter the payload, and names the publication if its fate shall be reported. Tags are below 2^63.
    fn stamp(&mut self, device: DeviceId, due: Time, publication: &mut Publication) -> Option<Tag>;
}

/// Leaves every publication as it is and follows none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unstamped;

impl Stamper for Unstamped {
    fn stamp(&mut self, _: DeviceId, _: Time, _: &mut Publication) -> Option<Tag> {
        None
    }
}

impl<F: FnMut(DeviceId, Time, &mut Publication) -> Option<Tag>> Stamper for F {
    fn stamp(&mut self, device: DeviceId, due: Time, publication: &mut Publication) -> Option<Tag> {
        self(device, due, publication)
    }
}

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
    /// Tagged telemetry was handed to the socket for the first time; as [`ClientEvent::Written`].
    Written {
        /// Whose.
        device: DeviceId,
        /// The stamper's name for it.
        tag: Tag,
        /// When.
        at: Time,
    },
    /// Tagged telemetry was acknowledged; as [`ClientEvent::Published`].
    Published {
        /// Whose.
        device: DeviceId,
        /// The stamper's name for it.
        tag: Tag,
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

/// What a fleet did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Devices online now.
    pub online: u32,
    /// Attempts to connect.
    pub attempts: u64,
    /// Connections that CONNACK accepted, the first of each device.
    pub connects: u64,
    /// Connections that CONNACK accepted after an earlier one.
    pub reconnects: u64,
    /// Attempts that CONNACK refused.
    pub refusals: u64,
    /// Attempts that ended without CONNACK.
    pub failures: u64,
    /// Connections that ended otherwise than by the fleet's own will.
    pub losses: u64,
    /// Telemetry handed to the engine.
    pub telemetry: u64,
    /// Birth messages handed to the engine.
    pub births: u64,
    /// Heartbeats handed to the engine.
    pub heartbeats: u64,
    /// Commands and configurations that arrived.
    pub commands: u64,
    /// Answers to them handed to the engine.
    pub answers: u64,
    /// Publications that the broker acknowledged with success, of all kinds (QoS 0: written).
    pub acknowledged: u64,
    /// Publications that the broker refused.
    pub rejected: u64,
    /// Telemetry that went into an offline buffer.
    pub buffered: u64,
    /// Telemetry that a full buffer pushed out.
    pub dropped: u64,
}

/// The devices of a farm as clients of one engine, on one thread.
#[expect(missing_debug_implementations, reason = "a fleet holds thousands of devices")]
pub struct Fleet<E, S = Unstamped> {
    farm: Farm,
    engine: E,
    stamper: S,
    options: FleetOptions,
    counts: Counts,
}

impl<E: ClientEngine, S: Stamper> Fleet<E, S> {
    /// A fleet of `devices` of `farm`; nothing connects before [`start`](Self::start). Several fleets on several
    /// threads may share a farm's devices out among them, each with a farm of the same scenario and seed.
    pub fn new(
        farm: Farm,
        devices: impl IntoIterator<Item = DeviceId>,
        engine: E,
        stamper: S,
        options: FleetOptions,
    ) -> Self {
        let _ = devices;
        Self { farm, engine, stamper, options, counts: Counts::default() }
    }

    /// Lets the next `count` devices, in their order, connect over the time that `ramp` says, from now on.
    pub fn start(&mut self, count: usize, ramp: Ramp) {
        let _ = (count, ramp, &self.options);
        todo!()
    }

    /// Produces, stamps and sends one message of telemetry that was due at `due`. Offline devices buffer it.
    pub fn publish_telemetry(&mut self, device: DeviceId, due: Time) {
        let _ = (device, due, &self.farm, &mut self.stamper);
        todo!()
    }

    /// Cuts a device's connection without DISCONNECT: its Will is due, and it reconnects with back-off.
    pub fn cut(&mut self, device: DeviceId) {
        let _ = device;
        todo!()
    }

    /// Disconnects every device for good. Turn until [`is_stopped`](Self::is_stopped).
    pub fn stop(&mut self) {
        todo!()
    }

    /// Whether every device is offline for good.
    pub fn is_stopped(&self) -> bool {
        todo!()
    }

    /// What the fleet did so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many publications wait to be written or acknowledged, and how many wait in offline buffers.
    pub fn backlog(&self) -> usize {
        todo!()
    }

    /// The engine, for clients that are no devices. Their events come out as [`FleetEvent::Other`].
    pub fn engine(&mut self) -> &mut E {
        &mut self.engine
    }

    /// The stamper.
    pub fn stamper(&mut self) -> &mut S {
        &mut self.stamper
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<FleetEvent> {
        todo!()
    }

    /// Does what is due, then input and output, until there is an event to poll or `until` has come.
    pub async fn turn(&mut self, until: Time) {
        self.engine.turn(until).await;
    }
}

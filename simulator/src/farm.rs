//! The farm: every device of a scenario, without input or output.
//!
//! What this module is: a deterministic source of publications. The same [`Plan`], the same seed and the same sequence of
//! calls give the same bytes. What it is not: it opens no connection, reads no clock and starts no timer; the caller says
//! when (`at`, counted from the scenario's epoch) and carries what comes out.
//!
//! Where to start reading:
//!
//! * [`Farm`]: the whole surface; one method per thing a device does in its life.
//! * [`Model`] and its [`Profile`]: the table of device kinds, their topics, intervals and delivery guarantees.
//! * [`Unit`]: what may be simulated apart. Devices of one unit share animals and visit queues, units share nothing.
//!
//! ```text
//!   connect ─▶ will ─▶ subscriptions ─▶ birth ─▶ telemetry, heartbeat ⟲ ─▶ farewell
//!                                          ▲ react (configuration, commands)
//! ```

mod model;
mod plan;
mod publication;

use std::time::Duration;

pub use model::{Leaf, Model, Profile, UnknownModel};
pub use plan::{Group, Plan};
pub use publication::{Kind, Publication, Received, Subscription};

/// Addresses one device of a [`Farm`]: 0 to `farm.len() - 1`, in the order of the plan's groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u32);

/// Addresses one [`Unit`] of a [`Farm`]: an index into [`Farm::units`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(pub u16);

/// A part of the farm that may run apart from the others: one barn with its parlour, animals, sensors and milk tank.
///
/// A unit's seed derives from the farm's seed and the unit's name, and no state crosses units: farms built from the same
/// plan and seed on several threads or machines, each driving only some units, together say what one farm says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The barn's identifier in topics, such as `barn_1`.
    pub name: String,
    /// The devices of the unit, ascending.
    pub devices: Vec<DeviceId>,
}

/// What is fixed about a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeviceInfo<'a> {
    /// The device's identifier: Client Identifier, User Name, `device_id` in payloads and segment in topics alike.
    pub name: &'a str,
    /// The kind of device.
    pub model: Model,
    /// The index of its group in [`Plan::groups`].
    pub group: u16,
    /// The unit it belongs to.
    pub unit: UnitId,
    /// The share of the whole offered rate in shape `design`, relative to the other devices; above 0.
    pub weight: f64,
    /// Time between heartbeats.
    pub heartbeat: Duration,
}

/// Every device of a plan, with the animals and the weather that they measure.
#[derive(Debug)]
pub struct Farm {
    units: Vec<Unit>,
}

impl Farm {
    /// Builds the devices of `plan`. All randomness derives from `seed`.
    #[must_use]
    pub fn new(_plan: &Plan, _seed: u64) -> Self {
        todo!()
    }

    /// The number of devices.
    #[must_use]
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Whether the plan held no device.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every device, ascending.
    pub fn devices(&self) -> impl Iterator<Item = DeviceId> + use<> {
        (0..u32::try_from(self.len()).expect("devices are numbered in 32 bits")).map(DeviceId)
    }

    /// The parts that may run apart.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// What is fixed about `device`.
    #[must_use]
    pub fn info(&self, _device: DeviceId) -> DeviceInfo<'_> {
        todo!()
    }

    /// The device's next message. Devices with several telemetry topics take turns by each topic's natural share; an alert
    /// that the previous message called for takes the turn before them.
    pub fn telemetry(&mut self, _device: DeviceId, _at: Duration) -> Publication {
        todo!()
    }

    /// The first intended instant after `after` at which the device speaks in real life: its natural interval with
    /// jitter, the day curve, or the milking sessions.
    #[must_use]
    pub fn next_natural(&self, _device: DeviceId, _after: Duration) -> Duration {
        todo!()
    }

    /// The retained status `online` that opens a connection. Each birth starts a new boot of the device.
    pub fn birth(&mut self, _device: DeviceId, _at: Duration) -> Publication {
        todo!()
    }

    /// The retained status `offline` to hand over as Will Message in CONNECT. Ask before [`Farm::birth`]: it names the boot
    /// that the birth then starts, so that a late will can be told from the status of a newer boot.
    #[must_use]
    pub fn will(&self, _device: DeviceId, _at: Duration) -> Publication {
        todo!()
    }

    /// The retained status `offline` of an orderly stop, to publish before DISCONNECT.
    pub fn farewell(&mut self, _device: DeviceId, _at: Duration) -> Publication {
        todo!()
    }

    /// The device's sign of life; asserts the retained status again.
    pub fn heartbeat(&mut self, _device: DeviceId, _at: Duration) -> Publication {
        todo!()
    }

    /// The filters of its configuration and commands.
    #[must_use]
    pub fn subscriptions(&self, _device: DeviceId) -> Vec<Subscription> {
        todo!()
    }

    /// What the device answers to a message that reached it. Any bytes on any topic are safe: what it does not understand it
    /// refuses on its status topic, and a topic that is not its own is ignored.
    pub fn react(&mut self, _device: DeviceId, _received: &Received<'_>, _at: Duration) -> Vec<Publication> {
        todo!()
    }
}

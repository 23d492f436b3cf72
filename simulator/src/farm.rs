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
//! * [`Farm::bond`]: the same, finer: which devices share a visit queue.
//!
//! ```text
//!   connect ─▶ will ─▶ subscriptions ─▶ birth ─▶ telemetry, heartbeat ⟲ ─▶ farewell
//!                                          ▲ react (configuration, commands)
//! ```

mod barn;
mod climate;
mod clock;
mod command;
mod device;
mod dice;
mod herd;
mod milking;
mod model;
mod models;
mod parlour;
mod payload;
mod plan;
mod publication;
mod roster;
mod schedule;
mod schema;
mod status;
mod topics;

use std::time::Duration;

use bytestring::ByteString;
use protocol::QoS;
use scenarios::model::Scenario;

use self::{
    barn::Barn,
    clock::Moment,
    command::{Action, Asked},
    device::{Device, Raised, Turn},
    dice::Dice,
    payload::Alert,
    status::{Answer, Outcome, Presence},
};
pub use self::{
    model::{DeviceType, Leaf, Listen, Model, Profile, Request, Rhythm},
    plan::{Group, Plan, Seat},
    publication::{Dialogue, Kind, Publication, Received, Subscription},
    schema::schemas,
};

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
    /// Whether it only publishes; see [`Profile::is_bare`].
    pub bare: bool,
}

/// Every device of a plan, with the animals and the weather that they measure.
///
/// Animals, air and milk are functions of seed and time, so a farm is little more than its list of devices: about one
/// kilobyte for each. Methods that take a [`DeviceId`] panic when it is not of this farm.
#[derive(Debug)]
pub struct Farm {
    epoch_ms: i64,
    barns: Vec<Barn>,
    devices: Vec<Device>,
}

impl Farm {
    /// Builds the devices of `scenario`. All randomness derives from `seed`.
    #[must_use]
    pub fn new(scenario: &Scenario, seed: u64) -> Self {
        Self::from_plan(&Plan::from(scenario), seed)
    }

    /// Builds the devices of `plan`. All randomness derives from `seed`.
    #[must_use]
    pub fn from_plan(plan: &Plan, seed: u64) -> Self {
        let (barns, devices) = roster::muster(plan, seed);
        Self { epoch_ms: plan.epoch_ms, barns, devices }
    }

    /// The number of devices.
    #[must_use]
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// Whether the plan held no device.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// Every device, ascending.
    pub fn devices(&self) -> impl ExactSizeIterator<Item = DeviceId> + use<> {
        (0..u32::try_from(self.len()).expect("devices are numbered in 32 bits")).map(DeviceId)
    }

    /// The parts that may run apart, in the order of [`UnitId`].
    pub fn units(&self) -> impl ExactSizeIterator<Item = &Unit> {
        self.barns.iter().map(|barn| &barn.unit)
    }

    /// What is fixed about `device`.
    #[must_use]
    pub fn info(&self, device: DeviceId) -> DeviceInfo<'_> {
        let device = self.device(device);
        DeviceInfo {
            name: &device.name,
            model: device.model,
            group: device.group,
            unit: UnitId(device.unit),
            weight: device.weight,
            heartbeat: device.profile().heartbeat,
            bare: device.profile().is_bare(),
        }
    }

    /// What of the farm must be driven together: devices of one number share the visits of one milking line, and no state
    /// crosses numbers. Every device outside a parlour has a number of its own. Below the number of devices and lines.
    #[must_use]
    pub fn bond(&self, device: DeviceId) -> u32 {
        let number = device.0;
        let device = self.device(device);
        let count = |barns: &[Barn]| barns.iter().map(|barn| barn.lines.len()).sum::<usize>() as u32;
        match device.model {
            Model::MilkMeter | Model::ParlourReader | Model::QualityAnalyzer => {
                let before = count(&self.barns[..usize::from(device.unit)]);
                before + self.barn(device).line(device.place) as u32
            }
            _ => count(&self.barns) + number,
        }
    }

    /// The mean time between two messages of `device`, as planned or configured since.
    #[must_use]
    pub fn interval(&self, device: DeviceId) -> Duration {
        let device = self.device(device);
        schedule::interval(device, self.barn(device))
    }

    /// The device's next message. Devices with several telemetry topics take turns by each topic's natural share; an alert
    /// that the previous message called for takes the turn before them. A plain device repeats its group's bytes.
    pub fn telemetry(&mut self, device: DeviceId, at: Duration) -> Publication {
        let mut plain = Publication::plain();
        if self.plain(device, &mut plain) {
            return plain;
        }
        let (moment, device, barn) = self.parts(device, at);
        if let Some(raised) = device.alert.take() {
            return alert(*raised, device, moment);
        }
        let leaf = device.leaf();
        let dice = Dice::new(device.seed, device.turns);
        let payload = models::telemetry(&mut Turn { device: &mut *device, barn, moment, leaf, dice });
        device.turns += 1;
        let natural = device.profile().telemetry[leaf].qos;
        Publication {
            topic: device.topics[leaf].clone(),
            payload,
            qos: device.qos.unwrap_or(natural),
            retain: device.retain,
            kind: Kind::Telemetry,
        }
    }

    /// Writes what a plain device says over `publication`, an earlier one of such a device; `false` for all others, with nothing
    /// done.
    pub(crate) fn plain(&self, device: DeviceId, publication: &mut Publication) -> bool {
        let Device { pattern: Some(pattern), topics, qos, .. } = &self.devices[device.0 as usize] else { return false };
        if publication.topic.as_ptr() != topics[0].as_ptr() || publication.topic.len() != topics[0].len() {
            publication.topic.clone_from(&topics[0]);
        }
        publication.payload.clear();
        publication.payload.extend_from_slice(pattern);
        publication.qos = qos.unwrap_or(QoS::AtMostOnce);
        true
    }

    /// The first intended instant after `after` at which the device speaks in real life: its natural interval with
    /// jitter, the day curve, or the milking sessions; an alert that waits comes soon.
    #[must_use]
    pub fn next_natural(&self, device: DeviceId, after: Duration) -> Duration {
        let device = self.device(device);
        schedule::next(device, self.barn(device), after)
    }

    /// The retained status `offline` to hand over as Will Message in CONNECT. Ask before [`Farm::birth`]: it names the
    /// connection that the birth then opens, so that a late will can be told from the status of a newer one.
    ///
    /// Bare devices have none of will, birth, farewell and heartbeat: do not ask.
    pub fn will(&mut self, device: DeviceId, at: Duration) -> Publication {
        let (moment, device, barn) = self.parts(device, at);
        let connection = device.connections + 1;
        let payload = status::payload(device, barn, moment, connection, Presence::Offline, None);
        standing(device, payload, Kind::Status)
    }

    /// The retained status `online` that opens a connection. The first one is of a device that has just booted; a connection that
    /// was lost and comes back is no boot.
    pub fn birth(&mut self, id: DeviceId, at: Duration) -> Publication {
        let (moment, device, _) = self.parts(id, at);
        if device.connections == 0 {
            device.born = moment.at;
        }
        device.connections += 1;
        self.stand(id, at, Presence::Online)
    }

    /// The retained status `offline` of an orderly stop, to publish before DISCONNECT.
    pub fn farewell(&mut self, device: DeviceId, at: Duration) -> Publication {
        self.stand(device, at, Presence::Offline)
    }

    /// The device's sign of life. Where the model has no topic of its own for it, it asserts the retained status again.
    pub fn heartbeat(&mut self, device: DeviceId, at: Duration) -> Publication {
        let (moment, device, barn) = self.parts(device, at);
        let connection = device.connections;
        let payload = status::payload(device, barn, moment, connection, Presence::Online, None);
        let apart = device.heartbeat != device.status;
        Publication {
            topic: device.heartbeat.clone(),
            payload,
            qos: if apart { QoS::AtMostOnce } else { QoS::AtLeastOnce },
            retain: !apart,
            kind: Kind::Heartbeat,
        }
    }

    /// The filters of its configuration and commands.
    #[must_use]
    pub fn subscriptions(&self, device: DeviceId) -> Vec<Subscription> {
        let device = self.device(device);
        let barn = self.barn(device);
        let listens = device.profile().listens.iter();
        listens
            .map(|listen| Subscription { filter: device.fill(barn, listen.filter).into(), qos: QoS::AtLeastOnce })
            .collect()
    }

    /// Where the device takes commands and where it answers them; `None` for one that takes none. A command that is a level of the
    /// topic is `ping`.
    #[must_use]
    pub fn dialogue(&self, device: DeviceId) -> Option<Dialogue> {
        let device = self.device(device);
        let commands = device.profile().listens.iter().rfind(|listen| listen.request == Request::Command)?;
        let filter = device.fill(self.barn(device), commands.filter);
        let command = match filter.strip_suffix('+') {
            Some(above) => format!("{above}ping").into(),
            None => filter.into(),
        };
        Some(Dialogue { command, answer: device.status.clone() })
    }

    /// What the device answers to a message that reached it. Any bytes on any topic are safe: what it does not understand it
    /// refuses on its status topic, and a topic that is not its own is ignored.
    pub fn react(&mut self, id: DeviceId, received: &Received<'_>, at: Duration) -> Vec<Publication> {
        let (moment, device, barn) = self.parts(id, at);
        let Some(asked) = Asked::read(device, barn, received, moment) else {
            return Vec::new();
        };
        if let Ok(action) = asked.verdict {
            asked.remember(device);
            if let Action::SetInterval(interval) = action {
                device.interval = interval;
            }
        }
        let answer = Answer {
            request: asked.request.into(),
            command: asked.command.as_deref(),
            correlation_id: asked.correlation_id.as_deref(),
            outcome: asked.verdict.as_ref().map_or_else(|(outcome, _)| *outcome, |_| Outcome::Accepted),
            reason: asked.verdict.as_ref().err().map(|(_, reason)| reason.as_str()),
        };
        let connection = device.connections;
        let payload = status::payload(device, barn, moment, connection, Presence::Online, Some(answer));
        let mut publications = vec![Publication { retain: false, ..standing(device, payload, Kind::Answer) }];
        match asked.verdict {
            Ok(Action::Report) => publications.push(self.telemetry(id, at)),
            Ok(Action::Restart) => publications.extend([self.farewell(id, at), self.reboot(id, at)]),
            Ok(Action::Acknowledge | Action::SetInterval(_)) | Err(_) => {}
        }
        publications
    }

    /// The retained status `online` of a device that has just booted again, on the connection that it has.
    fn reboot(&mut self, id: DeviceId, at: Duration) -> Publication {
        let (moment, device, _) = self.parts(id, at);
        device.boots += 1;
        device.born = moment.at;
        self.stand(id, at, Presence::Online)
    }

    /// The retained status of a device on the connection that it has.
    fn stand(&mut self, device: DeviceId, at: Duration, presence: Presence) -> Publication {
        let (moment, device, barn) = self.parts(device, at);
        let connection = device.connections;
        let payload = status::payload(device, barn, moment, connection, presence, None);
        standing(device, payload, Kind::Status)
    }

    fn device(&self, id: DeviceId) -> &Device {
        &self.devices[id.0 as usize]
    }

    fn barn(&self, device: &Device) -> &Barn {
        &self.barns[usize::from(device.unit)]
    }

    /// The instant, the device and its barn, borrowed apart.
    fn parts(&mut self, id: DeviceId, at: Duration) -> (Moment, &mut Device, &mut Barn) {
        let device = &mut self.devices[id.0 as usize];
        let barn = &mut self.barns[usize::from(device.unit)];
        (Moment::new(self.epoch_ms, at), device, barn)
    }
}

/// A publication on the status topic that the broker keeps.
fn standing(device: &Device, payload: Vec<u8>, kind: Kind) -> Publication {
    Publication { topic: device.status.clone(), payload, qos: QoS::AtLeastOnce, retain: true, kind }
}

/// The publication of an alert, on the topic that all devices of the model share.
fn alert(raised: Raised, device: &mut Device, moment: Moment) -> Publication {
    device.sequence += 1;
    let topic = device.profile().alerts.expect("models that raise alerts have a topic for them");
    let payload = device::write(&Alert {
        r#type: raised.kind,
        device_id: &device.name,
        animal_rfid: raised.animal,
        value: raised.value,
        message: raised.message,
        timestamp: moment.timestamp(),
    });
    let topic = ByteString::from_static(topic);
    Publication { topic, payload, qos: QoS::AtLeastOnce, retain: false, kind: Kind::Alert }
}

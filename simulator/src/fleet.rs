//! A fleet: the devices of a farm, as clients of a broker.
//!
//! Every device connects with its Will, subscribes to its configuration and command topics, publishes its birth, sends
//! heartbeats, answers commands, reconnects with jittered exponential back-off when its connection ends, and keeps a
//! bounded buffer of telemetry while it is offline. When telemetry is due is decided by the devices' natural intervals
//! ([`Pace::Natural`]) or by the owner ([`Pace::Driven`], [`Fleet::publish_telemetry`]).
//!
//! ```text
//!           start()             Connected: subscribe, birth, empty the buffer
//!   Waiting ──────▶ Connecting ──────────────────────────────────────────────▶ Online
//!      ▲ back-off       │ Refused, ConnectFailed                                  │ Closed, cut()
//!      └────────────────┴─────────────────────────────────────────────────────────┘
//!   retire(), stop(): farewell, DISCONNECT, then Retired from wherever it was
//! ```

mod agenda;
mod backoff;
mod counts;
mod device;
mod event;
mod message;
mod options;
mod reactions;

use std::{collections::VecDeque, time::Duration};

use protocol::{Tag, Time, Will};

use self::{
    agenda::{Agenda, Duty},
    device::{Device, Held, Phase},
    message::message,
};
pub use self::{
    backoff::Backoff,
    counts::Counts,
    event::FleetEvent,
    options::{FleetOptions, Habits, Pace, Ramp, Timeline},
};
use crate::{
    ClientEngine, ClientEvent, ConnectOptions,
    farm::{DeviceId, Farm, Publication},
};

/// Sees every telemetry publication once, before it is sent or buffered: the place to stamp it.
///
/// A buffered publication keeps the stamp that it got when it was due.
pub trait Stamper {
    /// May alter the payload, and names the publication if its fate shall be reported. Tags are below 2^63.
    fn stamp(&mut self, device: DeviceId, due: Time, publication: &mut Publication) -> Option<Tag>;

    /// Sees `count` publications of a device at once, which are due together and differ in nothing but their stamps, and stamps
    /// the first of them; their tags follow each other. `None` unless it can: each is then seen by itself.
    fn stamp_all(&mut self, device: DeviceId, due: Time, publication: &mut Publication, count: u32) -> Option<Tag> {
        let _ = (device, due, publication, count);
        None
    }

    /// Stamps the payload of a publication that [`stamp_all`](Self::stamp_all) saw, and that has the stamp of an earlier one, as the
    /// one that is named `tag`.
    fn stamp_anew(&self, payload: &mut [u8], tag: Tag) {
        let _ = (payload, tag);
    }
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

/// Tags from here on are the fleet's own.
const OWN_TAGS: u64 = 1 << 63;

/// The devices of a farm as clients of one engine, on one thread.
#[expect(missing_debug_implementations, reason = "a fleet holds thousands of devices")]
pub struct Fleet<E, S = Unstamped> {
    farm: Farm,
    engine: E,
    stamper: S,
    options: FleetOptions,
    counts: Counts,
    devices: Vec<Device>,
    /// Index into `devices` by [`DeviceId`]; absent for devices of other fleets.
    by_id: Vec<Option<u32>>,
    /// Index into `devices` by [`ClientKey::slot`]; absent for the owner's own clients.
    by_slot: Vec<Option<u32>>,
    agenda: Agenda,
    events: VecDeque<FleetEvent>,
    /// How many of `devices`, from the front, were started.
    started: usize,
    own_tag: u64,
    /// What a plain device said last, to be written over.
    plain: Publication,
    /// How many messages all devices hold back.
    held: usize,
}

impl<E: ClientEngine, S: Stamper> Fleet<E, S> {
    /// A fleet of `devices` of `farm`; nothing connects before [`start`](Self::start). Several fleets on several threads
    /// may share a farm's devices out among them by [`Unit`](crate::farm::Unit), each with a farm of the same plan and
    /// seed. The farm's topics and filters go under the target's prefix.
    pub fn new(
        farm: Farm,
        devices: impl IntoIterator<Item = DeviceId>,
        engine: E,
        stamper: S,
        options: FleetOptions,
    ) -> Self {
        let devices: Vec<_> = devices.into_iter().map(Device::new).collect();
        let mut by_id = vec![None; farm.len()];
        for (index, device) in devices.iter().enumerate() {
            by_id[device.id.0 as usize] = Some(u32::try_from(index).expect("devices are numbered in 32 bits"));
        }
        Self {
            farm,
            engine,
            stamper,
            options,
            counts: Counts::default(),
            devices,
            by_id,
            by_slot: Vec::new(),
            agenda: Agenda::default(),
            events: VecDeque::new(),
            started: 0,
            own_tag: OWN_TAGS,
            plain: Publication::plain(),
            held: 0,
        }
    }

    /// Lets the next `count` devices, in their order, connect as `ramp` says, from now on.
    pub fn start(&mut self, count: usize, ramp: Ramp) {
        let batch = count.min(self.devices.len() - self.started);
        self.start_each((0..batch).map(|nth| ramp.delay(nth, batch)));
    }

    /// Lets the next devices, in their order, connect one for each of `delays`, so long from now.
    pub fn start_each(&mut self, delays: impl IntoIterator<Item = Duration>) {
        let now = self.engine.clock().now();
        let mut end = self.started;
        for (index, delay) in (self.started..self.devices.len()).zip(delays) {
            let at = now.after(delay);
            end = index + 1;
            let device = &mut self.devices[index];
            device.phase = Phase::Waiting;
            let turn = device.turn;
            self.agenda.add(at, index, Duty::Connect { turn });
            if self.options.pace == Pace::Natural {
                self.plan_telemetry(index, self.options.timeline.scenario(at));
            }
        }
        self.started = end;
        self.counts.started = u32::try_from(end).expect("devices are numbered in 32 bits");
    }

    /// Retires the last `count` devices that were started, for good: farewell, then DISCONNECT.
    pub fn retire(&mut self, count: usize) {
        for index in self.started.saturating_sub(count)..self.started {
            self.retire_one(index);
        }
    }

    /// Retires every device. Turn until [`is_stopped`](Self::is_stopped).
    pub fn stop(&mut self) {
        self.retire(self.started);
    }

    /// Whether no device has a connection or is to have one.
    pub fn is_stopped(&self) -> bool {
        self.devices.iter().all(|device| matches!(device.phase, Phase::Idle | Phase::Retired))
    }

    /// Sets how the engine's clock and the scenario's time go together, once it is known when the run starts.
    pub fn set_timeline(&mut self, timeline: Timeline) {
        self.options.timeline = timeline;
    }

    /// Produces, stamps and sends one message of telemetry that was due at `due`. Offline devices buffer it.
    pub fn publish_telemetry(&mut self, device: DeviceId, due: Time) {
        let Some(index) = self.index_of(device) else { return };
        if self.farm.plain(device, &mut self.plain) {
            let tag = self.stamper.stamp(device, due, &mut self.plain);
            return self.send_plain(index, tag);
        }
        let mut publication = self.farm.telemetry(device, self.options.timeline.scenario(due));
        let tag = self.stamper.stamp(device, due, &mut publication);
        self.dispatch(index, Held { publication, tag });
    }

    /// Does the same `count` times, for messages that are all due at `due`.
    pub fn publish_telemetry_times(&mut self, device: DeviceId, due: Time, count: u32) {
        let Some(index) = self.index_of(device) else { return };
        if count > 1
            && self.farm.plain(device, &mut self.plain)
            && let Some(Tag(first)) = self.stamper.stamp_all(device, due, &mut self.plain, count)
        {
            let sent = self.send_plain_run(index, Tag(first), count);
            for tag in (first + u64::from(sent)..first + u64::from(count)).map(Tag) {
                self.stamper.stamp_anew(&mut self.plain.payload, tag);
                self.send_plain(index, Some(tag));
            }
            return;
        }
        (0..count).for_each(|_| self.publish_telemetry(device, due));
    }

    /// Cuts a device's connection without DISCONNECT: its Will is due. It stays away for `away`, then reconnects with
    /// back-off. Ignored while it is offline.
    pub fn cut(&mut self, device: DeviceId, away: Duration) {
        if let Some(index) = self.index_of(device)
            && self.devices[index].phase == Phase::Online
            && let Some(client) = self.devices[index].client
        {
            self.devices[index].away = away;
            self.engine.abandon(client);
        }
    }

    /// Lets a device say DISCONNECT, without a farewell; its Will is void. It stays away for `away`, then reconnects with
    /// back-off. Ignored while it is offline.
    pub fn leave(&mut self, device: DeviceId, away: Duration) {
        if let Some(index) = self.index_of(device)
            && self.devices[index].phase == Phase::Online
            && let Some(client) = self.devices[index].client
        {
            let device = &mut self.devices[index];
            device.away = away;
            // From now on telemetry is kept: a client that says DISCONNECT takes no more.
            device.phase = Phase::Waiting;
            self.engine.disconnect(client);
        }
    }

    /// Whether a device is connected.
    pub fn is_online(&self, device: DeviceId) -> bool {
        self.index_of(device).is_some_and(|index| self.devices[index].phase == Phase::Online)
    }

    /// The devices of this fleet, in the order in which they start.
    pub fn devices(&self) -> impl ExactSizeIterator<Item = DeviceId> + '_ {
        self.devices.iter().map(|device| device.id)
    }

    /// What the fleet did so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many publications wait in offline buffers, to be written, or to be acknowledged.
    pub fn backlog(&self) -> usize {
        let at_engine = |device: &Device| device.client.map_or(0, |client| self.engine.backlog(client));
        self.held + self.devices.iter().map(at_engine).sum::<usize>()
    }

    /// The farm.
    pub fn farm(&self) -> &Farm {
        &self.farm
    }

    /// The engine, for clients that are no devices. Their events come out as [`FleetEvent::Other`].
    pub fn engine(&mut self) -> &mut E {
        &mut self.engine
    }

    /// The stamper.
    pub fn stamper(&mut self) -> &mut S {
        &mut self.stamper
    }

    /// Both, for clients that are no devices and whose messages are measured too.
    pub fn engine_and_stamper(&mut self) -> (&mut E, &mut S) {
        (&mut self.engine, &mut self.stamper)
    }

    /// The next event; drain it to `None` after each [`turn`](Self::turn). Devices react to what happened to them as it
    /// is drained.
    pub fn poll_event(&mut self) -> Option<FleetEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let (client, event) = self.engine.poll_event()?;
            let Some(index) = self.by_slot.get(client.slot()).copied().flatten() else {
                return Some(FleetEvent::Other(client, event));
            };
            let index = index as usize;
            // Of these there are more than of all others together: they go no roundabout way.
            match event {
                ClientEvent::Written { tag, count, at } => {
                    if tag.0 < OWN_TAGS {
                        return Some(FleetEvent::Written { device: self.devices[index].id, tag, count, at });
                    }
                }
                ClientEvent::Published { tag, count, reason, at } => {
                    self.published(index, count, reason);
                    if tag.0 < OWN_TAGS {
                        return Some(FleetEvent::Published { device: self.devices[index].id, tag, count, reason, at });
                    }
                }
                event => self.react(index, client, event),
            }
        }
    }

    /// Writes what was published, as far as connections take it.
    pub async fn write(&mut self) {
        self.engine.flush().await;
    }

    /// Does what is due, then input and output, until there may be an event to poll, something is due, or `until` has
    /// come.
    pub async fn turn(&mut self, until: Time) {
        let until = self.begin_turn(until);
        self.engine.turn(until).await;
        self.perform_duties();
    }

    /// As [`turn`](Self::turn), for an owner who need not hear of each message at once: see [`ClientEngine::linger`]. While a
    /// device holds messages back, which an acknowledgement may release, it is a turn.
    pub async fn linger(&mut self, until: Time) {
        if self.held > 0 {
            return self.turn(until).await;
        }
        let until = self.begin_turn(until);
        self.engine.linger(until).await;
        self.perform_duties();
    }

    /// Does what is due; until when the turn may last.
    fn begin_turn(&mut self, until: Time) -> Time {
        self.perform_duties();
        let until = if self.events.is_empty() { until } else { Time::ZERO };
        self.agenda.next().map_or(until, |due| due.min(until))
    }

    fn index_of(&self, device: DeviceId) -> Option<usize> {
        self.by_id.get(device.0 as usize).copied().flatten().map(|index| index as usize)
    }

    fn perform_duties(&mut self) {
        if self.agenda.next().is_none() {
            return;
        }
        let now = self.engine.clock().now();
        while let Some((due, index, duty)) = self.agenda.pop_due(now) {
            let device = &self.devices[index];
            match duty {
                Duty::Connect { turn } if turn == device.turn => self.connect(index),
                Duty::Heartbeat { turn } if turn == device.turn => self.heartbeat(index, due),
                Duty::Flush { turn } if turn == device.turn => self.flush(index, due),
                Duty::Telemetry { at } if device.phase != Phase::Retired => {
                    let id = device.id;
                    self.publish_telemetry(id, due);
                    self.plan_telemetry(index, at);
                }
                // Meant for a connection that has ended since.
                Duty::Connect { .. } | Duty::Heartbeat { .. } | Duty::Flush { .. } | Duty::Telemetry { .. } => {}
            }
        }
    }

    /// Plans the first natural telemetry after `after`, on the scenario's time.
    fn plan_telemetry(&mut self, index: usize, after: Duration) {
        let at = self.farm.next_natural(self.devices[index].id, after);
        self.agenda.add(self.options.timeline.engine(at), index, Duty::Telemetry { at });
    }

    fn connect(&mut self, index: usize) {
        let now = self.engine.clock().now();
        let id = self.devices[index].id;
        let will = (!self.farm.info(id).bare).then(|| {
            let will = self.farm.will(id, self.options.timeline.scenario(now));
            Box::new(Will { qos: will.qos, retain: will.retain, message: message(will, &self.options.target.prefix) })
        });
        self.counts.attempts += 1;
        self.devices[index].phase = Phase::Connecting;
        if let Some(client) = self.devices[index].client {
            self.engine.reconnect(client, will);
            return;
        }
        let info = self.farm.info(id);
        let habits = self.options.habits.get(usize::from(info.group)).copied().unwrap_or_default();
        let options = self.options.target.connect_options(info.name, habits.version);
        let options = options.expect("the farm's names may stand in a packet, under a prefix too");
        let detour = self.options.detours.get(usize::from(info.group)).cloned().flatten();
        let client = self.engine.connect(ConnectOptions {
            endpoint: detour.unwrap_or(options.endpoint),
            engine: habits.engine,
            clean_start: habits.clean_start,
            session_expiry: habits.session_expiry,
            keep_alive: habits.keep_alive,
            will,
            ..options
        });
        self.devices[index].client = Some(client);
        if self.by_slot.len() <= client.slot() {
            self.by_slot.resize(client.slot() + 1, None);
        }
        self.by_slot[client.slot()] = Some(u32::try_from(index).expect("devices are numbered in 32 bits"));
    }
}

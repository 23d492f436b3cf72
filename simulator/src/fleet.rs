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
mod options;

use std::{collections::VecDeque, time::Duration};

use protocol::{Message, Properties, SubscribeFilter, SubscriptionOptions, Tag, Time, TopicName, Utf8String, Will};

use self::{
    agenda::{Agenda, Duty},
    device::{Device, Held, Phase},
};
pub use self::{
    backoff::Backoff,
    counts::Counts,
    event::FleetEvent,
    options::{FleetOptions, Habits, Pace, Ramp, Timeline},
};
use crate::{
    ClientEngine, ClientEvent, ClientKey, ConnectOptions, Outgoing, TopicPrefix,
    engine::Closed,
    farm::{DeviceId, Farm, Kind, Publication, Received, Subscription},
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
        }
    }

    /// Lets the next `count` devices, in their order, connect as `ramp` says, from now on.
    pub fn start(&mut self, count: usize, ramp: Ramp) {
        let now = self.engine.clock().now();
        let end = self.devices.len().min(self.started.saturating_add(count));
        let batch = end - self.started;
        for (nth, index) in (self.started..end).enumerate() {
            let at = now.after(ramp.delay(nth, batch));
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
        let mut publication = self.farm.telemetry(device, self.options.timeline.scenario(due));
        let tag = self.stamper.stamp(device, due, &mut publication);
        self.hold(index, Held { publication, tag });
        self.empty_buffer(index);
    }

    /// Cuts a device's connection without DISCONNECT: its Will is due, and it reconnects with back-off. Ignored while it
    /// is offline.
    pub fn cut(&mut self, device: DeviceId) {
        if let Some(index) = self.index_of(device)
            && self.devices[index].phase == Phase::Online
            && let Some(client) = self.devices[index].client
        {
            self.engine.abandon(client);
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
        self.devices.iter().map(|device| device.buffer.len() + at_engine(device)).sum()
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
            self.react(index as usize, client, event);
        }
    }

    /// Does what is due, then input and output, until there may be an event to poll, something is due, or `until` has
    /// come.
    pub async fn turn(&mut self, until: Time) {
        self.perform_duties();
        let until = if self.events.is_empty() { until } else { Time::ZERO };
        let wake = self.agenda.next().map_or(until, |due| due.min(until));
        self.engine.turn(wake).await;
        self.perform_duties();
    }

    fn index_of(&self, device: DeviceId) -> Option<usize> {
        self.by_id.get(device.0 as usize).copied().flatten().map(|index| index as usize)
    }

    fn perform_duties(&mut self) {
        let now = self.engine.clock().now();
        while let Some((due, index, duty)) = self.agenda.pop_due(now) {
            let device = &self.devices[index];
            match duty {
                Duty::Connect { turn } if turn == device.turn => self.connect(index),
                Duty::Heartbeat { turn } if turn == device.turn => self.heartbeat(index, due),
                Duty::Telemetry { at } if device.phase != Phase::Retired => {
                    let id = device.id;
                    self.publish_telemetry(id, due);
                    self.plan_telemetry(index, at);
                }
                // Meant for a connection that has ended since.
                Duty::Connect { .. } | Duty::Heartbeat { .. } | Duty::Telemetry { .. } => {}
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
        let will = self.farm.will(id, self.options.timeline.scenario(now));
        let will = Some(Box::new(Will {
            qos: will.qos,
            retain: will.retain,
            message: message(will, &self.options.target.prefix),
        }));
        self.counts.attempts += 1;
        self.devices[index].phase = Phase::Connecting;
        if let Some(client) = self.devices[index].client {
            self.engine.reconnect(client, will);
            return;
        }
        let info = self.farm.info(id);
        let habits = self.options.habits.get(usize::from(info.group)).copied().unwrap_or_default();
        let name = Utf8String::new(info.name).expect("the farm's names may stand in a packet");
        let client = self.engine.connect(ConnectOptions {
            clean_start: habits.clean_start,
            session_expiry: habits.session_expiry,
            keep_alive: habits.keep_alive,
            will,
            ..self.options.target.connect_options(name, habits.version)
        });
        self.devices[index].client = Some(client);
        if self.by_slot.len() <= client.slot() {
            self.by_slot.resize(client.slot() + 1, None);
        }
        self.by_slot[client.slot()] = Some(u32::try_from(index).expect("devices are numbered in 32 bits"));
    }

    /// A device's part in an event of its client.
    fn react(&mut self, index: usize, client: ClientKey, event: ClientEvent) {
        let device = self.devices[index].id;
        match event {
            ClientEvent::Connected { session_present } => self.connected(index, client, session_present),
            ClientEvent::Refused { reason } => {
                self.counts.refusals += 1;
                let retry_at = self.retry(index);
                self.events.push_back(FleetEvent::Refused { device, reason, retry_at });
            }
            ClientEvent::ConnectFailed(failure) => {
                self.counts.failures += 1;
                let retry_at = self.retry(index);
                self.events.push_back(FleetEvent::ConnectFailed { device, failure, retry_at });
            }
            ClientEvent::Closed(cause) => {
                self.counts.online -= 1;
                self.counts.losses += u64::from(!matches!(cause, Closed::Disconnected | Closed::Abandoned));
                let retry_at = self.retry(index);
                self.events.push_back(FleetEvent::Offline { device, cause, retry_at });
            }
            ClientEvent::Message { message, retain, .. } => {
                self.counts.commands += 1;
                let at = self.options.timeline.scenario(self.engine.clock().now());
                let Some(topic) = self.options.target.prefix.strip(message.topic.as_str()) else { return };
                let received = Received { topic, payload: &message.payload, retained: retain };
                for answer in self.farm.react(device, &received, at) {
                    self.say(index, answer);
                }
            }
            ClientEvent::Written { tag, at } if tag.0 < OWN_TAGS => {
                self.events.push_back(FleetEvent::Written { device, tag, at });
            }
            ClientEvent::Published { tag, reason, at } => {
                if reason.is_failure() {
                    self.counts.rejected += 1;
                } else {
                    self.counts.acknowledged += 1;
                }
                if tag.0 < OWN_TAGS {
                    self.events.push_back(FleetEvent::Published { device, tag, reason, at });
                }
                self.empty_buffer(index);
            }
            ClientEvent::Dropped { tag } if tag.0 < OWN_TAGS => {
                self.events.push_back(FleetEvent::Dropped { device, tag });
            }
            ClientEvent::Written { .. }
            | ClientEvent::Dropped { .. }
            | ClientEvent::Subscribed { .. }
            | ClientEvent::Unsubscribed { .. } => {}
        }
    }

    fn connected(&mut self, index: usize, client: ClientKey, session_present: bool) {
        let now = self.engine.clock().now();
        let at = self.options.timeline.scenario(now);
        self.counts.online += 1;
        let device = &mut self.devices[index];
        let (id, again) = (device.id, device.was_online);
        if device.phase == Phase::Leaving {
            // CONNACK was on its way when the device was retired; its disconnect follows.
            return;
        }
        device.come_online();
        let turn = device.turn;
        if again {
            self.counts.reconnects += 1;
        } else {
            self.counts.connects += 1;
        }
        if !session_present {
            let tag = self.next_own_tag();
            let filters: Vec<_> = self
                .farm
                .subscriptions(id)
                .into_iter()
                .map(|one| subscribe_filter(one, &self.options.target.prefix))
                .collect();
            if !filters.is_empty() {
                self.engine.subscribe(client, filters, tag);
            }
        }
        let birth = self.farm.birth(id, at);
        self.say(index, birth);
        self.agenda.add(now.after(self.farm.info(id).heartbeat), index, Duty::Heartbeat { turn });
        self.events.push_back(FleetEvent::Online { device: id, session_present, again });
        self.empty_buffer(index);
    }

    fn heartbeat(&mut self, index: usize, due: Time) {
        let (id, turn) = (self.devices[index].id, self.devices[index].turn);
        let heartbeat = self.farm.heartbeat(id, self.options.timeline.scenario(due));
        self.say(index, heartbeat);
        self.agenda.add(due.after(self.farm.info(id).heartbeat), index, Duty::Heartbeat { turn });
    }

    /// Publishes what is no telemetry. It is not worth keeping when it cannot be sent at once.
    fn say(&mut self, index: usize, publication: Publication) {
        let Some(client) = self.devices[index].client else { return };
        let kind = publication.kind;
        let tag = self.next_own_tag();
        let count = match self.engine.publish(client, outgoing(publication, Some(tag), &self.options.target.prefix)) {
            Err(_) => &mut self.counts.unsent,
            Ok(()) => match kind {
                Kind::Telemetry | Kind::Alert => &mut self.counts.telemetry,
                Kind::Status => &mut self.counts.births,
                Kind::Heartbeat => &mut self.counts.heartbeats,
                Kind::Answer => &mut self.counts.answers,
            },
        };
        *count += 1;
    }

    /// Puts telemetry behind what waits already; a full buffer gives up its oldest.
    fn hold(&mut self, index: usize, held: Held) {
        let device = &mut self.devices[index];
        if device.phase != Phase::Online {
            self.counts.buffered += 1;
        }
        device.buffer.push_back(held);
        while device.buffer.len() > self.options.offline_buffer.max(1) {
            let oldest = device.buffer.pop_front().and_then(|held| held.tag);
            self.counts.dropped += 1;
            self.events.extend(oldest.map(|tag| FleetEvent::Dropped { device: device.id, tag }));
        }
    }

    /// Sends what waits in a device's buffer, as far as its client takes it.
    fn empty_buffer(&mut self, index: usize) {
        let device = &mut self.devices[index];
        let Some(client) = device.client.filter(|_| device.phase == Phase::Online) else { return };
        while self.engine.takes(client)
            && let Some(Held { publication, tag }) = device.buffer.pop_front()
        {
            let known = tag.or_else(|| Some(next_tag(&mut self.own_tag)));
            match self.engine.publish(client, outgoing(publication, known, &self.options.target.prefix)) {
                Ok(()) => self.counts.telemetry += 1,
                // The engine takes messages, so this one can never be sent.
                Err(_) => {
                    self.counts.dropped += 1;
                    self.events.extend(tag.map(|tag| FleetEvent::Dropped { device: device.id, tag }));
                }
            }
        }
    }

    /// Plans the next attempt of a device whose connection or attempt ended, unless it is leaving.
    fn retry(&mut self, index: usize) -> Option<Time> {
        let now = self.engine.clock().now();
        let device = &mut self.devices[index];
        device.turn += 1;
        if matches!(device.phase, Phase::Leaving | Phase::Retired) {
            device.phase = Phase::Retired;
            return None;
        }
        device.phase = Phase::Waiting;
        let mut random = device.random(self.options.seed);
        let at = now.after(self.options.backoff.delay(device.failures, &mut random));
        device.failures = device.failures.saturating_add(1);
        self.agenda.add(at, index, Duty::Connect { turn: device.turn });
        Some(at)
    }

    fn retire_one(&mut self, index: usize) {
        let device = &mut self.devices[index];
        let (id, client, phase) = (device.id, device.client, device.phase);
        if matches!(phase, Phase::Leaving | Phase::Retired) {
            return;
        }
        device.turn += 1;
        let unsent = device.buffer.drain(..);
        self.counts.dropped += unsent.len() as u64;
        self.events.extend(unsent.filter_map(|held| held.tag).map(|tag| FleetEvent::Dropped { device: id, tag }));
        self.counts.started -= u32::from(phase != Phase::Idle);
        match (phase, client) {
            (Phase::Online, Some(client)) => {
                let farewell = self.farm.farewell(id, self.options.timeline.scenario(self.engine.clock().now()));
                self.say(index, farewell);
                self.engine.disconnect(client);
                self.devices[index].phase = Phase::Leaving;
            }
            (Phase::Connecting, Some(client)) => {
                self.engine.disconnect(client);
                self.devices[index].phase = Phase::Leaving;
            }
            _ => self.devices[index].phase = Phase::Retired,
        }
    }

    fn next_own_tag(&mut self) -> Tag {
        next_tag(&mut self.own_tag)
    }
}

fn next_tag(own_tag: &mut u64) -> Tag {
    *own_tag = own_tag.wrapping_add(1) | OWN_TAGS;
    Tag(*own_tag)
}

fn outgoing(publication: Publication, tag: Option<Tag>, prefix: &TopicPrefix) -> Outgoing {
    Outgoing { qos: publication.qos, retain: publication.retain, tag, message: message(publication, prefix) }
}

fn message(publication: Publication, prefix: &TopicPrefix) -> Message {
    let topic = if prefix.as_str().is_empty() {
        // Shares the farm's bytes.
        Utf8String::from_wire(publication.topic.into_bytes()).ok().and_then(|text| TopicName::from_text(text).ok())
    } else {
        prefix.topic(&publication.topic).ok()
    };
    Message {
        topic: topic.expect("the farm's topics are valid and leave room for a prefix"),
        payload: publication.payload.into(),
        properties: Properties::EMPTY,
    }
}

fn subscribe_filter(subscription: Subscription, prefix: &TopicPrefix) -> SubscribeFilter {
    let filter = prefix.filter(&subscription.filter);
    SubscribeFilter {
        filter: filter.expect("the farm's filters are valid and leave room for a prefix"),
        options: SubscriptionOptions { qos: subscription.qos, ..SubscriptionOptions::default() },
    }
}

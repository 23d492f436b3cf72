//! One run from its first connection to its last.

use std::{collections::BTreeSet, mem, pin::Pin, time::Duration};

use bytestring::ByteString;
use protocol::{Message, Properties, QoS, Tag, Time, Utf8String, Version};
use reports::{
    Observation,
    observation::{EventKind, StageEnded, StageStarted},
};
use simulator::{
    ClientEngine, ClientEvent, ClientKey, Clock, Engine, Fleet, FleetEvent, FleetOptions, Outgoing,
    farm::{DeviceId, Farm},
    fleet::{Habits, Pace, Ramp, Timeline},
};

use super::{
    Plan,
    book::Book,
    closing,
    program::{self, NaturalTime, Part, Program},
    readers::{News, Readers},
    recorder::Recorder,
    resources::Watched,
};
use crate::{
    Exit,
    judge::Failure,
    ledger::{self, Audience, Ledger},
    measure::Meter,
    schedule::{Calendar, Share, Start},
};

/// How many starts are handed out before the engine gets a turn.
const BATCH: usize = 256;
/// Devices that connect per second where the scenario gives no ramp.
const CONNECTS_PER_SECOND: f64 = 1000.0;
/// How long deliveries may still come in after an interrupt, disconnecting may take, and a fence may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long clearing retained messages may take.
const CLEARING: Duration = Duration::from_secs(10);

pub(super) struct Drive<'a> {
    plan: &'a Plan,
    book: &'a mut Book,
    parts: Vec<Part>,
    /// How many of this process's devices are among the first so many of the scenario's.
    mine_among: Vec<usize>,
    clock: Clock,
    start: Time,
    fleet: Fleet<Engine, Recorder>,
    readers: Readers,
    calendar: Share<Program>,
    target: Watched,
    own: Watched,
    /// A client for a single purpose: probing, clearing.
    side: Side,
    failure: Option<Failure>,
    preparing: bool,
    stopping: bool,
    interrupted: bool,
}

#[derive(Debug, Default)]
struct Side {
    key: Option<ClientKey>,
    connected: bool,
    failed: Option<String>,
    acknowledged: usize,
}

type Interrupt<'i, I> = Pin<&'i mut I>;

impl<'a> Drive<'a> {
    pub(super) fn new(plan: &'a Plan, book: &'a mut Book) -> Result<Self, Failure> {
        let usage = |reason: String| Failure { exit: Exit::Usage, reason };
        let scenario = &plan.scenario;
        if let Some(unsupported) = scenario.unsupported().first() {
            return Err(usage(format!("{}: {}", unsupported.path, unsupported.message)));
        }
        let clock = Clock::new();
        let engine = Engine::new(clock)
            .map_err(|error| Failure { exit: Exit::Internal, reason: format!("cannot start the clients: {error}") })?;
        let farm = Farm::new(scenario, plan.seed);
        let owned = Program::owned(&farm, plan.segment);
        let order = program::order(&farm);
        let mine: Vec<DeviceId> = order.iter().copied().filter(|device| owned[device.0 as usize]).collect();
        let mut mine_among = vec![0];
        for device in &order {
            mine_among.push(mine_among.last().copied().unwrap_or(0) + usize::from(owned[device.0 as usize]));
        }
        let parts = program::parts(scenario);
        let natural =
            NaturalTime { begins: scenario.day.start.since_midnight(), compression: scenario.day.compress.value() };
        let calendar = Share::new(Program::new(&parts, Farm::new(scenario, plan.seed), plan.seed, natural), owned);
        let groups: Vec<u16> = farm.devices().map(|device| farm.info(device).group).collect();
        let names = scenario.devices.iter().map(|group| group.name.to_string()).collect();
        let meter = Meter::new(parts.iter().map(|part| part.span.clone()).collect(), names);
        let ledger = Ledger::new(Audience::default(), ledger::Options::default());
        let recorder = Recorder::new(ledger, meter, plan.run_id, plan.target.prefix.as_str(), clock, groups);
        let options = FleetOptions {
            pace: Pace::Driven,
            habits: scenario.devices.iter().map(Habits::from).collect(),
            timeline: Timeline { epoch: clock.now(), begins: natural.begins, compression: natural.compression },
            ..FleetOptions::new(plan.target.clone(), plan.seed, clock.now())
        };
        let readers = Readers::new(scenario, &plan.target, plan.run_id).map_err(usage)?;
        Ok(Self {
            target: Watched::new(plan.process, clock.now()),
            own: Watched::new(Some(std::process::id()), clock.now()),
            fleet: Fleet::new(farm, mine, engine, recorder, options),
            start: clock.now(),
            plan,
            book,
            parts,
            mine_among,
            clock,
            readers,
            calendar,
            side: Side::default(),
            failure: None,
            preparing: true,
            stopping: false,
            interrupted: false,
        })
    }

    pub(super) fn book(&mut self) -> &mut Book {
        self.book
    }

    pub(super) const fn interrupted(&self) -> bool {
        self.interrupted
    }

    /// Probes the target, lets every subscriber subscribe, and the first devices connect when the first stage has no ramp.
    ///
    /// # Errors
    ///
    /// Why no load can begin.
    pub(super) async fn prepare<I: Future<Output = ()>>(
        &mut self,
        mut interrupt: Interrupt<'_, I>,
    ) -> Result<(), Failure> {
        self.probe(interrupt.as_mut()).await?;
        self.subscribe(interrupt.as_mut()).await?;
        let audience = self.readers.audience();
        let options = ledger::Options {
            stage_ends: self.parts.iter().map(|part| part.span.ends).collect(),
            groups: u16::try_from(self.plan.scenario.devices.len()).expect("groups are numbered in 16 bits"),
            late_after: Some(self.plan.scenario.drain),
            ..ledger::Options::default()
        };
        self.fleet.stamper().ledger = Ledger::new(audience, options);
        let first = self.parts.first().map_or(0, |part| self.mine(part.devices_before()));
        if first > 0 {
            self.fleet.start(first, Ramp::PerSecond(CONNECTS_PER_SECOND));
            let pace = Duration::from_secs_f64(first as f64 / CONNECTS_PER_SECOND);
            let deadline = self.clock.now().after(pace + self.plan.target.connect_timeout);
            while (self.fleet.counts().online as usize) < first && self.clock.now() < deadline {
                self.turn(deadline, interrupt.as_mut()).await;
                self.go_on()?;
            }
            let online = self.fleet.counts().online as usize;
            if online < first {
                return Err(unreachable(format!("{online} of {first} devices are connected after the time-out")));
            }
        }
        self.preparing = false;
        Ok(())
    }

    async fn probe<I: Future<Output = ()>>(&mut self, mut interrupt: Interrupt<'_, I>) -> Result<(), Failure> {
        self.open_side("paddock-probe");
        let limit = self.plan.target.connect_timeout * 2 + PATIENCE;
        let deadline = self.clock.now().after(limit);
        while !self.side.connected && self.clock.now() < deadline {
            self.turn(deadline, interrupt.as_mut()).await;
            self.go_on()?;
            if let Some(failed) = self.side.failed.take() {
                return Err(unreachable(failed));
            }
        }
        if !self.side.connected {
            return Err(unreachable(format!("no answer within {limit:?}")));
        }
        self.close_side();
        Ok(())
    }

    async fn subscribe<I: Future<Output = ()>>(&mut self, mut interrupt: Interrupt<'_, I>) -> Result<(), Failure> {
        let mut ready = 0;
        let mut deadline = self.clock.now().after(self.plan.target.connect_timeout * 2);
        while !self.readers.are_ready() {
            let now = self.clock.now();
            if self.readers.online() > ready {
                ready = self.readers.online();
                deadline = now.after(self.plan.target.connect_timeout * 2);
            } else if now >= deadline {
                return Err(unreachable(format!("only {ready} subscribers got CONNACK and SUBACK in time")));
            }
            self.readers.advance(self.fleet.engine(), now);
            self.turn(deadline, interrupt.as_mut()).await;
            self.go_on()?;
        }
        Ok(())
    }

    /// The run's start: offsets count from here.
    pub(super) fn begin(&mut self) {
        self.preparing = false;
        self.start = self.clock.now();
        let day = &self.plan.scenario.day;
        let timeline =
            Timeline { epoch: self.start, begins: day.start.since_midnight(), compression: day.compress.value() };
        self.fleet.set_timeline(timeline);
        let start = self.start;
        self.fleet.stamper().start(start);
        self.target.sample(start);
        self.own.sample(start);
    }

    /// The scenario's parts, open loop: starts are handed out when they are due, whatever the target does.
    pub(super) async fn load<I: Future<Output = ()>>(&mut self, mut interrupt: Interrupt<'_, I>) {
        let end = self.parts.last().map_or(Duration::ZERO, |part| part.span.ends);
        let mut next = self.calendar.next_start();
        let mut part = None;
        while !self.interrupted {
            let now = self.clock.now();
            let offset = self.offset(now);
            let border = self.enter_parts(&mut part, offset);
            self.fleet.stamper().begin_batch(now);
            let handed = self.hand_out(&mut next, offset);
            self.close_windows(offset);
            if offset >= end && next.is_none() {
                break;
            }
            let due = next.map_or(end, |start| start.at).min(border).min(self.fleet.stamper().meter.window_ends());
            let until = if handed == BATCH { Time::ZERO } else { self.start.after(due) };
            self.turn(until, interrupt.as_mut()).await;
        }
        if let Some(present) = part {
            let (at, stage) = (self.offset(self.clock.now()), self.stage_name(present));
            self.book.record(&Observation::StageEnded(StageEnded { at, stage }));
        }
    }

    /// Hands out starts that are due, at most a batch; how many.
    fn hand_out(&mut self, next: &mut Option<Start>, offset: Duration) -> usize {
        let mut handed = 0;
        while let Some(start) = next.filter(|start| start.at <= offset && handed < BATCH) {
            // What was intended in a second counts in that second, however late its turn comes.
            self.close_windows(start.at);
            self.fleet.publish_telemetry(DeviceId(start.device), self.start.after(start.at));
            *next = self.calendar.next_start();
            handed += 1;
        }
        handed
    }

    /// Enters every part that has begun by `offset`; gives the next border.
    fn enter_parts(&mut self, present: &mut Option<usize>, offset: Duration) -> Duration {
        loop {
            let following = present.map_or(0, |part| part + 1);
            let Some(part) = self.parts.get(following) else {
                return self.parts.last().map_or(Duration::ZERO, |part| part.span.ends);
            };
            if part.span.begins > offset {
                return part.span.begins;
            }
            let at = part.span.begins;
            let joining = self.mine(part.devices).saturating_sub(self.mine(part.devices_before()));
            let leaving = self.mine(part.devices_before()).saturating_sub(self.mine(part.devices));
            let ramp = if part.span.measured { Duration::ZERO } else { part.length() };
            let stage = part.span.name.clone();
            if let Some(ended) = *present {
                let stage = self.stage_name(ended);
                self.book.record(&Observation::StageEnded(StageEnded { at, stage }));
            }
            self.book.record(&Observation::StageStarted(StageStarted { at, stage }));
            if joining > 0 {
                self.fleet.start(joining, Ramp::Over(ramp));
            }
            if leaving > 0 {
                self.fleet.retire(leaving);
            }
            *present = Some(following);
        }
    }

    /// Waits until all that is expected has come, or for the deadline; then for a fence, so that duplicates cannot hide
    /// behind an early end.
    pub(super) async fn drain<I: Future<Output = ()>>(&mut self, mut interrupt: Interrupt<'_, I>) {
        let limit = if self.interrupted { PATIENCE } else { self.plan.scenario.drain };
        let deadline = self.clock.now().after(limit);
        while !self.is_settled() && self.clock.now() < deadline {
            let until = deadline.min(self.start.after(self.fleet.stamper().meter.window_ends()));
            self.fleet.stamper().begin_batch(self.clock.now());
            self.turn(until, interrupt.as_mut()).await;
            self.close_windows(self.offset(self.clock.now()));
        }
        let deadline = self.clock.now().after(PATIENCE);
        self.stopping = true;
        self.readers.fence(self.fleet.engine());
        while !self.readers.is_fenced() && self.clock.now() < deadline {
            self.turn(deadline, interrupt.as_mut()).await;
        }
    }

    /// Lets every client leave, and clears what the run left behind.
    pub(super) async fn farewell(&mut self) {
        self.stopping = true;
        let window = self.clock.now();
        self.close_windows(self.offset(window));
        let at = self.offset(window);
        let mut last = self.fleet.stamper().meter.close_last_window(at);
        if !last.length.is_zero() && !self.preparing {
            self.complete(&mut last, window);
            self.book.record(&Observation::Window(Box::new(last)));
        }
        self.fleet.stop();
        self.readers.stop(self.fleet.engine());
        let deadline = self.clock.now().after(PATIENCE);
        while !self.fleet.is_stopped() && self.clock.now() < deadline {
            self.turn(deadline, Pin::new(&mut std::future::pending())).await;
        }
        if self.plan.clear_retained {
            let left = self.clear_retained().await;
            if left > 0 {
                let text = format!("{left} retained messages of this run may be left on the broker");
                let at = self.offset(self.clock.now());
                self.book.event(at, EventKind::Warning, None, text);
            }
        }
        self.book.flush_events();
    }

    async fn clear_retained(&mut self) -> usize {
        let mut topics: BTreeSet<ByteString> = mem::take(&mut self.fleet.stamper().retained);
        let mut farm = Farm::new(&self.plan.scenario, self.plan.seed);
        topics.extend(self.fleet.devices().map(|device| farm.will(device, Duration::ZERO).topic));
        self.open_side("paddock-clear");
        let deadline = self.clock.now().after(CLEARING);
        let mut waiting = topics.iter();
        let mut sent = 0;
        while self.side.failed.is_none() && self.side.acknowledged < topics.len() && self.clock.now() < deadline {
            // Some at a time, so that the client's own queue takes them.
            while self.side.connected
                && sent - self.side.acknowledged < BATCH
                && let Some(topic) = waiting.next()
            {
                sent += 1;
                if !self.publish_empty(topic) {
                    self.side.acknowledged += 1;
                }
            }
            self.turn(deadline, Pin::new(&mut std::future::pending())).await;
        }
        let left = topics.len() - self.side.acknowledged;
        self.close_side();
        let deadline = self.clock.now().after(PATIENCE);
        while self.side.key.is_some() && self.clock.now() < deadline {
            self.turn(deadline, Pin::new(&mut std::future::pending())).await;
        }
        left
    }

    /// Publishes the empty retained message that clears a topic; whether an acknowledgement will come.
    fn publish_empty(&mut self, topic: &str) -> bool {
        let (Some(key), Ok(topic)) = (self.side.key, self.plan.target.prefix.topic(topic)) else { return false };
        let message = Message { topic, payload: bytes::Bytes::new(), properties: Properties::EMPTY };
        let outgoing = Outgoing { message, qos: QoS::AtLeastOnce, retain: true, tag: Some(Tag(0)) };
        self.fleet.engine().publish(key, outgoing).is_ok()
    }

    /// Records the figures; when the run ended.
    pub(super) fn settle(mut self) -> Duration {
        let at = self.offset(self.clock.now());
        let odd = self.fleet.stamper().odd;
        for (count, text) in [
            (odd.refused, "publications were refused by the broker"),
            (odd.unstamped, "publications could not be stamped and are not accounted for"),
            (odd.held_up, "messages waited because their connection could not take them"),
        ] {
            if count > 0 {
                self.book.event(at, EventKind::Warning, None, format!("{count} {text}"));
                self.book.flush_events();
            }
        }
        let stages: Vec<String> = self.parts.iter().map(|part| part.span.name.clone()).collect();
        let groups: Vec<String> = self.plan.scenario.devices.iter().map(|group| group.name.to_string()).collect();
        let names: Vec<String> = {
            let farm = self.fleet.farm();
            farm.devices().map(|device| farm.info(device).name.to_owned()).collect()
        };
        let client = |device: u32| names.get(device as usize).cloned().unwrap_or_default();
        closing::figures(self.book, self.fleet.stamper(), &stages, &groups, client, self.own.mean_cpu());
        at
    }

    /// One turn of the engine, and what it brought.
    async fn turn<I: Future<Output = ()>>(&mut self, until: Time, interrupt: Interrupt<'_, I>) {
        let now = self.clock.now();
        let retry = if self.stopping { None } else { self.readers.advance(self.fleet.engine(), now) };
        let until = retry.map_or(until, |retry| retry.min(until));
        tokio::select! {
            biased;
            () = interrupt, if !self.interrupted => self.interrupted = true,
            () = self.fleet.turn(until) => {}
        }
        while let Some(event) = self.fleet.poll_event() {
            self.react(event);
        }
    }

    fn react(&mut self, event: FleetEvent) {
        match event {
            FleetEvent::Written { tag, at, .. } => self.fleet.stamper().written(tag, at),
            FleetEvent::Published { tag, reason, at, .. } => self.fleet.stamper().published(tag, reason, at),
            FleetEvent::Dropped { tag, .. } => self.fleet.stamper().dropped(tag),
            FleetEvent::Other(key, event) if self.side.key == Some(key) => self.side.react(&event),
            FleetEvent::Other(key, event) => self.react_reader(key, &event),
            FleetEvent::Online { device, again: true, .. } => self.tell(EventKind::Reconnected, device, String::new()),
            FleetEvent::Offline { device, cause, .. } => {
                self.tell(EventKind::ConnectionLost, device, cause.to_string())
            }
            FleetEvent::Refused { device, reason, .. } => {
                self.tell(EventKind::ConnectionRefused, device, reason.to_string());
            }
            FleetEvent::ConnectFailed { device, failure, .. } => {
                self.tell(EventKind::ConnectionRefused, device, failure.to_string());
            }
            FleetEvent::Online { .. } => {}
        }
    }

    fn react_reader(&mut self, key: ClientKey, event: &ClientEvent) {
        let now = self.clock.now();
        let Some(news) = self.readers.react(self.fleet.engine(), key, event, now) else { return };
        let at = self.offset(now);
        match news {
            News::Nothing => {}
            News::Message { client, message, retain, at } => {
                self.fleet.stamper().received(client, message, retain, at);
            }
            News::Unfit(reason) if self.preparing => self.failure = Some(unreachable(reason)),
            News::Unfit(reason) => self.book.event(at, EventKind::ConnectionRefused, None, reason),
            News::Lost(name, why) if self.preparing => self.failure = Some(unreachable(format!("{name}: {why}"))),
            News::Lost(..) | News::Back(_) if self.stopping || self.preparing => {}
            News::Lost(name, why) => self.book.event(at, EventKind::ConnectionLost, Some(name), why),
            News::Back(name) => self.book.event(at, EventKind::Reconnected, Some(name), String::new()),
        }
    }

    fn tell(&mut self, kind: EventKind, device: DeviceId, text: String) {
        if !self.stopping && !self.preparing {
            let at = self.offset(self.clock.now());
            let name = self.fleet.farm().info(device).name.to_owned();
            self.book.event(at, kind, Some(name), text);
        }
    }

    fn close_windows(&mut self, offset: Duration) {
        while let Some(mut window) = self.fleet.stamper().meter.close_window(offset) {
            self.complete(&mut window, self.clock.now());
            self.book.record(&Observation::Window(Box::new(window)));
            self.book.flush_events();
        }
    }

    fn complete(&mut self, window: &mut reports::observation::Window, now: Time) {
        window.connections = u64::from(self.fleet.counts().online) + self.readers.online() as u64;
        window.target = self.target.sample(now);
        window.generator = self.own.sample(now);
    }

    fn is_settled(&mut self) -> bool {
        let ledger = &self.fleet.stamper().ledger;
        ledger.outstanding() == 0 && ledger.unresolved() == 0
    }

    /// Stops preparing on a failure or an interrupt.
    fn go_on(&mut self) -> Result<(), Failure> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if self.interrupted {
            return Err(Failure { exit: Exit::NothingRan, reason: "interrupted before the load began".to_owned() });
        }
        Ok(())
    }

    fn open_side(&mut self, name: &str) {
        let name = format!("{name}-{}", self.plan.run_id);
        let client_id = Utf8String::new(name).expect("short and plain");
        let options = self.plan.target.connect_options(client_id, Version::V5);
        self.side = Side { key: Some(self.fleet.engine().connect(options)), ..Side::default() };
    }

    fn close_side(&mut self) {
        if let Some(key) = self.side.key {
            self.fleet.engine().disconnect(key);
        }
    }

    fn stage_name(&self, part: usize) -> String {
        self.parts[part].span.name.clone()
    }

    /// How many of this process's devices are among the first `devices` of the scenario.
    fn mine(&self, devices: usize) -> usize {
        self.mine_among[devices.min(self.mine_among.len() - 1)]
    }

    fn offset(&self, now: Time) -> Duration {
        now.since(self.start)
    }
}

impl Side {
    fn react(&mut self, event: &ClientEvent) {
        match event {
            ClientEvent::Connected { .. } => self.connected = true,
            ClientEvent::Refused { reason } => {
                self.failed = Some(format!("the broker refused the connection: {reason}"))
            }
            ClientEvent::ConnectFailed(failure) => self.failed = Some(failure.to_string()),
            ClientEvent::Published { .. } | ClientEvent::Dropped { .. } => self.acknowledged += 1,
            ClientEvent::Closed(closed) => {
                self.key = None;
                self.failed.get_or_insert_with(|| closed.to_string());
            }
            _ => {}
        }
    }
}

fn unreachable(reason: String) -> Failure {
    Failure { exit: Exit::Unreachable, reason: format!("target unreachable: {reason}") }
}

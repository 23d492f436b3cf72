//! One run from its first connection to its last: what the phases share.
//!
//! Each phase is a file of its own: [`prepare`](super::prepare), [`load`](super::load), [`ending`](super::ending). All of
//! them turn the engine and let everybody react to what the turn brought.

use std::{
    collections::BTreeMap,
    pin::Pin,
    time::{Duration, Instant},
};

use protocol::Time;
use simulator::{
    Clock, Engine, Fleet, FleetOptions,
    farm::{DeviceId, Farm},
    fleet::{Habits, Pace, Timeline},
};

use super::{
    Plan,
    chronicle::{Chronicle, Scribe},
    exchange::Exchange,
    happenings::Happenings,
    network::Network,
    program::{self, NaturalTime, Part, Program},
    readers::Readers,
    recorder::Recorder,
    side::Side,
    starvation::Counters,
    sys::Said,
    upheaval::{self, Broker},
};
use crate::{
    Exit,
    judge::{self, Failure},
    ledger::{self, Audience, Ledger},
    measure::{Group, Groups, Meter, StageSpan, Watch},
    schedule::Share,
};

/// How long deliveries may still come in after an interrupt, disconnecting may take, and a fence may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Everything that takes part in a run.
pub(super) struct Drive<'a> {
    pub(super) plan: &'a Plan,
    pub(super) scribe: Scribe,
    interrupt: Pin<&'a mut dyn Future<Output = ()>>,
    pub(super) parts: Vec<Part>,
    /// The part that goes on.
    pub(super) present: Option<usize>,
    /// How many of this process's devices are among the first so many of the scenario's.
    mine_among: Vec<usize>,
    clock: Clock,
    /// Offsets count from here.
    pub(super) start: Time,
    pub(super) fleet: Fleet<Engine, Recorder>,
    pub(super) readers: Readers,
    pub(super) exchange: Exchange,
    pub(super) calendar: Share<Program>,
    pub(super) side: Option<Side>,
    pub(super) network: Option<Network>,
    pub(super) happenings: Happenings,
    /// When it was started for this run.
    pub(super) broker: Option<Broker>,
    pub(super) failure: Option<Failure>,
    /// When the load began.
    pub(super) counters: Counters,
    /// Whether the broker ever answered.
    pub(super) reached: bool,
    pub(super) preparing: bool,
    /// When every subscriber had its SUBACK.
    pub(super) attended_from: Time,
    /// Until when they listened, an offset.
    pub(super) attended_until: Duration,
    /// When the load was over, an offset.
    pub(super) sent_until: Duration,
    pub(super) stopping: bool,
    pub(super) interrupted: bool,
    /// What the broker said below `$SYS` before the load.
    pub(super) sys_before: Option<Said>,
    /// Whether a threshold ended the load before its time.
    pub(super) aborted: bool,
}

impl<'a> Drive<'a> {
    /// Everybody is there and nobody is connected.
    ///
    /// # Errors
    ///
    /// With the chronicle back, what the plan asks for and cannot be done.
    pub(super) fn new(
        plan: &'a Plan,
        clock: Clock,
        chronicle: Box<Chronicle>,
        broker: Option<Broker>,
        interrupt: Pin<&'a mut dyn Future<Output = ()>>,
    ) -> Result<Self, (Box<Chronicle>, Failure)> {
        let ready = upheaval::allowed(&plan.scenario, broker.is_some()).and_then(|()| clients(plan, clock));
        let (fleet, readers, exchange, network) = match ready {
            Ok(clients) => clients,
            Err(failure) => return Err((chronicle, failure)),
        };
        let scribe = Scribe::new(chronicle).map_err(|(chronicle, error)| {
            (chronicle, Failure { exit: Exit::Internal, reason: format!("cannot start a thread: {error}") })
        })?;
        let scenario = &plan.scenario;
        let parts = program::parts(scenario);
        let owned = Program::owned(fleet.farm(), plan.segment);
        let mut mine_among = vec![0];
        for device in program::order(fleet.farm()) {
            mine_among.push(mine_among.last().copied().unwrap_or(0) + usize::from(owned[device.0 as usize]));
        }
        let program = Program::new(&parts, Farm::new(scenario, plan.seed), plan.seed, natural_time(plan));
        Ok(Self {
            plan,
            scribe,
            interrupt,
            network,
            happenings: Happenings::new(scenario, &parts),
            parts,
            broker,
            present: None,
            mine_among,
            clock,
            start: clock.now(),
            fleet,
            readers,
            exchange,
            calendar: Share::new(program, owned),
            side: None,
            sys_before: None,
            failure: None,
            counters: Counters::default(),
            reached: false,
            preparing: true,
            attended_from: clock.now(),
            attended_until: Duration::ZERO,
            sent_until: Duration::ZERO,
            stopping: false,
            interrupted: false,
            aborted: false,
        })
    }

    /// The run's start: `at`, or now.
    pub(super) fn begin(&mut self, at: Option<Time>) {
        self.preparing = false;
        self.start = at.unwrap_or_else(|| self.now());
        self.counters = Counters::read(self.start);
        let natural = natural_time(self.plan);
        self.fleet.set_timeline(Timeline {
            epoch: self.start,
            begins: natural.begins,
            compression: natural.compression,
        });
        let start = self.start;
        self.fleet.stamper().start(start);
        self.scribe.begin();
    }

    /// One turn of the engine, and everybody's reactions to what it brought.
    pub(super) async fn turn(&mut self, until: Time) {
        let until = self.advance(until);
        tokio::select! {
            biased;
            () = self.interrupt.as_mut(), if !self.interrupted && !self.stopping => self.interrupted = true,
            done = upheaval::done(&mut self.broker) => self.broker_did(done),
            () = self.fleet.turn(until) => {}
        }
        self.react_to_all();
    }

    /// As [`turn`](Self::turn), but what is merely sent and received does not end it. It has the time at which it was, and is booked
    /// together in the end: that costs a fraction of booking each message at once.
    pub(super) async fn linger(&mut self, until: Time) {
        if self.fleet.stamper().flood.is_on() {
            // Who may send depends on it.
            return self.turn(until).await;
        }
        let until = self.advance(until);
        tokio::select! {
            biased;
            () = self.interrupt.as_mut(), if !self.interrupted && !self.stopping => self.interrupted = true,
            done = upheaval::done(&mut self.broker) => self.broker_did(done),
            () = self.fleet.linger(until) => {}
        }
        self.react_to_all();
    }

    /// Opens connections that are due; until when nothing more of that is to be done, `until` at the latest.
    fn advance(&mut self, until: Time) -> Time {
        if !self.reached || self.stopping {
            return until;
        }
        let now = self.now();
        let readers = self.readers.advance(self.fleet.engine(), now);
        let requesters = self.exchange.advance(self.fleet.engine(), now);
        [readers, requesters].into_iter().flatten().fold(until, Time::min)
    }

    /// Writes what was published, as far as connections take it, and books it.
    pub(super) async fn flush(&mut self) {
        self.fleet.write().await;
        self.react_to_all();
    }

    /// Closes every window that is over at `offset`.
    pub(super) fn close_windows(&mut self, offset: Duration) {
        while let Some(mut closed) = self.fleet.stamper().meter.close_window(offset) {
            closed.connections = self.online();
            closed.connections_of = self.online_by_watch();
            self.report_network();
            self.fleet.stamper().revive(offset);
            let emptied = self.scribe.record_window(closed);
            self.fleet.stamper().meter.reuse(emptied);
        }
    }

    /// Closes the present window early, at the end of the run.
    pub(super) fn close_last_window(&mut self) {
        if self.preparing {
            return;
        }
        let at = self.offset(self.now());
        self.close_windows(at);
        let mut last = self.fleet.stamper().meter.close_last_window(at);
        self.report_network();
        if !last.is_empty() {
            last.connections = self.online();
            last.connections_of = self.online_by_watch();
            self.scribe.record_window(last);
        }
    }

    fn report_network(&mut self) {
        if let Some(network) = &self.network {
            network.report(self.start, &mut self.scribe);
        }
    }

    pub(super) fn close_side(&mut self) {
        if let Some(side) = &self.side {
            side.close(self.fleet.engine());
        }
    }

    /// How many connections are open.
    pub(super) fn online(&self) -> u64 {
        u64::from(self.fleet.counts().online) + (self.readers.online() + self.exchange.online()) as u64
    }

    /// How many connections are open of those that a threshold asks for.
    fn online_by_watch(&mut self) -> BTreeMap<String, u64> {
        let watches = self.fleet.stamper().meter.watches();
        let wanted = watches.iter().filter(|watch| watch.wants_connections());
        let online = wanted.map(|watch| {
            let farm = self.fleet.farm();
            let devices = self.fleet.devices().filter(|device| {
                watch.wants_clients(Group::Devices(farm.info(*device).group)) && self.fleet.is_online(*device)
            });
            let readers = self.readers.online_groups().filter(|group| watch.wants_clients(Group::Subscribers(*group)));
            (watch.key.clone(), (devices.count() + readers.count()) as u64)
        });
        online.collect()
    }

    /// How many connections should be open.
    pub(super) fn awaited(&self) -> u64 {
        u64::from(self.fleet.counts().started) + (self.readers.awaited() + self.exchange.len()) as u64
    }

    /// How many of this process's devices are among the first `devices` of the scenario.
    pub(super) fn mine(&self, devices: usize) -> usize {
        self.mine_among[devices.min(self.mine_among.len() - 1)]
    }

    /// Whether the device at `place` of the scenario's order is this process's.
    pub(super) fn is_mine(&self, place: usize) -> bool {
        self.mine(place + 1) > self.mine(place)
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(super) fn time(&self, instant: Instant) -> Time {
        self.clock.at(instant)
    }

    pub(super) fn offset(&self, now: Time) -> Duration {
        now.since(self.start)
    }
}

/// Devices, subscribers and clients that ask, and what is between them and the broker.
type Clients = (Fleet<Engine, Recorder>, Readers, Exchange, Option<Network>);

/// The devices and the subscribers of `plan`, offline.
fn clients(plan: &Plan, clock: Clock) -> Result<Clients, Failure> {
    let usage = |reason: String| Failure { exit: Exit::Usage, reason };
    let scenario = &plan.scenario;
    if let Some(unsupported) = scenario.unsupported().first() {
        return Err(usage(format!("{}: {}", unsupported.path, unsupported.message)));
    }
    let readers = Readers::new(plan).map_err(usage)?;
    let engine = Engine::new(clock)
        .map_err(|error| Failure { exit: Exit::Internal, reason: format!("cannot start the clients: {error}") })?;
    let farm = Farm::new(scenario, plan.seed);
    let owned = Program::owned(&farm, plan.segment);
    let mine: Vec<DeviceId> = program::order(&farm).into_iter().filter(|device| owned[device.0 as usize]).collect();
    let parts = program::parts(scenario);
    let exchange = Exchange::new(plan, &farm, &parts).map_err(usage)?;
    let spans: Vec<StageSpan> = parts.into_iter().map(|part| part.span).collect();
    let groups = Groups {
        devices: (scenario.devices.iter().map(|group| group.name.to_string()))
            .chain(scenario.requests.iter().map(|requests| requests.name.to_string()))
            .collect(),
        subscribers: scenario.subscribers.iter().map(|group| group.name.to_string()).collect(),
    };
    let ledger = Ledger::new(Audience::default(), ledger::Options::default());
    let group_of = farm.devices().map(|device| farm.info(device).group).collect();
    let watches = judge::selections(&scenario.thresholds).into_iter();
    let watches = watches.map(|(key, series)| Watch::new(key, &series, &scenario.devices, &groups, &spans)).collect();
    let meter = Meter::new(spans, groups).watching(watches);
    let mut recorder = Recorder::new(ledger, meter, plan, clock, group_of);
    if !plan.segment.is_whole() {
        recorder.split(owned);
    }
    let natural = natural_time(plan);
    let network = Network::new(plan, &farm, clock)?;
    let now = clock.now();
    let options = FleetOptions {
        pace: Pace::Driven,
        habits: scenario.devices.iter().map(Habits::from).collect(),
        detours: network.as_ref().map_or_else(Vec::new, |network| network.detours(plan)),
        timeline: Timeline { epoch: now, begins: natural.begins, compression: natural.compression },
        ..FleetOptions::new(plan.target.clone(), plan.seed, now)
    };
    Ok((Fleet::new(farm, mine, engine, recorder, options), readers, exchange, network))
}

/// How many connections this process is to have.
pub(super) fn connections(plan: &Plan) -> u64 {
    if plan.segment.is_whole() {
        return u64::from(plan.scenario.connection_count());
    }
    let devices =
        Program::owned(&Farm::new(&plan.scenario, plan.seed), plan.segment).into_iter().filter(|owned| *owned);
    let subscribers: u32 = plan.scenario.subscribers.iter().map(|group| group.count).sum();
    let requesters: u32 = plan.scenario.requests.iter().map(|requests| requests.requesters).sum();
    let mine = |count: u32| (0..count).filter(|place| plan.segment.owns(*place)).count();
    (devices.count() + mine(subscribers) + mine(requesters)) as u64
}

fn natural_time(plan: &Plan) -> NaturalTime {
    let day = &plan.scenario.day;
    NaturalTime { begins: day.start.since_midnight(), compression: day.compress.value() }
}

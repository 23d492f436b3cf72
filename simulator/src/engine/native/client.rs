//! One client of the native engine, from offline to connected and back.

use std::collections::VecDeque;

use protocol::{
    Connect, Machine, Properties, Property, Session, SubscribeFilter, Tag, Time, TopicFilter, Version, Will,
    client::{Client as ClientMachine, Config, Event, PlainPublish},
};
use transport::Key;

use super::live::Live;
use crate::{ClientEvent, ClientKey, ConnectOptions, Outgoing, engine::Unsent};

/// One client.
pub(super) struct Client {
    pub(super) options: ConnectOptions,
    /// How many attempts to connect began before the present one: tells a late outcome from a present one.
    pub(super) attempt: u32,
    pub(super) state: State,
    /// What was commanded before CONNACK.
    early: VecDeque<Early>,
    kept: Option<Kept>,
}

/// What the next connection resumes.
#[derive(Default)]
struct Kept {
    session: Box<Session>,
    /// The tags of what waits in the session and was never written.
    queued: VecDeque<Option<Tag>>,
}

/// Where a client is.
pub(super) enum State {
    Offline,
    /// Waits for its turn to dial, or dials.
    Dialing,
    /// Has a transport.
    Live(Box<Live>),
}

/// A command that waits for CONNACK.
#[derive(Debug)]
pub(super) enum Early {
    Publish(Outgoing),
    Subscribe(Vec<SubscribeFilter>, Tag),
    Unsubscribe(Vec<TopicFilter>, Tag),
}

impl Client {
    pub(super) fn new(options: ConnectOptions) -> Self {
        Self { options, attempt: 0, state: State::Dialing, early: VecDeque::new(), kept: None }
    }

    pub(super) fn live(&mut self) -> Option<&mut Live> {
        match &mut self.state {
            State::Live(live) => Some(live),
            State::Offline | State::Dialing => None,
        }
    }

    /// The machine, when it takes commands.
    pub(super) fn connected(&mut self) -> Option<&mut Live> {
        self.live().filter(|live| live.connected && live.end.is_none())
    }

    /// Begins a connection on an established transport.
    pub(super) fn go_live(&mut self, connection: Key, now: Time) -> &mut Live {
        let Kept { mut session, queued } = self.kept.take().unwrap_or_default();
        session.keep_room(ROOM);
        let machine = ClientMachine::new(config(&self.options), session, now);
        let live = Box::new(Live::new((connection, self.survives()), now, machine, queued));
        self.state = State::Live(live);
        self.live().expect("it was just made")
    }

    /// Ends the connection or the attempt. Keeps of the session what the next connection may resume.
    pub(super) fn go_offline(&mut self) -> Option<Box<Live>> {
        self.early.clear();
        match std::mem::replace(&mut self.state, State::Offline) {
            State::Live(live) => Some(live),
            State::Offline | State::Dialing => None,
        }
    }

    /// Leaves offline for a new attempt; its number. `None` unless offline.
    pub(super) fn try_again(&mut self, will: Option<Box<Will>>) -> Option<u32> {
        if !matches!(self.state, State::Offline) {
            return None;
        }
        self.options.will = will;
        self.state = State::Dialing;
        self.attempt += 1;
        Some(self.attempt)
    }

    /// Ends the machine of a connection that is over, and keeps what the next one may resume.
    pub(super) fn keep(&mut self, live: Live) {
        self.kept = self.survives().then(|| live.into_kept()).map(|(session, queued)| Kept { session, queued });
    }

    /// Whether the next connection resumes the session of this one.
    const fn survives(&self) -> bool {
        match self.options.version {
            Version::V311 => !self.options.clean_start,
            Version::V5 => !self.options.clean_start && self.options.session_expiry > 0,
        }
    }

    /// Whether one more publication is taken.
    pub(super) fn takes(&self) -> bool {
        self.room() == Ok(())
    }

    fn room(&self) -> Result<(), Unsent> {
        let waiting = match &self.state {
            State::Offline => return Err(Unsent::Offline),
            State::Live(live) if live.end.is_some() => return Err(Unsent::Offline),
            State::Live(live) if live.connected => live.queued(),
            State::Dialing | State::Live(_) => self.early.len(),
        };
        if waiting < self.options.queue_limit { Ok(()) } else { Err(Unsent::Full) }
    }

    pub(super) fn publish(&mut self, now: Time, outgoing: Outgoing) -> Result<(), Unsent> {
        self.room()?;
        match self.connected() {
            Some(live) => live.publish(now, outgoing),
            None => {
                self.early.push_back(Early::Publish(outgoing));
                Ok(())
            }
        }
    }

    pub(super) fn publish_plain(&mut self, now: Time, publish: &PlainPublish<'_>) -> Result<(), Unsent> {
        if self.connected_unkept().is_some_and(|live| live.publish_plain(now, publish)) {
            return Ok(());
        }
        self.publish(now, Outgoing::from(publish))
    }

    /// Publishes as many of `count` messages as leave at once; how many.
    pub(super) fn publish_plain_run(
        &mut self,
        now: Time,
        publish: &PlainPublish<'_>,
        count: u32,
        renew: &mut dyn FnMut(&mut [u8]),
    ) -> u32 {
        self.connected_unkept().map_or(0, |live| live.publish_plain_run(now, publish, count, renew))
    }

    /// The machine, when it takes commands and nothing of its session outlives the connection.
    fn connected_unkept(&mut self) -> Option<&mut Live> {
        self.connected().filter(|live| !live.survives)
    }

    pub(super) fn subscribe(&mut self, now: Time, filters: Vec<SubscribeFilter>, tag: Tag) {
        if let Some(live) = self.connected() {
            live.machine.subscribe(now, filters, Properties::default(), tag);
        } else if !matches!(self.state, State::Offline) {
            self.early.push_back(Early::Subscribe(filters, tag));
        }
    }

    pub(super) fn unsubscribe(&mut self, now: Time, filters: Vec<TopicFilter>, tag: Tag) {
        if let Some(live) = self.connected() {
            live.machine.unsubscribe(now, filters, Properties::default(), tag);
        } else if !matches!(self.state, State::Offline) {
            self.early.push_back(Early::Unsubscribe(filters, tag));
        }
    }

    pub(super) fn backlog(&self) -> usize {
        let session = match &self.state {
            State::Live(live) => Some(live.machine.session()),
            State::Offline | State::Dialing => self.kept.as_ref().map(|kept| &*kept.session),
        };
        self.early.len() + session.map_or(0, |session| session.queued() + session.in_flight())
    }

    /// Takes everything that the machine has to say; whether CONNACK accepted the connection.
    pub(super) fn drain(&mut self, key: ClientKey, now: Time, events: &mut VecDeque<(ClientKey, ClientEvent)>) -> bool {
        let State::Live(live) = &mut self.state else { return false };
        let mut accepted = false;
        loop {
            while let Some(plain) = live.machine.poll_plain(now, self.options.bunches) {
                live.take_plain(plain, now, |event| queue(events, key, event));
            }
            let Some(event) = live.machine.poll_event() else { break };
            match event {
                Event::Connected(connack) => {
                    accepted = true;
                    live.connected = true;
                    let session_present = connack.session_present;
                    let took = Some(now.since(live.opened));
                    events.push_back((key, ClientEvent::Connected { session_present, took }));
                    for command in self.early.drain(..) {
                        live.execute(now, command, |event| events.push_back((key, event)));
                    }
                }
                other => live.take(other, now, |event| queue(events, key, event)),
            }
        }
        accepted
    }
}

/// Places for exchanges that a session keeps while it has none, for a device that sends in bunches.
const ROOM: u16 = 128;

/// Adds an event, or lets the latest one take it in.
fn queue(events: &mut VecDeque<(ClientKey, ClientEvent)>, key: ClientKey, event: ClientEvent) {
    let left = match events.back_mut() {
        Some((latest, before)) if *latest == key => before.absorb(event),
        _ => Some(event),
    };
    events.extend(left.map(|event| (key, event)));
}

/// How the machine behaves: CONNECT and the limits around it.
fn config(options: &ConnectOptions) -> Config {
    let mut properties = Properties::default();
    if options.version == Version::V5 {
        if options.session_expiry > 0 {
            properties.push(Property::SessionExpiryInterval(options.session_expiry));
        }
        if let Some(maximum) = options.receive_maximum {
            properties.push(Property::ReceiveMaximum(maximum.get()));
        }
        properties.push(Property::MaximumPacketSize(options.maximum_packet_size));
    }
    let credentials = options.credentials.as_ref();
    let connect = Connect {
        version: options.version,
        clean_start: options.clean_start,
        keep_alive: options.keep_alive,
        client_id: options.client_id.clone(),
        will: options.will.clone(),
        user_name: credentials.map(|credentials| credentials.user_name.clone()),
        password: credentials.and_then(|credentials| credentials.password.clone()),
        properties,
    };
    Config {
        connack_timeout: options.connack_timeout,
        ping_timeout: options.ping_timeout,
        maximum_inflight: options.maximum_inflight.get(),
        ..Config::new(connect)
    }
}

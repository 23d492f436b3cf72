//! The receiving clients: connected and subscribed before the first publish, or when their time comes; back again when they
//! lose a connection.

mod pace;
mod slow;
mod wishes;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use protocol::{QoS, SubscribeFilter, Tag, Time};
use reports::observation::ClientEvidence;
use scenarios::model::SubscriberId;
use simulator::{ClientEngine, ClientEvent, ClientKey, ConnectOptions, engine::Closed};

pub(super) use wishes::{quality, version};
use {
    slow::Slow,
    wishes::{filters, granted, options, refusal},
};

use super::{Plan, recorder::arrivals::Delivered};
use crate::ledger::{Audience, ClientId, Subscription};

/// How many clients connect at the same time.
const OPENING: usize = 100;
/// How long a client that lost its connection waits before it tries again.
const RETRY: Duration = Duration::from_secs(1);

/// Every receiving client, by its [`ClientId`].
pub(super) struct Readers {
    readers: Vec<Reader>,
    /// How many of them are this process's.
    mine: usize,
    /// How many of this process's were opened.
    /// Places by [`ClientKey::slot`].
    by_slot: Vec<Option<u32>>,
    /// Those that are to connect for the first time.
    waiting: VecDeque<usize>,
    /// How many are there or are to be there by now.
    admitted: usize,
    slow: Slow,
    opening: usize,
    /// From CONNACK to the end of the connection.
    open: usize,
    ready: usize,
    fenced: usize,
}

struct Reader {
    /// Its subscriber group.
    group: u16,
    options: ConnectOptions,
    /// It comes while the load goes on.
    late: bool,
    /// Messages per second that it reads.
    read_rate: Option<f64>,
    /// Since it was sent away.
    away: bool,
    filters: Vec<SubscribeFilter>,
    groups: Arc<[u16]>,
    granted: Vec<Option<QoS>>,
    keeps_session: bool,
    session_lost: bool,
    key: Option<ClientKey>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Another process has it.
    Elsewhere,
    Waiting,
    Opening,
    Subscribing,
    Ready,
    Lost {
        retry_at: Option<Time>,
    },
    Fenced,
}

/// What an event meant.
#[derive(Debug)]
pub(super) enum News<'a> {
    Nothing,
    Message(Delivered<'a>, Time),
    /// A client cannot take part: a fragment that says which and why.
    Unfit(String),
    /// A connection was lost; the client's name and why.
    Lost(String, String),
    /// A client is back.
    Back {
        name: String,
        /// Whether the broker no longer knew the session that it was to keep.
        session_lost: bool,
    },
    /// A client is back that the scenario sent away.
    Returned {
        client: ClientId,
        /// Whether the broker no longer knew the session that it was to keep.
        session_lost: bool,
    },
    /// A client that comes late sends SUBSCRIBE, for the first time or once more.
    Asking {
        client: ClientId,
        first: bool,
    },
    /// It has its SUBACK.
    Joined(ClientId),
}

const SUBSCRIBE: Tag = Tag(0);
const FENCE: Tag = Tag(1);

impl Readers {
    /// The clients of the plan; share names get the run's id when the broker may have other users. Those of other segments
    /// keep their numbers and stay away.
    ///
    /// # Errors
    ///
    /// A filter that is none under the target's prefix, as a fragment.
    pub(super) fn new(plan: &Plan) -> Result<Self, String> {
        let Plan { target, run_id, segment, .. } = plan;
        let mut readers = Vec::new();
        for (number, group) in (0..).zip(&plan.scenario.subscribers) {
            let expected: Arc<[u16]> = group.expect.iter().map(|group| group.0).collect();
            for n in 1..=group.count {
                readers.push(Reader {
                    group: number,
                    options: options(group, target, n)?,
                    late: group.from.is_some(),
                    read_rate: group.read_rate.map(|rate| rate.per_second()),
                    away: false,
                    filters: filters(group, target, *run_id, n)?,
                    groups: Arc::clone(&expected),
                    granted: Vec::new(),
                    keeps_session: group.keeps_session(),
                    session_lost: false,
                    key: None,
                    state: if segment.owns(readers.len() as u32) { State::Waiting } else { State::Elsewhere },
                });
            }
        }
        let is_mine = |place: &usize| readers[*place].state == State::Waiting;
        let mine = (0..readers.len()).filter(is_mine).count();
        let early = (0..readers.len()).filter(is_mine).filter(|place| !readers[*place].late);
        let waiting: VecDeque<usize> = early.collect();
        let (admitted, slow) = (waiting.len(), Slow::default());
        let by_slot = Vec::new();
        Ok(Self { readers, mine, by_slot, waiting, admitted, slow, opening: 0, open: 0, ready: 0, fenced: 0 })
    }

    /// Lets the clients of a group connect that come while the load goes on; how many.
    pub(super) fn admit(&mut self, group: SubscriberId) -> usize {
        let due = |reader: &Reader| reader.group == group.0 && reader.state == State::Waiting;
        let due: Vec<usize> = (0..self.readers.len()).filter(|place| due(&self.readers[*place])).collect();
        self.waiting.extend(&due);
        self.admitted += due.len();
        due.len()
    }

    /// Lets the clients of a group that are online say DISCONNECT and stay away until `back`; which, and whether their sessions
    /// stay.
    pub(super) fn leave(
        &mut self,
        engine: &mut impl ClientEngine,
        group: SubscriberId,
        back: Time,
    ) -> Vec<(ClientId, bool)> {
        let online = (0..).zip(&mut self.readers).filter(|(_, one)| one.group == group.0 && one.state == State::Ready);
        let left = online.map(|(place, reader)| {
            reader.state = State::Lost { retry_at: Some(back) };
            reader.away = true;
            engine.disconnect(reader.key.expect("it is online"));
            (ClientId(place), reader.keeps_session)
        });
        let left: Vec<_> = left.collect();
        self.ready -= left.len();
        left
    }

    /// Whether every client that should be there has its SUBACK.
    pub(super) fn are_ready(&self) -> bool {
        self.ready == self.admitted
    }

    /// How many are connected and subscribed.
    pub(super) fn online(&self) -> usize {
        self.ready
    }

    /// The subscriber group of each one that is.
    pub(super) fn online_groups(&self) -> impl Iterator<Item = u16> + '_ {
        self.readers.iter().filter(|reader| reader.state == State::Ready).map(|reader| reader.group)
    }

    /// How many this process has.
    pub(super) fn len(&self) -> usize {
        self.mine
    }

    /// How many should be connected by now.
    pub(super) fn awaited(&self) -> usize {
        self.admitted
    }

    /// Whether no connection of them is left.
    pub(super) fn are_gone(&self) -> bool {
        self.open == 0
    }

    /// Opens connections that are due, and gives the time of the next one that is not.
    pub(super) fn advance(&mut self, engine: &mut impl ClientEngine, now: Time) -> Option<Time> {
        while self.opening < OPENING
            && let Some(place) = self.waiting.pop_front()
        {
            let reader = &mut self.readers[place];
            let key = engine.connect(reader.options.clone());
            reader.key = Some(key);
            reader.state = State::Opening;
            if self.by_slot.len() <= key.slot() {
                self.by_slot.resize(key.slot() + 1, None);
            }
            self.by_slot[key.slot()] = Some(u32::try_from(place).expect("clients are numbered in 32 bits"));
            self.opening += 1;
        }
        let mut earliest = self.slow.advance(engine, now);
        if self.ready + self.opening + self.waiting.len() < self.admitted {
            for reader in &mut self.readers {
                let State::Lost { retry_at: Some(due) } = reader.state else { continue };
                if due <= now {
                    engine.reconnect(reader.key.expect("lost connections were opened"), None);
                    reader.state = State::Opening;
                    self.opening += 1;
                } else {
                    earliest = Some(earliest.map_or(due, |other: Time| other.min(due)));
                }
            }
        }
        earliest
    }

    /// The subscriber group of `key`; `None` when the client is none of these.
    pub(super) fn group_of(&self, key: ClientKey) -> Option<u16> {
        self.place_of(key).map(|place| self.readers[place].group)
    }

    /// Whose connection `key` is, and of which subscriber group.
    pub(super) fn client_of(&self, key: ClientKey) -> Option<(ClientId, u16)> {
        self.place_of(key).map(|place| (ClientId(place as u32), self.readers[place].group))
    }

    /// Takes an event of `key`; `None` when the client is none of these.
    pub(super) fn react<'a>(
        &mut self,
        engine: &mut impl ClientEngine,
        key: ClientKey,
        event: &'a ClientEvent,
        now: Time,
    ) -> Option<News<'a>> {
        let place = self.place_of(key)?;
        let reader = &mut self.readers[place];
        let first = reader.granted.is_empty() && !reader.filters.is_empty();
        Some(match event {
            ClientEvent::Message { message, qos, retain, at, .. } => {
                let (client, group) = (ClientId(place as u32), reader.group);
                if reader.read_rate.is_some() {
                    self.slow.took(engine, key, *at);
                }
                let (topic, payload) = (message.topic.as_str().as_bytes(), &message.payload[..]);
                News::Message(Delivered { client, group, topic, payload, qos: *qos, retain: *retain }, *at)
            }
            ClientEvent::Connected { session_present, .. } => {
                self.open += 1;
                if let Some(rate) = reader.read_rate {
                    self.slow.connected(key, rate, now);
                }
                let subscribed = reader.filters.is_empty() || (*session_present && !first);
                reader.session_lost = reader.keeps_session && !first && !session_present;
                if subscribed {
                    reader.state = State::Ready;
                    self.opening -= 1;
                    self.ready += 1;
                    reader.back(place, first)
                } else {
                    reader.state = State::Subscribing;
                    engine.subscribe(key, reader.filters.clone(), SUBSCRIBE);
                    if reader.late { News::Asking { client: ClientId(place as u32), first } } else { News::Nothing }
                }
            }
            ClientEvent::Subscribed { reasons, .. } => {
                if let Some((filter, reason)) = refusal(&reader.filters, reasons) {
                    return Some(News::Unfit(format!(
                        "the broker refused {} the filter {filter}: {reason}",
                        reader.name()
                    )));
                }
                reader.granted = reasons.iter().map(|reason| granted(*reason)).collect();
                reader.state = State::Ready;
                self.opening -= 1;
                self.ready += 1;
                match (first, reader.late) {
                    (true, true) => News::Joined(ClientId(place as u32)),
                    (true, false) => News::Nothing,
                    (false, _) => reader.back(place, first),
                }
            }
            ClientEvent::Unsubscribed { .. } => {
                if reader.state != State::Fenced {
                    reader.state = State::Fenced;
                    self.fenced += 1;
                }
                News::Nothing
            }
            ClientEvent::Refused { reason } => {
                self.lose(place, now);
                News::Unfit(format!("{}: {}", self.readers[place].name(), super::refused(*reason)))
            }
            ClientEvent::ConnectFailed(failure) => {
                self.lose(place, now);
                News::Unfit(format!("{}: {failure}", self.readers[place].name()))
            }
            ClientEvent::Closed(closed) => {
                self.open -= 1;
                self.lose(place, now);
                if self.readers[place].away && *closed == Closed::Disconnected {
                    return Some(News::Nothing);
                }
                News::Lost(self.readers[place].name(), closed.to_string())
            }
            _ => News::Nothing,
        })
    }

    /// Who must receive what, by the QoS that the broker granted; of other segments' clients by the QoS that they ask for.
    /// Clients that come late are there without subscriptions.
    pub(super) fn audience(&self) -> Audience {
        let mut audience = Audience::default();
        for reader in &self.readers {
            match reader.state {
                State::Elsewhere => audience.add_elsewhere(&reader.name(), reader.subscriptions()),
                _ => audience.add(&reader.name(), reader.subscriptions()),
            };
        }
        audience
    }

    /// This process's clients with what the broker granted them.
    pub(super) fn evidence(&self) -> Vec<ClientEvidence> {
        let mine = (0..).zip(&self.readers).filter(|(_, reader)| reader.state != State::Elsewhere);
        mine.map(|(place, reader)| ClientEvidence {
            place,
            name: reader.name(),
            subscriptions: reader.subscriptions().into_iter().map(Into::into).collect(),
        })
        .collect()
    }

    /// The name of a client, and its subscriptions as the broker granted them.
    pub(super) fn granted(&self, client: ClientId) -> (String, Vec<Subscription>) {
        let reader = &self.readers[client.0 as usize];
        (reader.name(), reader.subscriptions())
    }

    /// What a client asks for, and the groups of devices whose messages it cares for.
    pub(super) fn asks(&self, client: ClientId) -> (&[SubscribeFilter], &[u16]) {
        let reader = &self.readers[client.0 as usize];
        (&reader.filters, &reader.groups)
    }

    /// The subscriber group of a client.
    pub(super) fn group(&self, client: ClientId) -> u16 {
        self.readers[client.0 as usize].group
    }

    /// Asks for a fence: UNSUBACK follows what was delivered before it, so that nothing more can come after all of them.
    pub(super) fn fence(&mut self, engine: &mut impl ClientEngine) {
        self.slow.end(engine);
        for reader in self.readers.iter_mut().filter(|reader| reader.state != State::Elsewhere) {
            let online = reader.key.filter(|_| reader.state == State::Ready && !reader.filters.is_empty());
            match online {
                Some(key) => {
                    let filters = reader.filters.iter().map(|one| one.filter.clone()).collect();
                    engine.unsubscribe(key, filters, FENCE);
                }
                None => self.fenced += usize::from(reader.state != State::Fenced),
            }
        }
    }

    pub(super) fn is_fenced(&self) -> bool {
        self.fenced >= self.mine
    }

    /// Disconnects all.
    pub(super) fn stop(&mut self, engine: &mut impl ClientEngine) {
        self.slow.end(engine);
        for reader in self.readers.iter_mut().filter(|reader| reader.state != State::Elsewhere) {
            if let Some(key) = reader.key.filter(|_| matches!(reader.state, State::Lost { .. })) {
                engine.forget(key);
            } else if let Some(key) = reader.key {
                engine.disconnect(key);
            }
            reader.state = State::Lost { retry_at: None };
        }
    }

    fn place_of(&self, key: ClientKey) -> Option<usize> {
        let place = self.by_slot.get(key.slot()).copied().flatten()? as usize;
        // A slot is given to another client once its own was forgotten.
        (self.readers[place].key == Some(key)).then_some(place)
    }

    fn lose(&mut self, place: usize, now: Time) {
        let reader = &mut self.readers[place];
        match reader.state {
            State::Ready => self.ready -= 1,
            State::Opening | State::Subscribing => self.opening -= 1,
            State::Elsewhere | State::Waiting | State::Lost { .. } | State::Fenced => {}
        }
        if !matches!(reader.state, State::Lost { .. } | State::Fenced) {
            reader.state = State::Lost { retry_at: Some(now.after(RETRY)) };
        }
    }
}

impl Reader {
    /// It is connected and subscribed.
    fn back(&mut self, place: usize, first: bool) -> News<'static> {
        if std::mem::take(&mut self.away) {
            News::Returned { client: ClientId(place as u32), session_lost: self.session_lost }
        } else if first {
            News::Nothing
        } else {
            News::Back { name: self.name(), session_lost: self.session_lost }
        }
    }

    fn name(&self) -> String {
        self.options.client_id.to_string()
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        let granted = |place: usize, asked: QoS| match self.state {
            State::Elsewhere => Some(asked),
            _ => self.granted.get(place).copied().flatten(),
        };
        let subscriptions = self.filters.iter().enumerate().filter_map(|(place, one)| {
            let text = one.filter.to_string();
            let (share, filter) = match text.strip_prefix("$share/").and_then(|rest| rest.split_once('/')) {
                Some((share, filter)) => (Some(share.into()), filter.into()),
                None => (None, text.as_str().into()),
            };
            let qos = granted(place, one.options.qos)?;
            Some(Subscription { share, filter, qos, groups: Some(Arc::clone(&self.groups)) })
        });
        subscriptions.collect()
    }
}

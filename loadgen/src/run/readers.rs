//! The receiving clients: connected and subscribed before the first publish, and back again when they lose a connection.

use std::{collections::HashMap, sync::Arc, time::Duration};

use protocol::{QoS, ReasonCode, SubscribeFilter, SubscriptionOptions, Tag, Time, TopicFilter, Version};
use reports::observation::ClientEvidence;
use scenarios::model::SubscriberGroup;
use simulator::{ClientEngine, ClientEvent, ClientKey, ConnectOptions, Target};

use super::{Plan, recorder::Delivered};
use crate::{
    RunId,
    ledger::{Audience, ClientId, Subscription},
};

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
    opened: usize,
    by_key: HashMap<ClientKey, usize>,
    next: usize,
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
        let mine = readers.iter().filter(|reader| reader.state == State::Waiting).count();
        Ok(Self { readers, mine, opened: 0, by_key: HashMap::new(), next: 0, opening: 0, open: 0, ready: 0, fenced: 0 })
    }

    /// Whether every client has its SUBACK.
    pub(super) fn are_ready(&self) -> bool {
        self.ready == self.mine
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

    /// Whether no connection of them is left.
    pub(super) fn are_gone(&self) -> bool {
        self.open == 0
    }

    /// Opens connections that are due, and gives the time of the next one that is not.
    pub(super) fn advance(&mut self, engine: &mut impl ClientEngine, now: Time) -> Option<Time> {
        while self.opening < OPENING && self.next < self.readers.len() {
            let reader = &mut self.readers[self.next];
            if reader.state == State::Elsewhere {
                self.next += 1;
                continue;
            }
            let key = engine.connect(reader.options.clone());
            reader.key = Some(key);
            reader.state = State::Opening;
            self.by_key.insert(key, self.next);
            self.next += 1;
            self.opened += 1;
            self.opening += 1;
        }
        let mut earliest = None;
        if self.ready + self.opening < self.opened {
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
        self.by_key.get(&key).map(|place| self.readers[*place].group)
    }

    /// Takes an event of `key`; `None` when the client is none of these.
    pub(super) fn react<'a>(
        &mut self,
        engine: &mut impl ClientEngine,
        key: ClientKey,
        event: &'a ClientEvent,
        now: Time,
    ) -> Option<News<'a>> {
        let place = *self.by_key.get(&key)?;
        let reader = &mut self.readers[place];
        let first = reader.granted.is_empty() && !reader.filters.is_empty();
        Some(match event {
            ClientEvent::Message { message, qos, retain, at, .. } => {
                let (client, group) = (ClientId(place as u32), reader.group);
                News::Message(Delivered { client, group, message, qos: *qos, retain: *retain }, *at)
            }
            ClientEvent::Connected { session_present, .. } => {
                self.open += 1;
                let subscribed = reader.filters.is_empty() || (*session_present && !first);
                reader.session_lost = reader.keeps_session && !first && !session_present;
                if subscribed {
                    reader.state = State::Ready;
                    self.opening -= 1;
                    self.ready += 1;
                    reader.back()
                } else {
                    reader.state = State::Subscribing;
                    engine.subscribe(key, reader.filters.clone(), SUBSCRIBE);
                    News::Nothing
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
                if first { News::Nothing } else { reader.back() }
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
                News::Lost(self.readers[place].name(), closed.to_string())
            }
            _ => News::Nothing,
        })
    }

    /// Who must receive what, by the QoS that the broker granted; of other segments' clients by the QoS that they ask for.
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

    /// Asks for a fence: UNSUBACK follows what was delivered before it, so that nothing more can come after all of them.
    pub(super) fn fence(&mut self, engine: &mut impl ClientEngine) {
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
        for reader in self.readers.iter_mut().filter(|reader| reader.state != State::Elsewhere) {
            if let Some(key) = reader.key.filter(|_| matches!(reader.state, State::Lost { .. })) {
                engine.forget(key);
            } else if let Some(key) = reader.key {
                engine.disconnect(key);
            }
            reader.state = State::Lost { retry_at: None };
        }
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
    fn back(&self) -> News<'static> {
        News::Back { name: self.name(), session_lost: self.session_lost }
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

fn options(group: &SubscriberGroup, target: &Target, n: u32) -> Result<ConnectOptions, String> {
    let version = match group.version {
        scenarios::model::Version::V311 => Version::V311,
        scenarios::model::Version::V5 => Version::V5,
    };
    Ok(ConnectOptions {
        clean_start: group.clean_start,
        session_expiry: u32::try_from(group.session_expiry.as_secs()).unwrap_or(u32::MAX),
        keep_alive: u16::try_from(group.keep_alive.as_secs()).unwrap_or(u16::MAX),
        ..target.connect_options(&group.client_id(n), version)?
    })
}

fn filters(group: &SubscriberGroup, target: &Target, run: RunId, n: u32) -> Result<Vec<SubscribeFilter>, String> {
    let filters = group.subscriptions.iter().map(|one| {
        let mut text = one.filter.fill(&group.fill(n));
        if !target.prefix.as_str().is_empty()
            && let Some((share, filter)) = text.strip_prefix("$share/").and_then(|rest| rest.split_once('/'))
        {
            text = format!("$share/{share}-{run}/{filter}");
        }
        let filter: TopicFilter =
            target.prefix.filter(&text).map_err(|error| format!("{text:?} is no filter under the prefix: {error}"))?;
        let qos = quality(one.qos);
        Ok(SubscribeFilter { filter, options: SubscriptionOptions { qos, ..SubscriptionOptions::default() } })
    });
    filters.collect()
}

pub(super) fn quality(qos: scenarios::model::QoS) -> QoS {
    match qos {
        scenarios::model::QoS::AtMostOnce => QoS::AtMostOnce,
        scenarios::model::QoS::AtLeastOnce => QoS::AtLeastOnce,
        scenarios::model::QoS::ExactlyOnce => QoS::ExactlyOnce,
    }
}

fn granted(reason: ReasonCode) -> Option<QoS> {
    match reason.value() {
        0 => Some(QoS::AtMostOnce),
        1 => Some(QoS::AtLeastOnce),
        2 => Some(QoS::ExactlyOnce),
        _ => None,
    }
}

fn refusal(filters: &[SubscribeFilter], reasons: &[ReasonCode]) -> Option<(String, ReasonCode)> {
    let refused = filters.iter().zip(reasons).find(|(_, reason)| reason.is_failure());
    refused.map(|(one, reason)| (one.filter.to_string(), *reason))
}

//! Requests and answers: clients that ask devices at a rate, open loop, and time the whole way from the intended start of a request
//! to its answer.
//!
//! ```text
//!   requester ──command──▶ broker ──▶ device ──answer──▶ broker ──▶ requester
//!              5.0: Response Topic, Correlation Data      on the Response Topic, with the Correlation Data (section 4.10)
//!              3.1.1: correlation_id in the payload       on the device's status topic, with the correlation_id
//! ```
//!
//! The devices are the fleet's, in this process or in another segment's: who asked knows the answer by its correlation alone.

mod book;
mod drive;
mod plan;

use std::time::Duration;

use protocol::{SubscribeFilter, Tag, Time, TopicName};
use reports::{
    Observation,
    observation::{RequestRow, Requests as Account, Witness, WitnessKind},
};
use simulator::{ClientEngine, ClientEvent, ClientKey, ConnectOptions, Outgoing, farm::Farm};

use super::{Plan, program::Part};
use crate::{
    ledger::{RowKey, quality},
    measure::{Group, Meter, StageSpan},
};

use book::{Answered, Book, Request};
use plan::{Due, Program, Speech};

/// How many connect at the same time.
const OPENING: usize = 100;
/// How long a client that lost its connection waits before it tries again.
const RETRY: Duration = Duration::from_secs(1);
/// How many filters one SUBSCRIBE has.
const FILTERS: usize = 100;
/// How many requests are handed out before the engine gets a turn.
const BATCH: usize = 256;

/// Everybody who asks.
pub(super) struct Exchange {
    sections: Vec<Section>,
    clients: Vec<Client>,
    /// Places by [`ClientKey::slot`].
    by_slot: Vec<Option<u32>>,
    stages: Vec<StageSpan>,
    /// The first place of a section among the groups of the meter.
    groups: u16,
    opening: usize,
    /// From CONNACK to the end of the connection.
    open: usize,
    ready: usize,
}

/// One section of the scenario.
struct Section {
    name: String,
    speech: Speech,
    program: Program,
    next: Option<Due>,
    /// Its requesters in the list of clients; those of other processes are not there.
    requesters: Vec<Option<usize>>,
    book: Book,
}

struct Client {
    section: usize,
    options: ConnectOptions,
    /// Where it is answered, in 5.0.
    back: TopicName,
    filters: Vec<SubscribeFilter>,
    key: Option<ClientKey>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Opening,
    /// So many SUBACK are awaited.
    Subscribing(usize),
    Ready,
    Lost {
        retry_at: Option<Time>,
    },
}

/// What an event meant.
#[derive(Debug)]
pub(super) enum News {
    /// It is no client of these.
    Other,
    Nothing,
    /// A client of this section cannot take part: which and why.
    Unfit(u16, String),
    /// A client of this section lost its connection: its name and why.
    Lost(u16, String, String),
}

impl Exchange {
    /// The requesters of the plan that are this process's, offline.
    ///
    /// # Errors
    ///
    /// A name or a topic that is none under the target's prefix, as a fragment.
    pub(super) fn new(plan: &Plan, farm: &Farm, parts: &[Part]) -> Result<Self, String> {
        let mut exchange = Self {
            sections: Vec::new(),
            clients: Vec::new(),
            by_slot: Vec::new(),
            stages: parts.iter().map(|part| part.span.clone()).collect(),
            groups: u16::try_from(plan.scenario.devices.len()).expect("groups are numbered in 16 bits"),
            opening: 0,
            open: 0,
            ready: 0,
        };
        let mut place = 0;
        for (number, requests) in plan.scenario.requests.iter().enumerate() {
            let (speech, asked) = Speech::new(plan, number, farm)?;
            let mut requesters = Vec::new();
            for n in 0..requests.requesters {
                let mine = plan.segment.owns(place);
                place += 1;
                requesters.push(mine.then_some(exchange.clients.len()));
                if mine {
                    let (options, back, filters) = speech.requester(requests, &plan.target, n)?;
                    let state = State::Waiting;
                    exchange.clients.push(Client { section: number, options, back, filters, key: None, state });
                }
            }
            let mut program = Program::new(requests, parts, &asked, plan.seed ^ number as u64);
            let next = program.next();
            let book = Book::new(requests.timeout);
            exchange.sections.push(Section {
                name: requests.name.to_string(),
                speech,
                program,
                next,
                requesters,
                book,
            });
        }
        Ok(exchange)
    }

    /// Opens what waits, a few at a time, and what was lost, when its time has come; when the next one's comes.
    pub(super) fn advance(&mut self, engine: &mut impl ClientEngine, now: Time) -> Option<Time> {
        if self.ready == self.clients.len() {
            return None;
        }
        let mut earliest: Option<Time> = None;
        for (place, client) in self.clients.iter_mut().enumerate() {
            match client.state {
                State::Waiting if self.opening < OPENING => {}
                State::Lost { retry_at: Some(due) } if due <= now && self.opening < OPENING => {}
                State::Lost { retry_at: Some(due) } => {
                    earliest = Some(earliest.map_or(due, |other| other.min(due)));
                    continue;
                }
                _ => continue,
            }
            client.state = State::Opening;
            self.opening += 1;
            match client.key {
                Some(key) => engine.reconnect(key, None),
                None => {
                    let key = engine.connect(client.options.clone());
                    client.key = Some(key);
                    if self.by_slot.len() <= key.slot() {
                        self.by_slot.resize(key.slot() + 1, None);
                    }
                    self.by_slot[key.slot()] = Some(u32::try_from(place).expect("clients are numbered in 32 bits"));
                }
            }
        }
        earliest
    }

    /// Takes an event. `now` is when it happened, `offset` the same since the run's start.
    pub(super) fn react(
        &mut self,
        engine: &mut impl ClientEngine,
        meter: &mut Meter,
        (key, event): (ClientKey, &ClientEvent),
        present: Option<usize>,
        (now, offset): (Time, Duration),
    ) -> News {
        let Some(place) = self.place(key) else { return News::Other };
        let client = &mut self.clients[place];
        let group = self.groups + client.section as u16;
        match event {
            ClientEvent::Connected { took, .. } => {
                self.opening -= 1;
                self.open += 1;
                if let Some(took) = took {
                    meter.connected(Group::Devices(group), present, *took);
                }
                let parts = client.filters.chunks(FILTERS);
                client.state = State::Subscribing(parts.len());
                for (part, filters) in parts.enumerate() {
                    engine.subscribe(key, filters.to_vec(), Tag(part as u64));
                }
            }
            ClientEvent::Subscribed { tag, reasons } => return self.subscribed(place, *tag, reasons),
            ClientEvent::Message { message, .. } => {
                let section = &mut self.sections[client.section];
                let Some(number) = section.speech.answered(message) else { return News::Nothing };
                if let Answered::First { took, stage } = section.book.answered(place, number, offset) {
                    meter.answered(RowKey { stage: stage as u16, group, qos: section.speech.qos }, took);
                }
            }
            ClientEvent::Refused { reason } => {
                self.opening -= 1;
                return self.lost(place, now, super::refused(*reason));
            }
            ClientEvent::ConnectFailed(failure) => {
                self.opening -= 1;
                return self.lost(place, now, failure.to_string());
            }
            ClientEvent::Closed(closed) => {
                self.open -= 1;
                return self.lost(place, now, closed.to_string());
            }
            _ => {}
        }
        News::Nothing
    }

    fn place(&self, key: ClientKey) -> Option<usize> {
        let place = (*self.by_slot.get(key.slot())?)? as usize;
        (self.clients[place].key == Some(key)).then_some(place)
    }

    fn subscribed(&mut self, place: usize, tag: Tag, reasons: &[protocol::ReasonCode]) -> News {
        let group = self.groups + self.clients[place].section as u16;
        let client = &mut self.clients[place];
        let asked = client.filters.chunks(FILTERS).nth(tag.0 as usize).unwrap_or_default();
        if let Some((one, reason)) = asked.iter().zip(reasons).find(|(_, reason)| reason.is_failure()) {
            let name = client.options.client_id.as_str();
            return News::Unfit(group, format!("the broker refused {name} the filter {}: {reason}", one.filter));
        }
        client.state = match client.state {
            State::Subscribing(1) => {
                self.ready += 1;
                State::Ready
            }
            State::Subscribing(more) => State::Subscribing(more - 1),
            other => other,
        };
        News::Nothing
    }

    fn lost(&mut self, place: usize, now: Time, why: String) -> News {
        let client = &mut self.clients[place];
        self.ready -= usize::from(client.state == State::Ready);
        if client.state != (State::Lost { retry_at: None }) {
            client.state = State::Lost { retry_at: Some(now.after(RETRY)) };
        }
        News::Lost(self.groups + client.section as u16, client.options.client_id.to_string(), why)
    }

    /// Publishes requests that are due, at most a batch; how many.
    pub(super) fn ask(&mut self, engine: &mut impl ClientEngine, meter: &mut Meter, offset: Duration) -> usize {
        let mut handed = 0;
        for (number, section) in self.sections.iter_mut().enumerate() {
            let group = self.groups + number as u16;
            while let Some(due) = section.next.filter(|due| due.at <= offset && handed < BATCH) {
                section.next = section.program.next();
                // Nobody there who could answer: the stage wants it so.
                let Some(asked) = due.asked else { continue };
                let Some(requester) = section.requesters[asked % section.requesters.len()] else { continue };
                let stage = stage_at(&self.stages, due.at);
                let request = Request { number: due.number, intended: due.at, stage, requester, asked };
                let client = &self.clients[requester];
                let message = section.speech.request(&section.speech.asked[asked], due.number, &client.back);
                let outgoing = Outgoing { message, qos: section.speech.qos, retain: false, tag: None };
                let ready = client.key.filter(|_| client.state == State::Ready);
                match ready.map(|key| engine.publish(key, outgoing)) {
                    Some(Ok(())) => section.book.sent(request),
                    Some(Err(_)) | None => section.book.not_sent(request),
                }
                let row = RowKey { stage: stage as u16, group, qos: section.speech.qos };
                meter.asked(row, offset.saturating_sub(due.at));
                handed += 1;
            }
        }
        handed
    }

    /// When the next request is due.
    pub(super) fn next(&self) -> Option<Duration> {
        self.sections.iter().filter_map(|section| Some(section.next?.at)).min()
    }

    /// Whether everybody has every SUBACK.
    pub(super) fn is_ready(&self) -> bool {
        self.ready == self.clients.len()
    }

    /// Whether no answer is awaited.
    pub(super) fn is_settled(&self) -> bool {
        self.sections.iter().all(|section| section.book.is_settled())
    }

    /// How many are connected and subscribed.
    pub(super) fn online(&self) -> usize {
        self.ready
    }

    /// How many this process has.
    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    /// Whether no connection of them is left.
    pub(super) fn is_gone(&self) -> bool {
        self.open == 0
    }

    /// The name of a section, by its group.
    pub(super) fn name(&self, group: u16) -> &str {
        &self.sections[usize::from(group - self.groups)].name
    }

    /// Disconnects everybody, for good.
    pub(super) fn stop(&mut self, engine: &mut impl ClientEngine) {
        for client in &mut self.clients {
            if let Some(key) = client.key {
                engine.disconnect(key);
            }
            self.ready -= usize::from(client.state == State::Ready);
            client.state = State::Lost { retry_at: None };
        }
    }

    /// Closes the account: who was not answered, and how many. Requests in parts that are not measured are left out.
    pub(super) fn close(&mut self, mut record: impl FnMut(Observation)) {
        let mut rows = Vec::new();
        for (number, section) in self.sections.iter_mut().enumerate() {
            let closed = section.book.close();
            let counted = |stage: usize| self.stages.get(stage).filter(|stage| stage.measured);
            for (stage, counts) in closed.stages {
                let Some(stage) = counted(*stage) else { continue };
                let (group, qos) = (section.name.clone(), quality(section.speech.qos));
                rows.push(RequestRow { group, qos, stage: stage.name.clone(), counts: *counts });
            }
            let unanswered = closed.unanswered.iter().map(|request| (WitnessKind::Unanswered, request, None));
            let late = closed.late.iter().map(|(request, at)| (WitnessKind::LateAnswer, request, Some(*at)));
            let not_sent = closed.not_sent.iter().map(|request| (WitnessKind::NotSent, request, None));
            let named = unanswered.chain(late).chain(not_sent);
            for (fault, request, received) in named.filter(|(_, request, _)| counted(request.stage).is_some()) {
                let asked = &section.speech.asked[request.asked];
                record(Observation::Witness(Witness {
                    fault,
                    topic: asked.topic.to_string(),
                    client: self.clients[request.requester].options.client_id.to_string(),
                    group: section.name.clone(),
                    subscriber: asked.name.clone(),
                    stream: number as u32,
                    sequence: request.number,
                    qos: quality(section.speech.qos),
                    intended: Some(request.intended),
                    received,
                }));
            }
        }
        if !rows.is_empty() {
            record(Observation::Requests(Account { rows }));
        }
    }
}

/// The part that goes on at `at`; the last one afterwards.
fn stage_at(stages: &[StageSpan], at: Duration) -> usize {
    stages.partition_point(|stage| stage.ends <= at).min(stages.len().saturating_sub(1))
}

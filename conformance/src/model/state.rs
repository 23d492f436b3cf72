//! What the model knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Client, Dialect, Finding, Rule, Span,
    debts::{Copy, Debt},
    retained::Retained,
    sessions::Session,
    time::{Phase, Timer},
};

/// A message, by its place among all of a program. It is the payload of the PUBLISH too, so that every copy is known.
pub type Number = usize;

/// What was published, or is to be published as a will.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its place.
    pub number: Number,
    /// Whose it is.
    pub publisher: Client,
    /// What its publisher speaks.
    pub dialect: Dialect,
    /// To where.
    pub topic: String,
    /// As published.
    pub qos: u8,
    /// As published.
    pub retain: bool,
    /// Whether its payload has no bytes; otherwise that is [`Message::payload`].
    pub empty: bool,
    /// Message Expiry Interval in seconds.
    pub expiry: Option<u32>,
    /// Whether it is a will.
    pub is_will: bool,
    /// When the server took it over.
    pub(super) sent: Span,
    /// Whether it is sure that the server took it over.
    pub(super) certain: bool,
    /// Whether its place among its publisher's messages is sure.
    pub(super) ordered: bool,
    /// Whether a copy was owed for sure when it was published.
    pub(super) wanted: bool,
    /// The sessions and shared groups that it was a debt to; what was paid does not become one again.
    pub(super) offered: BTreeSet<(Client, u32)>,
    pub(super) offered_groups: BTreeSet<String>,
}

impl Message {
    /// The bytes that it is published with.
    pub fn payload(&self) -> String {
        if self.empty { String::new() } else { format!("m{}", self.number) }
    }

    /// The User Properties that a 5.0 client publishes it with, in this order.
    pub fn user_properties(&self) -> Vec<(String, String)> {
        let number = self.number.to_string();
        match self.dialect {
            Dialect::V5 => vec![("message".into(), number.clone()), ("message".into(), format!("{number} again"))],
            Dialect::V311 => Vec::new(),
        }
    }

    /// Whether a copy of it says to a client that speaks `reader` which message it is.
    pub(super) fn is_named_to(&self, reader: Dialect) -> bool {
        !self.empty || (self.dialect == Dialect::V5 && reader == Dialect::V5)
    }

    /// Where its expiry stands.
    pub(super) fn expiry_phase(&self, now: Duration) -> Phase {
        self.expiry_timer().map_or(Phase::Before, |timer| timer.phase(now))
    }

    pub(super) fn expiry_timer(&self) -> Option<Timer> {
        self.expiry.map(|seconds| Timer { from: self.sent, seconds })
    }

    /// For findings.
    pub(super) fn words(&self) -> String {
        let kind = if self.is_will { "the will" } else { "message" };
        let retain = if self.retain { ", RETAIN 1" } else { "" };
        let empty = if self.empty { ", empty" } else { "" };
        format!("{kind} m{} (of {} to {}, QoS {}{retain}{empty})", self.number, self.publisher, self.topic, self.qos)
    }
}

/// A will whose delay is not over.
#[derive(Clone, Copy, Debug)]
pub(super) struct DelayedWill {
    pub(super) client: Client,
    pub(super) message: Number,
    pub(super) timer: Timer,
}

/// What a server that conforms may be in, as far as its clients can know.
#[derive(Debug)]
pub struct Model {
    pub(super) dialects: Vec<Dialect>,
    /// One place for each client.
    pub(super) sessions: Vec<Option<Session>>,
    pub(super) messages: Vec<Message>,
    pub(super) debts: Vec<Debt>,
    /// What came and is not yet a sure payment of one debt.
    pub(super) copies: Vec<Copy>,
    pub(super) retained: BTreeMap<String, Retained>,
    pub(super) wills: Vec<DelayedWill>,
    /// Numbers of sessions, connections and debts so far.
    pub(super) serial: u32,
    pub(super) now: Duration,
    pub(super) doubt: Option<String>,
    /// What the standard leaves open about a message.
    pub(super) liberties: BTreeMap<Number, BTreeSet<&'static str>>,
}

impl Model {
    /// A server that knows nothing, and clients that speak `dialects` and are not connected.
    pub fn new(dialects: &[Dialect]) -> Self {
        Self {
            dialects: dialects.to_vec(),
            sessions: dialects.iter().map(|_| None).collect(),
            messages: Vec::new(),
            debts: Vec::new(),
            copies: Vec::new(),
            retained: BTreeMap::new(),
            wills: Vec::new(),
            serial: 0,
            now: Duration::ZERO,
            doubt: None,
            liberties: BTreeMap::new(),
        }
    }

    /// Says what time it is. Everything that is told afterwards happens now.
    pub fn at(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// A message that was published.
    ///
    /// # Panics
    ///
    /// When it is not one of this model's numbers.
    pub fn message(&self, number: Number) -> &Message {
        &self.messages[number]
    }

    /// For each message with some liberty: its payload, or `empty`, and what the standard leaves open.
    pub fn liberties(&self) -> impl Iterator<Item = (String, Vec<&'static str>)> {
        self.liberties.iter().map(|(number, liberties)| {
            let message = &self.messages[*number];
            let name = if message.empty { "empty".to_owned() } else { message.payload() };
            (name, liberties.iter().copied().collect())
        })
    }

    /// Takes down that the standard leaves something open.
    pub(super) fn leave_open(&mut self, number: Number, what: &'static str) {
        self.liberties.entry(number).or_default().insert(what);
    }

    /// Why this run can decide nothing: the machine was so slow that a timer is in doubt.
    pub fn doubt(&self) -> Option<&str> {
        self.doubt.as_deref()
    }

    /// The topics that may have a retained message, each once.
    pub fn retained_topics(&self) -> BTreeSet<&str> {
        self.messages.iter().filter(|message| message.retain).map(|message| message.topic.as_str()).collect()
    }

    /// Whether the server may have a session of this client.
    pub fn has_session(&self, client: Client) -> bool {
        self.session(client).is_some()
    }

    pub(super) fn dialect(&self, client: Client) -> Dialect {
        self.dialects[client.index()]
    }

    pub(super) fn session(&self, client: Client) -> Option<&Session> {
        self.sessions.get(client.index())?.as_ref()
    }

    pub(super) fn session_mut(&mut self, client: Client) -> Option<&mut Session> {
        self.sessions.get_mut(client.index())?.as_mut()
    }

    pub(super) fn clients(&self) -> impl Iterator<Item = Client> + use<> {
        (0..self.dialects.len() as u8).map(Client)
    }

    pub(super) fn next_serial(&mut self) -> u32 {
        self.serial += 1;
        self.serial
    }

    pub(super) fn finding(&self, client: Client, rule: &'static Rule, what: impl Into<String>) -> Finding {
        Finding { rule, dialect: self.dialect(client), client, what: what.into() }
    }

    /// A timer that is neither running nor over makes the run void; `true` when it is over.
    pub(super) fn is_over(&mut self, timer: Timer, what: &str) -> bool {
        match timer.phase(self.now) {
            Phase::Before => false,
            Phase::After => true,
            Phase::Doubtful => {
                self.doubt
                    .get_or_insert_with(|| format!("{what} of {} s is in doubt: the run was too slow", timer.seconds));
                true
            }
        }
    }
}

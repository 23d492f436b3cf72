//! From a PUBLISH to the sessions that want it.

use std::{mem, sync::Arc};

use protocol::{
    Message, Properties, QoS, ReasonCode, Time, Token, Version,
    server::{Answer, Server},
};
use smallvec::SmallVec;

use super::{ConnectionId, Worker, connection::Connection};
use crate::{
    FullQueue,
    access::Identity,
    mail::{Letter, Mail, Receiver, Share},
    message::{Shared, expiry},
    retained::{Retained, Source},
    routing::{Hit, Target, WorkerId},
};

impl Worker {
    /// A client published.
    pub(super) fn publish_from(
        &mut self,
        now: Time,
        id: ConnectionId,
        token: Option<Token>,
        message: Message,
        qos: QoS,
        retain: bool,
    ) {
        let tally = &self.shared.tallies[self.id.index()];
        tally.messages_received.increment();
        tally.payload_bytes_received.add(message.payload.len() as u64);
        let topic = message.topic.as_str();
        // 4.7.2: clients do not exchange messages under `$`; those topics are the server's own.
        let verdict = if topic.starts_with('$') {
            Err(ReasonCode::NotAuthorized)
        } else if !self.is_within_bounds(topic) {
            Err(ReasonCode::TopicNameInvalid)
        } else if self.gate.asks_to_publish {
            return self.ask_to_publish(now, id, token, message, qos, retain);
        } else {
            Ok(())
        };
        self.publish_if(now, id, token, message, qos, retain, verdict);
    }

    /// Whether a Topic Name or Topic Filter is neither too long nor too deep; counted when it is.
    pub(super) fn is_within_bounds(&self, path: &str) -> bool {
        let limits = &self.shared.limits;
        if path.len() > limits.topic_length {
            self.tally().topics_too_long.increment();
            return false;
        }
        // A path has at most one level more than bytes, so short ones need no counting.
        let levels = limits.topic_levels;
        let is_too_deep = path.len() >= levels && path.bytes().filter(|byte| *byte == b'/').count() >= levels;
        if is_too_deep {
            self.tally().topics_too_deep.increment();
        }
        !is_too_deep
    }

    /// Whether the client of `id` hears when a session has no room for what it publishes: in 5.0, if that is the policy.
    fn may_refuse_to(&self, id: ConnectionId) -> bool {
        self.shared.limits.full_queue == FullQueue::RefusePublisher
            && self.connections.find(id).and_then(Connection::server).and_then(Server::version) == Some(Version::V5)
    }

    /// Publishes if that is allowed. PUBACK or PUBREC says what came of it.
    #[expect(clippy::too_many_arguments, reason = "a PUBLISH, its connection and the verdict, taken apart by value")]
    pub(super) fn publish_if(
        &mut self,
        now: Time,
        id: ConnectionId,
        token: Option<Token>,
        message: Message,
        qos: QoS,
        retain: bool,
        verdict: Result<(), ReasonCode>,
    ) {
        let reason = match verdict {
            Ok(()) => {
                let connection = self.connections.find(id);
                let publisher = connection.and_then(|connection| connection.session).map(|key| self.target(key));
                let source = connection.filter(|_| retain).and_then(|connection| connection.identity.clone());
                let may_refuse = qos > QoS::AtMostOnce && self.may_refuse_to(id);
                if may_refuse && self.is_wanted_by_the_full(now, &message, publisher) {
                    self.tally().refused_queue_full.increment();
                    ReasonCode::QuotaExceeded
                } else if self.publish(now, Shared::Read(message), qos, retain, publisher, source) {
                    ReasonCode::Success
                } else {
                    ReasonCode::NoMatchingSubscribers
                }
            }
            Err(reason) => {
                self.tally().dropped_denied.increment();
                reason
            }
        };
        if let Some(token) = token {
            self.answer(now, id, token, Answer::Publish(reason, Properties::EMPTY));
        }
    }

    /// Retains `message` if it asks for that and sends it to whoever subscribed; whether anybody did. `source` is who
    /// must be allowed to publish it as long as it is retained; without one, it is this broker's own.
    pub(super) fn publish(
        &mut self,
        now: Time,
        mut message: Shared,
        qos: QoS,
        retain: bool,
        publisher: Option<Target>,
        source: Option<Arc<Identity>>,
    ) -> bool {
        let expires_at = expiry(message.message(), now);
        // MQTT-3.3.1-8 (MQTT-3.3.1-12 in 3.1.1): without RETAIN nothing changes in the store.
        if retain {
            self.retain(now, &mut message, qos, expires_at, source);
        } else {
            self.shared.routes.refresh(&mut self.view);
        }
        let mut matches = mem::take(&mut self.matches);
        self.view.route(message.message().topic.as_str(), publisher, &mut matches);
        // MQTT-4.5.0-1 in both; MQTT-4.6.0-5, MQTT-4.6.0-6 in both: to each in the order in which they came, on every topic.
        let found = matches.hits().len();
        for hit in matches.take_hits() {
            let worker = hit.target.worker;
            let receiver = receiver(hit, qos, retain);
            if worker == self.id {
                self.deliver(now, &mut message, expires_at, &receiver);
            } else {
                self.letters[worker.index()].push(receiver);
            }
        }
        self.fanned_out += found * message.message().weight();
        self.searched += matches.visits();
        self.post_letters(&mut message, expires_at);
        self.matches = matches;
        found > 0
    }

    /// Whether a session that would get `message` has no room for it. Asked before anything is retained or delivered, so
    /// that a refused message has reached nobody. (A shared subscription may give its turn to another member afterwards.)
    fn is_wanted_by_the_full(&mut self, now: Time, message: &Message, publisher: Option<Target>) -> bool {
        self.shared.routes.refresh(&mut self.view);
        let mut matches = mem::take(&mut self.matches);
        self.view.route(message.topic.as_str(), publisher, &mut matches);
        let found = self.finds_full(now, matches.hits(), message.weight());
        self.searched += matches.visits();
        self.matches = matches;
        found
    }

    /// Posts one letter to each worker that has receivers.
    fn post_letters(&mut self, message: &mut Shared, expires_at: Option<Time>) {
        for index in 0..self.letters.len() {
            if self.letters[index].is_empty() {
                continue;
            }
            let receivers: SmallVec<[Receiver; 1]> = self.letters[index].drain(..).collect();
            let letter = Letter { message: message.kept().clone(), expires_at, receivers };
            let to = WorkerId(u16::try_from(index).expect("workers are counted in u16"));
            self.post(to, Mail::Deliver(letter));
        }
    }

    /// Retains `message` and looks at the routes while nobody can subscribe: whoever subscribes gets it either live or as
    /// the retained message, and never both.
    fn retain(
        &mut self,
        now: Time,
        message: &mut Shared,
        qos: QoS,
        expires_at: Option<Time>,
        source: Option<Arc<Identity>>,
    ) {
        let source = source.map(|who| Source { who, policy: self.gate.version });
        let retained = Retained { message: message.kept().clone(), qos, expires_at, source };
        let spare = self.shared.spare_memory();
        let mut store = self.shared.retained.open(now);
        let topic = retained.message.topic.as_str();
        if retained.message.payload.is_empty() {
            // MQTT-3.3.1-6, MQTT-3.3.1-7 (MQTT-3.3.1-10, MQTT-3.3.1-11 in 3.1.1).
            store.remove(topic);
        } else if retained.charge() > spare {
            // Better none than an old one.
            store.remove(topic);
            self.shared.tallies[self.id.index()].retained_refused_memory.increment();
        } else if store.set(retained).is_err() {
            self.shared.tallies[self.id.index()].retained_refused.increment();
        }
        self.shared.routes.refresh(&mut self.view);
    }

    /// A message for a session that has ended, or ends now, goes to another member if it was shared (4.8.2); otherwise it
    /// is dropped.
    pub(super) fn pass_on(&mut self, now: Time, message: &mut Shared, expires_at: Option<Time>, share: Option<Share>) {
        let Some(share) = share else { return self.tally().dropped_session_ended.increment() };
        self.shared.routes.refresh(&mut self.view);
        let mut matches = mem::take(&mut self.matches);
        self.view.route_to_group(share.group, &mut matches);
        // "any undelivered messages associated with it are deleted" with the last member.
        match matches.take_hits().next() {
            None => self.tally().dropped_session_ended.increment(),
            Some(hit) => {
                let worker = hit.target.worker;
                let receiver = receiver(hit, share.qos, share.retain);
                if worker == self.id {
                    self.deliver(now, message, expires_at, &receiver);
                } else {
                    let letter = Letter { message: message.kept().clone(), expires_at, receivers: [receiver].into() };
                    self.post(worker, Mail::Deliver(letter));
                }
            }
        }
        self.searched += matches.visits();
        self.matches = matches;
    }
}

fn receiver(hit: Hit, qos: QoS, retain: bool) -> Receiver {
    Receiver {
        session: hit.target.session,
        // MQTT-3.8.4-8, MQTT-4.8.2-3 (MQTT-3.8.4-6 in 3.1.1): the lower of what was published and what was granted.
        qos: qos.min(hit.qos),
        // MQTT-3.3.1-12, MQTT-3.3.1-13 (MQTT-3.3.1-9 in 3.1.1).
        retain: retain && hit.retain_as_published,
        identifiers: hit.identifiers,
        share: hit.group.map(|group| Share { group, qos, retain }),
        forwarded: false,
    }
}

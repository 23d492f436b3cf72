//! SUBSCRIBE and UNSUBSCRIBE (3.8, 3.10), and the retained messages that a subscription asks for.

use std::num::NonZeroU32;

use protocol::{
    PacketType, Properties, QoS, ReasonCode, RetainHandling, Subscribe, SubscribeFilter, Time, Token, Unsubscribe,
    server::Answer,
};

use super::{
    ConnectionId, Worker,
    gate::Ruling,
    questions::{Held, all},
};
use crate::{
    access::{Action, Refusal, Verdict},
    backlog::{HELD, Mark},
    mail::Receiver,
    memory::{self, Kind},
    retained::{Search, Snapshot},
    routing::{SessionKey, Subscription, split_share},
};

/// How many places among what is retained one SUBSCRIBE may have looked at: enough for all filters of a reasonable client,
/// and not for thousands that each look at everything.
const SEARCHES_PER_PACKET: usize = 8_000_000;
/// To ask the access rules about a retained message takes about as long as to look at this many places.
const SEARCHES_PER_QUESTION: usize = 10;

/// A filter that was granted, and whether its retained messages are due.
struct Granted<'a> {
    wish: &'a SubscribeFilter,
    subscription: Subscription,
    is_new: bool,
}

impl Granted<'_> {
    fn wants_retained(&self) -> bool {
        let due = match self.wish.options.retain_handling {
            // MQTT-3.3.1-9, -10, -11 (MQTT-3.3.1-6 in 3.1.1).
            RetainHandling::Always => true,
            RetainHandling::IfNew => self.is_new,
            RetainHandling::Never => false,
        };
        // 4.8.2: a shared subscription gets none.
        due && self.wish.filter.share_name().is_none()
    }
}

impl Worker {
    pub(super) fn subscribe(&mut self, now: Time, id: ConnectionId, token: Token, subscribe: Subscribe) {
        let mut verdicts = Vec::with_capacity(subscribe.filters.len());
        let (mut keys, mut judgements) = (Vec::new(), Vec::new());
        for wish in &subscribe.filters {
            verdicts.push(match self.ask_to_subscribe(now, id, wish) {
                Ruling::Known(verdict) => Some(verdict),
                Ruling::Open(key, judgement) => {
                    keys.push(key);
                    judgements.push(judgement);
                    None
                }
            });
        }
        if judgements.is_empty() {
            self.subscribe_if(now, id, token, &subscribe, &verdicts);
        } else {
            // It may wait for long, so it keeps no read buffer alive.
            let filters = subscribe.filters.iter();
            let filters = filters.map(|it| SubscribeFilter { filter: it.filter.detached(), options: it.options });
            let properties = subscribe.properties.detached();
            let subscribe = Subscribe { packet_id: subscribe.packet_id, filters: filters.collect(), properties };
            self.wait(now, id, Held::Subscribe(token, subscribe, verdicts), keys, all(judgements));
        }
    }

    fn ask_to_subscribe(&mut self, now: Time, id: ConnectionId, wish: &SubscribeFilter) -> Ruling {
        // What names a group has no levels, and cannot be longer than what it shares may be.
        if !self.is_within_bounds(wish.filter.filter())
            || !self.is_within_bounds(wish.filter.share_name().unwrap_or(""))
        {
            return Ruling::Known(Err(Refusal::Denied(ReasonCode::TopicFilterInvalid)));
        }
        if !self.gate.asks_to_subscribe {
            return Ruling::Known(Ok(()));
        }
        let identity = self.connections.find(id).and_then(|connection| connection.identity.as_ref());
        let Some(who) = identity else { return Ruling::Known(Err(Refusal::Failed)) };
        let qos = wish.options.qos.min(self.shared.protocol.maximum_qos);
        let action = Action::Subscribe { filter: &wish.filter, qos };
        self.gate.ask(now, &self.shared.tallies[self.id.index()], who, action)
    }

    /// Subscribes to what is allowed: one verdict for each filter; what has none is refused.
    pub(super) fn subscribe_if(
        &mut self,
        now: Time,
        id: ConnectionId,
        token: Token,
        subscribe: &Subscribe,
        verdicts: &[Option<Verdict>],
    ) {
        let Some(key) = self.connections.find(id).and_then(|connection| connection.session) else { return };
        let identifier = subscribe.properties.subscription_ids().next().copied().and_then(NonZeroU32::new);
        let mut granted = Vec::with_capacity(subscribe.filters.len());
        let mut reasons = Vec::with_capacity(subscribe.filters.len());
        for (wish, verdict) in subscribe.filters.iter().zip(verdicts) {
            // MQTT-3.8.4-5, -6, -7, MQTT-3.9.3-1 (MQTT-3.8.4-4, -5,
            // MQTT-3.9.3-1 in 3.1.1): one outcome for each filter, in their order.
            reasons.push(match self.grant(key, wish, identifier, verdict.unwrap_or(Err(Refusal::Failed))) {
                Ok(one) => {
                    let reason = granted_qos(one.subscription.qos);
                    granted.push(one);
                    reason
                }
                Err(reason) => reason,
            });
        }
        let target = self.target(key);
        let mut retained = None;
        if !granted.is_empty()
            && let Some(state) = self.sessions.find(key)
        {
            // What is retained is looked at before anything can be retained that is routed to the new subscription.
            let store = granted.iter().any(Granted::wants_retained).then(|| self.shared.retained.open(now));
            // Before SUBACK leaves, every worker that looks will see it.
            self.shared.routes.change(&mut self.view, |routes| {
                for one in &granted {
                    routes.subscribe(one.wish.filter.as_str(), target, one.subscription, &state.presence);
                }
            });
            retained = store.map(|store| store.snapshot());
        }
        let added = granted.iter().filter(|one| one.is_new);
        let (all, shared) = count(added.map(|one| one.wish.filter.as_str()));
        self.tally().subscriptions_added.add(all);
        self.tally().shared_subscriptions_added.add(shared);
        for (wish, reason) in subscribe.filters.iter().zip(&reasons) {
            self.log_subscribed(now, key, wish.filter.as_str(), *reason);
        }
        // MQTT-3.8.4-1 in both.
        self.answer(now, id, token, Answer::Subscribe(reasons, Properties::EMPTY));
        if let Some(retained) = retained {
            self.forget_found(key, &granted);
            let mut visits = SEARCHES_PER_PACKET;
            granted.iter().for_each(|one| self.collect_retained(now, &retained, key, one, &mut visits));
        }
        if let Some(connection) = self.connections.find_mut(id) {
            connection.has_backlog = self.sessions.find(key).is_some_and(|state| !state.backlog.is_empty());
        }
    }

    fn grant<'a>(
        &mut self,
        key: SessionKey,
        wish: &'a SubscribeFilter,
        identifier: Option<NonZeroU32>,
        verdict: Verdict,
    ) -> Result<Granted<'a>, ReasonCode> {
        verdict.map_err(|refusal| refusal.reason(PacketType::SubAck))?;
        let mut subscription = Subscription::new(wish.options, identifier);
        // MQTT-3.2.2-10.
        subscription.qos = subscription.qos.min(self.shared.protocol.maximum_qos);
        let shared = &self.shared;
        let tally = &shared.tallies[self.id.index()];
        let state = self.sessions.find_mut(key).ok_or(ReasonCode::UnspecifiedError)?;
        let is_new = !state.subscriptions.contains_key(wish.filter.as_str());
        if is_new {
            let bytes = memory::of_subscription(wish.filter.as_str());
            let counter = if state.subscriptions.len() >= shared.limits.subscriptions {
                Some(&tally.subscriptions_refused)
            } else if shared.memory.of(Kind::Subscriptions).items >= shared.limits.all_subscriptions {
                Some(&tally.all_subscriptions_refused)
            } else if bytes > shared.spare_memory() {
                Some(&tally.subscriptions_refused_memory)
            } else {
                None
            };
            if let Some(counter) = counter {
                counter.increment();
                return Err(ReasonCode::QuotaExceeded);
            }
            state.subscribed.add(bytes);
        }
        // MQTT-3.8.4-3 in both. Nothing is lost by that: the route changes in one step (MQTT-3.8.4-4).
        state.subscriptions.insert(wish.filter.text().detached(), subscription);
        Ok(Granted { wish, subscription, is_new })
    }

    /// What repeated subscriptions found earlier and the client has not been sent is found again, as far as it is still
    /// retained.
    fn forget_found(&mut self, key: SessionKey, granted: &[Granted<'_>]) {
        let again = granted.iter().filter(|one| !one.is_new && one.wants_retained());
        let marks = again.map(|one| Mark(self.shared.mark(one.wish.filter.as_str()))).collect();
        if let Some(state) = self.sessions.find_mut(key) {
            self.searched += state.backlog.retained();
            state.backlog.forget(&marks);
        }
    }

    /// Puts the retained messages that match into the session's backlog, as far as that has room, and as far as looking
    /// at `visits` places goes, which asking who may still publish them uses up too.
    fn collect_retained(
        &mut self,
        now: Time,
        snapshot: &Snapshot,
        key: SessionKey,
        granted: &Granted<'_>,
        visits: &mut usize,
    ) {
        if !granted.wants_retained() {
            return;
        }
        let limits = &self.shared.limits;
        let mark = Mark(self.shared.mark(granted.wish.filter.as_str()));
        let Some(state) = self.sessions.find_mut(key) else { return };
        let room = limits.backlog_messages.saturating_sub(state.backlog.retained());
        let mut search = Search { messages: room, visits: *visits, ..Search::default() };
        let mut all = snapshot.matching(granted.wish.filter.filter(), &mut search);
        let mut searched = *visits - search.visits;
        if self.gate.asks_to_publish {
            let (gate, tally) = (&mut self.gate, &self.shared.tallies[self.id.index()]);
            let questions = search.found.iter().filter(|retained| gate.must_ask_about(retained)).count();
            searched += questions * SEARCHES_PER_QUESTION;
            // Who published it may not be allowed to any more.
            search.found.retain(|retained| gate.still_publishes(now, tally, retained));
        }
        self.searched += searched;
        *visits = visits.saturating_sub(searched);
        let mut bytes = limits.backlog_bytes.saturating_sub(state.backlog.retained_bytes());
        let mut spare = self.shared.spare_memory();
        for retained in search.found {
            // MQTT-3.8.3-3.
            if granted.subscription.no_local
                && retained.source.as_ref().is_some_and(|source| source.who.client_id == state.client_id)
            {
                continue;
            }
            let weight = retained.message.weight();
            let (Some(bytes_left), Some(spare_left)) = (bytes.checked_sub(weight), spare.checked_sub(weight + HELD))
            else {
                all = false;
                break;
            };
            (bytes, spare) = (bytes_left, spare_left);
            let receiver = Receiver {
                session: key,
                qos: retained.qos.min(granted.subscription.qos),
                // 3.3.1.3 (MQTT-3.3.1-8 in 3.1.1).
                retain: true,
                identifiers: granted.subscription.identifier.map(NonZeroU32::get).into_iter().collect(),
                share: None,
                forwarded: false,
            };
            state.backlog.push_retained(retained, receiver, mark);
        }
        state.backlog.settle();
        if !all {
            self.tally().retained_cut.increment();
        }
    }

    pub(super) fn unsubscribe(&mut self, now: Time, id: ConnectionId, token: Token, unsubscribe: &Unsubscribe) {
        let Some(key) = self.connections.find(id).and_then(|connection| connection.session) else { return };
        let target = self.target(key);
        let Some(state) = self.sessions.find_mut(key) else { return };
        let mut gone = Vec::new();
        let reasons = unsubscribe.filters.iter().map(|filter| {
            // MQTT-3.10.4-1 in both: compared character by character; MQTT-3.11.3-1: in their order.
            match state.subscriptions.remove(filter.as_str()) {
                Some(_) => {
                    state.subscribed.remove(memory::of_subscription(filter.as_str()));
                    gone.push(filter);
                    ReasonCode::Success
                }
                None => ReasonCode::NoSubscriptionExisted,
            }
        });
        let reasons: Vec<_> = reasons.collect();
        // Retained messages that have not been sent are of no use to it any more, and still retained.
        self.searched += state.backlog.retained();
        state.backlog.forget(&gone.iter().map(|filter| Mark(self.shared.mark(filter.as_str()))).collect());
        // MQTT-3.10.4-2 in both: nothing more is queued. What is in the session already goes out (MQTT-3.10.4-3 in both).
        if !gone.is_empty() {
            self.shared.routes.change(&mut self.view, |routes| {
                for filter in &gone {
                    routes.unsubscribe(filter.as_str(), target);
                }
            });
        }
        let (all, shared) = count(gone.iter().map(|filter| filter.as_str()));
        self.tally().subscriptions_removed.add(all);
        self.tally().shared_subscriptions_removed.add(shared);
        // MQTT-3.10.4-4, -5, -6 in both.
        self.answer(now, id, token, Answer::Unsubscribe(reasons, Properties::EMPTY));
    }
}

/// How many `filters` there are, and how many of them are of shared subscriptions.
pub(super) fn count<'a>(filters: impl Iterator<Item = &'a str>) -> (u64, u64) {
    filters.fold((0, 0), |(all, shared), filter| (all + 1, shared + u64::from(split_share(filter).is_some())))
}

fn granted_qos(qos: QoS) -> ReasonCode {
    match qos {
        QoS::AtMostOnce => ReasonCode::Success,
        QoS::AtLeastOnce => ReasonCode::GrantedQos1,
        QoS::ExactlyOnce => ReasonCode::GrantedQos2,
    }
}

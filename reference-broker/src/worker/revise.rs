//! Access rules change while the broker runs: what they no longer allow ends.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use protocol::{
    Delivery, Message, ReasonCode, SubscriptionOptions, Time, TopicFilter, TopicName, Utf8String, server::Server,
};

use super::{
    ConnectionId, Shared, Worker,
    connection::Connection,
    gate::{Gate, Ruling},
    questions::Held,
    session::{Link, SessionState},
    subscribe::count,
};
use crate::{
    access::{Action, Identity},
    backlog::Mark,
    counters::Tally,
    journal::Kind,
    mail::Subscriptions,
    memory,
    routing::{Matches, Routes, SessionKey, Subscription, Target, View, split_share},
};

impl Worker {
    /// Goes by the newest access rules, if there are newer ones than those it knows.
    pub(crate) fn adopt_policy(&mut self, now: Time) {
        if self.shared.policy.version() == self.gate.version {
            return;
        }
        // With it goes what was decided by the old rules.
        self.gate = Gate::new(&self.shared.policy);
        // So do the answers that are still to come: those who wait for them ask again.
        for words in self.questions.drop_unconnected() {
            self.ask_to_publish_will(now, words.will, words.publisher, Some(words.identity));
        }
        for id in self.connections.ids() {
            self.revise_connection(now, id);
        }
        for key in self.sessions.keys() {
            self.revise(now, key);
        }
        self.attend_rest(now);
    }

    fn revise_connection(&mut self, now: Time, id: ConnectionId) {
        let Some(connection) = self.connections.find_mut(id) else { return };
        let authenticate = &self.gate.access.authenticate;
        let stays = |identity: &Identity| authenticate.still_admits(identity, &connection.origin);
        if connection.identity.as_deref().is_some_and(|identity| !stays(identity)) {
            self.tally().connections_revoked.increment();
            return self.close(now, id, ReasonCode::NotAuthorized);
        }
        if connection.dialogue.is_some() {
            // It goes by credentials that may have changed, be it about CONNECT or to authenticate again.
            return self.close(now, id, ReasonCode::ServerBusy);
        }
        if let Some(held) = self.release_unanswered(now, id) {
            match held {
                Held::Connect(candidate) | Held::Admission(candidate, _) => self.authenticate(now, id, candidate),
                Held::Exchange(..) => self.close(now, id, ReasonCode::ServerBusy),
                Held::Publish { token, message, qos, retain } => {
                    self.ask_to_publish(now, id, token, message, qos, retain);
                }
                Held::Subscribe(token, subscribe, _) => self.subscribe(now, id, token, subscribe),
            }
            self.attend(now, id);
        }
    }

    /// Takes note of what changed while the session was on its way here.
    pub(super) fn revise_if_old(&mut self, now: Time, key: SessionKey) {
        if self.sessions.find(key).is_some_and(|state| state.policy != self.gate.version) {
            self.revise(now, key);
        }
    }

    /// Ends the subscriptions of a session that its client may not have any more, and gives up what waits because of them
    /// or may not be received any more.
    fn revise(&mut self, now: Time, key: SessionKey) {
        let target = self.target(key);
        let Self { gate, shared, sessions, connections, questions, view, id, journal, .. } = self;
        let tally = &shared.tallies[id.index()];
        let Some(state) = sessions.find_mut(key) else { return };
        state.policy = gate.version;
        let revoked = revoke(now, gate, tally, state, shared);
        if !revoked.is_empty() {
            if journal.admits(now, Kind::Revoked) {
                let (client, count) = (state.client_id.as_str(), revoked.len());
                tracing::info!(client, count, "subscriptions revoked: access rules changed");
            }
            shared.routes.change(view, |routes| {
                for filter in &revoked {
                    routes.unsubscribe(filter.as_str(), target);
                }
            });
        }
        if revoked.is_empty() && !gate.asks_to_receive {
            return;
        }
        let mut lost = Lost::new(&revoked, &state.subscriptions);
        let mut keep = |message: &Message| {
            !lost.holds(&message.topic)
                && (!gate.asks_to_receive || gate.may_receive(now, tally, questions, state.identity.as_ref(), message))
        };
        let mut dropped = state.backlog.retain(&mut keep);
        let waiting = match &mut state.link {
            Link::Online(id) => {
                connections.find_mut(*id).and_then(Connection::server_mut).and_then(Server::session_mut)
            }
            Link::Offline(session) => Some(&mut **session),
            Link::Arriving(_) => None,
        };
        dropped += waiting.map_or(0, |session| session.retain_waiting(|delivery| keep(&delivery.message)));
        tally.dropped_denied.add(dropped as u64);
        // What was sent already may have to be sent again.
        state.revoked.get_or_insert_default().extend(revoked);
    }

    /// The session is about to be resumed: what its client got once and may not get any more is not sent again.
    pub(super) fn forget_what_was_revoked(&mut self, now: Time, key: SessionKey) {
        let Self { gate, shared, sessions, questions, id, .. } = self;
        let tally = &shared.tallies[id.index()];
        let Some(state) = sessions.find_mut(key) else { return };
        let Some(revoked) = state.revoked.take() else { return };
        let Link::Offline(session) = &mut state.link else { return };
        let mut lost = Lost::new(&revoked, &state.subscriptions);
        let dropped = session.retain_published(|Delivery { message, .. }| {
            !lost.holds(&message.topic)
                && (!gate.asks_to_receive || gate.may_receive(now, tally, questions, state.identity.as_ref(), message))
        });
        tally.dropped_denied.add(dropped as u64);
    }
}

/// Takes the subscriptions out that are not allowed any more.
fn revoke(now: Time, gate: &mut Gate, tally: &Tally, state: &mut SessionState, shared: &Shared) -> Vec<TopicFilter> {
    if !gate.asks_to_subscribe {
        return Vec::new();
    }
    let mut allows = |filter: &TopicFilter, qos| match &state.identity {
        Some(who) => {
            let action = Action::Subscribe { filter, qos };
            matches!(gate.ask(now, tally, who, action), Ruling::Known(Ok(())))
        }
        None => false,
    };
    let filters = state.subscriptions.iter().filter_map(|(text, subscription)| {
        let filter = TopicFilter::from_text(text.clone()).ok()?;
        (!allows(&filter, subscription.qos)).then_some(filter)
    });
    let revoked: Vec<TopicFilter> = filters.collect();
    for filter in &revoked {
        state.subscriptions.remove(filter.as_str());
        state.subscribed.remove(memory::of_subscription(filter.as_str()));
    }
    state.backlog.forget(&revoked.iter().map(|filter| Mark(shared.mark(filter.as_str()))).collect());
    if !revoked.is_empty() {
        let (all, shared) = count(revoked.iter().map(TopicFilter::as_str));
        tally.subscriptions_revoked.add(all);
        tally.subscriptions_removed.add(all);
        tally.shared_subscriptions_removed.add(shared);
    }
    revoked
}

/// Subscriptions that were revoked, and those that are left. Both are looked up as routes are, and each topic once: a
/// session may hold as many filters as messages, and each of them asked about each would take minutes.
struct Lost {
    revoked: View,
    left: View,
    matches: Matches,
    known: HashMap<Utf8String, bool, RandomState>,
}

impl Lost {
    fn new(revoked: &[TopicFilter], subscriptions: &Subscriptions) -> Self {
        // Without a loss nobody asks what is left.
        let left = subscriptions.keys().filter(|_| !revoked.is_empty());
        Self {
            revoked: routes(revoked.iter().map(TopicFilter::as_str)),
            left: routes(left.map(Utf8String::as_str)),
            matches: Matches::default(),
            known: HashMap::default(),
        }
    }

    /// Whether a message came because of a revoked subscription alone.
    fn holds(&mut self, topic: &TopicName) -> bool {
        let Self { revoked, left, matches, known } = self;
        let mut matched = |view: &View| {
            view.route(topic.as_str(), None, matches);
            !matches.hits().is_empty()
        };
        *known.entry(topic.text().clone()).or_insert_with(|| matched(revoked) && !matched(left))
    }
}

/// Where `filters` lead, be they shared or not.
fn routes<'a>(filters: impl Iterator<Item = &'a str>) -> View {
    let (mut view, subscription) = (View::default(), Subscription::new(SubscriptionOptions::default(), None));
    Routes::default().change(&mut view, |routes| {
        for text in filters {
            let filter = split_share(text).map_or(text, |(_, filter)| filter);
            routes.subscribe(filter, Target::default(), subscription, &Arc::default());
        }
    });
    view
}

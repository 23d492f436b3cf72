//! Access rules change while the broker runs: what they no longer allow ends.

use protocol::{ReasonCode, Time, TopicFilter, Utf8String};

use super::{
    ConnectionId, Worker,
    gate::{Gate, Ruling},
    questions::Held,
    subscribe::count,
};
use crate::{
    access::{Action, Identity},
    routing::SessionKey,
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
        if connection.dialogue.as_ref().is_some_and(|dialogue| dialogue.is_about_connect()) {
            // It goes by credentials that may have changed.
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

    /// Ends the subscriptions of a session that its client may not have any more.
    fn revise(&mut self, now: Time, key: SessionKey) {
        let target = self.target(key);
        let Some(state) = self.sessions.find_mut(key) else { return };
        state.policy = self.gate.version;
        if !self.gate.asks_to_subscribe {
            return;
        }
        let tally = &self.shared.tallies[self.id.index()];
        let mut revoked: Vec<Utf8String> = Vec::new();
        for (text, subscription) in &state.subscriptions {
            let allowed = match (TopicFilter::from_text(text.clone()), &state.identity) {
                (Ok(filter), Some(who)) => {
                    let action = Action::Subscribe { filter: &filter, qos: subscription.qos };
                    matches!(self.gate.ask(now, tally, who, action), Ruling::Known(Ok(())))
                }
                _ => false,
            };
            if !allowed {
                revoked.push(text.clone());
            }
        }
        if revoked.is_empty() {
            return;
        }
        for filter in &revoked {
            state.subscriptions.remove(filter);
        }
        tally.subscriptions_revoked.add(revoked.len() as u64);
        let (all, shared) = count(revoked.iter().map(Utf8String::as_str));
        tally.subscriptions_removed.add(all);
        tally.shared_subscriptions_removed.add(shared);
        tracing::info!(
            client = state.client_id.as_str(),
            count = revoked.len(),
            "subscriptions revoked: access rules changed"
        );
        self.shared.routes.change(&mut self.view, |routes| {
            for filter in &revoked {
                routes.unsubscribe(filter, target);
            }
        });
    }
}

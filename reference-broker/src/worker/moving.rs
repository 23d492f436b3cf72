//! A session moves from one worker to another, and no message is lost or overtaken.
//!
//! ```text
//!   B (new owner)                    A (old owner)                      every worker W
//!   Claim ──────────────────────────▶ closes its connection (0x8E)
//!   installs, rewrites the routes ◀── Handover; forwards from now on
//!   Fence ─────────────────────────────────────────────────────────────▶ adopts the routes
//!                                     counts ◀───────────────────────── Fenced
//!   delivers what came early ◀─────── Settled, after all it forwarded
//! ```
//!
//! Mail keeps its order, so when A has heard from every worker, everything that was sent by the old routes has reached A
//! and gone on to B. Until then B holds back what reached it by the new routes: from one publisher it is later.

use std::collections::VecDeque;

use protocol::{ReasonCode, Time, Utf8String};

use super::{
    Worker,
    room::Full,
    session::{Link, SessionState},
    sessions::Slot,
    subscribe::count,
};
use crate::{
    Limits,
    mail::{Claim, Letter, Mail, Moving},
    memory::{Charge, Kind},
    message::Shared,
    routing::{SessionKey, Target, WorkerId},
};

/// Where a session went.
#[derive(Debug)]
pub(super) struct Forward {
    pub(super) to: Target,
    /// How many workers have adopted the new routes.
    fenced: usize,
}

/// What a session that just arrived holds back.
#[derive(Debug)]
pub(super) struct Settling {
    pub(super) early: VecDeque<Letter>,
    /// Whoever claimed the session meanwhile; it moves on once it has settled.
    pub(super) deferred: Option<Claim>,
    /// What `early` takes.
    charge: Charge,
}

impl Settling {
    fn new(charge: Charge) -> Self {
        Self { early: VecDeque::new(), deferred: None, charge }
    }

    /// Holds `letter` back, within the bounds of a queue.
    pub(super) fn hold(&mut self, letter: Letter, limits: &Limits) -> Result<(), Full> {
        let bytes = letter.message.weight() + size_of::<Letter>();
        if self.early.len() >= limits.queued_messages || self.charge.bytes() + bytes > limits.queued_bytes {
            return Err(Full::Session);
        }
        self.charge.add(bytes);
        self.early.push_back(letter);
        Ok(())
    }
}

impl Worker {
    /// Another worker claims a session of this one.
    pub(super) fn hand_over(&mut self, now: Time, claim: Claim) {
        let key = claim.session;
        if let Some(Link::Arriving(arrival)) = self.sessions.find_mut(key).map(|state| &mut state.link) {
            arrival.deferred = Some(claim);
            let pending = arrival.pending.take();
            return self.give_up(now, pending);
        }
        if let Some(Link::Online(id)) = self.sessions.find(key).map(|state| &state.link) {
            // MQTT-3.1.4-3 (MQTT-3.1.4-2 in 3.1.1). The close may end the session.
            self.close(now, *id, ReasonCode::SessionTakenOver);
        }
        let to = claim.requester.session;
        let Some(state) = self.sessions.find_mut(key) else {
            return self.post(claim.requester.worker, Mail::Handover { to, session: None });
        };
        if claim.clean {
            self.end_session(now, key);
            return self.post(claim.requester.worker, Mail::Handover { to, session: None });
        }
        if let Some(settling) = &mut state.settling {
            settling.deferred = Some(claim);
            return;
        }
        let session = self.pack(key, claim.requester).map(Box::new);
        self.post(claim.requester.worker, Mail::Handover { to, session });
    }

    /// Takes the session out and leaves a forwarding address.
    fn pack(&mut self, key: SessionKey, to: Target) -> Option<Moving> {
        let from = self.target(key);
        let slot = self.sessions.slot_mut(key)?;
        let forward = Box::new(Forward { to, fenced: 0 });
        let Slot::Here(state) = std::mem::replace(slot, Slot::Moved(forward)) else { return None };
        if state.subscriptions.is_empty() {
            // No route leads here, so there is nothing to forward and nobody to wait for.
            self.sessions.remove(key);
        }
        self.tally().sessions_closed.increment();
        let (all, shared) = count(state.subscriptions.keys().map(Utf8String::as_str));
        self.tally().subscriptions_removed.add(all);
        self.tally().shared_subscriptions_removed.add(shared);
        self.shared.full_sessions[self.id.index()].remove(key);
        let SessionState {
            link,
            identity,
            policy,
            revoked,
            subscriptions,
            subscribed,
            presence,
            backlog,
            expiry_interval,
            expires_at,
            will,
            ..
        } = *state;
        let mut delivery = match link {
            Link::Offline(delivery) => delivery,
            Link::Online(_) | Link::Arriving(_) => Box::default(),
        };
        delivery.weigh_on(None);
        Some(Moving {
            from,
            delivery,
            identity,
            policy,
            revoked,
            subscriptions,
            subscribed,
            presence,
            backlog,
            expiry_interval,
            expires_at,
            will,
        })
    }

    /// The answer to a claim of this worker.
    pub(super) fn take_over(&mut self, now: Time, key: SessionKey, moving: Option<Box<Moving>>) {
        let Some(state) = self.sessions.find_mut(key) else { return };
        let Link::Arriving(arrival) = &mut state.link else { return };
        let arrival = std::mem::take(&mut **arrival);
        state.link = Link::Offline(Box::default());
        match moving {
            Some(moving) => {
                self.install(key, *moving);
                self.revise_if_old(now, key);
                self.arm_session(key);
            }
            // There is none any more, so the place that was kept for it goes too.
            None => self.end_session(now, key),
        }
        let pending = arrival.pending.filter(|pending| self.is_live(pending.id));
        match (pending, arrival.deferred) {
            (Some(pending), _) => self.admit(now, pending),
            (None, Some(claim)) => self.hand_over(now, claim),
            // Whoever asked has gone meanwhile. Its CONNECT was never accepted, so the session is as it was.
            (None, None) => {}
        }
    }

    fn install(&mut self, key: SessionKey, moving: Moving) {
        let here = self.target(key);
        let Some(state) = self.sessions.find_mut(key) else { return };
        let from = moving.from;
        let mut delivery = moving.delivery;
        delivery.weigh_on(Some(self.shared.scale(self.id)));
        state.link = Link::Offline(delivery);
        state.identity = moving.identity;
        state.policy = moving.policy;
        state.revoked = moving.revoked;
        state.presence = moving.presence;
        state.expiry_interval = moving.expiry_interval;
        state.expires_at = moving.expires_at;
        state.will = moving.will;
        state.weigh(state.will.as_ref().map_or(0, |will| will.message.weight()));
        state.subscriptions = moving.subscriptions;
        state.subscribed = moving.subscribed;
        state.backlog = moving.backlog;
        state.backlog.readdress(key);
        let (all, shared) = count(state.subscriptions.keys().map(Utf8String::as_str));
        self.shared.tallies[self.id.index()].subscriptions_added.add(all);
        self.shared.tallies[self.id.index()].shared_subscriptions_added.add(shared);
        if state.subscriptions.is_empty() {
            return;
        }
        state.settling = Some(Box::new(Settling::new(self.shared.charge(Kind::Backlogs))));
        self.shared.routes.change(&mut self.view, |routes| {
            for (filter, subscription) in &state.subscriptions {
                routes.unsubscribe(filter, from);
                routes.subscribe(filter, here, *subscription, &state.presence);
            }
        });
        let version = self.view.version();
        for index in 0..self.shared.workers() {
            let worker = WorkerId(u16::try_from(index).expect("workers are counted in u16"));
            if worker == self.id {
                self.post(from.worker, Mail::Fenced { old: from.session });
            } else {
                self.post(worker, Mail::Fence { version, old: from });
            }
        }
    }

    /// Adopts the new routes and says so to where the session used to be.
    pub(super) fn pass_fence(&mut self, version: u64, old: Target) {
        self.shared.routes.refresh(&mut self.view);
        debug_assert!(self.view.version() >= version, "routes are published before they are announced");
        if old.worker == self.id {
            self.count_fence(old.session);
        } else {
            self.post(old.worker, Mail::Fenced { old: old.session });
        }
    }

    /// One more worker sends nothing to `old` any more.
    pub(super) fn count_fence(&mut self, old: SessionKey) {
        let Some(Slot::Moved(forward)) = self.sessions.slot_mut(old) else { return };
        forward.fenced += 1;
        if forward.fenced == self.shared.workers() {
            let to = forward.to;
            self.sessions.remove(old);
            self.post(to.worker, Mail::Settled { to: to.session });
        }
    }

    /// Nothing comes by the old address any more.
    pub(super) fn end_settling(&mut self, now: Time, key: SessionKey) {
        let Some(settling) = self.sessions.find_mut(key).and_then(|state| state.settling.take()) else { return };
        for letter in settling.early {
            let mut message = Shared::Kept(letter.message);
            for receiver in &letter.receivers {
                self.deliver(now, &mut message, letter.expires_at, receiver);
            }
        }
        if let Some(claim) = settling.deferred {
            self.hand_over(now, claim);
        }
    }
}

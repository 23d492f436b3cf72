//! One session: what of it outlives connections, and how it ends.
//!
//! ```text
//!             CONNECT, nobody had it            connection closed, expiry > 0
//!        ────────────────────────▶ Online ◀──────────────────────────▶ Offline ──expiry, Clean Start──▶ ended
//!             CONNECT, another      ▲   │ connection closed, expiry 0              ▲
//!             worker has it         │   └──────────────────────────────────────────┘
//!        ───────────▶ Arriving ─────┘ handover
//! ```

use std::{sync::Arc, time::Duration};

use protocol::{Delivery, InFlight, Message, QoS, ReasonCode, Session, Time, TopicFilter, Utf8String, server::Closed};

use super::{ConnectionId, Deadline, Worker, connect::Arrival, moving::Settling, sessions::Slot, subscribe::count};
use crate::{
    access::Identity,
    backlog::Backlog,
    mail::{Mail, Receiver, Share, Subscriptions},
    memory::{Charge, Kind, SESSION},
    message,
    routing::{Presence, SessionKey, Target},
    timers::Armed,
    worker,
};

/// A Session Expiry Interval that means for ever (3.1.2.11.2).
pub(super) const FOR_EVER: u32 = u32::MAX;

/// One session.
#[derive(Debug)]
pub(super) struct SessionState {
    pub(super) client_id: Utf8String,
    /// Who connected to it last. A session that nobody ever connected to delivers nothing.
    pub(super) identity: Option<Arc<Identity>>,
    /// The version of the access rules by which its subscriptions were granted.
    pub(super) policy: u64,
    /// Set when the rules changed since its connection began: the subscriptions that went with that. What they brought
    /// and was not acknowledged is not to be sent again.
    pub(super) revoked: Option<Vec<TopicFilter>>,
    pub(super) link: Link,
    pub(super) subscriptions: Subscriptions,
    /// What the subscriptions take.
    pub(super) subscribed: Charge,
    /// What the session takes beside its messages and subscriptions.
    charge: Charge,
    pub(super) presence: Arc<Presence>,
    /// Seconds from the close of a connection to the end of the session.
    pub(super) expiry_interval: u32,
    /// When the session ends; set while it is offline, never while it is connected (MQTT-4.1.0-1; MQTT-4.1.0-2 in 3.1.1).
    pub(super) expires_at: Option<Time>,
    pub(super) will: Option<Box<PendingWill>>,
    /// Set from its arrival on this worker until nothing can arrive by its old address any more.
    pub(super) settling: Option<Box<Settling>>,
    pub(super) backlog: Backlog,
    pub(super) armed: Armed,
}

/// Who holds the delivery state.
#[derive(Debug)]
pub(super) enum Link {
    /// The machine of a connection.
    Online(ConnectionId),
    /// Nobody is connected.
    Offline(Box<Session>),
    /// Another worker, until its handover arrives.
    Arriving(Box<Arrival>),
}

/// The Will of a session.
#[derive(Debug)]
pub(crate) struct PendingWill {
    pub(super) message: Arc<Message>,
    pub(super) qos: QoS,
    pub(super) retain: bool,
    /// Will Delay Interval in seconds.
    pub(super) delay: u32,
    /// When it is published; set when the connection closed in a way that asks for it.
    pub(super) due: Option<Time>,
}

impl SessionState {
    pub(super) fn new(client_id: Utf8String, link: Link, shared: &worker::Shared) -> Self {
        let mut state = Self {
            client_id,
            identity: None,
            policy: 0,
            revoked: None,
            link,
            subscriptions: Subscriptions::default(),
            presence: Arc::default(),
            expiry_interval: 0,
            expires_at: None,
            will: None,
            settling: None,
            subscribed: shared.charge(Kind::Subscriptions),
            charge: shared.charge(Kind::Sessions),
            backlog: Backlog::new(&shared.memory),
            armed: Armed::default(),
        };
        state.weigh(0);
        state
    }

    /// Counts the session, with a Will of `will` bytes.
    pub(super) fn weigh(&mut self, will: usize) {
        let names = self.identity.as_ref().map_or(self.client_id.as_str().len(), |identity| identity.weight());
        self.charge.set(SESSION + names + will, 1);
    }

    fn next_deadline(&self) -> Option<Time> {
        let will = self.will.as_ref().and_then(|will| will.due);
        [self.expires_at, will].into_iter().flatten().min()
    }
}

impl Worker {
    pub(super) fn insert_session(&mut self, client_id: Utf8String, link: Link) -> SessionKey {
        let state = SessionState::new(client_id, link, &self.shared);
        self.sessions.insert(state)
    }

    /// The connection of `key` is over.
    pub(super) fn disconnected(&mut self, now: Time, key: SessionKey, delivery: Option<Box<Session>>, closed: &Closed) {
        let Some(state) = self.sessions.find_mut(key) else { return };
        state.presence.set(false);
        state.link = Link::Offline(delivery.unwrap_or_default());
        if let Closed::Client(disconnect) = closed
            && let Some(seconds) = disconnect.properties.session_expiry_interval()
        {
            // That it never rises from 0 (3.14.2.2.2) is the machine's to enforce.
            state.expiry_interval = seconds.min(self.shared.limits.session_expiry);
        }
        // MQTT-3.1.2-8, MQTT-3.1.2-10 in both; at a shutdown the session does not end, and the broker's silence is its
        // message.
        if !closed.publishes_will() || *closed == Closed::Server(ReasonCode::ServerShuttingDown) {
            state.will = None;
            state.weigh(0);
        }
        if let Some(will) = &mut state.will {
            // 3.1.3.2.2: at the end of the delay or of the session, whichever comes first.
            will.due = Some(now.after(Duration::from_secs(will.delay.min(state.expiry_interval).into())));
        }
        let ends = state.expiry_interval == 0;
        self.queue_backlog(now, key, ends);
        let Some(state) = self.sessions.find_mut(key) else { return };
        if ends {
            // MQTT-3.1.2-23 (MQTT-3.1.2-6 in 3.1.1).
            self.end_session(now, key);
            return;
        }
        if state.expiry_interval != FOR_EVER {
            state.expires_at = Some(now.after(Duration::from_secs(state.expiry_interval.into())));
        }
        if state.will.as_ref().is_some_and(|will| will.delay == 0) {
            self.publish_will(now, key);
        }
        self.arm_session(key);
    }

    /// What waits at QoS 1 or 2 is delivered when the client returns.
    fn queue_backlog(&mut self, now: Time, key: SessionKey, ends: bool) {
        let Some(state) = self.sessions.find_mut(key) else { return };
        let mut waiting = state.backlog.take();
        if ends {
            waiting.forget_retained();
        }
        while let Some(held) = waiting.pop() {
            self.deliver(now, &mut message::Shared::Kept(held.message), held.expires_at, &held.receiver);
        }
    }

    pub(super) fn arm_session(&mut self, key: SessionKey) {
        let Some(state) = self.sessions.find_mut(key) else { return };
        let due = state.next_deadline();
        self.timers.arm(&mut state.armed, Deadline::Session(key), due);
    }

    pub(super) fn session_due(&mut self, now: Time, key: SessionKey, at: Time) {
        let Some(state) = self.sessions.find_mut(key) else { return };
        if !state.armed.came_up(at) {
            return;
        }
        // MQTT-4.1.0-2 (MQTT-4.1.0-1 in 3.1.1): not before, and never while it is connected (MQTT-4.1.0-1; MQTT-4.1.0-2
        // in 3.1.1).
        if state.expires_at.is_some_and(|at| at <= now) {
            self.tally().sessions_expired.increment();
            self.end_session(now, key);
            return;
        }
        if state.will.as_ref().and_then(|will| will.due).is_some_and(|at| at <= now) {
            self.publish_will(now, key);
        }
        self.arm_session(key);
    }

    /// The session ends: its subscriptions go (what it had retained stays, MQTT-3.1.2-7 in 3.1.1), a Will that waits is
    /// published (3.1.3.2.2), whoever asked for the session hears that there is none.
    pub(super) fn end_session(&mut self, now: Time, key: SessionKey) {
        self.publish_will(now, key);
        let target = self.target(key);
        let Some(Slot::Here(state)) = self.sessions.remove(key) else { return };
        self.tally().sessions_closed.increment();
        let (all, shared) = count(state.subscriptions.keys().map(Utf8String::as_str));
        self.tally().subscriptions_removed.add(all);
        self.tally().shared_subscriptions_removed.add(shared);
        if !state.subscriptions.is_empty() {
            self.shared.routes.change(&mut self.view, |routes| {
                for filter in state.subscriptions.keys() {
                    routes.unsubscribe(filter, target);
                }
            });
        }
        self.shared.registry.release(&state.client_id, target);
        self.shared.full_sessions[self.id.index()].remove(key);
        let claim = match (&state.link, &state.settling) {
            (Link::Arriving(arrival), _) => arrival.deferred,
            (_, Some(settling)) => settling.deferred,
            _ => None,
        };
        if let Some(claim) = claim {
            let to = claim.requester.session;
            self.post(claim.requester.worker, Mail::Handover { to, session: None });
        }
        if let Link::Offline(session) = &state.link {
            self.bequeath(now, session);
        }
        for letter in state.settling.into_iter().flat_map(|settling| settling.early) {
            let mut message = message::Shared::Kept(letter.message);
            for receiver in &letter.receivers {
                self.pass_on(now, &mut message, letter.expires_at, receiver.share);
            }
        }
    }

    /// The session ended: what it shared goes to another member (4.8.2), the rest is dropped.
    fn bequeath(&mut self, now: Time, session: &Session) {
        let begun = session.outgoing().filter_map(|(_, stage)| match stage {
            InFlight::Published(delivery) => Some(delivery),
            InFlight::Released(_) => None,
        });
        // MQTT-4.8.2-5: a QoS 2 delivery that has begun is this client's or nobody's.
        let mine_alone = |delivery: &Delivery| delivery.qos == QoS::ExactlyOnce;
        let begun = begun.map(|delivery| (delivery, delivery.tag.filter(|_| !mine_alone(delivery))));
        let waiting = session.waiting().map(|delivery| (delivery, delivery.tag));
        for (delivery, tag) in begun.chain(waiting) {
            let mut message = message::Shared::Kept(delivery.message.clone());
            self.pass_on(now, &mut message, delivery.expires_at, tag.map(Share::of));
        }
    }

    /// Publishes the Will if it is due to be published at all (a Will of a connected client is not).
    fn publish_will(&mut self, now: Time, key: SessionKey) {
        let publisher = self.target(key);
        let Some(state) = self.sessions.find_mut(key) else { return };
        if state.will.as_ref().is_none_or(|will| will.due.is_none()) {
            return;
        }
        // MQTT-3.1.2-12 in 3.1.1: without a Will nothing is published. MQTT-3.1.2-10 in both: taken, it is gone.
        let Some(will) = state.will.take() else { return };
        state.weigh(0);
        let identity = state.identity.clone();
        self.ask_to_publish_will(now, will, publisher, identity);
    }

    pub(super) fn publish_allowed_will(
        &mut self,
        now: Time,
        will: PendingWill,
        publisher: Target,
        identity: Arc<Identity>,
    ) {
        self.tally().wills_published.increment();
        let message = message::Shared::Kept(will.message);
        // MQTT-3.1.2-14, MQTT-3.1.2-15 (MQTT-3.1.2-16, MQTT-3.1.2-17 in 3.1.1).
        self.publish(now, message, will.qos, will.retain, Some(publisher), Some(identity));
    }
}

/// A delivery that waits in a session.
pub(super) fn queued(message: &Arc<Message>, receiver: &Receiver, expires_at: Option<Time>) -> Delivery {
    Delivery {
        message: message.clone(),
        qos: receiver.qos,
        retain: receiver.retain,
        subscription_ids: receiver.identifiers.clone(),
        expires_at,
        tag: receiver.share.map(Share::tag),
    }
}

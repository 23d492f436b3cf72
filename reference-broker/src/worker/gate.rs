//! The access rules as one worker knows them, and what they said lately.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use protocol::{Message, Time};

use super::questions::Questions;
use crate::{
    access::{Access, Action, Cache, Decision, Identity, Key, Verdict},
    counters::Tally,
    retained::Retained,
};

/// The access rules of the whole broker; they may be replaced while it runs.
#[derive(Debug)]
pub(crate) struct Policy {
    current: ArcSwap<Access>,
    /// Raised after `current` was replaced.
    version: AtomicU64,
}

impl Policy {
    pub(super) fn new(access: Access) -> Self {
        Self { current: ArcSwap::from_pointee(access), version: AtomicU64::new(1) }
    }

    pub(crate) fn replace(&self, access: Access) {
        self.current.store(Arc::new(access));
        self.version.fetch_add(1, Ordering::Release);
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }
}

/// The rules that one worker goes by.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) access: Arc<Access>,
    pub(super) version: u64,
    /// Whether publications need a decision at all.
    pub(super) asks_to_publish: bool,
    /// Whether subscriptions do.
    pub(super) asks_to_subscribe: bool,
    /// Whether sessions belong to users.
    pub(super) personal: bool,
    /// Whether deliveries do.
    pub(super) asks_to_receive: bool,
    cache: Cache,
}

/// A future that comes to a verdict.
pub(super) type Judgement = Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// What became of a question.
pub(super) enum Ruling {
    Known(Verdict),
    /// What to remember the answer for.
    Open(Key, Judgement),
}

impl Gate {
    pub(super) fn new(policy: &Policy) -> Self {
        // The version first: rules that are newer than it are looked at once more, and none are missed.
        let version = policy.version();
        let access = policy.current.load_full();
        Self {
            version,
            asks_to_publish: access.authorize.checks_publish(),
            personal: access.authenticate.sessions_are_personal(),
            asks_to_subscribe: access.authorize.checks_subscribe(),
            asks_to_receive: access.authorize.checks_receive(),
            cache: Cache::new(&access),
            access,
        }
    }

    pub(super) fn ask(&mut self, now: Time, tally: &Tally, who: &Arc<Identity>, action: Action<'_>) -> Ruling {
        let key = Key::new(who, action);
        if let Some(verdict) = self.cache.find(now, &key) {
            tally.access_remembered.increment();
            return Ruling::Known(verdict);
        }
        tally.access_decided.increment();
        match self.access.authorize.authorize(who, action) {
            Decision::Now(verdict) => {
                self.remember(now, key, verdict);
                Ruling::Known(verdict)
            }
            Decision::Later(future) => Ruling::Open(key, future),
        }
    }

    /// Whether a message may be delivered to a session of `who`.
    pub(super) fn may_receive(
        &mut self,
        now: Time,
        tally: &Tally,
        questions: &mut Questions,
        who: Option<&Arc<Identity>>,
        message: &Message,
    ) -> bool {
        let Some(who) = who else { return false };
        match self.ask(now, tally, who, Action::Receive { topic: &message.topic }) {
            Ruling::Known(verdict) => verdict.is_ok(),
            Ruling::Open(key, judgement) => {
                questions.ask_for_the_next(key, judgement);
                false
            }
        }
    }

    /// Whether the rules have changed since a client was allowed to publish a retained message.
    pub(super) fn must_ask_about(&self, retained: &Retained) -> bool {
        retained.source.as_ref().is_some_and(|source| source.policy != self.version)
    }

    /// Whether whoever published a retained message may still publish it, if the rules have changed since.
    pub(super) fn still_publishes(&mut self, now: Time, tally: &Tally, retained: &Retained) -> bool {
        let Some(source) = retained.source.as_ref().filter(|source| source.policy != self.version) else { return true };
        let topic = &retained.message.topic;
        let action = Action::Publish { topic, qos: retained.qos, retain: true, will: false };
        let allowed = matches!(self.ask(now, tally, &source.who, action), Ruling::Known(Ok(())));
        if !allowed {
            tally.dropped_denied.increment();
        }
        allowed
    }

    pub(super) fn remember(&mut self, now: Time, key: Key, verdict: Verdict) {
        self.cache.remember(now, key, verdict);
    }
}

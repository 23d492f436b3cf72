//! Which worker owns the session of a Client Identifier.
//!
//! A session is found by its Client Identifier and by nothing else; whether the user who asks may have it is another
//! question, which is answered here too, before anything is touched. The registry decides races: whoever claims an
//! identifier last owns it, and each owner knows from whom it must fetch the session. An entry stands from the first
//! CONNECT to the end of the session.

use std::{
    hash::BuildHasher,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use foldhash::fast::RandomState;
use protocol::Utf8String;

use crate::routing::{SessionKey, Target};

/// Connecting clients rarely meet in one shard.
const SHARDS: usize = 64;

type Shard = std::collections::HashMap<Utf8String, Entry, RandomState>;

/// One session.
#[derive(Clone, Copy, Debug)]
struct Entry {
    owner: Target,
    user: User,
}

/// To whom a session belongs, as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct User(u64);

impl User {
    /// Whoever knows the Client Identifier.
    pub(crate) const ANYBODY: Self = Self(0);

    /// The user of this name, or (without one) those who are anonymous; `secret` keeps others from finding names that
    /// collide.
    pub(crate) fn named(name: Option<&str>, secret: &impl BuildHasher) -> Self {
        Self(secret.hash_one(name).max(1))
    }

    fn may_have_what_is_of(self, owner: Self) -> bool {
        self == owner || self == Self::ANYBODY || owner == Self::ANYBODY
    }
}

/// All sessions of the broker by Client Identifier.
#[derive(Debug)]
pub(crate) struct Registry {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    sessions: AtomicUsize,
    limit: AtomicUsize,
}

/// What a claim found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// Nobody had a session: the claimant's candidate is the owner.
    New,
    /// The claimant's own worker has the session.
    Here(SessionKey),
    /// Another worker had it: the claimant's candidate is the owner now, and must fetch the session from there.
    From(Target),
    /// It belongs to another user.
    Foreign,
    /// There may be no more sessions.
    Full,
}

impl Registry {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::default(),
            sessions: AtomicUsize::new(0),
            limit: AtomicUsize::new(limit),
        }
    }

    /// Changes how many sessions there may be; those that are there stay.
    pub(crate) fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Relaxed);
    }

    /// Makes the claimant's worker the owner of `client`, with the session `candidate` unless it has one already. Nothing but
    /// the Client Identifier counts (MQTT-3.1.3-2 in both), unless it belongs to another user.
    pub(crate) fn claim(&self, client: &Utf8String, candidate: Target, user: User) -> Claimed {
        let mut shard = self.shard(client);
        match shard.get_mut(client) {
            Some(entry) if !user.may_have_what_is_of(entry.user) => Claimed::Foreign,
            Some(Entry { owner, user: known }) => {
                *known = user;
                if (owner.node, owner.worker) == (candidate.node, candidate.worker) {
                    Claimed::Here(owner.session)
                } else {
                    Claimed::From(std::mem::replace(owner, candidate))
                }
            }
            None if self.sessions.load(Relaxed) >= self.limit.load(Relaxed) => Claimed::Full,
            None => {
                self.sessions.fetch_add(1, Relaxed);
                shard.insert(client.clone(), Entry { owner: candidate, user });
                Claimed::New
            }
        }
    }

    /// Whether `client` has a session.
    pub(crate) fn contains(&self, client: &Utf8String) -> bool {
        self.shard(client).contains_key(client)
    }

    /// The session of `owner` has ended. Nothing happens when another has claimed the identifier meanwhile.
    pub(crate) fn release(&self, client: &Utf8String, owner: Target) {
        let mut shard = self.shard(client);
        if shard.get(client).is_some_and(|entry| entry.owner == owner) {
            shard.remove(client);
            self.sessions.fetch_sub(1, Relaxed);
        }
    }

    fn shard(&self, client: &Utf8String) -> MutexGuard<'_, Shard> {
        let hash = self.hasher.hash_one(client.as_str());
        // The high bits: the maps inside use the low ones.
        let shard = &self.shards[(hash >> 56) as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Which worker owns the session of a Client Identifier.
//!
//! A session is found by its Client Identifier and by nothing else. The registry decides races: whoever claims an identifier last owns it, and each owner knows from whom it must fetch
//! the session. An entry stands from the first CONNECT to the end of the session.

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

type Shard = std::collections::HashMap<Utf8String, Target, RandomState>;

/// All sessions of the broker by Client Identifier.
#[derive(Debug)]
pub(crate) struct Registry {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    sessions: AtomicUsize,
    limit: usize,
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
    /// There may be no more sessions.
    Full,
}

impl Registry {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::default(),
            sessions: AtomicUsize::new(0),
            limit,
        }
    }

    /// Makes the claimant's worker the owner of `client`, with the session `candidate` unless it has one already. Nothing but
    /// the Client Identifier counts (MQTT-3.1.3-2 in both).
    pub(crate) fn claim(&self, client: &Utf8String, candidate: Target) -> Claimed {
        let mut shard = self.shard(client);
        match shard.get_mut(client) {
            Some(owner) if (owner.node, owner.worker) == (candidate.node, candidate.worker) => {
                Claimed::Here(owner.session)
            }
            Some(owner) => Claimed::From(std::mem::replace(owner, candidate)),
            None if self.sessions.load(Relaxed) >= self.limit => Claimed::Full,
            None => {
                self.sessions.fetch_add(1, Relaxed);
                shard.insert(client.clone(), candidate);
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
        if shard.get(client) == Some(&owner) {
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

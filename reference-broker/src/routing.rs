//! Which sessions want a message: the subscriptions of the whole broker.
//!
//! ```text
//!   subscribe ──▶ Routes: mutex, edit the trie by path copying, raise the version ──▶ SUBACK
//!                    │
//!                    │ version changed? clone the root (one Arc)
//!                    ▼
//!   publish ───▶ View of a worker: walk, one lookup per level, no lock ──▶ Matches
//! ```
//!
//! A change copies the nodes from the root to the filter and shares everything else, so its cost depends on the depth
//! of the filter and not on how many subscriptions exist; readers keep the version they hold until they ask again.

mod matches;
mod subscribers;
mod table;
#[cfg(test)]
mod tests;
mod trie;
mod versioned;

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

pub(crate) use matches::{Hit, Matches};
use protocol::{QoS, SubscriptionOptions};
pub(crate) use table::{Routes, View, split_share};

/// A node of a cluster. There is one so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub(crate) u16);

/// A worker of one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WorkerId(pub(crate) u16);

impl WorkerId {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A session within its worker. The generation tells a session from its predecessor in the same slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionKey {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// Where a session lives: where to send what it subscribed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Target {
    pub(crate) node: NodeId,
    pub(crate) worker: WorkerId,
    pub(crate) session: SessionKey,
}

/// How matches of one subscription are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) qos: QoS,
    pub(crate) no_local: bool,
    pub(crate) retain_as_published: bool,
    pub(crate) identifier: Option<NonZeroU32>,
}

impl Subscription {
    pub(crate) fn new(options: SubscriptionOptions, identifier: Option<NonZeroU32>) -> Self {
        Self {
            qos: options.qos,
            no_local: options.no_local,
            retain_as_published: options.retain_as_published,
            identifier,
        }
    }
}

/// A shared subscription from its first member to its last (4.8.2). A later one by the same name is another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupId(pub(crate) u64);

/// Whether a session is connected and has room, readable from every worker: shared groups prefer such members.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    online: AtomicBool,
    full: AtomicBool,
}

impl Presence {
    pub(crate) fn set(&self, online: bool) {
        self.online.store(online, Relaxed);
    }

    pub(crate) fn set_full(&self, full: bool) {
        self.full.store(full, Relaxed);
    }

    pub(crate) fn is_online(&self) -> bool {
        self.online.load(Relaxed)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Relaxed)
    }
}

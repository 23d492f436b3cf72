//! The retained messages of the whole broker (3.3.1.3).
//!
//! A trie of topics behind a mutex. A change edits it in place; a reader takes the root (one Arc) under the lock and
//! walks it without, so that a subscription to `#` over a million topics holds up nobody. Only while such a reader
//! walks does a change copy the path to its topic.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use protocol::{Message, QoS, Time};

use crate::{
    Limits,
    access::Identity,
    children::{Children, split_level},
    memory::{self, Charge, Kind, Memory},
};

/// One retained message.
#[derive(Clone, Debug)]
pub(crate) struct Retained {
    pub(crate) message: Arc<Message>,
    pub(crate) qos: QoS,
    pub(crate) expires_at: Option<Time>,
    /// Who published it; `None` is the broker itself.
    pub(crate) source: Option<Source>,
}

/// Who published a retained message, and by which version of the access rules that was allowed.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) who: Arc<Identity>,
    pub(crate) policy: u64,
}

/// All retained messages.
#[derive(Debug)]
pub(crate) struct RetainedStore {
    inner: Mutex<Inner>,
    maximum_messages: AtomicUsize,
    maximum_bytes: AtomicUsize,
}

#[derive(Debug)]
struct Inner {
    root: Arc<Node>,
    messages: usize,
    bytes: usize,
    /// What they take with everything that keeping them takes.
    charge: Charge,
    /// What expires, soonest first.
    expiring: BTreeSet<(Time, Arc<str>)>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    children: Children<Self>,
    retained: Option<Retained>,
}

/// The store while nobody else can look at it.
#[derive(Debug)]
pub(crate) struct Open<'a> {
    inner: MutexGuard<'a, Inner>,
    store: &'a RetainedStore,
}

/// What was retained at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot(Arc<Node>);

/// What a search found, and how far it may still go.
#[derive(Debug, Default)]
pub(crate) struct Search {
    pub(crate) found: Vec<Retained>,
    /// How many messages it may find.
    pub(crate) messages: usize,
    /// How many places it may look at.
    pub(crate) visits: usize,
}

/// The store is full; the message is not retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Retained {
    /// What keeping it takes. Who published it is charged for each time, because it may have no session any more.
    pub(crate) fn charge(&self) -> usize {
        memory::of_retained(&self.message) + self.source.as_ref().map_or(0, |source| source.who.weight())
    }

    fn bytes(&self) -> usize {
        self.message.weight()
    }
}

impl RetainedStore {
    pub(crate) fn new(limits: &Limits, memory: &Arc<Memory>) -> Self {
        let inner = Inner {
            root: Arc::default(),
            messages: 0,
            bytes: 0,
            charge: Charge::new(memory, Kind::Retained),
            expiring: BTreeSet::new(),
        };
        Self {
            inner: Mutex::new(inner),
            maximum_messages: AtomicUsize::new(limits.retained_messages),
            maximum_bytes: AtomicUsize::new(limits.retained_bytes),
        }
    }

    /// Changes how much may be retained; what is there stays.
    pub(crate) fn set_limits(&self, limits: &Limits) {
        self.maximum_messages.store(limits.retained_messages, Relaxed);
        self.maximum_bytes.store(limits.retained_bytes, Relaxed);
    }

    /// Takes the lock.
    pub(crate) fn open(&self, now: Time) -> Open<'_> {
        Open { inner: self.lock(now), store: self }
    }

    /// Whether `message` is still what its topic retains.
    pub(crate) fn holds(&self, now: Time, message: &Arc<Message>) -> bool {
        let inner = self.lock(now);
        inner.root.find(message.topic.as_str()).is_some_and(|current| Arc::ptr_eq(&current.message, message))
    }

    /// How many messages and bytes of clients are retained.
    pub(crate) fn size(&self) -> (usize, usize) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.messages, inner.bytes)
    }

    /// Whoever looks first lets go of what has expired (MQTT-3.3.2-5).
    fn lock(&self, now: Time) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        while inner.expiring.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, topic)) = inner.expiring.pop_first() else { break };
            inner.remove(&topic);
        }
        inner
    }
}

impl Open<'_> {
    /// Replaces the retained message of its topic (MQTT-3.3.1-5; MQTT-3.3.1-5, MQTT-3.3.1-7 in 3.1.1). When there is no
    /// room, the old one goes all the same: it is no longer what was published last.
    pub(crate) fn set(&mut self, retained: Retained) -> Result<(), Full> {
        let inner = &mut *self.inner;
        let topic = retained.message.topic.clone();
        let old = inner.root.find(topic.as_str()).map(Retained::bytes);
        // Nobody but the broker makes its own topics, so they need no bound, and clients find their room as configured.
        let (messages, bytes) = match (is_own(topic.as_str()), old) {
            (true, _) => (inner.messages, inner.bytes),
            (false, old) => {
                (inner.messages + usize::from(old.is_none()), inner.bytes - old.unwrap_or(0) + retained.bytes())
            }
        };
        if messages > self.store.maximum_messages.load(Relaxed) || bytes > self.store.maximum_bytes.load(Relaxed) {
            inner.remove(topic.as_str());
            return Err(Full);
        }
        if let Some(at) = retained.expires_at {
            inner.expiring.insert((at, topic.as_str().into()));
        }
        inner.charge.add(retained.charge());
        if let Some(old) = inner.root.slot(topic.as_str()).replace(retained.clone()) {
            inner.charge.remove(old.charge());
            if let Some(at) = old.expires_at
                && retained.expires_at != Some(at)
            {
                inner.expiring.remove(&(at, topic.as_str().into()));
            }
        }
        inner.messages = messages;
        inner.bytes = bytes;
        Ok(())
    }

    /// Removes the retained message of `topic` (MQTT-3.3.1-6; MQTT-3.3.1-10 in 3.1.1).
    pub(crate) fn remove(&mut self, topic: &str) {
        self.inner.remove(topic);
    }

    /// What is retained now: one Arc, however much that is.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot(self.inner.root.clone())
    }
}

impl Snapshot {
    /// Adds what matches `filter` to `search`, without a particular order; whether that is all.
    pub(crate) fn matching(&self, filter: &str, search: &mut Search) -> bool {
        self.0.collect(Some(filter), true, search)
    }
}

impl Inner {
    fn remove(&mut self, topic: &str) {
        if self.root.find(topic).is_none() {
            return;
        }
        let Some(old) = self.root.take(Some(topic)) else { return };
        self.charge.remove(old.charge());
        if !is_own(topic) {
            self.messages -= 1;
            self.bytes -= old.bytes();
        }
        if let Some(at) = old.expires_at {
            self.expiring.remove(&(at, topic.into()));
        }
    }
}

/// Whether the broker itself publishes to `topic`; clients may not.
fn is_own(topic: &str) -> bool {
    topic.starts_with('$')
}

impl Node {
    fn find(&self, topic: &str) -> Option<&Retained> {
        let mut node = self;
        let mut rest = Some(topic);
        while let Some(path) = rest {
            let (level, below) = split_level(path);
            node = node.children.find(level)?;
            rest = below;
        }
        node.retained.as_ref()
    }

    /// The place of `topic`, on a path that is made where it is missing.
    fn slot<'a>(mut self: &'a mut Arc<Self>, topic: &str) -> &'a mut Option<Retained> {
        let mut rest = Some(topic);
        while let Some(path) = rest {
            let (level, below) = split_level(path);
            self = Arc::make_mut(self).children.find_or_add(level);
            rest = below;
        }
        &mut Arc::make_mut(self).retained
    }

    /// Takes the message out and prunes. Recursion is bounded by [`Limits::topic_levels`], as in the other walks.
    fn take(self: &mut Arc<Self>, topic: Option<&str>) -> Option<Retained> {
        let node = Arc::make_mut(self);
        let Some(path) = topic else { return node.retained.take() };
        let (level, below) = split_level(path);
        let child = node.children.find_mut(level)?;
        let taken = child.take(below);
        if child.retained.is_none() && child.children.is_empty() {
            node.children.remove(level);
        }
        taken
    }

    /// Whether the search went through to its end.
    fn collect(&self, filter: Option<&str>, first: bool, search: &mut Search) -> bool {
        if search.visits == 0 {
            return false;
        }
        search.visits -= 1;
        let Some(path) = filter else { return self.found(search) };
        // MQTT-4.7.2-1: a leading wildcard does not match topics that begin with `$`.
        let hidden = |level: &str| first && level.starts_with('$');
        match split_level(path) {
            ("#", _) => {
                let mut all = self.found(search);
                self.children.for_each(|level, child| {
                    all &= hidden(level) || child.collect(Some("#"), false, search);
                });
                all
            }
            ("+", below) => {
                let mut all = true;
                self.children.for_each(|level, child| {
                    all &= hidden(level) || child.collect(below, false, search);
                });
                all
            }
            (level, below) => self.children.find(level).is_none_or(|child| child.collect(below, false, search)),
        }
    }

    fn found(&self, search: &mut Search) -> bool {
        let Some(retained) = &self.retained else { return true };
        let room = search.found.len() < search.messages;
        if room {
            search.found.push(retained.clone());
        }
        room
    }
}

#[cfg(test)]
mod tests;

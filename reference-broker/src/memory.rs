//! What a broker holds in memory, added up while it changes: the sum that [`crate::Limits::memory`] bounds.
//!
//! Messages in the queues of sessions change with every message, so each worker weighs its own ([`protocol::Scale`]).
//! Everything else changes seldom and is counted here, in one place, by whoever holds it: a [`Charge`] that is dropped
//! with what it stands for. The sum errs on the large side: a subscription is charged for every level of its filter,
//! although most share theirs.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use protocol::Message;

/// What is assumed where the machine does not say how much memory it has.
const UNKNOWN: usize = 2 << 30;
/// A level of a trie: its node, its name, and its place among the children of its parent.
const LEVEL: usize = 192;
/// A subscription beside its filter: in the session, and in the routes.
const SUBSCRIPTION: usize = 256;
/// A retained message beside its bytes and the levels of its topic.
const RETAINED: usize = 256;
/// A session beside its Client Identifier and its Will: its state, its place in the registry and among the sessions.
pub(crate) const SESSION: usize = 1024;

/// What is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Sessions: what each takes, its Client Identifier, its Will.
    Sessions,
    /// Subscriptions and the filters they are for.
    Subscriptions,
    /// Retained messages.
    Retained,
    /// What waits before the queues of sessions.
    Backlogs,
    /// What sockets have not taken yet.
    Unsent,
}

const KINDS: usize = 5;

/// How much of one kind there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) bytes: usize,
    pub(crate) items: usize,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: usize,
    held: Table,
}

/// Apart from what changes with every message.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Table([(AtomicUsize, AtomicUsize); KINDS]);

impl Memory {
    pub(crate) fn new(limit: Option<usize>) -> Arc<Self> {
        Arc::new(Self { limit: limit.unwrap_or_else(half_of_the_machine), held: Table::default() })
    }

    /// The bound of the whole sum, in bytes.
    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    /// How much of `kind` there is.
    pub(crate) fn of(&self, kind: Kind) -> Amount {
        let (bytes, items) = &self.held.0[kind as usize];
        Amount { bytes: bytes.load(Relaxed), items: items.load(Relaxed) }
    }

    /// The bytes of everything but the queues of sessions.
    pub(crate) fn bytes(&self) -> usize {
        self.held.0.iter().map(|(bytes, _)| bytes.load(Relaxed)).sum()
    }
}

/// A part of the sum, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Charge {
    memory: Arc<Memory>,
    bytes: usize,
    /// Every session holds some of these, so they are kept small. As many items do not fit into memory.
    items: u32,
    kind: Kind,
}

impl Charge {
    /// Nothing yet.
    pub(crate) fn new(memory: &Arc<Memory>, kind: Kind) -> Self {
        Self { memory: memory.clone(), bytes: 0, items: 0, kind }
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Changes what it stands for.
    pub(crate) fn set(&mut self, bytes: usize, items: usize) {
        let (all_bytes, all_items) = &self.memory.held.0[self.kind as usize];
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        shift(all_bytes, self.bytes, bytes);
        shift(all_items, self.items as usize, items as usize);
        (self.bytes, self.items) = (bytes, items);
    }

    /// One more of `bytes`.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.set(self.bytes + bytes, self.items as usize + 1);
    }

    /// One less of `bytes`.
    pub(crate) fn remove(&mut self, bytes: usize) {
        self.set(self.bytes - bytes, self.items as usize - 1);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0, 0);
    }
}

fn shift(all: &AtomicUsize, from: usize, to: usize) {
    if to > from {
        all.fetch_add(to - from, Relaxed);
    } else if to < from {
        all.fetch_sub(from - to, Relaxed);
    }
}

/// What a subscription to `filter` takes.
pub(crate) fn of_subscription(filter: &str) -> usize {
    SUBSCRIPTION + 2 * filter.len() + levels(filter) * LEVEL
}

/// What keeping `message` as the retained message of its topic takes.
pub(crate) fn of_retained(message: &Message) -> usize {
    let topic = message.topic.as_str();
    RETAINED + message.weight() + topic.len() + levels(topic) * LEVEL
}

fn levels(path: &str) -> usize {
    1 + path.bytes().filter(|byte| *byte == b'/').count()
}

/// Half of the memory that this process may use: that of the machine, or of the control group that it runs in.
fn half_of_the_machine() -> usize {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .into_iter()
        .find_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok());
    [machine, group].into_iter().flatten().min().unwrap_or(UNKNOWN) / 2
}

/// The bytes of the line `MemTotal: ... kB`.
fn total(meminfo: &str) -> Option<usize> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_charged_is_given_back() {
        let memory = Memory::new(Some(1000));
        let mut one = Charge::new(&memory, Kind::Sessions);
        let mut other = Charge::new(&memory, Kind::Sessions);
        one.add(300);
        other.add(100);
        other.add(50);
        assert_eq!(memory.of(Kind::Sessions), Amount { bytes: 450, items: 3 });
        other.remove(100);
        assert_eq!((memory.bytes(), memory.of(Kind::Retained)), (350, Amount::default()));
        drop(one);
        drop(other);
        assert_eq!(memory.of(Kind::Sessions), Amount::default());
    }

    #[test]
    fn a_deep_filter_costs_more_than_a_shallow_one_of_the_same_length() {
        assert!(of_subscription("////////") > of_subscription("aaaaaaaa") + 8 * 100);
    }

    #[test]
    fn the_machine_says_how_much_memory_it_has() {
        assert_eq!(total("MemFree: 1 kB\nMemTotal:       16 kB\n"), Some(16_384));
        assert_eq!(total("MemTotal: lots\n"), None);
        assert!(Memory::new(None).limit() >= 1 << 20);
    }
}

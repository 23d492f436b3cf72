//! Everything that can be known of the broker at one moment.

use crate::{Counters, memory::Kind, worker::Shared};

/// See the module. Workers go on while it is taken, so its parts may be a moment apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    /// Of all workers together.
    pub(crate) counters: Counters,
    pub(crate) retained_messages: u64,
    pub(crate) retained_bytes: u64,
    pub(crate) queued_messages: u64,
    pub(crate) inflight_messages: u64,
    pub(crate) held_bytes: u64,
    pub(crate) session_bytes: u64,
    pub(crate) subscription_bytes: u64,
    pub(crate) retained_memory_bytes: u64,
    pub(crate) backlog_messages: u64,
    pub(crate) backlog_bytes: u64,
    pub(crate) unsent_bytes: u64,
    pub(crate) memory_limit_bytes: u64,
}

/// One thing that rises and falls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gauge {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) read: fn(&Sample) -> u64,
}

/// Everything that rises and falls.
pub(crate) const GAUGES: &[Gauge] = &[
    Gauge { name: "connections", help: "Connections open now", read: |sample| sample.counters.connections() },
    Gauge { name: "clients", help: "Clients connected now", read: |sample| sample.counters.clients() },
    Gauge { name: "sessions", help: "Sessions that exist now", read: |sample| sample.counters.sessions() },
    Gauge {
        name: "subscriptions",
        help: "Subscriptions that exist now, shared ones included",
        read: |sample| sample.counters.subscriptions(),
    },
    Gauge {
        name: "shared_subscriptions",
        help: "Shared subscriptions that exist now",
        read: |sample| sample.counters.shared_subscriptions(),
    },
    Gauge { name: "retained_messages", help: "Messages retained now", read: |sample| sample.retained_messages },
    Gauge {
        name: "retained_bytes",
        help: "Bytes of the topics, payloads and properties that are retained now",
        read: |sample| sample.retained_bytes,
    },
    Gauge {
        name: "queued_messages",
        help: "Messages that wait in sessions to be sent for the first time",
        read: |sample| sample.queued_messages,
    },
    Gauge {
        name: "inflight_messages",
        help: "QoS 1 and 2 messages that were sent and are not acknowledged",
        read: |sample| sample.inflight_messages,
    },
    Gauge {
        name: "held_bytes",
        help: "Bytes that queued and unacknowledged messages take, a message that several sessions share once for each",
        read: |sample| sample.held_bytes,
    },
    Gauge {
        name: "session_bytes",
        help: "Bytes that sessions take beside their messages, with their Client Identifiers and Wills",
        read: |sample| sample.session_bytes,
    },
    Gauge {
        name: "subscription_bytes",
        help: "Bytes that subscriptions are charged for",
        read: |sample| sample.subscription_bytes,
    },
    Gauge {
        name: "retained_memory_bytes",
        help: "Bytes that retained messages are charged for, with all that keeping them takes",
        read: |sample| sample.retained_memory_bytes,
    },
    Gauge {
        name: "backlog_messages",
        help: "Messages that wait before the queue of a session, most of them retained",
        read: |sample| sample.backlog_messages,
    },
    Gauge { name: "backlog_bytes", help: "Bytes that they take", read: |sample| sample.backlog_bytes },
    Gauge {
        name: "unsent_bytes",
        help: "Encoded bytes that sockets have not taken, to within 256 KiB for each worker",
        read: |sample| sample.unsent_bytes,
    },
    Gauge { name: "memory_bytes", help: "Bytes of all that is held for clients", read: Sample::memory_bytes },
    Gauge {
        name: "memory_limit_bytes",
        help: "Bytes that may be held for clients",
        read: |sample| sample.memory_limit_bytes,
    },
];

impl Sample {
    pub(crate) fn take(shared: &Shared) -> Self {
        let mut counters = Counters::default();
        shared.tallies.iter().for_each(|tally| counters += tally.snapshot());
        let (retained_messages, retained_bytes) = shared.retained.size();
        let held = |kind| shared.memory.of(kind);
        let sum = |of: fn(&protocol::Scale) -> usize| shared.scales().iter().map(of).sum::<usize>() as u64;
        Self {
            counters,
            retained_messages: retained_messages as u64,
            retained_bytes: retained_bytes as u64,
            queued_messages: sum(protocol::Scale::waiting),
            inflight_messages: sum(protocol::Scale::in_flight),
            held_bytes: sum(protocol::Scale::bytes),
            session_bytes: held(Kind::Sessions).bytes as u64,
            subscription_bytes: held(Kind::Subscriptions).bytes as u64,
            retained_memory_bytes: held(Kind::Retained).bytes as u64,
            backlog_messages: held(Kind::Backlogs).items as u64,
            backlog_bytes: held(Kind::Backlogs).bytes as u64,
            unsent_bytes: held(Kind::Unsent).bytes as u64,
            memory_limit_bytes: shared.memory.limit() as u64,
        }
    }

    /// Everything that [`crate::Limits::memory`] bounds.
    fn memory_bytes(&self) -> u64 {
        self.held_bytes
            + self.session_bytes
            + self.subscription_bytes
            + self.retained_memory_bytes
            + self.backlog_bytes
            + self.unsent_bytes
    }
}

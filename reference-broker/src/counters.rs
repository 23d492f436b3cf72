//! What a broker did, counted per worker without contention and read from outside as a sum.

use std::{
    ops::AddAssign,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        /// A snapshot of everything counted. Sums since the start, except where a line says "now".
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl AddAssign for Counters {
            fn add_assign(&mut self, other: Self) {
                $(self.$name = self.$name.wrapping_add(other.$name);)*
            }
        }

        /// The counters of one worker: one writer, any number of readers.
        #[derive(Debug, Default)]
        #[repr(align(128))]
        pub(crate) struct Tally {
            $(pub(crate) $name: Counter,)*
        }

        impl Tally {
            /// What was counted so far. Values that rise and fall may be seen a moment apart.
            pub(crate) fn snapshot(&self) -> Counters {
                Counters { $($name: self.$name.0.load(Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Connections accepted.
    connections_opened;
    /// Connections ended.
    connections_closed;
    /// Connections closed at once because [`crate::Limits::connections`] was reached.
    connections_refused;
    /// CONNECT packets refused.
    connects_refused;
    /// Connections ended by a violation of the standard.
    violations;
    /// Connections taken over by another with the same Client Identifier.
    takeovers;
    /// Sessions begun.
    sessions_opened;
    /// Sessions ended.
    sessions_closed;
    /// Subscriptions made (a repeated one does not count again).
    subscriptions_added;
    /// Subscriptions removed.
    subscriptions_removed;
    /// Bytes received.
    bytes_received;
    /// Application Messages received, QoS 2 duplicates excluded.
    messages_received;
    /// Application Messages handed to connections and session queues.
    messages_delivered;
    /// Wills published.
    wills_published;
    /// Messages dropped because a session's queue was full.
    dropped_queue_full;
    /// Messages dropped because all sessions together held [`crate::Limits::all_queued_bytes`].
    dropped_broker_full;
    /// QoS 0 messages dropped because a connection's socket was behind by [`crate::Limits::outbound_bytes`].
    dropped_slow;
    /// QoS 0 messages dropped because the session was not connected.
    dropped_offline;
    /// Messages dropped because access was refused, or their topic is not for clients to publish.
    dropped_denied;
    /// Messages whose session ended before they were sent or acknowledged, and that no other member of a shared
    /// subscription could take. Some may have arrived without an acknowledgement.
    dropped_session_ended;
    /// Messages that expired before they were sent.
    dropped_expired;
    /// Messages larger than the Maximum Packet Size of the client.
    dropped_too_large;
    /// Retained messages not stored because the store was full.
    retained_refused;
}

impl Counters {
    /// Connections open now.
    pub fn connections(&self) -> u64 {
        self.connections_opened.saturating_sub(self.connections_closed)
    }

    /// Sessions that exist now.
    pub fn sessions(&self) -> u64 {
        self.sessions_opened.saturating_sub(self.sessions_closed)
    }

    /// Subscriptions that exist now.
    pub fn subscriptions(&self) -> u64 {
        self.subscriptions_added.saturating_sub(self.subscriptions_removed)
    }

    /// Messages dropped for any cause.
    pub fn dropped(&self) -> u64 {
        self.dropped_queue_full
            + self.dropped_broker_full
            + self.dropped_slow
            + self.dropped_offline
            + self.dropped_denied
            + self.dropped_session_ended
            + self.dropped_expired
            + self.dropped_too_large
    }
}

/// A number that one thread raises and any thread reads.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds `by`. Only the owner calls this, so a load and a store suffice; a locked addition would cost five times as much.
    pub(crate) fn add(&self, by: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(by), Relaxed);
    }

    /// Adds one.
    pub(crate) fn increment(&self) {
        self.add(1);
    }
}

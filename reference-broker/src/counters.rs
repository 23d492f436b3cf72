//! What a broker did, counted per worker without contention and read from outside as a sum.

use std::{
    ops::AddAssign,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident;)*) => {
        /// A snapshot of everything counted since the start.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[doc = $doc])+ pub $name: u64,)*
        }

        impl Counters {
            /// Every counter: its name, and what it counts as its documentation says it. Whatever shows counters walks
            /// this list, so that none can be left out.
            pub const ALL: &[(&str, &str)] = &[$((stringify!($name), concat!($($doc),+)),)*];

            /// The values, in the order of [`Counters::ALL`].
            pub fn values(&self) -> impl Iterator<Item = u64> {
                [$(self.$name,)*].into_iter()
            }
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
    /// Connections ended before MQTT because they took longer than the handshake time-out of their listener.
    handshakes_timed_out;
    /// Connections ended before MQTT because newer ones needed their place.
    handshakes_evicted;
    /// Connections whose peer went away before MQTT.
    handshakes_abandoned;
    /// Connections ended because the PROXY header was missing or malformed.
    handshakes_without_proxy;
    /// Connections ended because the client showed no valid certificate.
    handshakes_without_certificate;
    /// Connections ended because TLS could not be agreed on.
    handshakes_without_tls;
    /// Connections ended because their request for a WebSocket was refused.
    handshakes_without_websocket;
    /// CONNECT packets received.
    connects_received;
    /// CONNECT packets accepted.
    connects_accepted;
    /// CONNECT packets refused.
    connects_refused;
    /// Clients whose CONNECT had been accepted and whose connection ended.
    clients_disconnected;
    /// CONNECT packets refused because [`crate::Limits::connect_rate`] was reached.
    connects_over_rate;
    /// Connections closed because no whole CONNECT came in time.
    connect_timeouts;
    /// CONNECT packets refused because [`crate::Limits::sessions`] was reached.
    sessions_refused;
    /// CONNECT packets refused because a new session would have exceeded [`crate::Limits::memory`].
    sessions_refused_memory;
    /// Clients whose Keep Alive was shortened to the maximum.
    keep_alives_shortened;
    /// Clients whose Session Expiry Interval was shortened to [`crate::Limits::session_expiry`].
    session_expiries_shortened;
    /// Subscriptions refused because [`crate::Limits::subscriptions`] of the session was reached.
    subscriptions_refused;
    /// Subscriptions refused because [`crate::Limits::all_subscriptions`] was reached.
    all_subscriptions_refused;
    /// Subscriptions refused because they would have exceeded [`crate::Limits::memory`].
    subscriptions_refused_memory;
    /// CONNECT packets refused because of [`crate::Limits::client_id_length`].
    client_ids_too_long;
    /// Topic Names and Topic Filters refused because of [`crate::Limits::topic_levels`].
    topics_too_deep;
    /// Topic Names and Topic Filters refused because of [`crate::Limits::topic_length`].
    topics_too_long;
    /// Connections ended by a packet above the maximum size.
    packets_too_large;
    /// Connections ended by a packet with more properties or filters, or aliases for more bytes of topics, than are taken.
    packets_over_quota;
    /// Connections ended by more QoS 1 and 2 publications at once than the Receive Maximum.
    receive_maximum_exceeded;
    /// Connections ended because their session's queue was full.
    disconnected_queue_full;
    /// Publications refused because a session that they were for had no room.
    refused_queue_full;
    /// How often reading stopped because mail to another worker found no room.
    mail_held_up;
    /// Connections ended by a violation of the standard.
    violations;
    /// Connections taken over by another with the same Client Identifier.
    takeovers;
    /// Sessions begun.
    sessions_opened;
    /// Sessions ended.
    sessions_closed;
    /// Sessions ended because their Session Expiry Interval passed while the client was away.
    sessions_expired;
    /// Subscriptions made (a repeated one does not count again).
    subscriptions_added;
    /// Subscriptions removed.
    subscriptions_removed;
    /// Shared subscriptions made; they count as subscriptions too.
    shared_subscriptions_added;
    /// Shared subscriptions removed; they count as subscriptions too.
    shared_subscriptions_removed;
    /// Bytes received from clients.
    bytes_received;
    /// Bytes handed to connections to be sent.
    bytes_sent;
    /// Packets received, of any type.
    packets_received;
    /// Packets sent, of any type.
    packets_sent;
    /// Application Messages received, QoS 2 duplicates excluded.
    messages_received;
    /// PUBLISH packets sent, repeated ones included.
    messages_sent;
    /// Payload bytes of the Application Messages received.
    payload_bytes_received;
    /// Payload bytes of the PUBLISH packets sent.
    payload_bytes_sent;
    /// Application Messages handed to connections and session queues.
    messages_delivered;
    /// Wills published.
    wills_published;
    /// Messages dropped because a session's queue was full.
    dropped_queue_full;
    /// Messages dropped because all sessions together held [`crate::Limits::all_queued_bytes`].
    dropped_broker_full;
    /// Messages dropped because the broker held [`crate::Limits::memory`].
    dropped_memory_full;
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
    /// Questions about access whose answer was awaited.
    access_asked;
    /// Questions about access that were refused because no answer came within [`crate::Access::deadline`].
    access_late;
    /// Questions about access that were refused because [`crate::Access::open_questions`] was reached.
    access_busy;
    /// Decisions about access that were remembered.
    access_remembered;
    /// Decisions about access that were not remembered and had to be made.
    access_decided;
    /// Subscriptions ended because access rules changed.
    subscriptions_revoked;
    /// Connections ended because those who may connect changed.
    connections_revoked;
    /// Retained messages not stored because the store was full.
    retained_refused;
    /// Retained messages not stored because they would have exceeded [`crate::Limits::memory`].
    retained_refused_memory;
    /// Subscriptions that found more retained messages than may wait for the session, and did not get the rest.
    retained_cut;
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

    /// Clients connected now: those whose CONNECT was accepted.
    pub fn clients(&self) -> u64 {
        self.connects_accepted.saturating_sub(self.clients_disconnected)
    }

    /// Shared subscriptions that exist now.
    pub fn shared_subscriptions(&self) -> u64 {
        self.shared_subscriptions_added.saturating_sub(self.shared_subscriptions_removed)
    }

    /// Subscriptions that exist now, shared ones included.
    pub fn subscriptions(&self) -> u64 {
        self.subscriptions_added.saturating_sub(self.subscriptions_removed)
    }

    /// Messages dropped for any cause.
    pub fn dropped(&self) -> u64 {
        self.dropped_queue_full
            + self.dropped_broker_full
            + self.dropped_memory_full
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

//! What was dropped, refused or ended, one line for each cause and interval instead of one for each message.

use std::time::Duration;

use protocol::Time;
use tracing::{Level, enabled};

use crate::Counters;

/// What happens all day, or has lines of its own. Every other counter is worth a line when it rises, so that no new one
/// is forgotten.
const ORDINARY: &[&str] = &[
    "access_asked",
    "access_decided",
    "access_remembered",
    "bytes_received",
    "bytes_sent",
    "clients_disconnected",
    "connections_closed",
    "connections_opened",
    "connects_accepted",
    "connects_received",
    "connects_refused",
    "messages_delivered",
    "messages_received",
    "messages_sent",
    "packets_received",
    "packets_sent",
    "payload_bytes_received",
    "payload_bytes_sent",
    "sessions_closed",
    "sessions_expired",
    "sessions_opened",
    "shared_subscriptions_added",
    "shared_subscriptions_removed",
    "subscriptions_added",
    "subscriptions_removed",
    "takeovers",
    "violations",
    "wills_published",
];

/// What clients bring on themselves, or the standard demands: worth knowing, but nothing to do for the operator.
const OF_CLIENTS: &[&str] = &[
    "client_ids_too_long",
    "connect_timeouts",
    "connections_revoked",
    "dropped_denied",
    "dropped_expired",
    "dropped_offline",
    "dropped_session_ended",
    "dropped_too_large",
    "handshakes_abandoned",
    "handshakes_timed_out",
    "handshakes_without_certificate",
    "handshakes_without_proxy",
    "handshakes_without_tls",
    "handshakes_without_websocket",
    "keep_alives_shortened",
    "packets_over_quota",
    "packets_too_large",
    "receive_maximum_exceeded",
    "session_expiries_shortened",
    "subscriptions_revoked",
    "topics_too_deep",
    "topics_too_long",
];

/// What was said last.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    last: Option<Time>,
    said: Counters,
}

impl Digest {
    /// When it is due, for a line every `interval` at most.
    pub(crate) fn due(&self, interval: Duration) -> Time {
        self.last.unwrap_or(Time::ZERO).after(interval)
    }

    /// Writes a line for every cause whose counter rose.
    pub(crate) fn say(&mut self, now: Time, counters: &Counters) {
        let seconds = now.since(self.last.replace(now).unwrap_or(Time::ZERO)).as_secs();
        let said = std::mem::replace(&mut self.said, *counters);
        if !enabled!(Level::WARN) {
            return;
        }
        for ((name, help), (value, said)) in Counters::ALL.iter().zip(counters.values().zip(said.values())) {
            let count = value.wrapping_sub(said);
            if count == 0 || ORDINARY.contains(name) {
                continue;
            }
            let help = super::plain(help);
            if OF_CLIENTS.contains(name) {
                tracing::info!(counter = name, count, seconds, "{help}");
            } else {
                tracing::warn!(counter = name, count, seconds, "{help}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_name_counters_once() {
        for name in ORDINARY.iter().chain(OF_CLIENTS) {
            assert!(Counters::ALL.iter().any(|(known, _)| known == name), "{name} is no counter");
        }
        assert!(!ORDINARY.iter().any(|name| OF_CLIENTS.contains(name)));
        for wanted in ["dropped_queue_full", "dropped_slow", "connections_refused", "retained_refused"] {
            assert!(!ORDINARY.contains(&wanted) && !OF_CLIENTS.contains(&wanted), "{wanted} is for the operator");
        }
    }
}

//! What a worker writes to the log.
//!
//! Lines carry what clients sent (Client Identifiers, user names, filters) as it came: making it harmless is the job of
//! whoever writes the log, in one place for all fields. No payload and no password is ever among them.
//!
//! Levels: `warn` when the operator has to do something, `info` for connections, `debug` for subscriptions.

use std::{io, net::SocketAddr};

use protocol::{
    Connect, ReasonCode, Time, Utf8String, Version,
    server::{Closed, Server},
};
use tracing::{Level, enabled, field::display};
use transport::HandshakeError;

use super::{
    ConnectionId, Worker,
    connection::{Announced, Connection},
};
use crate::{journal::Kind, routing::SessionKey};

impl Worker {
    /// A CONNECT came; it is not decided yet.
    pub(super) fn note_connect(&mut self, id: ConnectionId, connect: &Connect) {
        if enabled!(Level::INFO)
            && let Some(connection) = self.connections.find_mut(id)
        {
            let user_name = connect.user_name.as_ref().map(Utf8String::detached);
            connection.announced = Some(Box::new(Announced { client_id: connect.client_id.detached(), user_name }));
        }
    }

    /// The CONNECT of `id` was accepted; `present` tells whether its session was there before.
    pub(super) fn log_connected(&mut self, now: Time, id: ConnectionId, key: SessionKey, present: bool) {
        let Some(connection) = self.connections.find_mut(id) else { return };
        connection.announced = None;
        if !enabled!(Level::INFO) || !self.journal.admits(now, Kind::Connected) {
            return;
        }
        let Some(state) = self.sessions.find(key) else { return };
        tracing::info!(
            client = state.client_id.as_str(),
            user = user(connection),
            peer = connection.origin.peer.address.map(display),
            version = version(connection),
            listener = connection.origin.entrance.name,
            resumed = present,
            expiry = state.expiry_interval,
            "connected"
        );
    }

    /// The connection of `id` is over; its session is still bound to it.
    pub(super) fn log_closed(&mut self, now: Time, id: ConnectionId, closed: &Closed) {
        let Some(connection) = self.connections.find(id) else { return };
        let kind = match closed {
            Closed::Violation(_) => Kind::Violation,
            Closed::Server(ReasonCode::SessionTakenOver) => Kind::TakenOver,
            Closed::Refused(_) => Kind::Refused,
            // Whoever was not accepted and left by itself is nobody's client.
            _ if connection.session.is_none() && *closed == Closed::Transport => return,
            _ if connection.session.is_none() => Kind::Refused,
            _ => Kind::Disconnected,
        };
        if !enabled!(Level::INFO) || !self.journal.admits(now, kind) {
            return;
        }
        let state = connection.session.and_then(|key| self.sessions.find(key));
        let announced = connection.announced.as_deref();
        let client = state
            .map(|state| &state.client_id)
            .or(announced.map(|announced| &announced.client_id))
            .map(Utf8String::as_str);
        let user = user(connection);
        let peer = connection.origin.peer.address.map(display);
        let listener = connection.origin.entrance.name.as_str();
        match (kind, closed) {
            (Kind::Violation, Closed::Violation(violation)) => {
                let either = || violation.statement(Version::V5).or_else(|| violation.statement(Version::V311));
                // Before CONNECT nobody knows which version the client means.
                let version = connection.server().and_then(Server::version);
                let statement = version.map_or_else(either, |version| violation.statement(version)).map(display);
                tracing::info!(client, user, peer, listener, statement, violation = display(violation), "violation");
            }
            (Kind::TakenOver, _) => tracing::info!(client, user, peer, listener, "taken over"),
            (Kind::Refused, _) => {
                let version = version(connection);
                tracing::info!(client, user, peer, version, listener, reason = %Cause(closed), "refused");
            }
            _ => tracing::info!(client, user, peer, listener, cause = %Cause(closed), "disconnected"),
        }
    }

    /// A socket was accepted, but never spoke MQTT.
    pub(crate) fn log_not_ready(
        &mut self,
        now: Time,
        listener: &str,
        peer: Option<SocketAddr>,
        cause: &HandshakeError,
    ) {
        if enabled!(Level::INFO) && self.journal.admits(now, Kind::Handshake) {
            tracing::info!(peer = peer.map(display), listener, %cause, "not ready");
        }
    }

    /// What carries MQTT was broken by the peer: a text frame, a record that nobody encrypted. The connection is over.
    pub(crate) fn carrier_violated(&mut self, now: Time, id: ConnectionId, violation: &io::Error) {
        self.tally().violations.increment();
        if !enabled!(Level::INFO) || !self.journal.admits(now, Kind::Violation) {
            return;
        }
        let Some(connection) = self.connections.find(id) else { return };
        let client = connection.session.and_then(|key| self.sessions.find(key)).map(|state| state.client_id.as_str());
        let peer = connection.origin.peer.address.map(display);
        let listener = connection.origin.entrance.name.as_str();
        tracing::info!(client, user = user(connection), peer, listener, %violation, "violation");
    }

    /// A filter was subscribed to, or refused.
    pub(super) fn log_subscribed(&mut self, now: Time, key: SessionKey, filter: &str, reason: ReasonCode) {
        if !enabled!(Level::DEBUG) || !self.journal.admits(now, Kind::Subscribed) {
            return;
        }
        let client = self.sessions.find(key).map(|state| state.client_id.as_str());
        tracing::debug!(client, filter, reason = %reason, "subscribed");
    }
}

/// Why a connection ended, in words.
struct Cause<'a>(&'a Closed);

impl std::fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Closed::Client(disconnect) if disconnect.reason == ReasonCode::Success => {
                f.write_str("the client said good-bye")
            }
            Closed::Client(disconnect) => write!(f, "the client said {}", disconnect.reason),
            Closed::Violation(violation) => violation.fmt(f),
            Closed::KeepAlive => f.write_str("nothing came for one and a half times the Keep Alive"),
            Closed::ConnectTimeout => f.write_str("no CONNECT came in time"),
            Closed::Refused(reason) => reason.fmt(f),
            Closed::Server(reason) => write!(f, "closed by the broker: {reason}"),
            Closed::Transport => f.write_str("the connection was lost"),
        }
    }
}

/// Who it belongs to; before that is known, who it says.
fn user(connection: &Connection) -> Option<&str> {
    match (&connection.identity, &connection.announced) {
        (Some(identity), _) => identity.user.as_deref(),
        (None, Some(announced)) => announced.user_name.as_deref(),
        (None, None) => None,
    }
}

fn version(connection: &Connection) -> Option<&'static str> {
    connection.server().and_then(Server::version).map(|version| match version {
        Version::V311 => "3.1.1",
        Version::V5 => "5.0",
    })
}

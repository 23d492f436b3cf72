//! CONNECT: who owns the session, and how a connection gets it.
//!
//! ```text
//!   CONNECT ─▶ access ─▶ claim in the registry ─┬─ nobody had it ───────────────▶ accept, new
//!                             ▲                 ├─ this worker, offline ────────▶ accept, resumed
//!                             │ (again)         ├─ this worker, online ──▶ close the old one ─┐
//!                             ├─────────────────┼─────────────────────────────────────────────┘
//!                             │                 └─ another worker ──▶ Claim by mail, parked
//!                             └──────────────────────── Handover ◀────────┘
//! ```

use std::{mem, sync::Arc};

use bytes::Bytes;
use protocol::{
    ConnAck, Connect, Properties, Property, PropertyId, ReasonCode, Session, Time, Token, Utf8String, Version, Will,
    server::Answer,
};

use super::{
    ConnectionId, Worker,
    connection::Connection,
    session::{Link, PendingWill},
};
use crate::{
    access::Identity,
    mail::{Claim, Mail},
    memory::SESSION,
    message::detached,
    registry::{Claimed, User},
    routing::SessionKey,
};

/// Client Identifiers of so many bytes are taken whatever the settings say.
const LONGEST_FOR_ALL: usize = 23;

/// What waits for a session from another worker.
#[derive(Debug, Default)]
pub(super) struct Arrival {
    /// The connection that asked; `None` when it gave up.
    pub(super) pending: Option<Box<Pending>>,
    /// Whoever claimed the session meanwhile. Each session key is claimed once at most: a claim moves the ownership on.
    pub(super) deferred: Option<Claim>,
}

/// A CONNECT of somebody who may not be who it says.
#[derive(Debug)]
pub(super) struct Candidate {
    /// What is answered next: the CONNECT, or the AUTH that came last.
    pub(super) token: Token,
    pub(super) client_id: Utf8String,
    assigned: bool,
    pub(super) connect: Connect,
    /// Authentication Data for CONNACK.
    pub(super) data: Option<Bytes>,
}

/// A CONNECT whose access was granted.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) id: ConnectionId,
    token: Token,
    client_id: Utf8String,
    assigned: bool,
    connect: Connect,
    data: Option<Bytes>,
    identity: Arc<Identity>,
}

impl Candidate {
    /// The same in memory of its own: whoever waits keeps no read buffer alive.
    pub(super) fn detached(self) -> Self {
        let Connect { version, clean_start, keep_alive, client_id: _, will, user_name, password, properties } =
            self.connect;
        let will = will.map(|will| Box::new(Will { message: detached(&will.message), ..*will }));
        let connect = Connect {
            version,
            clean_start,
            keep_alive,
            client_id: Utf8String::EMPTY,
            will,
            user_name: user_name.map(|name| name.detached()),
            password: password.map(|password| Bytes::copy_from_slice(&password)),
            properties: properties.detached(),
        };
        Self { connect, ..self }
    }

    pub(super) fn granted(self, id: ConnectionId, identity: Arc<Identity>) -> Pending {
        let Self { token, client_id, assigned, connect, data } = self;
        Pending { id, token, client_id, assigned, connect, data, identity }
    }
}

impl Worker {
    pub(super) fn connect(&mut self, now: Time, id: ConnectionId, token: Token, connect: Connect) {
        self.tally().connects_received.increment();
        self.note_connect(id, &connect);
        if let Some((reason, properties)) = self.redirection() {
            return self.answer(now, id, token, Answer::Refuse { reason, properties });
        }
        match self.check_rate(now).and_then(|()| self.check_connect(token, connect)) {
            Ok(candidate) => self.authenticate(now, id, Box::new(candidate)),
            // MQTT-3.1.4-2, MQTT-3.1.3-8 (MQTT-3.1.3-9 in 3.1.1).
            Err(reason) => self.refuse(now, id, token, reason),
        }
    }

    /// What can be refused whoever it is. Up to `admit` nothing touches a session: a refused client changes nothing.
    fn check_connect(&mut self, token: Token, connect: Connect) -> Result<Candidate, ReasonCode> {
        // Any other Client Identifier will do (MQTT-3.1.3-5 in both).
        let assigned = connect.client_id.is_empty();
        // MQTT-3.1.3-8 in 3.1.1: without a Client Identifier there is nothing to come back to.
        if assigned && connect.version == Version::V311 && !connect.clean_start {
            return Err(ReasonCode::ClientIdentifierNotValid);
        }
        // MQTT-3.1.3-5 in both: whatever the settings say, 23 bytes are taken. Longer ones need not be.
        if connect.client_id.as_str().len() > self.shared.limits.client_id_length.max(LONGEST_FOR_ALL) {
            self.tally().client_ids_too_long.increment();
            return Err(ReasonCode::ClientIdentifierNotValid);
        }
        if let Some(will) = &connect.will {
            let topic = &will.message.topic;
            if topic.as_str().starts_with('$') {
                return Err(ReasonCode::NotAuthorized);
            }
            if !self.is_within_bounds(topic.as_str()) {
                return Err(ReasonCode::TopicNameInvalid);
            }
        }
        let client_id = if assigned { self.shared.new_client_id() } else { connect.client_id.detached() };
        Ok(Candidate { token, client_id, assigned, connect, data: None })
    }

    /// Takes one of the CONNECTs of this second, before anything is done for it.
    fn check_rate(&self, now: Time) -> Result<(), ReasonCode> {
        if self.shared.connect_rate.as_ref().is_some_and(|rate| !rate.take(now)) {
            self.tally().connects_over_rate.increment();
            return Err(ReasonCode::ConnectionRateExceeded);
        }
        Ok(())
    }

    pub(super) fn refuse(&mut self, now: Time, id: ConnectionId, token: Token, reason: ReasonCode) {
        self.answer(now, id, token, Answer::Refuse { reason, properties: Properties::EMPTY });
    }

    /// Gets the session for a CONNECT, now or by mail.
    pub(super) fn admit(&mut self, now: Time, pending: Box<Pending>) {
        let bytes = SESSION + pending.identity.weight() + weight_of_will(&pending.connect);
        if bytes > self.shared.spare_memory() && !self.shared.registry.contains(&pending.client_id) {
            self.tally().sessions_refused_memory.increment();
            return self.refuse_session(now, &pending);
        }
        let user = match self.gate.personal {
            true => self.shared.user(pending.identity.user.as_deref()),
            false => User::ANYBODY,
        };
        loop {
            let candidate = self.target(self.sessions.next_key());
            match self.shared.registry.claim(&pending.client_id, candidate, user) {
                Claimed::Foreign => {
                    self.unpark(pending.id);
                    self.refuse(now, pending.id, pending.token, ReasonCode::NotAuthorized);
                    return self.attend_later(pending.id);
                }
                Claimed::Full => {
                    self.tally().sessions_refused.increment();
                    return self.refuse_session(now, &pending);
                }
                // MQTT-3.1.2-6 (MQTT-3.1.2-4 in 3.1.1).
                Claimed::New => {
                    self.tally().sessions_opened.increment();
                    let link = Link::Offline(Box::default());
                    let key = self.insert_session(pending.client_id.clone(), link);
                    return self.accept(now, key, *pending, false);
                }
                Claimed::From(owner) => {
                    self.tally().sessions_opened.increment();
                    let claim =
                        Claim { session: owner.session, requester: candidate, clean: pending.connect.clean_start };
                    self.park(pending.id, pending.identity.clone());
                    let client_id = pending.client_id.clone();
                    let arrival = Arrival { pending: Some(pending), deferred: None };
                    self.insert_session(client_id, Link::Arriving(Box::new(arrival)));
                    return self.post(owner.worker, Mail::Claim(claim));
                }
                Claimed::Here(key) => {
                    let Some(state) = self.sessions.find_mut(key) else { return };
                    match &mut state.link {
                        // MQTT-3.1.4-3 (MQTT-3.1.4-2 in 3.1.1). The close may end the session, so look again.
                        Link::Online(old) => {
                            let old = *old;
                            self.close(now, old, ReasonCode::SessionTakenOver);
                        }
                        Link::Arriving(arrival) => {
                            let (parked, identity) = (pending.id, pending.identity.clone());
                            let earlier = arrival.pending.replace(pending);
                            self.park(parked, identity);
                            return self.give_up(now, earlier);
                        }
                        // MQTT-3.1.4-4, MQTT-3.1.2-4 (MQTT-3.1.2-6 in 3.1.1).
                        Link::Offline(_) if pending.connect.clean_start => self.end_session(now, key),
                        // MQTT-3.1.2-5.
                        Link::Offline(_) => {
                            self.forget_what_was_revoked(now, key);
                            return self.accept(now, key, *pending, true);
                        }
                    }
                }
            }
        }
    }

    fn refuse_session(&mut self, now: Time, pending: &Pending) {
        self.unpark(pending.id);
        self.refuse(now, pending.id, pending.token, ReasonCode::QuotaExceeded);
        self.attend_later(pending.id);
    }

    /// Another CONNECT with the same Client Identifier came while this one waited for its session.
    pub(super) fn give_up(&mut self, now: Time, pending: Option<Box<Pending>>) {
        let Some(pending) = pending else { return };
        self.tally().takeovers.increment();
        self.unpark(pending.id);
        self.refuse(now, pending.id, pending.token, ReasonCode::ServerBusy);
        self.attend(now, pending.id);
    }

    /// The session of `key` is here and offline: connects it.
    fn accept(&mut self, now: Time, key: SessionKey, pending: Pending, present: bool) {
        let Pending { id, token, client_id, assigned, connect, data, identity } = pending;
        self.unpark(id);
        self.tally().connects_accepted.increment();
        let limit = self.shared.limits.session_expiry;
        // MQTT-3.1.4-3, MQTT-3.1.2-6 in 3.1.1.
        let wished = match connect.version {
            Version::V5 => connect.properties.session_expiry_interval().unwrap_or(0),
            Version::V311 if connect.clean_start => 0,
            Version::V311 => limit,
        };
        let granted = wished.min(limit);
        let protocol = &self.shared.protocol;
        let tally = &self.shared.tallies[self.id.index()];
        tally.session_expiries_shortened.add(u64::from(connect.version == Version::V5 && granted < wished));
        let shortened = protocol.bound_keep_alive(connect.keep_alive) != connect.keep_alive;
        tally.keep_alives_shortened.add(u64::from(shortened));
        let will_bytes = weight_of_will(&connect);
        let Some(state) = self.sessions.find_mut(key) else { return };
        let mut session = match mem::replace(&mut state.link, Link::Online(id)) {
            Link::Offline(session) => session,
            Link::Online(_) | Link::Arriving(_) => Box::<Session>::default(),
        };
        session.weigh_on(Some(self.shared.scale(self.id)));
        state.expiry_interval = granted;
        state.expires_at = None;
        // A resumed session cancels the Will of its previous connection (MQTT-3.1.3-9); the new one waits for the end of
        // this one (MQTT-3.1.2-7, MQTT-3.1.2-8; MQTT-3.1.2-8 in 3.1.1). User Properties keep their order (MQTT-3.1.3-10).
        state.will = connect.will.map(|will| {
            let mut message = detached(&will.message);
            let delay = message.properties.will_delay_interval().unwrap_or(0);
            message.properties.remove(PropertyId::WillDelayInterval);
            let (qos, retain) = (will.qos, will.retain);
            Box::new(PendingWill { message: Arc::new(message), qos, retain, delay, due: None })
        });
        state.identity = Some(identity.clone());
        state.policy = self.gate.version;
        state.weigh(will_bytes);
        state.presence.set(true);
        let mut properties = Properties::EMPTY;
        if connect.version == Version::V5 {
            properties.extend(self.shared.response_information(&connect.properties, &client_id));
            if assigned {
                // MQTT-3.1.3-7, MQTT-3.2.2-16.
                properties.push(Property::AssignedClientIdentifier(client_id));
            }
            if granted != wished {
                // 3.2.2.3.2.
                properties.push(Property::SessionExpiryInterval(granted));
            }
        }
        properties.extend(data.map(Property::AuthenticationData));
        if let Some(connection) = self.connections.find_mut(id) {
            connection.session = Some(key);
            connection.identity = Some(identity);
            connection.full = state.presence.is_full();
            connection.has_backlog = !state.backlog.is_empty();
            connection.dropped = session.dropped();
        }
        self.log_connected(now, id, key, present);
        // MQTT-3.2.2-2, MQTT-3.2.2-3 (MQTT-3.2.2-1, MQTT-3.2.2-2, MQTT-3.2.2-3 in 3.1.1).
        let connack = Box::new(ConnAck { session_present: present, reason: ReasonCode::Success, properties });
        self.answer(now, id, token, Answer::Accept { connack, session });
        self.attend_later(id);
    }

    /// Lets a connection wait for its session. Rules that change meanwhile look at who it is, as if it were in already.
    fn park(&mut self, id: ConnectionId, identity: Arc<Identity>) {
        if let Some(connection) = self.connections.find_mut(id) {
            connection.parked = true;
            connection.identity = Some(identity);
        }
    }

    fn unpark(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.find_mut(id) {
            connection.parked = false;
        }
    }

    /// A parked connection was answered outside its own turn: what it sent after CONNECT is looked at in the next one.
    fn attend_later(&mut self, id: ConnectionId) {
        if self.is_live(id) {
            self.unattended.push(id);
        }
    }

    /// Whether the connection is still there to be answered.
    pub(super) fn is_live(&self, id: ConnectionId) -> bool {
        self.connections.find(id).is_some_and(|connection| Connection::server(connection).is_some())
    }
}

/// What keeping the Will of `connect` takes.
fn weight_of_will(connect: &Connect) -> usize {
    connect.will.as_ref().map_or(0, |will| will.message.weight())
}

//! Who a client is: by what its CONNECT says, or by an exchange of AUTH packets (4.12), and again later (4.12.1).
//!
//! ```text
//!   CONNECT ──▶ no method ──▶ Authenticate::connect ────────────────────────────┬─▶ authenticated ─▶ Will ─▶ admit
//!      │                                                                        │
//!      └─ Authentication Method ─▶ begin ─▶ step ─┬─▶ Done ─────────────────────┘
//!                                    ▲            ├─▶ Challenge: AUTH 0x18, the client's move ─┐
//!                                    │            └─▶ Refused                                  │
//!                                    └──────────────────────── AUTH 0x18 ◀─────────────────────┘
//! ```

use std::sync::Arc;

use bytes::Bytes;
use protocol::{Auth, PacketType, Properties, Property, ReasonCode, Time, Token, server::Answer};

use super::{
    ConnectionId, Worker,
    connect::Candidate,
    gate::Ruling,
    questions::{self, Held, one},
};
use crate::access::{Action, Attempt, Decision, Exchange, Identity, Progress, Refusal, Verdict};

/// How often the client may answer within one exchange: no method needs more, and none goes on for ever.
const ROUNDS: u8 = 8;

/// An enhanced authentication that waits for the client.
#[derive(Debug)]
pub(super) struct Dialogue {
    exchange: Box<dyn Exchange>,
    /// The CONNECT that it is about; none to authenticate again.
    candidate: Option<Box<Candidate>>,
}

impl Worker {
    /// Finds out who sent a CONNECT.
    pub(super) fn authenticate(&mut self, now: Time, id: ConnectionId, candidate: Box<Candidate>) {
        let Some(connection) = self.connections.find(id) else { return };
        let connect = &candidate.connect;
        let attempt = Attempt {
            client_id: &candidate.client_id,
            user_name: connect.user_name.as_ref(),
            password: connect.password.as_ref(),
            origin: &connection.origin,
        };
        let authenticate = &self.gate.access.authenticate;
        if let Some(method) = connect.properties.authentication_method() {
            let exchange = authenticate.begin(method, &attempt);
            let data = connect.properties.authentication_data().cloned().unwrap_or_default();
            let token = candidate.token;
            return self.begin(now, id, token, Some(candidate), exchange, data);
        }
        match authenticate.connect(&attempt) {
            Decision::Now(result) => self.authenticated(now, id, candidate, result),
            Decision::Later(future) => {
                let future = Box::pin(async move { questions::Answer::Authenticated(future.await) });
                let candidate = Box::new(candidate.detached());
                self.wait(now, id, Held::Connect(candidate), Vec::new(), future);
            }
        }
    }

    /// The client says more, or begins a re-authentication.
    pub(super) fn auth(&mut self, now: Time, id: ConnectionId, token: Token, auth: Auth) {
        let Some(connection) = self.connections.find_mut(id) else { return };
        let data = auth.properties.authentication_data().cloned().unwrap_or_default();
        if let Some(dialogue) = connection.dialogue.take() {
            let Dialogue { exchange, mut candidate } = *dialogue;
            if let Some(candidate) = &mut candidate {
                candidate.token = token;
            }
            return self.step(now, id, token, candidate, exchange, data);
        }
        let (Some(identity), Some(method)) = (&connection.identity, auth.properties.authentication_method()) else {
            return self.refuse(now, id, token, ReasonCode::NotAuthorized);
        };
        let origin = &connection.origin;
        let attempt = Attempt { client_id: &identity.client_id, user_name: None, password: None, origin };
        let exchange = self.gate.access.authenticate.begin(method, &attempt);
        self.begin(now, id, token, None, exchange, data);
    }

    fn begin(
        &mut self,
        now: Time,
        id: ConnectionId,
        token: Token,
        candidate: Option<Box<Candidate>>,
        exchange: Option<Box<dyn Exchange>>,
        data: Bytes,
    ) {
        // MQTT-4.12.0-1.
        let Some(exchange) = exchange else { return self.refuse(now, id, token, ReasonCode::BadAuthenticationMethod) };
        if let Some(connection) = self.connections.find_mut(id) {
            connection.rounds = 0;
        }
        self.step(now, id, token, candidate, exchange, data);
    }

    fn step(
        &mut self,
        now: Time,
        id: ConnectionId,
        token: Token,
        candidate: Option<Box<Candidate>>,
        exchange: Box<dyn Exchange>,
        data: Bytes,
    ) {
        match exchange.step(data) {
            Decision::Now(progress) => self.progressed(now, id, token, candidate, progress),
            Decision::Later(future) => {
                let future = Box::pin(async move { questions::Answer::Progressed(future.await) });
                let candidate = candidate.map(|candidate| Box::new(candidate.detached()));
                self.wait(now, id, Held::Exchange(token, candidate), Vec::new(), future);
            }
        }
    }

    pub(super) fn progressed(
        &mut self,
        now: Time,
        id: ConnectionId,
        token: Token,
        candidate: Option<Box<Candidate>>,
        progress: Progress,
    ) {
        let Some(connection) = self.connections.find_mut(id) else { return };
        match progress {
            Progress::Challenge { data, next } if connection.rounds < ROUNDS => {
                connection.rounds += 1;
                let candidate = candidate.map(|candidate| Box::new(candidate.detached()));
                connection.dialogue = Some(Box::new(Dialogue { exchange: next, candidate }));
                // MQTT-4.12.0-2.
                self.answer(now, id, token, Answer::Challenge(data_of(Some(data))));
            }
            Progress::Done { identity, data } => match candidate {
                Some(mut candidate) => {
                    candidate.data = data;
                    self.authenticated(now, id, candidate, Ok(identity));
                }
                // Whoever authenticates again is who it was: sessions, rules and Will are that client's.
                None if connection.identity.as_ref().is_some_and(|before| before.user == identity.user) => {
                    self.answer(now, id, token, Answer::Authenticated(data_of(data)));
                }
                None => self.not_authenticated_again(now, id, token, Refusal::Failed),
            },
            Progress::Challenge { .. } => self.not_authenticated(now, id, token, candidate, Refusal::Failed),
            Progress::Refused(refusal) => self.not_authenticated(now, id, token, candidate, refusal),
        }
    }

    fn not_authenticated(
        &mut self,
        now: Time,
        id: ConnectionId,
        token: Token,
        candidate: Option<Box<Candidate>>,
        refusal: Refusal,
    ) {
        match candidate {
            // MQTT-4.12.0-4.
            Some(candidate) => self.authenticated(now, id, candidate, Err(refusal)),
            None => self.not_authenticated_again(now, id, token, refusal),
        }
    }

    /// MQTT-4.12.1-2.
    fn not_authenticated_again(&mut self, now: Time, id: ConnectionId, token: Token, refusal: Refusal) {
        self.refuse(now, id, token, refusal.reason(PacketType::Disconnect));
    }

    /// The client of a CONNECT is known, or it is refused (MQTT-3.1.4-2 in 5.0). Its Will is asked about before anything
    /// changes.
    pub(super) fn authenticated(
        &mut self,
        now: Time,
        id: ConnectionId,
        candidate: Box<Candidate>,
        result: Result<Identity, Refusal>,
    ) {
        let identity = match result {
            Ok(identity) => Arc::new(identity),
            Err(refusal) => return self.refuse(now, id, candidate.token, refusal.reason(PacketType::ConnAck)),
        };
        let Some(will) = candidate.connect.will.as_ref().filter(|_| self.gate.asks_to_publish) else {
            return self.will_granted(now, id, candidate, identity, Ok(()));
        };
        let action = Action::Publish { topic: &will.message.topic, qos: will.qos, retain: will.retain, will: true };
        match self.gate.ask(now, &self.shared.tallies[self.id.index()], &identity, action) {
            Ruling::Known(verdict) => self.will_granted(now, id, candidate, identity, verdict),
            Ruling::Open(key, future) => {
                let candidate = Box::new(candidate.detached());
                self.wait(now, id, Held::Admission(candidate, identity), vec![key], one(future));
            }
        }
    }

    /// The last thing that can refuse a CONNECT before its session is touched.
    pub(super) fn will_granted(
        &mut self,
        now: Time,
        id: ConnectionId,
        candidate: Box<Candidate>,
        identity: Arc<Identity>,
        verdict: Verdict,
    ) {
        match verdict {
            Ok(()) => self.admit(now, Box::new(candidate.granted(id, identity))),
            Err(refusal) => self.refuse(now, id, candidate.token, refusal.reason(PacketType::ConnAck)),
        }
    }
}

fn data_of(data: Option<Bytes>) -> Properties {
    data.map(Property::AuthenticationData).into_iter().collect()
}

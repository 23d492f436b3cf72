//! One connection: its machine, and what the worker must know beside it.

use std::{mem, sync::Arc, time::Duration};

use protocol::{
    Dropped, Machine, ReasonCode, Session, Time, Utf8String, Violation,
    server::{Answer, Closed, Config, Event, Server},
};

use super::{ConnectionId, Deadline, Worker, authenticate::Dialogue, questions::Waiting};
use crate::{Origin, access::Identity, counters::Tally, routing::SessionKey, timers::Armed};

/// A deadline that comes up so late means that the worker stood still: the process was frozen, or mail found no room.
/// Connections then have as much time again to be read.
const HELD_UP: Duration = Duration::from_secs(1);

/// How long a connection that is not read may take nothing before its Keep Alive counts.
const DRAINS_WITHIN: Duration = Duration::from_secs(10);

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stage: Stage,
    /// Where it comes from.
    pub(super) origin: Origin,
    /// What it called itself in a CONNECT that is not accepted, for the log.
    pub(super) announced: Option<Box<Announced>>,
    /// The session that it serves, from the accepted CONNECT to the close.
    pub(super) session: Option<SessionKey>,
    /// Who it belongs to, from the moment that its CONNECT was granted: it may still wait for its session.
    pub(super) identity: Option<Arc<Identity>>,
    /// Waits for a decision, so nothing more of it is looked at.
    pub(super) waiting: Option<Box<Waiting>>,
    /// An enhanced authentication whose next move is the client's.
    pub(super) dialogue: Option<Box<Dialogue>>,
    /// How often it has answered in the enhanced authentication that is under way.
    pub(super) rounds: u8,
    /// Whether its transport ended, so that it can wait for nothing.
    pub(super) ended: bool,
    /// Waits for a session from another worker, so nothing more of it is looked at.
    pub(super) parked: bool,
    /// Whether the worker's list of stalled connections names it: nothing more of it is looked at in this turn.
    pub(super) stalled: bool,
    /// Whether its session had no room when that was last looked at.
    pub(super) full: bool,
    /// Whether the worker's list of dirty connections names it.
    pub(super) dirty: bool,
    /// Whether its session has retained messages that wait to be fed.
    pub(super) has_backlog: bool,
    /// What its session had dropped when that was last counted.
    pub(super) dropped: Dropped,
    /// Bytes that the transport held when it was last asked.
    pub(super) unsent: usize,
    /// The same when a deadline of a connection that is not read was last put off.
    unsent_before: usize,
    armed: Armed,
}

/// What a CONNECT says, whoever sent it.
#[derive(Debug)]
pub(super) struct Announced {
    pub(super) client_id: Utf8String,
    pub(super) user_name: Option<Utf8String>,
}

#[derive(Debug)]
enum Stage {
    Live(Box<Server>),
    /// Only these bytes are left to send.
    Gone(Vec<u8>),
}

impl Connection {
    pub(super) fn new(config: &Arc<Config>, now: Time, origin: Origin) -> Self {
        Self {
            stage: Stage::Live(Box::new(Server::new(config.clone(), now))),
            origin,
            announced: None,
            session: None,
            identity: None,
            waiting: None,
            dialogue: None,
            rounds: 0,
            ended: false,
            parked: false,
            stalled: false,
            full: false,
            dirty: false,
            has_backlog: false,
            dropped: Dropped::default(),
            unsent: 0,
            unsent_before: usize::MAX,
            armed: Armed::default(),
        }
    }

    pub(super) fn server_mut(&mut self) -> Option<&mut Server> {
        match &mut self.stage {
            Stage::Live(server) => Some(server),
            Stage::Gone(_) => None,
        }
    }

    pub(super) fn server(&self) -> Option<&Server> {
        match &self.stage {
            Stage::Live(server) => Some(server),
            Stage::Gone(_) => None,
        }
    }

    /// Whether what it sent next must wait for something that it sent before.
    pub(super) fn is_held(&self) -> bool {
        self.parked || self.waiting.is_some()
    }

    /// The delivery state of its session, while it has one.
    pub(super) fn delivery(&self) -> Option<&Session> {
        self.server().and_then(Server::session)
    }

    /// Whether its socket may be read: not while it is held or stalled, nor while its machine has enough to do, nor while
    /// the client takes none of the answers (of which twice `outbound_bytes` may wait behind what its socket holds).
    pub(super) fn wants_read(&self, outbound_bytes: usize) -> bool {
        let reads = |server: &Server| server.wants_read() && server.pending_bytes() <= 2 * outbound_bytes;
        !self.is_held() && !self.stalled && self.server().is_some_and(reads)
    }

    /// Whether it is not read because of what waits for it, and has taken some of that since this was last asked.
    fn is_draining(&mut self, outbound_bytes: usize) -> bool {
        let behind = self.server().is_some_and(Server::wants_read) && !self.wants_read(outbound_bytes);
        let before = mem::replace(&mut self.unsent_before, if behind { self.unsent } else { usize::MAX });
        behind && self.unsent < before
    }

    pub(super) fn is_armed_for(&self, at: Time) -> bool {
        self.armed.is_for(at)
    }

    /// Takes the machine out; what it had to send stays.
    pub(super) fn retire(&mut self) -> Option<Server> {
        match mem::replace(&mut self.stage, Stage::Gone(Vec::new())) {
            Stage::Live(mut server) => {
                let mut rest = Vec::new();
                server.poll_transmit(&mut rest);
                self.stage = Stage::Gone(rest);
                Some(*server)
            }
            gone @ Stage::Gone(_) => {
                self.stage = gone;
                None
            }
        }
    }

    /// The last bytes of a retired connection.
    pub(super) fn farewell(&mut self) -> Vec<u8> {
        match &mut self.stage {
            Stage::Live(_) => Vec::new(),
            Stage::Gone(rest) => mem::take(rest),
        }
    }
}

impl Worker {
    /// Acts on everything that the machine of `id` reports, and takes note of what it wants next.
    pub(super) fn attend(&mut self, now: Time, id: ConnectionId) {
        loop {
            let spent = self.is_spent();
            let Some(connection) = self.connections.find_mut(id) else { return };
            if connection.is_held() {
                break;
            }
            let Some(server) = connection.server() else { break };
            // Who is gone, or must go, is not kept waiting.
            if (spent || connection.stalled) && !connection.ended && !server.is_closed() {
                if !mem::replace(&mut connection.stalled, true) {
                    self.stalled.push(id);
                    self.pressed = true;
                }
                break;
            }
            let Some(event) = connection.server_mut().and_then(Machine::poll_event) else { break };
            self.act(now, id, event);
        }
        self.settle(now, id);
    }

    fn act(&mut self, now: Time, id: ConnectionId, event: Event) {
        match event {
            Event::Publish { token, message, qos, retain, dup: _ } => {
                self.publish_from(now, id, token, message, qos, retain);
            }
            Event::Connect { token, connect } => self.connect(now, id, token, *connect),
            Event::Subscribe { token, subscribe } => self.subscribe(now, id, token, subscribe),
            Event::Unsubscribe { token, unsubscribe } => self.unsubscribe(now, id, token, &unsubscribe),
            Event::Auth { token, auth } => self.auth(now, id, token, auth),
            // Tags are for a session that ends (MQTT-4.8.2-4, -5): MQTT-4.8.2-6, a refusal is final.
            Event::Delivered { .. } | Event::Dropped { .. } => {}
            Event::Closed(closed) => self.connection_closed(now, id, &closed),
        }
    }

    /// Notes that `id` may have something to send and when its machine wants to be woken.
    pub(super) fn settle(&mut self, now: Time, id: ConnectionId) {
        let Some(connection) = self.connections.find_mut(id) else { return };
        let due = match &connection.waiting {
            // Whatever else it does not say meanwhile, it was not asked.
            Some(waiting) => Some(waiting.until),
            None => connection.server().and_then(Machine::poll_timeout),
        };
        // A deadline that is not in the future would come up again within the same call, for ever.
        let due = due.map(|due| due.max(now.after(Duration::from_nanos(1))));
        self.timers.arm(&mut connection.armed, Deadline::Connection(id), due);
        self.touch(id);
    }

    /// Puts `id` on the list of connections that the driver asks for bytes.
    pub(super) fn touch(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.find_mut(id)
            && !connection.dirty
        {
            connection.dirty = true;
            self.dirty.push(id);
        }
    }

    pub(super) fn connection_due(&mut self, now: Time, id: ConnectionId, at: Time) {
        let Some(connection) = self.connections.find_mut(id) else { return };
        if !connection.armed.came_up(at) {
            return;
        }
        if now.since(at) >= HELD_UP || connection.stalled {
            // The silence may be ours (MQTT-3.1.2-22; MQTT-3.1.2-24 in 3.1.1): what was sent meanwhile is still to be read.
            self.timers.arm(&mut connection.armed, Deadline::Connection(id), Some(now.after(HELD_UP)));
            return;
        }
        if let Some(waiting) = &connection.waiting {
            if waiting.until <= now {
                self.wait_no_longer(now, id);
            }
            return self.attend(now, id);
        }
        if connection.is_draining(self.shared.limits.outbound_bytes) {
            // Nothing is read from it, but it takes what is sent: it is alive.
            self.timers.arm(&mut connection.armed, Deadline::Connection(id), Some(now.after(DRAINS_WITHIN)));
            return;
        }
        let Some(server) = connection.server_mut() else { return };
        if server.poll_timeout().is_some_and(|due| due <= now) {
            server.handle_timeout(now);
        }
        self.attend(now, id);
    }

    pub(super) fn answer(&mut self, now: Time, id: ConnectionId, token: protocol::Token, answer: Answer) {
        if let Some(server) = self.connections.find_mut(id).and_then(Connection::server_mut) {
            server.answer(now, token, answer);
        }
    }

    /// Counts a violation of what this broker bounds, beside all others.
    fn count_limit(&self, violation: Violation) {
        let tally = self.tally();
        match violation {
            Violation::PacketTooLarge => tally.packets_too_large.increment(),
            Violation::ReceiveMaximumExceeded => tally.receive_maximum_exceeded.increment(),
            Violation::TooManyFilters | Violation::TooManyProperties | Violation::TopicAliasesTooLong => {
                tally.packets_over_quota.increment();
            }
            _ => {}
        }
    }

    /// The connection is over: its machine is retired, and its session lives on or ends.
    fn connection_closed(&mut self, now: Time, id: ConnectionId, closed: &Closed) {
        match closed {
            Closed::ConnectTimeout => self.tally().connect_timeouts.increment(),
            Closed::Violation(violation) => {
                self.count_limit(*violation);
                self.tally().violations.increment();
            }
            Closed::Refused(_) => self.tally().connects_refused.increment(),
            Closed::Server(ReasonCode::SessionTakenOver) => self.tally().takeovers.increment(),
            _ => {}
        }
        self.log_closed(now, id, closed);
        self.count_drops(id);
        let Some(connection) = self.connections.find_mut(id) else { return };
        let session = connection.session.take();
        let mut machine = connection.retire();
        if let Some(server) = &mut machine {
            count_traffic(&self.shared.tallies[self.id.index()], server);
        }
        let delivery = machine.and_then(Server::into_session);
        self.touch(id);
        if let Some(key) = session {
            self.tally().clients_disconnected.increment();
            self.disconnected(now, key, delivery, closed);
        }
    }
}

/// Counts what the connection received and sent since the last time.
pub(super) fn count_traffic(tally: &Tally, server: &mut Server) {
    let traffic = server.take_traffic();
    tally.packets_received.add(traffic.packets_received.into());
    tally.packets_sent.add(traffic.packets_sent.into());
    tally.messages_sent.add(traffic.publishes_sent.into());
    tally.payload_bytes_sent.add(traffic.payload_bytes_sent);
}

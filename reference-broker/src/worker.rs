//! One worker: connections, their sessions, and the mail to and from other workers, without sockets, threads or clock.
//!
//! ```text
//!   opened, received, transport_closed ─┐                       ┌─▶ dirty ids, then transmit(id, out)
//!   mail(from other workers) ───────────┼─▶ Worker (now is ─────┼─▶ take_mail(to other workers)
//!   handle_timeout ─────────────────────┘   passed in)          └─▶ poll_timeout
//! ```
//!
//! The driver feeds it from sockets and mailboxes; tests feed several of them by seed. Nothing in here waits.

mod authenticate;
mod connect;
mod connection;
mod connections;
mod deliver;
mod drain;
mod gate;
mod moving;
mod offers;
mod publish;
mod questions;
mod report;
mod revise;
mod room;
mod session;
mod sessions;
mod shared;
mod status;
mod subscribe;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
pub(crate) use connections::ConnectionId;
use connections::Connections;
use protocol::{Machine, Properties, ReasonCode, Time};
pub(crate) use questions::{Answer, Question, QuestionId};
pub(crate) use session::PendingWill;
use sessions::Sessions;
pub(crate) use shared::Shared;

use self::{
    connection::{Connection, count_traffic},
    drain::Drain,
    gate::Gate,
    questions::Questions,
};
use crate::{
    Origin,
    counters::Tally,
    journal::Journal,
    mail::{self, Mail, Receiver},
    memory::{Charge, Kind},
    routing::{Matches, SessionKey, Target, View, WorkerId},
    status::Status,
    timers::Timers,
};

/// How far the sum of the unsent bytes that everybody sees may be off, for each worker.
const UNSENT_STEP: usize = 256 * 1024;
/// How many bytes of messages, once for each receiver, one turn encodes before it writes; less where the broker may hold
/// little.
const FAN_OUT_PER_TURN: usize = 64 << 20;
/// How many places among what is retained, and among filters, one turn looks at before others get their turn.
const SEARCHES_PER_TURN: usize = 100_000;

/// One worker. See the module's text.
#[derive(Debug)]
pub(crate) struct Worker {
    id: WorkerId,
    shared: Arc<Shared>,
    view: View,
    connections: Connections,
    sessions: Sessions,
    timers: Timers<Deadline>,
    /// Mail to each worker that has not been taken yet.
    outboxes: Vec<VecDeque<Mail>>,
    /// Connections that may have something to transmit, each once.
    dirty: Vec<ConnectionId>,
    /// Connections that were answered outside their own turn and may have more to say.
    unattended: Vec<ConnectionId>,
    /// Whether some connection has so much to send that the driver ought to write before it reads on.
    pressed: bool,
    gate: Gate,
    questions: Questions,
    /// Connections whose packets wait because this turn has done enough, or has mail to get rid of first.
    stalled: Vec<ConnectionId>,
    /// Connections that end because their sessions had no room.
    overfull: Vec<ConnectionId>,
    /// Bytes of mail since the outboxes were last empty.
    posted_bytes: usize,
    /// Places among what is retained, and among filters, that this turn has looked at.
    searched: usize,
    /// Bytes of messages that this turn has found receivers for, once for each.
    fanned_out: usize,
    /// See [`FAN_OUT_PER_TURN`].
    fan_out_per_turn: usize,
    /// Bytes that the sockets of this worker have not taken, to within [`UNSENT_STEP`].
    unsent: Charge,
    /// Receivers on each worker of the message that is being published; empty between publications.
    letters: Vec<Vec<Receiver>>,
    /// Reused by every publication.
    matches: Matches,
    /// What was shown last, on the worker that shows it.
    status: Option<Box<Status>>,
    journal: Journal,
    drain: Drain,
}

/// What a deadline is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deadline {
    Connection(ConnectionId),
    Session(SessionKey),
    Question(QuestionId),
}

/// What the owner does with a connection after [`Worker::transmit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Goes on; `reads` says whether it may read.
    Open { reads: bool },
    /// Flushes and closes it; the worker has forgotten it.
    Close,
}

impl Worker {
    pub(crate) fn new(id: WorkerId, shared: Arc<Shared>) -> Self {
        #[cfg(test)]
        tests::log::listen();
        let outboxes = (0..shared.workers()).map(|_| VecDeque::new()).collect();
        Self {
            id,
            view: View::default(),
            connections: Connections::default(),
            sessions: Sessions::default(),
            timers: Timers::default(),
            outboxes,
            dirty: Vec::new(),
            unattended: Vec::new(),
            pressed: false,
            gate: Gate::new(&shared.policy),
            questions: Questions::default(),
            letters: (0..shared.workers()).map(|_| Vec::new()).collect(),
            matches: Matches::new(shared.overlap),
            journal: Journal::new(shared.rhythm.lines_per_second()),
            drain: Drain::default(),
            unsent: shared.charge(Kind::Unsent),
            fan_out_per_turn: FAN_OUT_PER_TURN.min(shared.memory.limit() / 16),
            shared,
            stalled: Vec::new(),
            overfull: Vec::new(),
            posted_bytes: 0,
            searched: 0,
            fanned_out: 0,
            status: (id.index() == 0).then(Box::default),
        }
    }

    /// Goes by a revised configuration from now on; between two turns.
    pub(crate) fn adopt(&mut self, shared: Arc<Shared>) {
        self.matches = Matches::new(shared.overlap);
        self.shared = shared;
    }

    /// How much may wait for the socket of one connection.
    pub(crate) fn outbound_bytes(&self) -> usize {
        self.shared.limits.outbound_bytes
    }

    /// A connection was accepted.
    pub(crate) fn opened(&mut self, now: Time, origin: Origin) -> ConnectionId {
        self.tally().connections_opened.increment();
        let id = self.connections.insert(Connection::new(&self.shared.protocol, now, origin));
        self.settle(now, id);
        id
    }

    /// Bytes arrived on a connection; whether it may be read further.
    pub(crate) fn received(&mut self, now: Time, id: ConnectionId, bytes: Bytes) -> bool {
        let Some(connection) = self.connections.find_mut(id) else { return false };
        let Some(server) = connection.server_mut() else { return false };
        let length = bytes.len() as u64;
        server.receive(now, bytes);
        self.tally().bytes_received.add(length);
        self.attend(now, id);
        self.attend_rest(now);
        self.connections.find(id).is_some_and(|connection| connection.wants_read(self.shared.limits.outbound_bytes))
    }

    /// All mail is posted and a turn begins: goes on with the packets that waited for that.
    pub(crate) fn resume(&mut self, now: Time) {
        (self.posted_bytes, self.searched, self.fanned_out) = (0, 0, 0);
        for id in std::mem::take(&mut self.stalled) {
            if let Some(connection) = self.connections.find_mut(id) {
                connection.stalled = false;
                self.attend(now, id);
            }
        }
        self.attend_rest(now);
    }

    /// Whether packets wait for [`Worker::resume`].
    pub(crate) fn has_stalled(&self) -> bool {
        !self.stalled.is_empty()
    }

    /// Whether this turn decodes no further packets.
    fn is_spent(&self) -> bool {
        self.fanned_out > self.fan_out_per_turn
            || self.posted_bytes > self.shared.limits.mailbox_bytes
            || self.searched > SEARCHES_PER_TURN
    }

    /// The transport of a connection ended; its id is spent.
    pub(crate) fn transport_closed(&mut self, now: Time, id: ConnectionId) {
        self.stop_waiting(id);
        let Some(connection) = self.connections.find_mut(id) else { return };
        connection.ended = true;
        if let Some(server) = connection.server_mut() {
            server.transport_closed(now);
            connection.parked = false;
            self.attend(now, id);
        }
        self.forget(id);
        self.attend_rest(now);
    }

    /// Mail arrived.
    pub(crate) fn mail(&mut self, now: Time, mail: Mail) {
        match mail {
            Mail::Deliver(letter) => self.deliver_letter(now, letter),
            Mail::Claim(claim) => self.hand_over(now, claim),
            Mail::Handover { to, session } => self.take_over(now, to, session),
            Mail::Fence { version, old } => self.pass_fence(version, old),
            Mail::Fenced { old } => self.count_fence(old),
            Mail::Settled { to } => self.end_settling(now, to),
            Mail::LastWord { round } => self.heard_last_word(now, round),
        }
        self.attend_rest(now);
    }

    /// Acts on every deadline that has passed.
    pub(crate) fn handle_timeout(&mut self, now: Time) {
        while let Some((at, deadline)) = self.timers.pop(now) {
            match deadline {
                Deadline::Connection(id) => self.connection_due(now, id, at),
                Deadline::Session(key) => self.session_due(now, key, at),
                Deadline::Question(id) => self.question_due(now, id, at),
            }
        }
        if self.status_due().is_some_and(|due| due <= now) {
            self.show_status(now);
        }
        self.journal.handle_timeout(now);
        self.compact_timers();
        self.attend_rest(now);
    }

    /// Forgets deadlines of what is gone.
    fn compact_timers(&mut self) {
        let Self { timers, connections, sessions, questions, .. } = self;
        timers.compact(connections.len() + sessions.len() + questions.len(), |at, deadline| match deadline {
            Deadline::Connection(id) => connections.find(id).is_some_and(|connection| connection.is_armed_for(at)),
            Deadline::Session(key) => sessions.find(key).is_some_and(|state| state.armed.is_for(at)),
            Deadline::Question(id) => questions.is_armed_for(id, at),
        });
    }

    fn attend_rest(&mut self, now: Time) {
        while let Some(id) = self.unattended.pop() {
            self.attend(now, id);
        }
        self.disconnect_overfull(now);
    }

    /// When [`Worker::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        [self.timers.next(), self.status_due(), self.journal.due()].into_iter().flatten().min()
    }

    /// Moves the ids of connections that may have something to transmit to `into`.
    pub(crate) fn take_dirty(&mut self, into: &mut Vec<ConnectionId>) {
        into.append(&mut self.dirty);
    }

    /// Whether [`Worker::take_dirty`] would give anything.
    pub(crate) fn has_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Appends what the connection has to send to `out`; `unsent` bytes are left from earlier. When that is more
    /// than [`crate::Limits::outbound_bytes`], nothing is appended: QoS 1 and 2 wait in the session, QoS 0 is dropped,
    /// and the owner asks again when less is unsent.
    pub(crate) fn transmit(&mut self, now: Time, id: ConnectionId, unsent: usize, out: &mut Vec<u8>) -> After {
        self.count_drops(id);
        let limit = self.shared.limits.outbound_bytes;
        let Some(connection) = self.connections.find_mut(id) else { return After::Close };
        connection.dirty = false;
        connection.unsent = unsent;
        let tally = &self.shared.tallies[self.id.index()];
        let before = out.len();
        let Some(server) = connection.server_mut() else {
            out.append(&mut connection.farewell());
            tally.bytes_sent.add((out.len() - before) as u64);
            self.forget(id);
            return After::Close;
        };
        if unsent < limit && server.wants_transmit() {
            server.poll_transmit(out);
            tally.bytes_sent.add((out.len() - before) as u64);
        }
        count_traffic(tally, server);
        let (full, has_backlog) = (connection.full, connection.has_backlog);
        if has_backlog && unsent < limit {
            self.feed_backlog(now, id);
        }
        if full {
            self.ease(now, id);
        }
        let reads = self.connections.find(id).is_some_and(|connection| connection.wants_read(limit));
        After::Open { reads }
    }

    /// The driver has written: `unsent` bytes are left on all connections of this worker together.
    pub(crate) fn note_unsent(&mut self, unsent: usize) {
        if unsent.abs_diff(self.unsent.bytes()) >= UNSENT_STEP {
            self.unsent.set(unsent, 0);
        }
    }

    /// The mail that waits for `to`, in order. Whoever takes it delivers all of it or leaves the rest in place.
    pub(crate) fn outbox(&mut self, to: WorkerId) -> &mut VecDeque<Mail> {
        &mut self.outboxes[to.index()]
    }

    /// Whether the driver ought to write before it reads on; asks anew each time.
    pub(crate) fn take_pressed(&mut self) -> bool {
        std::mem::take(&mut self.pressed)
    }

    /// Ends every connection: DISCONNECT 0x8B in 5.0 (MQTT-4.13.2-1). Wills are not published, as no session ends.
    pub(crate) fn shut_down(&mut self, now: Time) {
        self.note_shut_down();
        for id in self.connections.ids() {
            self.close(now, id, ReasonCode::ServerShuttingDown);
        }
    }

    /// Ends one connection from this side.
    fn close(&mut self, now: Time, id: ConnectionId, reason: ReasonCode) {
        self.close_telling(now, id, reason, Properties::EMPTY);
    }

    fn forget(&mut self, id: ConnectionId) {
        if self.connections.remove(id) {
            self.tally().connections_closed.increment();
        }
    }

    fn post(&mut self, to: WorkerId, mail: Mail) {
        self.posted_bytes += mail::weight(&mail);
        self.outboxes[to.index()].push_back(mail);
    }

    fn target(&self, session: SessionKey) -> Target {
        Target { worker: self.id, session, ..Target::default() }
    }

    fn tally(&self) -> &Tally {
        &self.shared.tallies[self.id.index()]
    }
}

#[cfg(test)]
impl Worker {
    /// Puts back an id that [`Worker::take_dirty`] gave: the bench serves one at a time.
    fn touch_again(&mut self, id: ConnectionId) {
        self.dirty.push(id);
    }

    fn untouch(&mut self, id: ConnectionId) {
        self.dirty.retain(|dirty| *dirty != id);
    }

    fn pending_bytes(&self, id: ConnectionId) -> usize {
        self.connections.find(id).and_then(Connection::server).map_or(0, protocol::server::Server::pending_bytes)
    }

    fn deadlines(&self) -> usize {
        self.timers.len()
    }

    fn sessions_of(&self, client: &str) -> usize {
        self.sessions.iter().filter(|state| state.client_id == *client).count()
    }
}

//! Whether a session may hold one more message, and what becomes of the message when it may not.
//!
//! ```text
//!   QoS 1, 2 ─▶ room? ─ yes ─▶ queue
//!                 │ no: what has expired goes, and again
//!                 ▼
//!   drop-newest        the message is dropped for this session
//!   disconnect         dropped, and the session's connection ends with Quota exceeded (0x97)
//!   refuse-publisher   a 5.0 client gets PUBACK or PUBREC 0x97 and nobody gets the message; for a 3.1.1 client, a Will, or
//!                      a message that was under way, as drop-newest
//! ```
//!
//! A session that is full says so where every worker can read it: its group gives its turns to members with room
//! ([`Presence`](crate::routing::Presence)), and under `refuse-publisher` its worker's [`FullSessions`] name it.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use foldhash::fast::RandomState;
use protocol::{ReasonCode, Session, Time};

use super::{ConnectionId, Worker, connection::Connection, session::Link};
use crate::{
    FullQueue,
    backlog::Backlog,
    counters::Tally,
    routing::{Hit, SessionKey, WorkerId},
    worker,
};

/// Where messages wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room<'a> {
    pub(super) all: &'a worker::Shared,
    pub(super) worker: WorkerId,
    pub(super) now: Time,
}

/// Why one more message may not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The session is at its bound.
    Session,
    /// All queues together are.
    Queues,
    /// The whole broker is.
    Memory,
}

impl Room<'_> {
    /// Whether the session may hold one more message of `size` bytes, once what has expired is gone; `waits` tells whether
    /// it is not sent at once.
    pub(super) fn make(self, session: &mut Session, backlog: &Backlog, size: usize, waits: bool) -> Result<(), Full> {
        let found = self.check(session, backlog, size, waits);
        if found.is_err() && session.purge_expired(self.now) > 0 {
            return self.check(session, backlog, size, waits);
        }
        found
    }

    /// The same for a session that nobody is connected to, whose drops no connection counts.
    pub(super) fn make_offline(self, session: &mut Session, backlog: &Backlog, size: usize) -> Result<(), Full> {
        let before = session.dropped().expired;
        let made = self.make(session, backlog, size, true);
        self.all.tallies[self.worker.index()].dropped_expired.add(session.dropped().expired - before);
        made
    }

    fn check(self, session: &Session, backlog: &Backlog, size: usize, waits: bool) -> Result<(), Full> {
        let limits = &self.all.limits;
        let held = session.held_bytes() + backlog.live_bytes();
        let too_many = waits && session.queued() + backlog.live() >= limits.queued_messages;
        // Whoever owes no acknowledgement gets a message of any size.
        let too_much = (waits || held > 0) && held + size > limits.queued_bytes;
        if too_many || too_much { Err(Full::Session) } else { self.all.room_in_queues(self.worker, size) }
    }

    /// Whether the session could not take a further message of any size.
    fn is_spent(self, session: &Session, backlog: &Backlog) -> bool {
        let limits = &self.all.limits;
        session.queued() + backlog.live() >= limits.queued_messages
            || session.held_bytes() + backlog.live_bytes() >= limits.queued_bytes
    }

    /// Whether the session has so much room again that it need not be passed over.
    pub(super) fn is_eased(self, session: &Session, backlog: &Backlog) -> bool {
        let limits = &self.all.limits;
        session.queued() + backlog.live() <= limits.queued_messages / 4 * 3
            && session.held_bytes() + backlog.live_bytes() <= limits.queued_bytes / 4 * 3
    }
}

impl Full {
    pub(super) fn count(self, tally: &Tally) {
        match self {
            Self::Session => tally.dropped_queue_full.increment(),
            Self::Queues => tally.dropped_broker_full.increment(),
            Self::Memory => tally.dropped_memory_full.increment(),
        }
    }
}

/// The full sessions of one worker, for publishers on others. What they send before they look is dropped and counted.
#[derive(Debug, Default)]
pub(crate) struct FullSessions {
    /// How many there are, so that nobody locks while there is none.
    count: AtomicUsize,
    /// Each with the time from which its messages expire, when it is worth another try.
    sessions: Mutex<HashMap<SessionKey, Option<Time>, RandomState>>,
}

impl FullSessions {
    fn insert(&self, key: SessionKey, until: Option<Time>) {
        let mut sessions = self.lock();
        sessions.insert(key, until);
        self.count.store(sessions.len(), Relaxed);
    }

    pub(super) fn remove(&self, key: SessionKey) {
        if self.count.load(Relaxed) > 0 {
            let mut sessions = self.lock();
            sessions.remove(&key);
            self.count.store(sessions.len(), Relaxed);
        }
    }

    fn contains(&self, key: SessionKey, now: Time) -> bool {
        self.count.load(Relaxed) > 0 && self.lock().get(&key).is_some_and(|until| until.is_none_or(|until| now < until))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionKey, Option<Time>, RandomState>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    /// The session had no room for a message: counts it, and does what the policy says.
    pub(super) fn overflow(&mut self, now: Time, key: SessionKey, full: Full) {
        full.count(self.tally());
        if full != Full::Session {
            return;
        }
        self.mark_full(now, key);
        let Some(Link::Online(id)) = self.sessions.find(key).map(|state| &state.link) else { return };
        if self.shared.limits.full_queue == FullQueue::Disconnect && !self.overfull.contains(id) {
            self.overfull.push(*id);
        }
    }

    /// Ends the connections whose sessions had no room, now that nothing is being delivered.
    pub(super) fn disconnect_overfull(&mut self, now: Time) {
        while let Some(id) = self.overfull.pop() {
            if self.is_live(id) {
                self.tally().disconnected_queue_full.increment();
                self.close(now, id, ReasonCode::QuotaExceeded);
            }
        }
    }

    /// Says that the session is full where others look.
    fn mark_full(&mut self, now: Time, key: SessionKey) {
        let Self { sessions, connections, shared, .. } = self;
        let Some(state) = sessions.find_mut(key) else { return };
        state.presence.set_full(true);
        let session = match &state.link {
            Link::Online(id) => {
                let Some(connection) = connections.find_mut(*id) else { return };
                connection.full = true;
                connection.delivery()
            }
            Link::Offline(session) => Some(&**session),
            Link::Arriving(_) => None,
        };
        if shared.limits.full_queue == FullQueue::RefusePublisher {
            let until = session.and_then(Session::soonest_expiry).map(|at| at.max(now));
            shared.full_sessions[self.id.index()].insert(key, until);
        }
    }

    /// Marks the session if what was just queued was the last that it had room for, so that its group need not try.
    pub(super) fn mark_if_spent(&mut self, now: Time, key: SessionKey) {
        let room = Room { all: &self.shared, worker: self.id, now };
        let Some(state) = self.sessions.find(key) else { return };
        let session = match &state.link {
            Link::Online(id) => self.connections.find(*id).and_then(Connection::delivery),
            Link::Offline(session) => Some(&**session),
            Link::Arriving(_) => None,
        };
        if session.is_some_and(|session| room.is_spent(session, &state.backlog)) {
            self.mark_full(now, key);
        }
    }

    /// The session of `id` was full: whether it still is.
    pub(super) fn ease(&mut self, now: Time, id: ConnectionId) {
        let room = Room { all: &self.shared, worker: self.id, now };
        let Some(connection) = self.connections.find_mut(id) else { return };
        let Some(key) = connection.session else { return };
        let Some(state) = self.sessions.find(key) else { return };
        if connection.delivery().is_some_and(|session| room.is_eased(session, &state.backlog)) {
            connection.full = false;
            state.presence.set_full(false);
            self.shared.full_sessions[self.id.index()].remove(key);
        }
    }

    /// Whether one of the sessions that `hits` name, at QoS 1 or 2, has no room for `size` more bytes.
    pub(super) fn finds_full(&mut self, now: Time, hits: &[Hit], size: usize) -> bool {
        hits.iter().filter(|hit| hit.qos > protocol::QoS::AtMostOnce).any(|hit| {
            let (worker, key) = (hit.target.worker, hit.target.session);
            if worker == self.id {
                self.has_no_room(now, key, size)
            } else {
                self.shared.room_in_queues(worker, size).is_err()
                    || self.shared.full_sessions[worker.index()].contains(key, now)
            }
        })
    }

    fn has_no_room(&mut self, now: Time, key: SessionKey, size: usize) -> bool {
        let Self { sessions, connections, shared, .. } = self;
        let room = Room { all: shared, worker: self.id, now };
        let Some(state) = sessions.find_mut(key) else { return false };
        let found = match &mut state.link {
            Link::Online(id) => {
                let Some(server) = connections.find_mut(*id).and_then(Connection::server_mut) else { return false };
                let waits = !server.sends_at_once() || !state.backlog.is_empty();
                server.session_mut().map(|session| room.make(session, &state.backlog, size, waits))
            }
            Link::Offline(session) => Some(room.make_offline(session, &state.backlog, size)),
            Link::Arriving(_) => None,
        };
        found.is_some_and(|made| made.is_err())
    }
}

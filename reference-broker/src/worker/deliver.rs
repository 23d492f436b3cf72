//! One message to one session of this worker.

use std::mem;

use protocol::{DeliveryRef, DropCause, Fate, QoS, Time};

use super::{
    ConnectionId, Worker,
    room::Room,
    session::{Link, queued},
    sessions::Slot,
};
use crate::{
    mail::{Letter, Mail, Receiver, Share},
    message::Shared,
};

/// A backlog is fed while less than this waits for the connection.
const FEED_BYTES: usize = 256 * 1024;
/// So much may wait for a socket even while the broker holds all that it may.
const SPARE_BYTES: usize = 64 * 1024;
/// A backlog is fed while fewer than this many messages wait for the flow control of the client.
const FEED_MESSAGES: usize = 64;

impl Worker {
    /// Delivers what another worker routed here.
    pub(super) fn deliver_letter(&mut self, now: Time, letter: Letter) {
        let mut message = Shared::Kept(letter.message);
        for receiver in &letter.receivers {
            self.deliver(now, &mut message, letter.expires_at, receiver);
        }
    }

    /// Hands `message` to the session: to its connection, into its queue, or on to where it moved.
    pub(super) fn deliver(&mut self, now: Time, message: &mut Shared, expires_at: Option<Time>, receiver: &Receiver) {
        self.deliver_from(Source::Publisher, now, message, expires_at, receiver);
    }

    fn deliver_from(
        &mut self,
        source: Source,
        now: Time,
        message: &mut Shared,
        expires_at: Option<Time>,
        receiver: &Receiver,
    ) {
        let Self { sessions, connections, shared, dirty, gate, questions, .. } = self;
        let worker = self.id;
        let tally = &shared.tallies[worker.index()];
        let room = Room { all: shared, worker, now };
        let state = match sessions.slot_mut(receiver.session) {
            Some(Slot::Here(state)) => state,
            Some(Slot::Moved(forward)) => {
                let to = forward.to;
                let receiver = Receiver { session: to.session, forwarded: true, ..receiver.clone() };
                let letter = Letter { message: message.kept().clone(), expires_at, receivers: [receiver].into() };
                self.post(to.worker, Mail::Deliver(letter));
                return;
            }
            None => return self.pass_on(now, message, expires_at, receiver.share),
        };
        if let Some(settling) = &mut state.settling
            && !receiver.forwarded
        {
            // It overtook what is still forwarded from the old place (MQTT-4.6.0-6 in both).
            let receivers = [receiver.clone()].into();
            let letter = Letter { message: message.kept().clone(), expires_at, receivers };
            return settling.hold(letter, &shared.limits).unwrap_or_else(|full| full.count(tally));
        }
        if gate.asks_to_receive && !gate.may_receive(now, tally, questions, state.identity.as_ref(), message.message())
        {
            return tally.dropped_denied.increment();
        }
        let size = message.message().weight();
        let fate = match &mut state.link {
            Link::Online(id) => {
                let Some(connection) = connections.find_mut(*id) else { return };
                if !connection.dirty {
                    connection.dirty = true;
                    dirty.push(*id);
                }
                let unsent = connection.unsent;
                let Some(server) = connection.server_mut() else { return };
                if source == Source::Publisher && !state.backlog.is_empty() {
                    // MQTT-4.6.0-5 in both: behind the retained message of the same client.
                    let backlog = &mut state.backlog;
                    let made = server.session_mut().map_or(Ok(()), |it| room.make(it, backlog, size, true));
                    return match (made, receiver.qos) {
                        (Ok(()), _) => backlog.push_live(message.kept().clone(), expires_at, receiver.clone()),
                        (Err(_), QoS::AtMostOnce) => tally.dropped_slow.increment(),
                        (Err(full), _) => self.overflow(now, receiver.session, full),
                    };
                }
                let waiting = unsent + server.pending_bytes();
                self.pressed |= waiting > shared.limits.outbound_bytes / 4;
                let (message, shared) = if receiver.qos == QoS::AtMostOnce {
                    if waiting > shared.limits.outbound_bytes {
                        return tally.dropped_slow.increment();
                    }
                    if waiting > SPARE_BYTES && waiting > shared.spare_memory() {
                        return tally.dropped_memory_full.increment();
                    }
                    (message.message(), message.shared())
                } else {
                    let waits = !server.sends_at_once();
                    // What comes from the backlog has its place already: `feed_backlog` saw to that.
                    if source == Source::Publisher
                        && let Some(session) = server.session_mut()
                        && let Err(full) = room.make(session, &state.backlog, size, waits)
                    {
                        return self.overflow(now, receiver.session, full);
                    }
                    let kept = message.kept();
                    (&**kept, Some(kept))
                };
                // Nobody hears what became of QoS 0, so it needs no name.
                let tag = if receiver.qos == QoS::AtMostOnce { None } else { receiver.share.map(Share::tag) };
                let fate = server.deliver_ref(
                    now,
                    DeliveryRef {
                        message,
                        shared,
                        qos: receiver.qos,
                        retain: receiver.retain,
                        subscription_ids: &receiver.identifiers,
                        expires_at,
                        tag,
                    },
                );
                if let (Fate::Dropped(_), Some(_)) = (fate, tag) {
                    // Its report waits in the machine.
                    self.unattended.push(*id);
                }
                fate
            }
            Link::Offline(_) if receiver.qos == QoS::AtMostOnce => return tally.dropped_offline.increment(),
            Link::Offline(_) if expires_at.is_some_and(|at| at <= now) => return tally.dropped_expired.increment(),
            Link::Offline(session) => {
                if let Err(full) = room.make_offline(session, &state.backlog, size) {
                    return self.overflow(now, receiver.session, full);
                }
                // MQTT-4.5.0-1 in both; MQTT-3.1.2-5 in 3.1.1.
                session.push(queued(message.kept(), receiver, expires_at));
                if state.presence.is_full() && room.is_eased(session, &state.backlog) {
                    // What filled it has expired.
                    state.presence.set_full(false);
                    shared.full_sessions[worker.index()].remove(receiver.session);
                }
                Fate::Queued
            }
            // Routes lead here only once the session has arrived.
            Link::Arriving(_) => return tally.dropped_session_ended.increment(),
        };
        match fate {
            Fate::Sent => tally.messages_delivered.increment(),
            Fate::Queued => {
                tally.messages_delivered.increment();
                self.mark_if_spent(now, receiver.session);
            }
            Fate::Dropped(DropCause::NotConnected) => tally.dropped_offline.increment(),
            // The session counts these, as it does those that it drops from its queue.
            Fate::Dropped(_) => {}
        }
    }

    /// Moves messages from the backlog of the session to its connection, as far as there is room.
    pub(super) fn feed_backlog(&mut self, now: Time, id: ConnectionId) {
        let Some(key) = self.connections.find(id).and_then(|connection| connection.session) else { return };
        let most = FEED_MESSAGES.min(self.shared.limits.queued_messages);
        let most_bytes = FEED_BYTES.min(self.shared.limits.outbound_bytes);
        loop {
            let Some(connection) = self.connections.find_mut(id) else { return };
            let Some(server) = connection.server() else { return };
            let room = connection.unsent + server.pending_bytes() < most_bytes
                && (server.sends_at_once() || server.session().is_none_or(|session| session.queued() < most));
            let Some(state) = self.sessions.find_mut(key) else { return };
            connection.has_backlog = !state.backlog.is_empty();
            if !room {
                return;
            }
            let Some(held) = state.backlog.pop() else { return };
            // What replaced it since then waits behind it.
            if held.retained.is_none() || self.shared.retained.holds(now, &held.message) {
                let mut message = Shared::Kept(held.message);
                self.deliver_from(Source::Backlog, now, &mut message, held.expires_at, &held.receiver);
            }
        }
    }

    /// Counts what the session of `id` has dropped by itself since the last time.
    pub(super) fn count_drops(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.find_mut(id) else { return };
        let Some(dropped) = connection.delivery().map(protocol::Session::dropped) else { return };
        let before = mem::replace(&mut connection.dropped, dropped);
        if dropped != before {
            let tally = self.tally();
            tally.dropped_expired.add(dropped.expired - before.expired);
            tally.dropped_too_large.add(dropped.too_large - before.too_large);
        }
    }
}

/// Where a message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Publisher,
    /// It waited for this session before.
    Backlog,
}

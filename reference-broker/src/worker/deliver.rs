//! One message to one session of this worker.

use protocol::{DeliveryRef, Fate, QoS, Session, Time};

use super::{
    ConnectionId, Worker,
    session::{Link, queued},
    sessions::Slot,
};
use crate::{
    Limits,
    mail::{Letter, Mail, Receiver},
    message::Shared,
};

/// A backlog is fed while less than this waits for the connection.
const FEED_BYTES: usize = 256 * 1024;
/// A backlog is fed while fewer than this many messages wait for the flow control of the client.
const FEED_MESSAGES: usize = 64;

impl Worker {
    /// Delivers what another worker routed here.
    pub(super) fn deliver_letter(&mut self, now: Time, letter: Letter) {
        let mut message = Shared::owned(letter.message);
        for receiver in &letter.receivers {
            self.deliver(now, &mut message, letter.expires_at, receiver);
        }
    }

    /// Hands `message` to the session: to its connection, into its queue, or on to where it moved.
    pub(super) fn deliver(&mut self, now: Time, message: &mut Shared, expires_at: Option<Time>, receiver: &Receiver) {
        let Self { sessions, connections, shared, dirty, .. } = self;
        let tally = &shared.tallies[self.id.index()];
        let state = match sessions.slot_mut(receiver.session) {
            Some(Slot::Here(state)) => state,
            Some(Slot::Moved(forward)) => {
                let to = forward.to;
                let receiver = Receiver { session: to.session, forwarded: true, ..receiver.clone() };
                let letter = Letter { message: message.kept().clone(), expires_at, receivers: [receiver].into() };
                self.post(to.worker, Mail::Deliver(letter));
                return;
            }
            None => return tally.dropped_session_ended.increment(),
        };
        if let Some(settling) = &mut state.settling
            && !receiver.forwarded
        {
            // It overtook what is still forwarded from the old place (MQTT-4.6.0-6).
            if settling.early.len() >= shared.limits.queued_messages {
                return tally.dropped_queue_full.increment();
            }
            let receivers = [receiver.clone()].into();
            settling.early.push_back(Letter { message: message.kept().clone(), expires_at, receivers });
            return;
        }
        let fate = match &mut state.link {
            Link::Online(id) => {
                let Some(connection) = connections.find_mut(*id) else { return };
                if !connection.dirty {
                    connection.dirty = true;
                    dirty.push(*id);
                }
                let unsent = connection.unsent;
                let Some(server) = connection.server_mut() else { return };
                let waiting = unsent + server.pending_bytes();
                self.pressed |= waiting > shared.limits.outbound_bytes / 4;
                let message = if receiver.qos == QoS::AtMostOnce {
                    if waiting > shared.limits.outbound_bytes {
                        return tally.dropped_slow.increment();
                    }
                    message.fleeting()
                } else {
                    if !server.session().is_none_or(|session| has_room(&shared.limits, session, message)) {
                        return tally.dropped_queue_full.increment();
                    }
                    message.kept()
                };
                server.deliver_ref(
                    now,
                    DeliveryRef {
                        message,
                        qos: receiver.qos,
                        retain: receiver.retain,
                        subscription_ids: &receiver.identifiers,
                        expires_at,
                        tag: None,
                    },
                )
            }
            Link::Offline(_) if receiver.qos == QoS::AtMostOnce => return tally.dropped_offline.increment(),
            Link::Offline(session) => {
                if !has_room(&shared.limits, session, message) {
                    // Room that only expired messages take is free.
                    session.purge_expired(now);
                    if !has_room(&shared.limits, session, message) {
                        return tally.dropped_queue_full.increment();
                    }
                }
                session.push(queued(message.kept(), receiver, expires_at));
                Fate::Queued
            }
            // Routes lead here only once the session has arrived.
            Link::Arriving(_) => return tally.dropped_session_ended.increment(),
        };
        match fate {
            Fate::Sent | Fate::Queued => tally.messages_delivered.increment(),
            Fate::Dropped(_) => tally.dropped_undeliverable.increment(),
        }
    }

    /// Moves retained messages from the backlog of the session to its connection, as far as there is room.
    pub(super) fn feed_backlog(&mut self, now: Time, id: ConnectionId) {
        let Some(key) = self.connections.find(id).and_then(|connection| connection.session) else { return };
        loop {
            let Some(connection) = self.connections.find_mut(id) else { return };
            let Some(server) = connection.server() else { return };
            let room = connection.unsent + server.pending_bytes() < FEED_BYTES
                && server.session().is_none_or(|session| session.queued() < FEED_MESSAGES);
            let Some(state) = self.sessions.find_mut(key) else { return };
            connection.has_backlog = !state.backlog.is_empty();
            if !room {
                return;
            }
            let Some((retained, receiver)) = state.backlog.pop_front() else { return };
            // What replaced it since then was delivered as it was published.
            if self.shared.retained.holds(now, &retained) {
                self.deliver(now, &mut Shared::owned(retained.message), retained.expires_at, &receiver);
            }
        }
    }
}

/// Whether one more message may wait. What happens when not is this broker's one policy so far: the newest is dropped
/// and counted.
fn has_room(limits: &Limits, session: &Session, message: &Shared) -> bool {
    let message = message.message();
    let size = message.topic.as_str().len() + message.payload.len();
    session.queued() < limits.queued_messages && session.queued_bytes() + size <= limits.queued_bytes
}

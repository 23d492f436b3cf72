//! What can be seen of the workers from outside.

use std::time::Duration;

use super::{Bench, PeerId};
use crate::{Counters, routing::WorkerId, worker::Worker};

impl Bench {
    pub(in super::super) fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        self.shared.tallies.iter().for_each(|tally| sum += tally.snapshot());
        sum
    }

    /// How many workers hold a live session of `client`.
    pub(in super::super) fn owners(&self, client: &str) -> usize {
        self.workers.iter().map(|worker| worker.sessions_of(client)).sum()
    }

    /// What all sessions hold.
    pub(in super::super) fn held_bytes(&self) -> usize {
        (0..self.workers.len()).map(|worker| self.shared.scale(WorkerId(u16::try_from(worker).unwrap())).bytes()).sum()
    }

    pub(in super::super) fn set_sys_interval(&self, interval: Duration) {
        self.shared.rhythm.set_sys(interval);
    }

    pub(in super::super) fn set_log(&self, log: crate::Log) {
        self.shared.rhythm.set_log(log);
    }

    /// How many pieces of mail their senders have not posted.
    pub(in super::super) fn mail_in_outboxes(&mut self) -> usize {
        let all: Vec<_> = (0..self.workers.len()).map(|to| WorkerId(u16::try_from(to).unwrap())).collect();
        self.workers.iter_mut().map(|from| all.iter().map(|to| from.outbox(*to).len()).sum::<usize>()).sum()
    }

    /// Whether the broker reads what the client sends.
    pub(in super::super) fn reads(&self, peer: PeerId) -> bool {
        self.peers[peer.0].reads
    }

    /// What waits for the client before its socket.
    pub(in super::super) fn pending_bytes(&self, peer: PeerId) -> usize {
        let peer = &self.peers[peer.0];
        self.workers[peer.worker].pending_bytes(peer.id)
    }

    pub(in super::super) fn deadlines(&self) -> usize {
        self.workers.iter().map(Worker::deadlines).sum()
    }
}

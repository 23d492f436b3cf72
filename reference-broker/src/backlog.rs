//! What waits before a connected session's queue: retained messages that a subscription asked for and the client has had
//! no room for yet, and whatever was published after that (MQTT-4.6.0-5 in both: it must not overtake them).

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use protocol::{Message, Time};

use crate::{mail::Receiver, memory::Charge, retained::Retained, routing::SessionKey};

/// See the module. Whoever adds to it looks first at what is there: [`Backlog::live`] and [`Backlog::live_bytes`] count
/// with the queue, [`Backlog::retained`] and [`Backlog::retained_bytes`] have bounds of their own.
#[derive(Debug)]
pub(crate) struct Backlog {
    waiting: VecDeque<Held>,
    live: usize,
    live_bytes: usize,
    retained_bytes: usize,
    charge: Charge,
}

/// What keeping one message takes beside its bytes.
pub(crate) const HELD: usize = size_of::<Held>();
/// After so many steps the charge is corrected: it is shared with other threads.
const SETTLE_EVERY: usize = 64;

/// One message that waits.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) message: Arc<Message>,
    pub(crate) expires_at: Option<Time>,
    pub(crate) receiver: Receiver,
    /// Set when it is here because it was retained: for which subscription. It is skipped when it is replaced before its
    /// turn comes.
    pub(crate) retained: Option<Mark>,
}

/// Tells the subscriptions of one session apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mark(pub(crate) u64);

impl Backlog {
    /// An empty one, which counts what it holds on `charge`.
    pub(crate) fn new(charge: Charge) -> Self {
        Self { waiting: VecDeque::new(), live: 0, live_bytes: 0, retained_bytes: 0, charge }
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> Self {
        let empty = Self::new(self.charge.fresh());
        std::mem::replace(self, empty)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many messages were published since they must wait.
    pub(crate) const fn live(&self) -> usize {
        self.live
    }

    /// Their bytes.
    pub(crate) const fn live_bytes(&self) -> usize {
        self.live_bytes
    }

    /// How many messages are here because they were retained.
    pub(crate) fn retained(&self) -> usize {
        self.waiting.len() - self.live
    }

    /// Their bytes.
    pub(crate) const fn retained_bytes(&self) -> usize {
        self.retained_bytes
    }

    /// Adds what the subscription `mark` found.
    pub(crate) fn push_retained(&mut self, retained: Retained, receiver: Receiver, mark: Mark) {
        let Retained { message, expires_at, .. } = retained;
        self.retained_bytes += message.weight();
        self.waiting.push_back(Held { message, expires_at, receiver, retained: Some(mark) });
        self.settle_sometimes();
    }

    pub(crate) fn push_live(&mut self, message: Arc<Message>, expires_at: Option<Time>, receiver: Receiver) {
        self.live += 1;
        self.live_bytes += message.weight();
        self.waiting.push_back(Held { message, expires_at, receiver, retained: None });
        self.settle_sometimes();
    }

    /// What has waited longest.
    pub(crate) fn pop(&mut self) -> Option<Held> {
        let held = self.waiting.pop_front()?;
        if held.retained.is_some() {
            self.retained_bytes -= held.message.weight();
        } else {
            self.live -= 1;
            self.live_bytes -= held.message.weight();
        }
        self.settle_sometimes();
        if self.waiting.is_empty() {
            // A session that once asked for everything is as small as one that never did.
            self.waiting = VecDeque::new();
        }
        Some(held)
    }

    /// Lets go of what is retained: the session ends, and it is in the store still.
    pub(crate) fn forget_retained(&mut self) {
        self.waiting.retain(|held| held.retained.is_none());
        self.retained_bytes = 0;
        self.settle();
    }

    /// Lets go of what the subscriptions `marks` found: they look again, or end. One look at what waits, however many they
    /// are.
    pub(crate) fn forget(&mut self, marks: &HashSet<Mark>) {
        if marks.is_empty() || self.retained() == 0 {
            return;
        }
        let bytes = &mut self.retained_bytes;
        self.waiting.retain(|held| {
            let stays = held.retained.is_none_or(|mark| !marks.contains(&mark));
            if !stays {
                *bytes -= held.message.weight();
            }
            stays
        });
        self.settle();
    }

    /// Gives up what `keep` does not want; how many that were.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Message) -> bool) -> usize {
        let before = self.waiting.len();
        let Self { waiting, live, live_bytes, retained_bytes, .. } = self;
        waiting.retain(|held| {
            let stays = keep(&held.message);
            if !stays && held.retained.is_some() {
                *retained_bytes -= held.message.weight();
            } else if !stays {
                *live -= 1;
                *live_bytes -= held.message.weight();
            }
            stays
        });
        self.settle();
        before - self.waiting.len()
    }

    fn settle_sometimes(&mut self) {
        if self.waiting.len().is_multiple_of(SETTLE_EVERY) {
            self.settle();
        }
    }

    pub(crate) fn settle(&mut self) {
        let items = self.waiting.len();
        self.charge.set(self.live_bytes + self.retained_bytes + items * HELD, items);
    }

    /// The session lives at `session` from now on.
    pub(crate) fn readdress(&mut self, session: SessionKey) {
        self.waiting.iter_mut().for_each(|held| held.receiver.session = session);
    }
}

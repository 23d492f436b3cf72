//! What waits before a connected session's queue: retained messages that a subscription asked for and the client has had
//! no room for yet, and whatever was published after that (MQTT-4.6.0-5 in both: it must not overtake them).

use std::{
    collections::{HashSet, VecDeque},
    mem,
    sync::Arc,
};

use protocol::{Message, Time};

use crate::{
    mail::Receiver,
    memory::{Charge, Kind, Memory},
    retained::Retained,
    routing::SessionKey,
};

/// See the module. Whoever adds to it looks first at what is there: [`Backlog::live`] and [`Backlog::live_bytes`] count
/// with the queue, [`Backlog::retained`] and [`Backlog::retained_bytes`] have bounds of their own.
///
/// Every session has one, and nearly all are empty: those take two words.
#[derive(Debug)]
pub(crate) struct Backlog {
    memory: Arc<Memory>,
    /// Set while something waits.
    queue: Option<Box<Queue>>,
}

#[derive(Debug)]
struct Queue {
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
    /// An empty one, which counts what it holds in `memory`.
    pub(crate) fn new(memory: &Arc<Memory>) -> Self {
        Self { memory: memory.clone(), queue: None }
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> Self {
        Self { memory: self.memory.clone(), queue: self.queue.take() }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.queue.is_none()
    }

    /// How many messages were published since they must wait.
    pub(crate) fn live(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.live)
    }

    /// Their bytes.
    pub(crate) fn live_bytes(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.live_bytes)
    }

    /// How many messages are here because they were retained.
    pub(crate) fn retained(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.waiting.len() - queue.live)
    }

    /// Their bytes.
    pub(crate) fn retained_bytes(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.retained_bytes)
    }

    /// Adds what the subscription `mark` found.
    pub(crate) fn push_retained(&mut self, retained: Retained, receiver: Receiver, mark: Mark) {
        let Retained { message, expires_at, .. } = retained;
        self.push(Held { message, expires_at, receiver, retained: Some(mark) });
    }

    pub(crate) fn push_live(&mut self, message: Arc<Message>, expires_at: Option<Time>, receiver: Receiver) {
        self.push(Held { message, expires_at, receiver, retained: None });
    }

    fn push(&mut self, held: Held) {
        let queue = self.queue.get_or_insert_with(|| Box::new(Queue::new(&self.memory)));
        let weight = held.message.weight();
        if held.retained.is_some() {
            queue.retained_bytes += weight;
        } else {
            queue.live += 1;
            queue.live_bytes += weight;
        }
        queue.waiting.push_back(held);
        queue.settle_sometimes();
    }

    /// What has waited longest.
    pub(crate) fn pop(&mut self) -> Option<Held> {
        let queue = self.queue.as_mut()?;
        let held = queue.waiting.pop_front()?;
        queue.left(&held);
        queue.settle_sometimes();
        self.shrink();
        Some(held)
    }

    /// Lets go of what is retained: the session ends, and it is in the store still.
    pub(crate) fn forget_retained(&mut self) {
        self.retain_held(|held| held.retained.is_none());
    }

    /// Lets go of what the subscriptions `marks` found: they look again, or end. One look at what waits, however many they
    /// are.
    pub(crate) fn forget(&mut self, marks: &HashSet<Mark>) {
        if !marks.is_empty() && self.retained() > 0 {
            self.retain_held(|held| held.retained.is_none_or(|mark| !marks.contains(&mark)));
        }
    }

    /// Gives up what `keep` does not want; how many that were.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Message) -> bool) -> usize {
        self.retain_held(|held| keep(&held.message))
    }

    fn retain_held(&mut self, mut keep: impl FnMut(&Held) -> bool) -> usize {
        let Some(queue) = &mut self.queue else { return 0 };
        let before = queue.waiting.len();
        let mut waiting = mem::take(&mut queue.waiting);
        waiting.retain(|held| {
            let stays = keep(held);
            if !stays {
                queue.left(held);
            }
            stays
        });
        queue.waiting = waiting;
        queue.settle();
        let given_up = before - queue.waiting.len();
        self.shrink();
        given_up
    }

    /// A session that once asked for everything is as small as one that never did.
    fn shrink(&mut self) {
        if self.queue.as_ref().is_some_and(|queue| queue.waiting.is_empty()) {
            self.queue = None;
        }
    }

    pub(crate) fn settle(&mut self) {
        if let Some(queue) = &mut self.queue {
            queue.settle();
        }
    }

    /// The session lives at `session` from now on.
    pub(crate) fn readdress(&mut self, session: SessionKey) {
        let held = self.queue.iter_mut().flat_map(|queue| &mut queue.waiting);
        held.for_each(|held| held.receiver.session = session);
    }
}

impl Queue {
    fn new(memory: &Arc<Memory>) -> Self {
        let charge = Charge::new(memory, Kind::Backlogs);
        Self { waiting: VecDeque::new(), live: 0, live_bytes: 0, retained_bytes: 0, charge }
    }

    /// Counts `held` no more.
    fn left(&mut self, held: &Held) {
        let weight = held.message.weight();
        if held.retained.is_some() {
            self.retained_bytes -= weight;
        } else {
            self.live -= 1;
            self.live_bytes -= weight;
        }
    }

    fn settle_sometimes(&mut self) {
        if self.waiting.len().is_multiple_of(SETTLE_EVERY) {
            self.settle();
        }
    }

    fn settle(&mut self) {
        let items = self.waiting.len();
        self.charge.set(self.live_bytes + self.retained_bytes + items * HELD, items);
    }
}

//! What waits before a connected session's queue: retained messages that a subscription asked for and the client has had
//! no room for yet, and whatever was published after that (MQTT-4.6.0-5 in both: it must not overtake them).

use std::{collections::VecDeque, sync::Arc};

use protocol::{Message, Time};

use crate::{mail::Receiver, retained::Retained, routing::SessionKey};

/// See the module. Retained messages are bounded by the store that they are in; whoever adds a live one looks at
/// [`Backlog::live`] and [`Backlog::live_bytes`] first.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    waiting: VecDeque<Held>,
    live: usize,
    live_bytes: usize,
}

/// One message that waits.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) message: Arc<Message>,
    pub(crate) expires_at: Option<Time>,
    pub(crate) receiver: Receiver,
    /// Whether it is here because it was retained; it is skipped when it is replaced before its turn comes.
    pub(crate) retained: bool,
}

impl Backlog {
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

    pub(crate) fn push_retained(&mut self, retained: Retained, receiver: Receiver) {
        let Retained { message, expires_at, .. } = retained;
        self.waiting.push_back(Held { message, expires_at, receiver, retained: true });
    }

    pub(crate) fn push_live(&mut self, message: Arc<Message>, expires_at: Option<Time>, receiver: Receiver) {
        self.live += 1;
        self.live_bytes += message.weight();
        self.waiting.push_back(Held { message, expires_at, receiver, retained: false });
    }

    /// What has waited longest.
    pub(crate) fn pop(&mut self) -> Option<Held> {
        let held = self.waiting.pop_front()?;
        if !held.retained {
            self.live -= 1;
            self.live_bytes -= held.message.weight();
        }
        if self.waiting.is_empty() {
            // A session that once asked for everything is as small as one that never did.
            self.waiting = VecDeque::new();
        }
        Some(held)
    }

    /// Lets go of what is retained: the session ends, and it is in the store still.
    pub(crate) fn forget_retained(&mut self) {
        self.waiting.retain(|held| !held.retained);
    }

    /// The session lives at `session` from now on.
    pub(crate) fn readdress(&mut self, session: SessionKey) {
        self.waiting.iter_mut().for_each(|held| held.receiver.session = session);
    }
}

//! Mail between threads: bounded, moved in batches, with one wake-up for many pieces.

use std::{
    collections::VecDeque,
    sync::PoisonError,
    task::{Context, Waker},
};

use crate::{
    mail::{self, Mail},
    sync::{Mutex, MutexGuard},
};

/// Where one worker's mail waits.
#[derive(Debug)]
pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
    capacity: usize,
    /// Of bytes. A single piece may exceed it.
    room: usize,
}

#[derive(Debug, Default)]
struct Inner {
    mail: VecDeque<Mail>,
    bytes: usize,
    /// The addressee, while it sleeps.
    reader: Option<Waker>,
    /// Senders that found the box full.
    writers: Vec<Waker>,
}

impl Mailbox {
    pub(crate) fn new(capacity: usize, room: usize) -> Self {
        Self { inner: Mutex::default(), capacity, room }
    }

    /// Moves all mail to `into` and remembers whom to wake for the next piece.
    pub(crate) fn take(&self, cx: &Context<'_>, into: &mut Vec<Mail>) {
        let writers = {
            let mut inner = self.lock();
            into.extend(inner.mail.drain(..));
            inner.bytes = 0;
            inner.reader = Some(cx.waker().clone());
            std::mem::take(&mut inner.writers)
        };
        writers.into_iter().for_each(Waker::wake);
    }

    /// Moves mail from `from` as far as there is room; whether all of it went. If not, the sender is woken when there is
    /// room again.
    pub(crate) fn put(&self, cx: &Context<'_>, from: &mut VecDeque<Mail>) -> bool {
        let (all, reader) = {
            let mut inner = self.lock();
            while inner.mail.len() < self.capacity
                && let Some(next) = from.front()
            {
                let bytes = inner.bytes + mail::weight(next);
                if bytes > self.room && inner.bytes > 0 {
                    break;
                }
                inner.bytes = bytes;
                inner.mail.extend(from.pop_front());
            }
            let all = from.is_empty();
            if !all {
                inner.writers.push(cx.waker().clone());
            }
            // Only the first piece since the addressee last looked wakes it.
            (all, inner.reader.take())
        };
        if let Some(reader) = reader {
            reader.wake();
        }
        all
    }

    /// Wakes the addressee without mail.
    pub(crate) fn nudge(&self) {
        let reader = self.lock().reader.take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

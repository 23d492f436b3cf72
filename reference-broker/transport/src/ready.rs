//! Which connections have something to do.

use std::{
    mem,
    sync::{Arc, PoisonError},
    task::{Context, Wake, Waker},
};

use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering};

/// The connections that woke since the last turn, each at most once.
#[derive(Debug, Default)]
pub(crate) struct ReadyList(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    woken: Vec<Arc<Token>>,
    pump: Option<Waker>,
}

/// One connection's place in the list; also its waker.
#[derive(Debug)]
pub(crate) struct Token {
    index: usize,
    listed: AtomicBool,
    list: Arc<ReadyList>,
}

impl ReadyList {
    /// The token of the connection at `index`.
    pub(crate) fn token(self: &Arc<Self>, index: usize) -> Arc<Token> {
        Arc::new(Token { index, listed: AtomicBool::new(false), list: Arc::clone(self) })
    }

    /// Moves the woken connections to `into` and remembers whom to wake for the next ones; whether there are any.
    pub(crate) fn take(&self, cx: &Context<'_>, into: &mut Vec<Arc<Token>>) -> bool {
        let mut inner = self.lock();
        if inner.pump.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            inner.pump = Some(cx.waker().clone());
        }
        if into.is_empty() {
            mem::swap(&mut inner.woken, into);
        } else {
            into.append(&mut inner.woken);
        }
        !into.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics half-way, so a poisoned lock holds a sound list.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Token {
    /// The connection it stands for.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Takes the connection's place without waking anybody: the pump itself looks again. `false` when it is listed already.
    pub(crate) fn keep(&self) -> bool {
        !self.listed.swap(true, Ordering::AcqRel)
    }

    /// Lets the connection be listed again. To be called before its readiness is looked at, not after.
    pub(crate) fn unlist(&self) {
        self.listed.store(false, Ordering::Release);
    }
}

impl Wake for Token {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.listed.swap(true, Ordering::AcqRel) {
            return;
        }
        let pump = {
            let mut inner = self.list.lock();
            inner.woken.push(Arc::clone(self));
            // Only the first of a turn needs to wake the pump.
            if inner.woken.len() == 1 { inner.pump.take() } else { None }
        };
        if let Some(pump) = pump {
            pump.wake();
        }
    }
}

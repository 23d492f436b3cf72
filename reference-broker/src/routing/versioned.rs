//! A value that is changed under a lock and looked at only when it changed.

use std::sync::PoisonError;

use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};

/// A value with a version that rises with every change. The value begins as version 0.
#[derive(Debug, Default)]
pub(crate) struct Versioned<T> {
    inner: Mutex<Inner<T>>,
    /// As in `inner`, stored before the lock is released: whoever reads it finds a change at least as new.
    version: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner<T> {
    value: T,
    version: u64,
}

impl<T> Versioned<T> {
    /// Makes `change`, which is told the new version. Whoever hears of it after this returns will see it.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T, u64) -> R) -> R {
        let mut inner = self.lock();
        let version = inner.version + 1;
        let result = change(&mut inner.value, version);
        inner.version = version;
        self.version.store(version, Ordering::Release);
        result
    }

    /// Shows the value and its version to `look`, unless that is `seen`. One atomic load when nothing changed.
    pub(crate) fn look_unless<R>(&self, seen: u64, look: impl FnOnce(&T, u64) -> R) -> Option<R> {
        if self.version.load(Ordering::Acquire) == seen {
            return None;
        }
        let inner = self.lock();
        Some(look(&inner.value, inner.version))
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        // Whoever panicked while changing left a value that is well-formed at every step.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What the parts use that several threads touch at once. They name it through here, so that `tests/interleavings.rs` can
//! run the same files on types that try every interleaving.

pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};

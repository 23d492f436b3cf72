//! What a process costs.

use std::{io, time::Duration};

use serde::Serialize;

/// What a process has used until one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// CPU time in user mode since the process began, over all its threads.
    pub user: Duration,
    /// CPU time in the kernel since the process began, over all its threads.
    pub system: Duration,
    /// Resident memory, in bytes.
    pub resident: u64,
    /// Open file descriptors.
    pub open_files: u32,
}

/// Reads [`Usage`] from `/proc` (Linux).
#[derive(Debug)]
pub struct Sampler {
    pid: u32,
}

impl Sampler {
    /// Watches the process `pid`.
    ///
    /// # Errors
    ///
    /// As [`Sampler::sample`].
    pub fn new(_pid: u32) -> io::Result<Self> {
        todo!("lands next")
    }

    /// What the process has used until now.
    ///
    /// # Errors
    ///
    /// `NotFound` when it has ended, `PermissionDenied` when it is another user's, `Unsupported` where there is no `/proc`.
    pub fn sample(&mut self) -> io::Result<Usage> {
        todo!("lands next {}", self.pid)
    }
}

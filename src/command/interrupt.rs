//! Ctrl-C, SIGTERM and SIGHUP.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Completes at the first Ctrl-C or SIGTERM. Must be made before work begins, so that none is missed.
pub(crate) struct Interrupt {
    terminate: Signal,
    interrupt: Signal,
}

impl Interrupt {
    /// Listens from now on. Needs a tokio runtime around it.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for it.
    pub(crate) async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Does `work` to its end, or gives it up when asked to: then nothing.
    pub(crate) async fn unless<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.received() => None,
        }
    }
}

/// SIGHUP, which asks a daemon to read its configuration again. Must be made before anybody can know the process.
pub(crate) struct Hangup(Signal);

impl Hangup {
    /// Listens from now on. Needs a tokio runtime around it.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub(crate) fn listen() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Waits for the next.
    pub(crate) async fn received(&mut self) {
        self.0.recv().await;
    }
}

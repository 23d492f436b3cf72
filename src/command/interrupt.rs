//! Ctrl-C, SIGTERM and SIGHUP.

use std::io;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinHandle,
};

/// Completes at the first Ctrl-C or SIGTERM. Must be made before work begins, so that none is missed.
///
/// A task of its own listens: the work asks whenever it goes on, thousands of times per second, and to ask a signal costs as much
/// as to send a message.
pub(crate) struct Interrupt {
    arrived: UnboundedReceiver<()>,
    listener: JoinHandle<()>,
}

impl Interrupt {
    /// Listens from now on. Needs a tokio runtime around it.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub(crate) fn listen() -> io::Result<Self> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (tell, arrived) = unbounded_channel();
        let listener = tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if tell.send(()).is_err() {
                    return;
                }
            }
        });
        Ok(Self { arrived, listener })
    }

    /// Waits for it.
    pub(crate) async fn received(&mut self) {
        // The listener never ends by itself.
        self.arrived.recv().await;
    }

    /// Does `work` to its end, or gives it up when asked to: then nothing.
    pub(crate) async fn unless<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.received() => None,
        }
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.listener.abort();
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

//! The native engine.

use protocol::{SubscribeFilter, Tag, Time, TopicFilter};

use super::{ClientEngine, ClientEvent, ClientKey, Clock, ConnectOptions, Outgoing, Unsent};

/// How the native engine runs.
#[derive(Clone, Copy, Debug)]
pub struct NativeOptions {
    /// How many clients may be connecting (up to CONNACK) at one time; the rest wait their turn. Their time-outs start
    /// when their turn comes. Default 64.
    pub connecting: usize,
}

impl Default for NativeOptions {
    fn default() -> Self {
        Self { connecting: 64 }
    }
}

/// The native engine.
#[expect(missing_debug_implementations, reason = "an engine holds thousands of connections")]
pub struct Native {
    clock: Clock,
}

impl Native {
    /// An engine without clients. Its turns need a current-thread tokio runtime with I/O and time.
    pub fn new(options: NativeOptions, clock: Clock) -> Self {
        let _ = options;
        Self { clock }
    }
}

impl ClientEngine for Native {
    fn clock(&self) -> Clock {
        self.clock
    }
    fn connect(&mut self, _: ConnectOptions) -> ClientKey {
        todo!()
    }
    fn reconnect(&mut self, _: ClientKey) {
        todo!()
    }
    fn publish(&mut self, _: ClientKey, _: Outgoing) -> Result<(), Unsent> {
        todo!()
    }
    fn subscribe(&mut self, _: ClientKey, _: Vec<SubscribeFilter>, _: Tag) {
        todo!()
    }
    fn unsubscribe(&mut self, _: ClientKey, _: Vec<TopicFilter>, _: Tag) {
        todo!()
    }
    fn disconnect(&mut self, _: ClientKey) {
        todo!()
    }
    fn abandon(&mut self, _: ClientKey) {
        todo!()
    }
    fn forget(&mut self, _: ClientKey) {
        todo!()
    }
    fn backlog(&self, _: ClientKey) -> usize {
        todo!()
    }
    fn poll_event(&mut self) -> Option<(ClientKey, ClientEvent)> {
        todo!()
    }
    async fn turn(&mut self, _: Time) {
        todo!()
    }
}

//! The engine on the rumqttc library.

use protocol::{SubscribeFilter, Tag, Time, TopicFilter, Will};

use super::{ClientEngine, ClientEvent, ClientKey, Clock, ConnectOptions, Outgoing, Unsent};

/// The engine on rumqttc 0.25: an independent client for samples, never an oracle.
#[expect(missing_debug_implementations, reason = "an engine holds thousands of connections")]
pub struct Rumqttc {
    clock: Clock,
}

impl Rumqttc {
    /// An engine without clients. Its turns need a current-thread tokio runtime with I/O and time.
    ///
    /// # Errors
    ///
    /// What the operating system says: no file descriptor is left for a timer.
    pub fn new(clock: Clock) -> std::io::Result<Self> {
        Ok(Self { clock })
    }
}

impl ClientEngine for Rumqttc {
    fn clock(&self) -> Clock {
        self.clock
    }
    fn connect(&mut self, _: ConnectOptions) -> ClientKey {
        todo!()
    }
    fn takes(&self, _: ClientKey) -> bool {
        todo!()
    }
    fn reconnect(&mut self, _: ClientKey, _: Option<Box<Will>>) {
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

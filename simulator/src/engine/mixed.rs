//! Both engines as one.

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    task::Poll,
};

use protocol::{SubscribeFilter, Tag, Time, TopicFilter, Will, client::PlainPublish};

use super::{
    ClientEngine, ClientEvent, ClientKey, Clock, ConnectOptions, Native, NativeOptions, Outgoing, Rumqttc, Unsent,
};

/// Which engine runs a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// [`Native`]: on the `protocol` crate. Fast and strict.
    #[default]
    Native,
    /// [`Rumqttc`]: on the rumqttc library, an independent client. For samples, never an oracle.
    Rumqttc,
}

/// Both engines: every client runs on the one that its [`ConnectOptions::engine`] names.
///
/// Events come in the order in which they happened to each client; among clients of different engines the order within
/// one turn is open.
#[expect(missing_debug_implementations, reason = "engines hold thousands of connections")]
pub struct Engine {
    native: Native,
    rumqttc: Rumqttc,
    /// Whether there ever was a client of the library: without one its engine is left alone.
    has_rumqttc: bool,
}

impl Engine {
    /// An engine without clients, for the current-thread tokio runtime (with I/O and time) in which it is made.
    ///
    /// # Errors
    ///
    /// What the operating system says: no file descriptor is left for a timer.
    pub fn new(clock: Clock) -> io::Result<Self> {
        Ok(Self {
            native: Native::new(NativeOptions::default(), clock)?,
            rumqttc: Rumqttc::new(clock)?,
            has_rumqttc: false,
        })
    }
}

/// Lets the engine of `$client` do `$body`, in which `$client` is that engine's own key.
macro_rules! of_client {
    ($engines:ident, $client:ident, $engine:ident => $body:expr) => {{
        let Engine { native, rumqttc, .. } = $engines;
        match inner($client) {
            (EngineKind::Native, $client) => {
                let $engine = native;
                $body
            }
            (EngineKind::Rumqttc, $client) => {
                let $engine = rumqttc;
                $body
            }
        }
    }};
}

impl ClientEngine for Engine {
    fn clock(&self) -> Clock {
        self.native.clock()
    }

    fn connect(&mut self, options: ConnectOptions) -> ClientKey {
        let kind = options.engine;
        let key = match kind {
            EngineKind::Native => self.native.connect(options),
            EngineKind::Rumqttc => {
                self.has_rumqttc = true;
                self.rumqttc.connect(options)
            }
        };
        outer(kind, key)
    }

    fn reconnect(&mut self, client: ClientKey, will: Option<Box<Will>>) {
        of_client!(self, client, engine => engine.reconnect(client, will));
    }

    fn publish(&mut self, client: ClientKey, outgoing: Outgoing) -> Result<(), Unsent> {
        of_client!(self, client, engine => engine.publish(client, outgoing))
    }

    fn publish_plain(&mut self, client: ClientKey, publish: &PlainPublish<'_>) -> Result<(), Unsent> {
        of_client!(self, client, engine => engine.publish_plain(client, publish))
    }

    fn publish_plain_run(
        &mut self,
        client: ClientKey,
        publish: &PlainPublish<'_>,
        count: u32,
        renew: &mut dyn FnMut(&mut [u8]),
    ) -> u32 {
        of_client!(self, client, engine => engine.publish_plain_run(client, publish, count, renew))
    }

    fn subscribe(&mut self, client: ClientKey, filters: Vec<SubscribeFilter>, tag: Tag) {
        of_client!(self, client, engine => engine.subscribe(client, filters, tag));
    }

    fn unsubscribe(&mut self, client: ClientKey, filters: Vec<TopicFilter>, tag: Tag) {
        of_client!(self, client, engine => engine.unsubscribe(client, filters, tag));
    }

    fn disconnect(&mut self, client: ClientKey) {
        of_client!(self, client, engine => engine.disconnect(client));
    }

    fn abandon(&mut self, client: ClientKey) {
        of_client!(self, client, engine => engine.abandon(client));
    }

    fn pause(&mut self, client: ClientKey) {
        of_client!(self, client, engine => engine.pause(client));
    }

    fn resume(&mut self, client: ClientKey) {
        of_client!(self, client, engine => engine.resume(client));
    }

    fn forget(&mut self, client: ClientKey) {
        of_client!(self, client, engine => engine.forget(client));
    }

    fn takes(&self, client: ClientKey) -> bool {
        of_client!(self, client, engine => engine.takes(client))
    }

    fn backlog(&self, client: ClientKey) -> usize {
        of_client!(self, client, engine => engine.backlog(client))
    }

    fn poll_event(&mut self) -> Option<(ClientKey, ClientEvent)> {
        if let Some((key, event)) = self.native.poll_event() {
            return Some((outer(EngineKind::Native, key), event));
        }
        let (key, event) = self.rumqttc.poll_event()?;
        Some((outer(EngineKind::Rumqttc, key), event))
    }

    async fn flush(&mut self) {
        self.native.flush().await;
        if self.has_rumqttc {
            self.rumqttc.flush().await;
        }
    }

    async fn linger(&mut self, until: Time) {
        if self.has_rumqttc {
            self.turn(until).await;
        } else {
            self.native.linger(until).await;
        }
    }

    async fn turn(&mut self, until: Time) {
        if !self.has_rumqttc {
            return self.native.turn(until).await;
        }
        let mut native = pin!(self.native.turn(until));
        // The native engine's alarm rings for both.
        let mut rumqttc = pin!(self.rumqttc.turn(Time::from_nanos(u64::MAX)));
        // Neither is polled again once it is ready, and both are polled before the turn ends.
        poll_fn(|cx| match (native.as_mut().poll(cx), rumqttc.as_mut().poll(cx)) {
            (Poll::Pending, Poll::Pending) => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
    }
}

/// The key that the owner of both engines gets: even slots are the native engine's, odd ones the library's.
fn outer(kind: EngineKind, ClientKey { slot, generation }: ClientKey) -> ClientKey {
    ClientKey { slot: slot << 1 | u32::from(kind == EngineKind::Rumqttc), generation }
}

/// Which engine a key's client runs on, and the key that this engine gave out.
fn inner(ClientKey { slot, generation }: ClientKey) -> (EngineKind, ClientKey) {
    let kind = if slot & 1 == 0 { EngineKind::Native } else { EngineKind::Rumqttc };
    (kind, ClientKey { slot: slot >> 1, generation })
}

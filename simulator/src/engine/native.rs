//! The native engine: `protocol`'s client machine on `transport`'s pump.
//!
//! One turn writes what commands queued, reads from every ready connection into one shared buffer, lets the machines act
//! and writes again, once per connection. Nothing is spawned but the attempts to reach the broker.

mod client;
mod dialing;
mod live;
mod timers;
mod turn;

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    task::{Context, Poll},
};

use bytes::Bytes;
use protocol::{
    Disconnect, Machine, Properties, ReasonCode, SubscribeFilter, Tag, Time, TopicFilter, Will, client::PlainPublish,
};
use transport::{Alarm, Key, Pump, Stream, TlsFailure};

use self::{
    client::{Client, State},
    dialing::Dialing,
    live::End,
    timers::Timers,
    turn::Ends,
};
use super::{
    ClientEngine, ClientEvent, ClientKey, Clock, Closed, ConnectFailure, ConnectOptions, Outgoing, Unsent,
    roster::Roster,
};

/// A client with more unsent bytes than this takes no more publications: its broker does not read.
const UNSENT_LIMIT: usize = 1 << 20;

/// How the native engine runs.
#[derive(Clone, Copy, Debug)]
pub struct NativeOptions {
    /// How many clients may be connecting (up to CONNACK) at one time; the rest wait for their turn. Their time-outs start
    /// when their turn comes. Default 64.
    pub connecting: usize,
}

impl Default for NativeOptions {
    fn default() -> Self {
        Self { connecting: 64 }
    }
}

/// The native engine. See the module's text.
#[expect(missing_debug_implementations, reason = "an engine holds thousands of connections")]
pub struct Native {
    clock: Clock,
    clients: Roster<Client>,
    pump: Pump,
    /// Which client each of the pump's connections belongs to, by [`Key::index`].
    owners: Vec<Option<ClientKey>>,
    dialing: Dialing,
    /// Clients whose machine may have something to transmit.
    changed: Vec<ClientKey>,
    /// Clients with publications that were handed to the pump and are not known to be written.
    unsettled: Vec<ClientKey>,
    timers: Timers,
    events: VecDeque<(ClientKey, ClientEvent)>,
    /// So many of them, from the front, are known to be traffic.
    traffic: usize,
    alarm: Alarm,
    /// When the latest turn or flush began: near enough for a publication, whose machine counts its Keep Alive from it.
    turned: Time,
    /// The latest turn ended without letting the runtime look at the sockets.
    hurried: bool,
}

impl Native {
    /// An engine without clients, for the current-thread tokio runtime (with I/O and time) in which it is made.
    ///
    /// # Errors
    ///
    /// What the operating system says: no file descriptor is left for a timer.
    pub fn new(options: NativeOptions, clock: Clock) -> io::Result<Self> {
        Ok(Self {
            clock,
            clients: Roster::default(),
            pump: Pump::new(),
            owners: Vec::new(),
            dialing: Dialing::new(options.connecting),
            changed: Vec::new(),
            unsettled: Vec::new(),
            timers: Timers::default(),
            events: VecDeque::new(),
            traffic: 0,
            alarm: Alarm::new()?,
            turned: clock.now(),
            hurried: false,
        })
    }

    fn report(&mut self, key: ClientKey, event: ClientEvent) {
        self.events.push_back((key, event));
    }

    /// Runs `command` on a client and remembers to transmit what it queued.
    fn command<T>(&mut self, key: ClientKey, now: Time, command: impl FnOnce(&mut Client, Time) -> T) -> Option<T> {
        let client = self.clients.find_mut(key)?;
        let outcome = command(client, now);
        if let Some(live) = client.live() {
            live.mark_changed(key, &mut self.changed);
            live.mark_unsettled(key, &mut self.unsettled);
        }
        Some(outcome)
    }

    /// Runs a command that publishes, unless the client's broker does not read, with the time of the latest turn. `None` for a client
    /// that is forgotten.
    fn publishing<T>(
        &mut self,
        key: ClientKey,
        command: impl FnOnce(&mut Client, Time) -> Result<T, Unsent>,
    ) -> Option<Result<T, Unsent>> {
        let client = self.clients.find_mut(key)?;
        if let State::Live(live) = &client.state
            && self.pump.unsent(live.connection) > UNSENT_LIMIT
        {
            return Some(Err(Unsent::Full));
        }
        let outcome = command(client, self.turned);
        if let Some(live) = client.live() {
            live.mark_changed(key, &mut self.changed);
            live.mark_unsettled(key, &mut self.unsettled);
        }
        Some(outcome)
    }

    /// Whether a client's broker does not read.
    fn is_stalled(&self, key: ClientKey) -> bool {
        match self.clients.find(key).map(|client| &client.state) {
            Some(State::Live(live)) => self.pump.unsent(live.connection) > UNSENT_LIMIT,
            _ => false,
        }
    }

    /// The transport is there: CONNECT.
    fn open(&mut self, key: ClientKey, stream: Stream) {
        let now = self.clock.now();
        let Some(client) = self.clients.find_mut(key) else { return };
        let connection = self.pump.insert(stream);
        client.go_live(connection, now).mark_changed(key, &mut self.changed);
        if self.owners.len() <= connection.index() {
            self.owners.resize(connection.index() + 1, None);
        }
        self.owners[connection.index()] = Some(key);
    }

    fn received(&mut self, connection: Key, bytes: Bytes) {
        let now = self.clock.now();
        let Some(key) = self.owners.get(connection.index()).copied().flatten() else { return };
        let Some(live) = self.clients.find_mut(key).and_then(Client::live) else { return };
        live.machine.receive(now, bytes);
        self.drain(key, now);
    }

    /// The peer closed, or reading or writing failed.
    fn transport_ended(&mut self, connection: Key, cause: io::Result<()>) {
        let now = self.clock.now();
        let Some(key) = self.owners.get(connection.index()).copied().flatten() else { return };
        let Some(live) = self.clients.find_mut(key).and_then(Client::live) else { return };
        live.transport_error = Some(match cause {
            Ok(()) => "end of stream".to_owned(),
            Err(error) => TlsFailure::explained(&error),
        });
        live.machine.transport_closed(now);
        self.drain(key, now);
    }

    fn fire_timers(&mut self) {
        let now = self.turned;
        while let Some((due, key)) = self.timers.pop_due(now) {
            let Some(live) = self.clients.find_mut(key).and_then(Client::live) else { continue };
            if live.armed != Some(due) {
                continue;
            }
            live.armed = None;
            if live.machine.poll_timeout().is_some_and(|due| due <= now) {
                live.machine.handle_timeout(now);
                self.drain(key, now);
            } else {
                self.arm(key);
            }
        }
    }

    /// Takes everything that the machine has to say; what it wants to send leaves at the end of the turn.
    fn drain(&mut self, key: ClientKey, now: Time) {
        let Some(client) = self.clients.find_mut(key) else { return };
        if client.drain(key, now, &mut self.events) {
            self.dialing.release();
        }
        if let Some(live) = client.live() {
            live.release_queued();
            live.mark_changed(key, &mut self.changed);
            live.mark_unsettled(key, &mut self.unsettled);
        }
    }

    /// Makes sure that a timer rings no later than the machine's next deadline.
    fn arm(&mut self, key: ClientKey) {
        let Some(live) = self.clients.find_mut(key).and_then(Client::live) else { return };
        // A deadline that moved away keeps its early timer, which finds out when it rings: deadlines move with every
        // packet, and a timer each time would cost more than the packet.
        if let Some(due) = live.machine.poll_timeout()
            && live.armed.is_none_or(|armed| due < armed)
        {
            live.armed = Some(due);
            self.timers.push(due, key);
        }
    }

    /// Encodes what the machines want to send, writes it, and reports what is thereby written.
    fn write(&mut self, cx: &mut Context<'_>) {
        let mut changed = std::mem::take(&mut self.changed);
        for key in changed.drain(..) {
            self.transmit(key);
        }
        self.changed = changed;
        if self.unsettled.is_empty() {
            self.pump.flush(cx);
            return;
        }
        let at = self.clock.now();
        self.pump.flush(cx);
        let mut unsettled = std::mem::take(&mut self.unsettled);
        unsettled.retain(|&key| {
            let Some(live) = self.clients.find_mut(key).and_then(Client::live) else { return false };
            if self.pump.unsent(live.connection) == 0 {
                live.settle(at, |event| self.events.push_back((key, event)));
            }
            live.still_unsettled()
        });
        self.unsettled = unsettled;
    }

    fn transmit(&mut self, key: ClientKey) {
        let Some(live) = self.clients.find_mut(key).and_then(Client::live) else { return };
        live.unmark_changed();
        if live.machine.wants_transmit()
            && let Some(out) = self.pump.out(live.connection)
        {
            live.machine.poll_transmit(out);
        }
        if live.machine.is_closed() {
            self.pump.close(live.connection);
            self.end(key);
        } else {
            self.arm(key);
        }
    }

    /// The connection is over and its last words are in the pump: reports the end.
    fn end(&mut self, key: ClientKey) {
        let now = self.clock.now();
        let Some(client) = self.clients.find_mut(key) else { return };
        if client.drain(key, now, &mut self.events) {
            self.dialing.release();
        }
        let Some(mut live) = client.go_offline() else { return };
        let end = live.end.take().unwrap_or(End::Closed(Closed::Transport(String::new())));
        if matches!(end, End::Closed(Closed::Disconnected)) {
            // The pump writes what it has before it closes.
            live.settle(now, |event| self.events.push_back((key, event)));
        }
        let (connection, connected) = (live.connection, live.connected);
        client.keep(*live);
        self.owners[connection.index()] = None;
        if !connected {
            self.dialing.release();
        }
        self.report(key, end.into_event(connected));
    }

    /// Ends whatever a client has under way, without a word to the broker.
    fn cut(&mut self, key: ClientKey, client_gone: bool) {
        let Some(client) = self.clients.find_mut(key) else { return };
        let event = match &client.state {
            State::Offline => return,
            State::Dialing => {
                client.attempt += 1;
                client.go_offline();
                ClientEvent::ConnectFailed(ConnectFailure::GivenUp)
            }
            State::Live(_) => {
                let Some(live) = client.go_offline() else { return };
                let (connection, connected) = (live.connection, live.connected);
                client.keep(*live);
                self.owners[connection.index()] = None;
                self.pump.abort(connection);
                if !connected {
                    self.dialing.release();
                }
                End::Closed(Closed::Abandoned).into_event(connected)
            }
        };
        if !client_gone {
            self.report(key, event);
        }
    }
}

impl ClientEngine for Native {
    fn clock(&self) -> Clock {
        self.clock
    }

    fn connect(&mut self, options: ConnectOptions) -> ClientKey {
        let key = self.clients.insert(Client::new(options));
        self.dialing.queue((key, 0));
        key
    }

    fn reconnect(&mut self, client: ClientKey, will: Option<Box<Will>>) {
        if let Some(offline) = self.clients.find_mut(client)
            && let Some(attempt) = offline.try_again(will)
        {
            self.dialing.queue((client, attempt));
        }
    }

    fn publish(&mut self, client: ClientKey, outgoing: Outgoing) -> Result<(), Unsent> {
        let published = self.publishing(client, |client, now| client.publish(now, outgoing));
        published.unwrap_or(Err(Unsent::Offline))
    }

    fn publish_plain(&mut self, client: ClientKey, publish: &PlainPublish<'_>) -> Result<(), Unsent> {
        let published = self.publishing(client, |client, now| client.publish_plain(now, publish));
        published.unwrap_or(Err(Unsent::Offline))
    }

    fn publish_plain_run(
        &mut self,
        client: ClientKey,
        publish: &PlainPublish<'_>,
        count: u32,
        renew: &mut dyn FnMut(&mut [u8]),
    ) -> u32 {
        let run = |client: &mut Client, now| Ok(client.publish_plain_run(now, publish, count, renew));
        self.publishing(client, run).and_then(Result::ok).unwrap_or(0)
    }

    fn subscribe(&mut self, client: ClientKey, filters: Vec<SubscribeFilter>, tag: Tag) {
        self.command(client, self.clock.now(), |client, now| client.subscribe(now, filters, tag));
    }

    fn unsubscribe(&mut self, client: ClientKey, filters: Vec<TopicFilter>, tag: Tag) {
        self.command(client, self.clock.now(), |client, now| client.unsubscribe(now, filters, tag));
    }

    fn disconnect(&mut self, client: ClientKey) {
        let connected = self.command(client, self.clock.now(), |client, now| {
            let Some(live) = client.connected() else { return false };
            let goodbye = Disconnect { reason: ReasonCode::Success, properties: Properties::default() };
            live.machine.disconnect(now, goodbye);
            true
        });
        if connected == Some(false) {
            self.cut(client, false);
        }
    }

    fn abandon(&mut self, client: ClientKey) {
        self.cut(client, false);
    }

    fn pause(&mut self, client: ClientKey) {
        if let Some(live) = self.clients.find_mut(client).and_then(Client::live) {
            self.pump.pause(live.connection);
        }
    }

    fn resume(&mut self, client: ClientKey) {
        if let Some(live) = self.clients.find_mut(client).and_then(Client::live) {
            self.pump.resume(live.connection);
        }
    }

    fn forget(&mut self, client: ClientKey) {
        self.cut(client, true);
        self.clients.remove(client);
        self.events.retain(|(key, _)| *key != client);
        self.traffic = 0;
    }

    fn takes(&self, client: ClientKey) -> bool {
        !self.is_stalled(client) && self.clients.find(client).is_some_and(Client::takes)
    }

    fn backlog(&self, client: ClientKey) -> usize {
        self.clients.find(client).map_or(0, Client::backlog)
    }

    fn poll_event(&mut self) -> Option<(ClientKey, ClientEvent)> {
        self.traffic = self.traffic.saturating_sub(1);
        self.events.pop_front()
    }

    async fn flush(&mut self) {
        self.turned = self.clock.now();
        poll_fn(|cx| {
            self.write(cx);
            Poll::Ready(())
        })
        .await;
    }

    async fn turn(&mut self, until: Time) {
        self.turn_till(until, Ends::WithAnyEvent).await;
    }

    async fn linger(&mut self, until: Time) {
        self.turn_till(until, Ends::WithNews).await;
    }
}

//! The engine on the rumqttc library: an independent client for samples, never an oracle.
//!
//! Every connection is a task that polls one event loop of the library and ends with the connection; what it says comes
//! back over one bounded channel, so a slow owner slows the tasks.
//!
//! Known faults of rumqttc 0.25, which are not ours to hide:
//!
//! * A QoS 2 message that the broker sends again reaches the application twice.
//! * Publications are sent again with DUP 0 (against MQTT-3.3.1-1).
//! * A PUBREL owed from an earlier connection ends the new one as unsolicited, each time.
//! * Reaching the broker and CONNACK have one time-out together, reported as the time-out of connecting.
//! * 5.0: no Keep Alive below 5 s, and none at all is 65,535 s. Passwords are UTF-8.
//! * It finds no server by an IPv6 address over TLS or WebSocket.
//! * Publications in flight take memory for as many as there may be, so at most [`INFLIGHT_LIMIT`] are.

mod task;
mod tracker;
mod v4;
mod v5;

use std::{collections::VecDeque, future::poll_fn, io, sync::Arc, task::Poll};

use protocol::{SubscribeFilter, Tag, Time, TopicFilter, Version, Will};
use tokio::sync::{Semaphore, mpsc, oneshot};
use transport::Alarm;

use self::{
    task::{Connection, Ending, Report, Requests, Step},
    tracker::Tracker,
};
use super::{ClientEngine, ClientEvent, ClientKey, Clock, ConnectOptions, Outgoing, Unsent, roster::Roster};

/// How many own publications of one client may be in flight: the library's own default.
pub(super) const INFLIGHT_LIMIT: u16 = 100;
/// How many reports of all tasks may wait for the owner.
const REPORTS: usize = 1024;
/// How many clients may be connecting at one time.
const CONNECTING: usize = 64;

/// The engine on rumqttc. See the module's text.
#[expect(missing_debug_implementations, reason = "an engine holds thousands of connections")]
pub struct Rumqttc {
    clock: Clock,
    clients: Roster<Client>,
    /// Connections that were asked for since the last turn.
    starting: Vec<ClientKey>,
    connecting: Arc<Semaphore>,
    reporter: mpsc::Sender<Report>,
    reports: mpsc::Receiver<Report>,
    events: VecDeque<(ClientKey, ClientEvent)>,
    alarm: Alarm,
}

struct Client {
    options: ConnectOptions,
    /// Tells reports of an earlier connection from those of the present one.
    attempt: u32,
    requests: Requests,
    tracker: Tracker,
    state: State,
}

enum State {
    /// With the library's session, when the next connection may resume it.
    Offline(Option<Box<Connection>>),
    /// Waits for the next turn.
    Starting(Box<Connection>),
    Running {
        /// Dropped or used: the task ends at once.
        cut: oneshot::Sender<()>,
        connected: bool,
    },
}

impl Rumqttc {
    /// An engine without clients, for the current-thread tokio runtime (with I/O and time) in which it is made.
    ///
    /// # Errors
    ///
    /// What the operating system says: no file descriptor is left for a timer.
    pub fn new(clock: Clock) -> io::Result<Self> {
        let (reporter, reports) = mpsc::channel(REPORTS);
        Ok(Self {
            clock,
            clients: Roster::default(),
            starting: Vec::new(),
            connecting: Arc::new(Semaphore::new(CONNECTING)),
            reporter,
            reports,
            events: VecDeque::new(),
            alarm: Alarm::new()?,
        })
    }

    /// Spawns what was asked for since the last turn.
    fn start(&mut self) {
        for key in std::mem::take(&mut self.starting) {
            let Some(client) = self.clients.find_mut(key) else { continue };
            let connection = match std::mem::replace(&mut client.state, State::Offline(None)) {
                State::Starting(connection) => connection,
                other => {
                    client.state = other;
                    continue;
                }
            };
            let (cut, is_cut) = oneshot::channel();
            client.state = State::Running { cut, connected: false };
            tokio::spawn(task::run(task::Frame {
                client: key,
                attempt: client.attempt,
                clock: self.clock,
                limit: client.options.connect_timeout + client.options.connack_timeout,
                connecting: Arc::clone(&self.connecting),
                reports: self.reporter.clone(),
                is_cut,
                connection,
            }));
        }
    }

    fn hear(&mut self, report: Report) {
        let Report { client: key, attempt, at, step } = report;
        let Some(client) = self.clients.find_mut(key).filter(|client| client.attempt == attempt) else { return };
        let events = &mut self.events;
        match step {
            Step::Connected { session_present } => {
                if let State::Running { connected, .. } = &mut client.state {
                    *connected = true;
                }
                events.push_back((key, ClientEvent::Connected { session_present, took: None }));
                client.tracker.connected(session_present, |event| events.push_back((key, event)));
            }
            Step::Message { message, qos, retain, dup } => {
                events.push_back((key, ClientEvent::Message { message, qos, retain, dup, at }));
            }
            Step::Ended(connection, ending) => {
                let connected = matches!(client.state, State::Running { connected: true, .. });
                client.go_offline(connection);
                events.push_back((key, ending.into_event(connected)));
            }
            other => client.tracker.take(other, at, |event| events.push_back((key, event))),
        }
    }

    fn cut(&mut self, key: ClientKey, ending: fn() -> Ending) {
        let Some(client) = self.clients.find_mut(key) else { return };
        match std::mem::replace(&mut client.state, State::Offline(None)) {
            State::Offline(connection) => client.state = State::Offline(connection),
            State::Starting(connection) => {
                client.go_offline(connection);
                self.events.push_back((key, ending().into_event(false)));
            }
            // The task reports the end, and gives the session back.
            State::Running { cut, connected } => {
                client.state = State::Running { cut: task::fire(cut), connected };
            }
        }
    }
}

impl Client {
    fn is_online(&self) -> bool {
        !matches!(self.state, State::Offline(_))
    }

    /// Keeps what the next connection may resume.
    fn go_offline(&mut self, connection: Box<Connection>) {
        let survives = match self.options.version {
            Version::V311 => !self.options.clean_start,
            Version::V5 => !self.options.clean_start && self.options.session_expiry > 0,
        };
        self.tracker.disconnected();
        self.state = State::Offline(survives.then_some(connection));
    }
}

impl ClientEngine for Rumqttc {
    fn clock(&self) -> Clock {
        self.clock
    }

    fn connect(&mut self, options: ConnectOptions) -> ClientKey {
        let (requests, connection) = task::prepare(&options);
        let key = self.clients.insert(Client {
            options,
            attempt: 0,
            requests,
            tracker: Tracker::default(),
            state: State::Starting(Box::new(connection)),
        });
        self.starting.push(key);
        key
    }

    fn reconnect(&mut self, client: ClientKey, will: Option<Box<Will>>) {
        let Some(offline) = self.clients.find_mut(client) else { return };
        let State::Offline(kept) = &mut offline.state else { return };
        offline.options.will = will;
        offline.attempt += 1;
        let connection = match kept.take() {
            Some(mut kept) => {
                kept.renew_will(&offline.options);
                kept
            }
            None => {
                let (requests, connection) = task::prepare(&offline.options);
                offline.requests = requests;
                offline.tracker = Tracker::default();
                Box::new(connection)
            }
        };
        offline.state = State::Starting(connection);
        self.starting.push(client);
    }

    fn publish(&mut self, client: ClientKey, outgoing: Outgoing) -> Result<(), Unsent> {
        let Some(client) = self.clients.find_mut(client).filter(|client| client.is_online()) else {
            return Err(Unsent::Offline);
        };
        let (tag, qos) = (outgoing.tag, outgoing.qos);
        if !client.requests.publish(outgoing) {
            return Err(Unsent::Full);
        }
        client.tracker.published(tag, qos);
        Ok(())
    }

    fn subscribe(&mut self, client: ClientKey, filters: Vec<SubscribeFilter>, tag: Tag) {
        if let Some(client) = self.clients.find_mut(client).filter(|client| client.is_online())
            && client.requests.subscribe(filters)
        {
            client.tracker.subscribed(tag);
        }
    }

    fn unsubscribe(&mut self, client: ClientKey, filters: Vec<TopicFilter>, tag: Tag) {
        let Some(client) = self.clients.find_mut(client).filter(|client| client.is_online()) else { return };
        // The library sends one filter per UNSUBSCRIBE; the last one answers for all.
        let last = filters.len().saturating_sub(1);
        for (nth, filter) in filters.into_iter().enumerate() {
            if client.requests.unsubscribe(filter) {
                client.tracker.unsubscribed((nth == last).then_some(tag));
            }
        }
    }

    fn disconnect(&mut self, key: ClientKey) {
        let connected = self.clients.find(key).is_some_and(|client| match &client.state {
            State::Running { connected: true, .. } => client.requests.disconnect(),
            _ => false,
        });
        if !connected {
            self.cut(key, || Ending::Abandoned);
        }
    }

    fn abandon(&mut self, client: ClientKey) {
        self.cut(client, || Ending::Abandoned);
    }

    fn pause(&mut self, _: ClientKey) {}

    fn resume(&mut self, _: ClientKey) {}

    fn forget(&mut self, client: ClientKey) {
        self.clients.remove(client);
        self.events.retain(|(key, _)| *key != client);
    }

    fn takes(&self, client: ClientKey) -> bool {
        self.clients
            .find(client)
            .is_some_and(|client| client.is_online() && client.tracker.waiting() < client.options.queue_limit)
    }

    fn backlog(&self, client: ClientKey) -> usize {
        self.clients.find(client).map_or(0, |client| client.tracker.backlog())
    }

    fn poll_event(&mut self) -> Option<(ClientKey, ClientEvent)> {
        self.events.pop_front()
    }

    async fn turn(&mut self, until: Time) {
        self.start();
        // The tasks run while this one is pending.
        tokio::task::yield_now().await;
        let deadline = self.clock.instant(until);
        poll_fn(|cx| {
            while let Poll::Ready(Some(report)) = self.reports.poll_recv(cx) {
                self.hear(report);
                if self.events.len() >= REPORTS {
                    break;
                }
            }
            if self.events.is_empty() { self.alarm.poll_until(cx, deadline) } else { Poll::Ready(()) }
        })
        .await;
    }
}

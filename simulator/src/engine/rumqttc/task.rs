//! One connection as a task, and what both versions of the library have in common.

use std::{collections::VecDeque, error::Error, io, sync::Arc, time::Duration};

use protocol::{Message, QoS, ReasonCode, SubscribeFilter, Time, TopicFilter, Version};
use rumqttc::{TlsConfiguration, Transport};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

use transport::{Endpoint, Scheme, TlsFailure};

use super::{v4, v5};
use crate::{
    ClientEvent, ClientKey, Clock, ConnectOptions, Outgoing,
    engine::{Closed, ConnectFailure},
};

/// What a task has to say.
pub(super) struct Report {
    pub(super) client: ClientKey,
    pub(super) attempt: u32,
    pub(super) at: Time,
    pub(super) step: Step,
}

/// What the library did, in either version's words.
pub(super) enum Step {
    Connected { session_present: bool },
    Message { message: Message, qos: QoS, retain: bool, dup: bool },
    PublishWritten { id: u16 },
    PublishHeldBack { id: u16 },
    Acknowledged { id: u16, reason: ReasonCode },
    SubscribeWritten { id: u16 },
    Subscribed { id: u16, reasons: Vec<ReasonCode> },
    UnsubscribeWritten { id: u16 },
    Unsubscribed { id: u16 },
    DisconnectWritten,
    Ended(Box<Connection>, Ending),
    Nothing,
}

/// Why a connection, or the attempt at one, ended.
pub(super) enum Ending {
    Disconnected,
    Abandoned,
    TimedOut,
    Refused(ReasonCode),
    Unreachable(io::Error),
    Tls(TlsFailure),
    NotReached(String),
    PingTimeout,
    Broker(ReasonCode),
    Violation(String),
    Transport(String),
}

impl Ending {
    /// Reading or writing failed, or there is nobody.
    pub(super) fn io(error: io::Error) -> Self {
        TlsFailure::of(&error).map_or(Self::Unreachable(error), Self::Tls)
    }

    /// The connection broke.
    pub(super) fn lost(error: &io::Error) -> Self {
        TlsFailure::of(error).map_or_else(|| Self::Transport(error.to_string()), Self::Tls)
    }

    /// What an error of the library means: TLS or the socket below it failed, or else what `otherwise` makes of its words.
    pub(super) fn of(error: &(dyn Error + 'static), otherwise: fn(String) -> Self) -> Self {
        // The library wraps what TLS says several times.
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref() {
                return Self::lost(error);
            }
            cause = error.source();
        }
        otherwise(error.to_string())
    }

    pub(super) fn into_event(self, connected: bool) -> ClientEvent {
        let closed = match self {
            Self::Refused(reason) => return ClientEvent::Refused { reason },
            Self::TimedOut => return ClientEvent::ConnectFailed(ConnectFailure::ConnectTimeout),
            Self::Unreachable(error) if !connected => {
                return ClientEvent::ConnectFailed(ConnectFailure::Unreachable(error));
            }
            Self::Tls(failure) if !connected => return ClientEvent::ConnectFailed(ConnectFailure::Tls(failure)),
            Self::NotReached(why) => return ClientEvent::ConnectFailed(ConnectFailure::NotReached(why)),
            Self::Disconnected | Self::Abandoned if !connected => {
                return ClientEvent::ConnectFailed(ConnectFailure::GivenUp);
            }
            Self::Disconnected => Closed::Disconnected,
            Self::Abandoned => Closed::Abandoned,
            Self::Unreachable(error) => Closed::Transport(error.to_string()),
            Self::Tls(failure) => Closed::Transport(failure.to_string()),
            Self::PingTimeout => Closed::PingTimeout,
            Self::Broker(reason) => Closed::Broker(reason),
            Self::Violation(text) => Closed::Violation(text),
            Self::Transport(text) => Closed::Transport(text),
        };
        if connected { ClientEvent::Closed(closed) } else { ClientEvent::ConnectFailed(ConnectFailure::Closed(closed)) }
    }
}

/// An event loop of the library, of either version.
#[expect(clippy::large_enum_variant, reason = "it is always boxed")]
pub(super) enum Connection {
    V4(v4::Connection),
    V5(v5::Connection),
}

macro_rules! either {
    ($type:ident, $value:expr, $inner:ident => $body:expr) => {
        match $value {
            $type::V4($inner) => $body,
            $type::V5($inner) => $body,
        }
    };
}

impl Connection {
    /// The Will of the next CONNECT.
    pub(super) fn renew_will(&mut self, options: &ConnectOptions) {
        either!(Self, self, connection => connection.renew_will(options));
    }

    async fn poll(&mut self) -> Result<Step, Ending> {
        either!(Self, self, connection => connection.poll().await)
    }

    /// What the library did before an error and has not told.
    fn untold(&mut self) -> VecDeque<Step> {
        either!(Self, self, connection => connection.untold())
    }

    /// Drops the transport; what must be sent again is kept for the next connection.
    fn cut(&mut self) {
        either!(Self, self, connection => connection.cut());
    }
}

/// The way to ask an event loop for something; `false` when its queue is full.
pub(super) enum Requests {
    V4(v4::Requests),
    V5(v5::Requests),
}

impl Requests {
    pub(super) fn publish(&self, outgoing: Outgoing) -> bool {
        either!(Self, self, requests => requests.publish(outgoing))
    }

    pub(super) fn subscribe(&self, filters: Vec<SubscribeFilter>) -> bool {
        either!(Self, self, requests => requests.subscribe(filters))
    }

    pub(super) fn unsubscribe(&self, filter: TopicFilter) -> bool {
        either!(Self, self, requests => requests.unsubscribe(filter))
    }

    pub(super) fn disconnect(&self) -> bool {
        either!(Self, self, requests => requests.disconnect())
    }
}

/// An event loop that has not connected yet, and the way to ask it.
pub(super) fn prepare(options: &ConnectOptions) -> (Requests, Connection) {
    match options.version {
        Version::V311 => {
            let (requests, connection) = v4::prepare(options);
            (Requests::V4(requests), Connection::V4(connection))
        }
        Version::V5 => {
            let (requests, connection) = v5::prepare(options);
            (Requests::V5(requests), Connection::V5(connection))
        }
    }
}

/// What to speak below MQTT.
pub(super) fn transport(options: &ConnectOptions) -> Transport {
    match (options.endpoint.scheme, &options.tls) {
        (Scheme::Mqtt, _) => Transport::tcp(),
        (Scheme::Unix, _) => Transport::unix(),
        (Scheme::Ws, _) => Transport::ws(),
        (Scheme::Mqtts, Some(tls)) => Transport::tls_with_config(TlsConfiguration::Rustls(tls.config())),
        (Scheme::Wss, Some(tls)) => Transport::wss_with_config(TlsConfiguration::Rustls(tls.config())),
        // The platform's CAs.
        (Scheme::Mqtts, None) => Transport::tls_with_default_config(),
        (Scheme::Wss, None) => Transport::wss_with_default_config(),
    }
}

/// Whom to connect to, as the library wants it: it joins host and port with a colon, takes a path for a Unix socket, and a
/// whole URL for WebSocket.
pub(super) fn address(endpoint: &Endpoint) -> String {
    match endpoint.scheme {
        Scheme::Unix => endpoint.path.clone(),
        // Without the user, who is for MQTT to name.
        Scheme::Ws | Scheme::Wss => Endpoint { user: None, password: None, ..endpoint.clone() }.to_string(),
        _ if endpoint.host.contains(':') => format!("[{}]", endpoint.host),
        _ => endpoint.host.clone(),
    }
}

/// What a task needs.
pub(super) struct Frame {
    pub(super) client: ClientKey,
    pub(super) attempt: u32,
    pub(super) clock: Clock,
    /// How long until CONNACK.
    pub(super) limit: Duration,
    pub(super) connecting: Arc<Semaphore>,
    pub(super) reports: mpsc::Sender<Report>,
    /// Ready, with or without a value, when the connection shall be dropped.
    pub(super) is_cut: oneshot::Receiver<()>,
    pub(super) connection: Box<Connection>,
}

/// Ends the task that waits for `cut`, whose place is taken by a sender without a receiver.
pub(super) fn fire(cut: oneshot::Sender<()>) -> oneshot::Sender<()> {
    drop(cut);
    oneshot::channel().0
}

/// One connection from the first attempt to its end.
pub(super) async fn run(mut frame: Frame) {
    let ending = tokio::select! {
        biased;
        _ = &mut frame.is_cut => Ending::Abandoned,
        ending = converse(&mut frame.connection, &frame.reports, &frame.connecting, frame.limit, |step| Report {
            client: frame.client,
            attempt: frame.attempt,
            at: frame.clock.now(),
            step,
        }) => ending,
    };
    let Frame { client, attempt, clock, reports, mut connection, .. } = frame;
    connection.cut();
    let ended = Report { client, attempt, at: clock.now(), step: Step::Ended(connection, ending) };
    // Fails when the engine is gone, and then nobody cares.
    let _gone = reports.send(ended).await;
}

async fn converse(
    connection: &mut Connection,
    reports: &mpsc::Sender<Report>,
    connecting: &Semaphore,
    limit: Duration,
    report: impl Fn(Step) -> Report,
) -> Ending {
    let connected = {
        let Ok(_turn) = connecting.acquire().await else { return Ending::Abandoned };
        timeout(limit, connection.poll()).await
    };
    let mut outcome = connected.unwrap_or(Err(Ending::TimedOut));
    loop {
        match outcome {
            Ok(Step::Nothing) => {}
            Ok(Step::DisconnectWritten) => return Ending::Disconnected,
            Ok(step) => {
                if reports.send(report(step)).await.is_err() {
                    return Ending::Abandoned;
                }
            }
            Err(ending) => {
                for step in connection.untold() {
                    let _gone = reports.send(report(step)).await;
                }
                return ending;
            }
        }
        outcome = connection.poll().await;
    }
}

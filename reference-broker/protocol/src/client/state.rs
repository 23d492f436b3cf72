//! What a connection is, and what belongs to it while it is that.

use std::time::Duration;

use super::{Closed, Config, requests::Requests};
use crate::{
    ConnAck, Properties, QoS, Session, Time, Token, Utf8String, Version,
    link::{Limits, Link},
};

/// The states of the diagram in [`super`].
#[derive(Debug)]
pub(super) enum State {
    /// CONNECT is queued or sent, CONNACK is due.
    Asking(Box<Asking>),
    /// Accepted.
    Serving(Serving),
    /// Over.
    Closed {
        /// Why, until the owner heard it.
        report: Option<Closed>,
        /// Kept until the owner takes the Session; answers still settle QoS 2 messages.
        link: Link,
    },
}

/// What waits for CONNACK.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) config: Config,
    pub(super) session: Box<Session>,
    pub(super) requests: Requests,
    pub(super) deadline: Time,
    /// When CONNECT or AUTH left: Keep Alive counts from there, not from CONNACK.
    pub(super) last_sent: Time,
    pub(super) authentication: Option<Box<Authentication>>,
}

/// An accepted connection.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) link: Link,
    pub(super) requests: Requests,
    pub(super) ping: Ping,
    /// Whether CONNECT declined Reason Strings and User Properties.
    pub(super) declines_problem_information: bool,
    pub(super) authentication: Option<Box<Authentication>>,
}

/// Enhanced authentication (4.12), for a CONNECT that named a method.
#[derive(Debug)]
pub(super) struct Authentication {
    pub(super) method: Utf8String,
    pub(super) progress: Progress,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// None is under way.
    Idle,
    /// The server's move.
    Server,
    /// The owner's: it holds this token.
    Owner(Token),
}

/// Keep Alive of a client: PINGREQ when nothing else was sent, PINGRESP in time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ping {
    /// In seconds; 0 turns it off.
    pub(super) keep_alive: u16,
    pub(super) timeout: Duration,
    pub(super) last_sent: Time,
    /// When the PINGRESP to the oldest unanswered PINGREQ is due.
    pub(super) answer_due: Option<Time>,
}

impl Ping {
    pub(super) fn deadline(&self) -> Option<Time> {
        match (self.ping_at(), self.answer_due) {
            (Some(ping), Some(answer)) => Some(ping.min(answer)),
            (ping, answer) => ping.or(answer),
        }
    }

    pub(super) fn is_due(&self, now: Time) -> bool {
        self.ping_at().is_some_and(|at| at <= now)
    }

    pub(super) fn is_overdue(&self, now: Time) -> bool {
        self.answer_due.is_some_and(|at| at <= now)
    }

    pub(super) fn began(&mut self, now: Time) {
        self.last_sent = now;
        self.answer_due.get_or_insert(now.after(self.timeout));
    }

    fn ping_at(&self) -> Option<Time> {
        let interval = Duration::from_secs(u64::from(self.keep_alive));
        (self.keep_alive > 0).then(|| self.last_sent.after(interval))
    }
}

impl Asking {
    pub(super) fn new(config: Config, session: Box<Session>, now: Time, deadline: Time) -> Self {
        let method = config.connect.properties.authentication_method().cloned();
        let authentication = method.map(|method| Box::new(Authentication { method, progress: Progress::Server }));
        Self { config, session, requests: Requests::default(), deadline, last_sent: now, authentication }
    }

    /// A link that never carried anything: the connection ended before CONNACK.
    pub(super) fn into_link(self) -> Link {
        Link::new(self.session, Limits::unaccepted(self.config.connect.version))
    }

    /// CONNACK accepted the connection.
    pub(super) fn accepted(self, connack: &ConnAck) -> Serving {
        let limits = limits(&self.config, &connack.properties);
        let connect = &self.config.connect;
        let authentication =
            self.authentication.map(|it| Box::new(Authentication { method: it.method, progress: Progress::Idle }));
        let mut link = Link::new(self.session, limits);
        if !connack.session_present {
            link.lose_session();
        }
        Serving {
            link,
            requests: self.requests,
            ping: Ping {
                // MQTT-3.1.2-21, MQTT-3.2.2-21.
                keep_alive: connack.properties.server_keep_alive().unwrap_or(connect.keep_alive),
                timeout: self.config.ping_timeout,
                last_sent: self.last_sent,
                answer_due: None,
            },
            declines_problem_information: connect.properties.request_problem_information() == Some(false),
            authentication,
        }
    }
}

impl State {
    pub(super) fn link_mut(&mut self) -> Option<&mut Link> {
        match self {
            Self::Asking(_) => None,
            Self::Serving(serving) => Some(&mut serving.link),
            Self::Closed { link, .. } => Some(link),
        }
    }

    /// What stands in while a state is taken apart.
    pub(super) fn nowhere() -> Self {
        Self::Closed { report: None, link: Link::new(Box::default(), Limits::unaccepted(Version::V311)) }
    }
}

fn limits(config: &Config, granted: &Properties) -> Limits {
    let announced = &config.connect.properties;
    Limits {
        version: config.connect.version,
        receive_maximum: announced.receive_maximum().unwrap_or(u16::MAX),
        topic_alias_maximum: announced.topic_alias_maximum().unwrap_or(0),
        topic_alias_bytes: usize::MAX,
        // MQTT-4.9.0-1.
        send_maximum: granted.receive_maximum().unwrap_or(u16::MAX).min(config.maximum_inflight).max(1),
        // MQTT-3.2.2-17, MQTT-3.2.2-18.
        outgoing_topic_alias_maximum: if config.use_topic_aliases {
            granted.topic_alias_maximum().unwrap_or(0)
        } else {
            0
        },
        maximum_qos: granted.maximum_qos().unwrap_or(QoS::ExactlyOnce),
        retain_available: granted.retain_available().unwrap_or(true),
    }
}

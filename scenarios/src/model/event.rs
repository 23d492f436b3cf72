//! What happens to a run from outside.

use std::time::Duration;

use serde::Serialize;

use super::{BrokerId, GroupId, RuleId, StageId, SubscriberId};

/// Something that happens at an instant of the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// The instant that `offset` counts from.
    pub anchor: Anchor,
    /// Time after the anchor.
    pub offset: Duration,
    /// What happens.
    pub action: Action,
}

/// What an event's time counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// The run's start.
    Start,
    /// The beginning of this stage's hold.
    Stage(StageId),
}

/// An instant of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// What its offset counts from.
    pub anchor: Anchor,
    /// Time after the anchor.
    pub offset: Duration,
}

/// How long somebody is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Away {
    /// For so long; above 0.
    For(Duration),
    /// Until this instant.
    Until(Moment),
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Devices lose their connection without DISCONNECT and come back, as after a barn's power outage.
    ReconnectStorm {
        /// The groups that it hits.
        groups: Vec<GroupId>,
        /// The time over which the connections are cut, evenly.
        spread: Duration,
        /// How long they stay away.
        away: Duration,
    },
    /// Clients say DISCONNECT, stay away and come back.
    Disconnect {
        /// The device groups among them.
        devices: Vec<GroupId>,
        /// The subscriber groups among them.
        subscribers: Vec<SubscriberId>,
        /// How long each stays away.
        away: Away,
    },
    /// A broker that Paddock started stops running for a while (SIGSTOP, SIGCONT).
    FreezeBroker {
        /// Which.
        broker: BrokerId,
        /// For how long; above 0.
        away: Duration,
    },
    /// A broker that Paddock started is killed, as by a crash, and started again (SIGKILL).
    KillBroker {
        /// Which.
        broker: BrokerId,
        /// Time between the end and the start.
        away: Duration,
    },
    /// A broker that Paddock started is asked to end, as for a new release, and started again.
    RestartBroker {
        /// Which.
        broker: BrokerId,
        /// Time between the end and the start.
        away: Duration,
    },
    /// A rule of the network begins to apply.
    NetworkOn {
        /// Which.
        rule: RuleId,
    },
    /// A rule of the network no longer applies.
    NetworkOff {
        /// Which.
        rule: RuleId,
    },
}

impl Action {
    /// Whether it is done to the process of a broker, which Paddock does only to one that it started.
    #[must_use]
    pub fn is_about_broker(&self) -> bool {
        match self {
            Self::FreezeBroker { .. } | Self::KillBroker { .. } | Self::RestartBroker { .. } => true,
            Self::ReconnectStorm { .. }
            | Self::Disconnect { .. }
            | Self::NetworkOn { .. }
            | Self::NetworkOff { .. } => false,
        }
    }
}

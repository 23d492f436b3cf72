//! Everything that connects and is no device: dashboards, applications, the ERP.

use std::time::Duration;

use serde::Serialize;

use super::{BarnId, BrokerId, Fill, FilterTemplate, GroupId, Moment, Name, QoS, Rate, Template, Version};

/// Addresses a group of [`super::Scenario::subscribers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SubscriberId(pub u16);

/// Connections that subscribe alike.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SubscriberGroup {
    /// The group's name in events, thresholds and reports.
    pub name: Name,
    /// The broker that they connect to.
    pub broker: BrokerId,
    /// What they stand for; reports count connections by role.
    pub role: Role,
    /// How many connections; at least 1.
    pub count: u32,
    /// Their Client Identifier. Unique over the scenario.
    pub client_id: Template,
    /// What each connection subscribes to; empty exactly when the role is [`Role::Idle`].
    pub subscriptions: Vec<Subscription>,
    /// The device groups whose messages are accounted for: each message of theirs that matches a filter of a connection must
    /// reach it once (a shared group as a whole once). What else arrives is counted and not judged.
    pub expect: Vec<GroupId>,
    /// When they connect; absent for before the load.
    pub from: Option<Moment>,
    /// Messages per second that each connection reads; absent for as they come.
    pub read_rate: Option<Rate>,
    /// The barns that connections are dealt to in turn, for `{barn}` in filters; at least one.
    pub barns: Vec<BarnId>,
    /// The protocol version.
    pub version: Version,
    /// Whether each connection begins with an empty session.
    pub clean_start: bool,
    /// How long the broker keeps the session after the connection ends.
    pub session_expiry: Duration,
    /// The longest silence before PINGREQ; whole seconds, 0 for none, at most 65535 s.
    pub keep_alive: Duration,
}

impl SubscriberGroup {
    /// Whether the broker is to know a connection's session again after a lost connection.
    #[must_use]
    pub fn keeps_session(&self) -> bool {
        !self.clean_start && (self.version == Version::V311 || !self.session_expiry.is_zero())
    }

    /// What stands in the place of placeholders for connection `n`, counted from 1.
    #[must_use]
    pub fn fill(&self, n: u32) -> Fill<'_> {
        let index = n.saturating_sub(1) as usize % self.barns.len();
        Fill { n, barn: self.barns[index].as_str(), id: "" }
    }

    /// The Client Identifier of connection `n`, counted from 1.
    #[must_use]
    pub fn client_id(&self, n: u32) -> String {
        self.client_id.fill(&self.fill(n))
    }
}

/// One subscription of every connection of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// The Topic Filter.
    pub filter: FilterTemplate,
    /// The greatest QoS that it asks for.
    pub qos: QoS,
}

/// What connections stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A screen that shows a barn.
    Dashboard,
    /// A phone.
    App,
    /// The business system that keeps every message.
    Erp,
    /// Any other consumer: archive, alert engine, bridge.
    Service,
    /// Connected, subscribed to nothing.
    Idle,
}

impl Role {
    /// Its name in scenarios and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::App => "app",
            Self::Erp => "erp",
            Self::Service => "service",
            Self::Idle => "idle",
        }
    }
}

//! Things that happen at a moment: stages, exceptional events, witnesses.

use super::{Qos, nanoseconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A stage began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageStarted {
    /// When.
    #[serde(rename = "at_ns", with = "nanoseconds")]
    pub at: Duration,
    /// Its name in the plan.
    pub stage: String,
}

/// A stage ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageEnded {
    /// When.
    #[serde(rename = "at_ns", with = "nanoseconds")]
    pub at: Duration,
    /// Its name in the plan.
    pub stage: String,
}

/// Something exceptional. A burst of the same kind may be one event with a `count`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    #[serde(rename = "at_ns", with = "nanoseconds")]
    pub at: Duration,
    /// What kind of thing.
    pub event: EventKind,
    /// How often, within one window; at least 1.
    #[serde(default = "one")]
    pub count: u64,
    /// The client concerned, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// A sentence fragment for people: `broker frozen for 2 s`.
    #[serde(default)]
    pub text: String,
}

fn one() -> u64 {
    1
}

/// Kinds of exceptional events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An established connection ended without our asking.
    ConnectionLost,
    /// A connection attempt failed or was refused.
    ConnectionRefused,
    /// A lost connection is back.
    Reconnected,
    /// A client came back, and the broker no longer knew the session that it was to keep: what waited there is gone.
    SessionLost,
    /// The scenario did something on purpose: a freeze, a storm, a network rule.
    Injected,
    /// Something a reader should know; figures stand.
    Warning,
}

impl EventKind {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConnectionLost => "connection_lost",
            Self::ConnectionRefused => "connection_refused",
            Self::Reconnected => "reconnected",
            Self::SessionLost => "session_lost",
            Self::Injected => "injected",
            Self::Warning => "warning",
        }
    }
}

/// Evidence for one message that did not arrive exactly once, in order, in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Witness {
    /// What went wrong with it.
    pub fault: WitnessKind,
    /// Topic it was published to.
    pub topic: String,
    /// Client that published it.
    pub client: String,
    /// Device group of that client.
    #[serde(default)]
    pub group: String,
    /// Subscriber (or shared group) that missed it or got it wrongly; the device that was asked.
    #[serde(default)]
    pub subscriber: String,
    /// Stream number in its stamp; of a request, the number of its section.
    pub stream: u32,
    /// Sequence number in its stamp; of a request, its number within its section.
    pub sequence: u32,
    /// QoS it was published with.
    pub qos: Qos,
    /// Intended start; absent when it is known no more, as it is of what one segment of a split run lost of another's.
    #[serde(default, rename = "intended_ns", with = "nanoseconds::option")]
    #[schemars(with = "Option<u64>")]
    pub intended: Option<Duration>,
    /// When it arrived, if it did.
    #[serde(default, rename = "received_ns", with = "nanoseconds::option")]
    #[schemars(with = "Option<u64>")]
    pub received: Option<Duration>,
}

/// What can go wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WitnessKind {
    /// Sent, expected, never received.
    Lost,
    /// Received more often than expected.
    Duplicated,
    /// Received after a later message of the same stream.
    Reordered,
    /// Received after the drain deadline or its own expiry.
    Late,
    /// Intended, but never handed to a connection.
    NotSent,
    /// Handed to a connection at QoS 1 or 2, but refused or never acknowledged.
    Unacknowledged,
    /// A request that was sent and never answered.
    Unanswered,
    /// A request whose answer came after its time-out.
    LateAnswer,
}

impl WitnessKind {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Duplicated => "duplicated",
            Self::Reordered => "reordered",
            Self::Late => "late",
            Self::NotSent => "not_sent",
            Self::Unacknowledged => "unacknowledged",
            Self::Unanswered => "unanswered",
            Self::LateAnswer => "late_answer",
        }
    }
}

//! The account of requests and their answers.

use super::Qos;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every request of the measured stages, accounted for. Several of one run add up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// Disjoint rows: no request is counted in two.
    pub rows: Vec<RequestRow>,
}

/// The requests of one section, which have one QoS, in one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestRow {
    /// The section of the scenario that asks.
    pub group: String,
    /// QoS that the requests were published with.
    pub qos: Qos,
    /// Stage of their intended start.
    #[serde(default)]
    pub stage: String,
    /// The account.
    pub counts: RequestCounts,
}

/// `intended = sent + not_sent` and `sent = answered + unanswered` hold once the run has drained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RequestCounts {
    /// Requests that the schedule asked for.
    pub intended: u64,
    /// Requests handed to a connection.
    pub sent: u64,
    /// Requests that no connection took: it was lost, or full.
    pub not_sent: u64,
    /// Requests that were answered, late ones included.
    pub answered: u64,
    /// Requests whose answer came after their time-out; part of `answered`.
    pub late: u64,
    /// Requests that were never answered.
    pub unanswered: u64,
    /// Answers beyond the first.
    pub repeated: u64,
}

impl std::ops::AddAssign for RequestCounts {
    fn add_assign(&mut self, other: Self) {
        let add = |mine: &mut u64, theirs: u64| *mine = mine.saturating_add(theirs);
        add(&mut self.intended, other.intended);
        add(&mut self.sent, other.sent);
        add(&mut self.not_sent, other.not_sent);
        add(&mut self.answered, other.answered);
        add(&mut self.late, other.late);
        add(&mut self.unanswered, other.unanswered);
        add(&mut self.repeated, other.repeated);
    }
}

//! The account of every message.

use super::Qos;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Every message of the measured stages, accounted for. Several ledgers of one run add up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Disjoint rows: no message is counted in two.
    pub rows: Vec<LedgerRow>,
}

/// The messages of one device group, QoS and stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerRow {
    /// QoS they were published with.
    pub qos: Qos,
    /// Device group that published them.
    pub group: String,
    /// Stage of their intended start; empty when rows are not kept per stage.
    #[serde(default)]
    pub stage: String,
    /// The account.
    pub counts: LedgerCounts,
}

/// `expected = received - duplicated + lost` holds once the drain deadline has passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LedgerCounts {
    /// Messages the schedule asked for.
    pub intended: u64,
    /// Messages handed to a connection.
    pub published: u64,
    /// Messages the schedule asked for that were never handed to a connection.
    pub not_sent: u64,
    /// Published messages of QoS 1 and 2 that the broker refused or never acknowledged. Their fate is unknown: they are
    /// expected only where they arrived all the same.
    pub unacknowledged: u64,
    /// Deliveries the published messages must cause.
    pub expected: u64,
    /// Deliveries that arrived, duplicates included.
    pub received: u64,
    /// Expected deliveries that never arrived.
    pub lost: u64,
    /// Deliveries beyond the expected one.
    pub duplicated: u64,
    /// Deliveries that came after a later message of the same stream.
    pub reordered: u64,
    /// Deliveries that came after the drain deadline or the message's expiry; part of `received`.
    pub late: u64,
}

/// What the broker itself says that it dropped while the run lasted, of whomever's messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrokerDrops {
    /// Where it says so: the address of its metrics page, or a topic.
    pub source: String,
    /// Messages by cause, in the broker's words, or `any` where it names no cause; empty when it says that it dropped none.
    pub causes: BTreeMap<String, u64>,
    /// What a reader must know of the count, such as that the broker was started again: a fragment, mostly empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl BrokerDrops {
    /// The cause of messages whose broker names none.
    pub const ANY_CAUSE: &str = "any";

    /// Messages of all causes.
    pub fn total(&self) -> u64 {
        self.causes.values().fold(0, |sum, one| sum.saturating_add(*one))
    }
}

impl std::ops::AddAssign for LedgerCounts {
    fn add_assign(&mut self, other: Self) {
        let add = |mine: &mut u64, theirs: u64| *mine = mine.saturating_add(theirs);
        add(&mut self.intended, other.intended);
        add(&mut self.published, other.published);
        add(&mut self.not_sent, other.not_sent);
        add(&mut self.unacknowledged, other.unacknowledged);
        add(&mut self.expected, other.expected);
        add(&mut self.received, other.received);
        add(&mut self.lost, other.lost);
        add(&mut self.duplicated, other.duplicated);
        add(&mut self.reordered, other.reordered);
        add(&mut self.late, other.late);
    }
}

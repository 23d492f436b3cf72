//! What is measured of requests.

use std::time::Duration;

use super::{LAG, Meter};
use crate::ledger::RowKey;

/// The place of round trips among the metrics.
pub(super) const ROUND_TRIP: usize = 5;

impl Meter {
    /// A request was handed to a connection, `lag` after its intended start.
    pub fn asked(&mut self, row: RowKey, lag: Duration) {
        self.record(LAG, row, None, lag, 1);
    }

    /// A request was answered, `took` after its intended start.
    pub fn answered(&mut self, row: RowKey, took: Duration) {
        self.record(ROUND_TRIP, row, None, took, 1);
    }
}

//! What became of requests.

use super::Summary;
use crate::labels::{Labels, label};
use crate::observation::{Qos, RequestCounts, RequestRow, Requests};

/// Group, QoS, stage.
pub(super) type Key = (String, Qos, String);

impl Summary {
    pub(super) fn apply_requests(&mut self, requests: &Requests) {
        for row in &requests.rows {
            *self.requests.entry((row.group.clone(), row.qos, row.stage.clone())).or_default() += row.counts;
        }
    }

    /// The account of requests by group, QoS, stage; empty for a run that asked nothing, or before the account was closed.
    pub fn requests(&self) -> Vec<RequestRow> {
        let row = |((group, qos, stage), counts): (&Key, &RequestCounts)| RequestRow {
            group: group.clone(),
            qos: *qos,
            stage: stage.clone(),
            counts: *counts,
        };
        self.requests.iter().map(row).collect()
    }

    /// The rows that match the selector (labels `qos`, `stage`, `group`), added up; `None` when no requests were accounted for.
    pub fn request_counts(&self, selector: &Labels) -> Option<RequestCounts> {
        let mut sum = None;
        for ((group, qos, stage), counts) in &self.requests {
            let labels = Labels::none().with(label::GROUP, group).with(label::QOS, qos).with(label::STAGE, stage);
            if labels.matches(selector) {
                *sum.get_or_insert_with(RequestCounts::default) += *counts;
            }
        }
        sum
    }

    /// The sections that asked, with the QoS of their requests, in order.
    pub fn requests_by_group(&self) -> Vec<(String, Qos, RequestCounts)> {
        let mut groups: Vec<(String, Qos, RequestCounts)> = Vec::new();
        for ((group, qos, _), counts) in &self.requests {
            match groups.last_mut().filter(|(known, of, _)| (known, of) == (group, qos)) {
                Some((_, _, sum)) => *sum += *counts,
                None => groups.push((group.clone(), *qos, *counts)),
            }
        }
        groups
    }
}

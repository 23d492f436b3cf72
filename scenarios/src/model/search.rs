//! How far a search for capacity goes, and what it must hold.

use std::time::Duration;

use serde::Serialize;

use super::Threshold;

/// The defaults of a search for capacity. Without the section all of them are the language's own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Search {
    /// What a step must hold; empty takes the scenario's thresholds.
    pub slo: Vec<Threshold>,
    /// What the steps vary.
    pub dimension: Dimension,
    /// The first figure tried, in the dimension's unit; absent takes the scenario's own.
    pub start: Option<f64>,
    /// The highest figure tried, in the dimension's unit.
    pub max: Option<f64>,
    /// How far the answer may lie below what no longer holds, as a share of it: 0.01 to 0.5.
    pub tolerance: f64,
    /// How many longer runs the answer must hold; 1 to 20.
    pub confirm: u32,
    /// How long a step is measured, above 0. A confirmation takes three times as long.
    pub step_length: Duration,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            slo: Vec::new(),
            dimension: Dimension::Rate,
            start: None,
            max: None,
            tolerance: 0.05,
            confirm: 3,
            step_length: Duration::from_secs(10),
        }
    }
}

/// What the steps of a search vary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Messages per second over all devices; the rates of all stages in proportion.
    #[default]
    Rate,
    /// Open connections; what the scenario does not connect is idle.
    Connections,
    /// Subscribers that each message goes to.
    FanOut,
}

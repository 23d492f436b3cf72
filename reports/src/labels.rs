//! Labels and selections, as thresholds write them: `e2e{qos:1,stage:hold}`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Label names that reports know.
pub mod label {
    /// `0`, `1` or `2`.
    pub const QOS: &str = "qos";
    /// A stage of the scenario.
    pub const STAGE: &str = "stage";
    /// A device group.
    pub const GROUP: &str = "group";
    /// A subscriber group. Only deliveries and connections know it.
    pub const SUBSCRIBER: &str = "subscriber";
}

/// Name and value pairs. As a selector, an empty set matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// No labels.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a label, replacing an earlier value: `Labels::none().with("qos", 1)`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.0.insert(name.into(), value.to_string());
        self
    }

    /// The value of a label.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All pairs in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every pair of `selector` is among these.
    pub fn matches(&self, selector: &Self) -> bool {
        selector.iter().all(|(name, value)| self.value(name) == Some(value))
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return Ok(());
        }
        let pairs: Vec<String> = self.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        write!(f, "{{{}}}", pairs.join(","))
    }
}

//! Thresholds: what must hold, as a typed tree.
//!
//! ```text
//!   "e2e{qos:1,stage:hold}" = ["p(99)<200ms over 10s abort_on_fail"]
//!    metric selectors           │    │  │    window   abort
//!                     aggregation    │  bound
//!                             comparison
//! ```

mod expression;
mod metric;

use std::fmt;

use serde::{Serialize, Serializer};

pub use expression::{Aggregation, Bound, Comparison, Expression, ExpressionError};
pub use metric::{Kind, Metric, Selector, SelectorError, Series};

/// One thing that must hold over a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// What is looked at.
    pub series: Series,
    /// What must hold.
    pub expression: Expression,
}

impl Threshold {
    /// What of it this version of Paddock does not measure: a lowercase fragment each. Empty when it can be judged.
    #[must_use]
    pub fn unsupported(&self) -> Vec<String> {
        let metric = self.series.metric;
        let mut all = Vec::new();
        for selector in &self.series.selectors {
            if !metric.is_kept_by(selector) {
                all.push(format!("`{}` is not kept by {} yet", metric.name(), selector.label()));
            }
        }
        let narrow = |selector: &Selector| !matches!(selector, Selector::Stage(_));
        let by_second = metric.kind() == Kind::PerSecond && self.expression.aggregation != Aggregation::Average;
        if by_second && self.series.selectors.iter().any(narrow) {
            let name = metric.name();
            all.push(format!("the seconds of `{name}` are kept by stage only so far: ask for `avg`"));
        }
        if self.expression.window.is_some() {
            all.push("thresholds are judged over the whole run so far, not over a sliding window".to_owned());
        }
        if self.expression.abort_on_fail {
            all.push("a threshold does not end a run early yet".to_owned());
        }
        all
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.series, self.expression)
    }
}

impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

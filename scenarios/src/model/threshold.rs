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

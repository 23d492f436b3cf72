//! Thresholds: what must hold, as a typed tree.
//!
//! ```text
//!   "e2e{qos:1,stage:hold}" = ["p(99)<200ms over 10s abort_on_fail"]
//!    metric selectors           │    │  │    window   abort
//!                     aggregation    │  bound
//!                             comparison
//! ```

mod check;
mod conflict;
mod expression;
mod metric;
mod series;

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

pub use conflict::conflict;
pub use expression::{Aggregation, Bound, Comparison, Expression, ExpressionError};
pub use metric::{Kind, Metric};
pub use series::{Selector, SelectorError, Series};

/// One thing that must hold over a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// What is looked at.
    pub series: Series,
    /// What must hold.
    pub expression: Expression,
}

impl FromStr for Threshold {
    type Err = ExpressionError;

    /// Reads what `Display` writes: `e2e{qos:1}: p(99)<200ms`.
    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        let hint = || "write SERIES: EXPRESSION, such as `e2e{qos:1}: p(99)<200ms`".to_owned();
        let bad = |message: String| ExpressionError { message, hint: hint() };
        // Labels have colons too, but none that a space follows.
        let (series, expression) = text.rsplit_once(": ").ok_or_else(|| bad(format!("`{text}` is not a threshold")))?;
        let series: Series = series.parse().map_err(|error: SelectorError| bad(error.to_string()))?;
        let expression: Expression = expression.parse()?;
        series.check()?;
        expression.check(series.metric)?;
        Ok(Self { series, expression })
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

//! How two sides are compared.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use super::{
    Aggregation, Bound, Comparison, Expression, ExpressionError, Kind, Metric, QuantityError, SelectorError, Series,
    Threshold,
};

/// What `paddock compare` asks of two sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compare {
    /// The change for the worse that is tolerated, a share of the base; below 1.
    pub max_regression: Percentage,
    /// Runs of each side.
    pub repeats: u32,
    /// Probability that an interval holds the true change; above 0 and below 1.
    pub confidence: Percentage,
    /// What is compared; empty for the usual metrics.
    pub metrics: Vec<Measure>,
}

impl Default for Compare {
    fn default() -> Self {
        Self { max_regression: Percentage(0.05), repeats: 5, confidence: Percentage(0.95), metrics: Vec::new() }
    }
}

/// A share that is written in percent: above 0 %, below 100 %.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Percentage(f64);

impl Percentage {
    /// The share, between 0 and 1.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }
}

impl FromStr for Percentage {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let number = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        match number {
            Some(percent) if percent > 0.0 && percent < 100.0 => Ok(Self(percent / 100.0)),
            _ => Err(QuantityError(format!("`{}` is not a share: above 0%, below 100%", text.escape_debug()))),
        }
    }
}

impl fmt::Display for Percentage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ten digits hide that a hundredth is no binary number.
        write!(f, "{}%", (self.0 * 1e12).round() / 1e10)
    }
}

/// One value of a run: a series and how its values become one, such as `e2e{qos:1} p(99)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// What is looked at.
    pub series: Series,
    /// How it becomes one value.
    pub aggregation: Aggregation,
}

impl Measure {
    /// The threshold that asks for this value and always holds.
    #[must_use]
    pub fn threshold(&self) -> Threshold {
        let bound = match (self.series.metric.kind(), self.aggregation) {
            (Kind::Time | Kind::Cost, aggregation) if aggregation != Aggregation::Count => {
                Bound::Duration(std::time::Duration::ZERO)
            }
            (Kind::Fault, Aggregation::Rate) | (Kind::Percent, _) => Bound::Percent(0.0),
            (Kind::Bytes, _) => Bound::Bytes(0),
            _ => Bound::Number(0.0),
        };
        let expression = Expression {
            aggregation: self.aggregation,
            comparison: Comparison::GreaterOrEqual,
            bound,
            window: None,
            abort_on_fail: false,
        };
        Threshold { series: self.series.clone(), expression }
    }

    /// Whether more of it is better.
    #[must_use]
    pub fn is_better_when_higher(&self) -> bool {
        use Metric::{Connections, DeliveryRate, Rate, Received, Sent};
        matches!(self.series.metric, Sent | Received | Rate | DeliveryRate | Connections)
    }
}

impl FromStr for Measure {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        let hint = "write SERIES AGGREGATION, such as `e2e{qos:1} p(99)`, `loss rate` or `broker_memory max`";
        let bad = |message: String| ExpressionError { message, hint: hint.to_owned() };
        let (series, aggregation) =
            text.trim().rsplit_once(' ').ok_or_else(|| bad(format!("`{text}` has no aggregation")))?;
        let series: Series = series.parse().map_err(|error: SelectorError| bad(error.to_string()))?;
        let measure = Self { series, aggregation: aggregation.parse()? };
        measure.series.check()?;
        measure.threshold().expression.check(measure.series.metric)?;
        Ok(measure)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.series, self.aggregation)
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

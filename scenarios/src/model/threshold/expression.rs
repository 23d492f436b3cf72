//! What must hold of a metric: `p(99)<200ms over 10s abort_on_fail`.

use std::{fmt, str::FromStr, time::Duration};

use super::super::{Percentile, format_duration, parse_duration};

/// A comparison of one aggregate with a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expression {
    /// How the metric's values become one value.
    pub aggregation: Aggregation,
    /// How that value is compared.
    pub comparison: Comparison,
    /// With what.
    pub bound: Bound,
    /// Holds in every sliding window of this length, instead of once over the whole measured time. Above 0.
    pub window: Option<Duration>,
    /// Ends the run as soon as it can no longer hold: the first window that fails, or, over the whole run, so much gone
    /// wrong that nothing to come can mend it.
    pub abort_on_fail: bool,
}

/// How values become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregation {
    /// `p(N)`: the percentile.
    Percentile(Percentile),
    /// `avg`: the mean.
    Average,
    /// `min`: the least.
    Minimum,
    /// `max`: the greatest.
    Maximum,
    /// `count`: how many.
    Count,
    /// `rate`: the share of the expected deliveries.
    Rate,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

/// What an aggregate is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// `200ms`.
    Duration(Duration),
    /// `500`: a count, a number, or messages per second.
    Number(f64),
    /// `0.1%`.
    Percent(f64),
    /// `64MiB`; units are B, KiB, MiB and GiB.
    Bytes(u64),
    /// `0.99*intended`: this factor times what the schedule asks for.
    Intended(f64),
}

/// Why a text is no [`Expression`] of its metric: a lowercase fragment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: String,
}

impl Comparison {
    /// Two-character operators come first, so that `<=` is not read as `<`.
    const ALL: [(Self, &'static str); 6] = [
        (Self::LessOrEqual, "<="),
        (Self::GreaterOrEqual, ">="),
        (Self::Equal, "=="),
        (Self::NotEqual, "!="),
        (Self::Less, "<"),
        (Self::Greater, ">"),
    ];

    /// Whether `left` and `right` stand so to each other. Nothing holds of NaN.
    #[must_use]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Equal => left == right,
            Self::NotEqual => !left.is_nan() && !right.is_nan() && left != right,
        }
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        let shape = || ExpressionError {
            message: format!("`{text}` is not a threshold"),
            hint:
                "write AGGREGATION COMPARISON BOUND, such as `p(99)<200ms`, `count==0` or `min>=0.99*intended`, then \
                   perhaps `over 10s` and `abort_on_fail`"
                    .to_owned(),
        };
        let at = text.find(['<', '>', '=', '!']).ok_or_else(shape)?;
        let (left, right) = text.split_at(at);
        let &(comparison, sign) =
            Comparison::ALL.iter().find(|(_, sign)| right.starts_with(sign)).ok_or_else(|| ExpressionError {
                message: format!("`{text}` has no comparison"),
                hint: "comparisons are <, <=, >, >=, == and !=".to_owned(),
            })?;
        let mut words = right[sign.len()..].split_whitespace();
        let mut bound = String::new();
        let mut window = None;
        let mut abort_on_fail = false;
        while let Some(word) = words.next() {
            match word {
                "over" if window.is_none() => window = Some(self::window(words.next().ok_or_else(shape)?)?),
                "abort_on_fail" if !abort_on_fail => abort_on_fail = true,
                _ if window.is_none() && !abort_on_fail => bound.push_str(word),
                _ => return Err(shape()),
            }
        }
        Ok(Self {
            aggregation: aggregation(left.trim())?,
            comparison,
            bound: self::bound(&bound)?,
            window,
            abort_on_fail,
        })
    }
}

fn window(text: &str) -> Result<Duration, ExpressionError> {
    let hint = "a window is a duration of at least one second, such as `over 10s`".to_owned();
    let length =
        parse_duration(text).map_err(|error| ExpressionError { message: error.to_string(), hint: hint.clone() })?;
    if length < Duration::from_secs(1) {
        return Err(ExpressionError { message: format!("a window of {text} is shorter than one second"), hint });
    }
    Ok(length)
}

impl FromStr for Aggregation {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        aggregation(text)
    }
}

fn aggregation(text: &str) -> Result<Aggregation, ExpressionError> {
    let unknown = || ExpressionError {
        message: format!("`{text}` is not an aggregation"),
        hint: "aggregations are p(N), avg, min, max, count and rate".to_owned(),
    };
    match text {
        "avg" => Ok(Aggregation::Average),
        "min" => Ok(Aggregation::Minimum),
        "max" => Ok(Aggregation::Maximum),
        "count" => Ok(Aggregation::Count),
        "rate" => Ok(Aggregation::Rate),
        _ => {
            let inner = text.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(unknown)?;
            let number = inner.trim().parse().map_err(|_| unknown())?;
            Percentile::new(number).map(Aggregation::Percentile).map_err(|error| ExpressionError {
                message: error.to_string(),
                hint: "write `p(99.9)` for 99.9 % of the values".to_owned(),
            })
        }
    }
}

/// Sizes, greatest first.
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

fn bound(text: &str) -> Result<Bound, ExpressionError> {
    let bad = |message: String| ExpressionError {
        message,
        hint: "a bound is a number (`0`), a duration (`200ms`), percent (`0.1%`), a size (`64MiB`) or `0.99*intended`"
            .to_owned(),
    };
    if text.is_empty() {
        return Err(bad("the bound is missing".to_owned()));
    }
    let number = |digits: &str| {
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        digits.parse::<f64>().ok().filter(|value| plain && value.is_finite())
    };
    if let Some(value) = number(text) {
        return Ok(Bound::Number(value));
    }
    if let Some(factor) = text.strip_suffix("intended") {
        let factor = if factor.is_empty() { Some(1.0) } else { factor.strip_suffix('*').and_then(number) };
        return factor.map(Bound::Intended).ok_or_else(|| bad(format!("`{text}` is not a factor of `intended`")));
    }
    if let Some(value) = text.strip_suffix('%').and_then(number) {
        return Ok(Bound::Percent(value));
    }
    if text.ends_with('B') {
        let (count, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(0));
        let &(_, scale) = SIZES
            .iter()
            .find(|(known, _)| *known == unit)
            .ok_or_else(|| bad(format!("`{unit}` is not a unit of size: B, KiB, MiB or GiB")))?;
        let bytes = count.parse::<u64>().ok().and_then(|count| count.checked_mul(scale));
        return bytes.map(Bound::Bytes).ok_or_else(|| bad(format!("`{text}` is not a whole number of {unit}")));
    }
    parse_duration(text).map(Bound::Duration).map_err(|error| bad(error.to_string()))
}

impl fmt::Display for Aggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(percentile) => write!(f, "p({percentile})"),
            Self::Average => f.write_str("avg"),
            Self::Minimum => f.write_str("min"),
            Self::Maximum => f.write_str("max"),
            Self::Count => f.write_str("count"),
            Self::Rate => f.write_str("rate"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::ALL.iter().find(|(comparison, _)| comparison == self);
        f.write_str(found.expect("every comparison is in the table").1)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Duration(duration) => f.write_str(&format_duration(duration)),
            Self::Number(number) => write!(f, "{number}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Bytes(bytes) => {
                let &(unit, scale) =
                    SIZES.iter().find(|(_, scale)| bytes > 0 && bytes % scale == 0).unwrap_or(&("B", 1));
                write!(f, "{}{unit}", bytes / scale)
            }
            Self::Intended(factor) => write!(f, "{factor}*intended"),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.aggregation, self.comparison, self.bound)?;
        if let Some(window) = self.window {
            write!(f, " over {}", format_duration(window))?;
        }
        if self.abort_on_fail { f.write_str(" abort_on_fail") } else { Ok(()) }
    }
}

//! Numbers with a range and a unit.

use std::{fmt, time::Duration};

use serde::{Serialize, Serializer};

/// A text or number that is no quantity of the wanted kind: a lowercase fragment that says why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QuantityError(pub String);

/// Quality of Service, the delivery guarantee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QoS {
    /// 0: at most once.
    AtMostOnce = 0,
    /// 1: at least once.
    #[default]
    AtLeastOnce = 1,
    /// 2: exactly once.
    ExactlyOnce = 2,
}

impl QoS {
    /// 0, 1 or 2.
    #[must_use]
    pub fn level(self) -> u8 {
        self as u8
    }

    /// The guarantee of this level.
    ///
    /// # Errors
    ///
    /// When `level` is above 2.
    pub fn from_level(level: i64) -> Result<Self, QuantityError> {
        match level {
            0 => Ok(Self::AtMostOnce),
            1 => Ok(Self::AtLeastOnce),
            2 => Ok(Self::ExactlyOnce),
            _ => Err(QuantityError(format!("{level} is not a QoS: 0, 1 or 2"))),
        }
    }
}

impl Serialize for QoS {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.level())
    }
}

/// Messages per second: above 0, at most 10,000,000.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Rate(f64);

impl Rate {
    /// The greatest rate that can be asked for.
    pub const MAX: f64 = 10_000_000.0;

    /// A rate of `per_second` messages per second.
    ///
    /// # Errors
    ///
    /// When it is not above 0, not finite, or above [`Rate::MAX`].
    pub fn new(per_second: f64) -> Result<Self, QuantityError> {
        if per_second > 0.0 && per_second <= Self::MAX {
            Ok(Self(per_second))
        } else {
            Err(QuantityError(format!(
                "{per_second} is not a rate: above 0, at most {} messages per second",
                Self::MAX
            )))
        }
    }

    /// Messages per second.
    #[must_use]
    pub fn per_second(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} msg/s", self.0)
    }
}

/// A factor or weight: above 0, at most 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Factor(f64);

impl Factor {
    /// One: no change.
    pub const ONE: Self = Self(1.0);

    /// Accepts `value`.
    ///
    /// # Errors
    ///
    /// When it is not above 0, not finite, or above a million.
    pub fn new(value: f64) -> Result<Self, QuantityError> {
        if value > 0.0 && value <= 1e6 {
            Ok(Self(value))
        } else {
            Err(QuantityError(format!("{value} is not a factor: above 0, at most 1000000")))
        }
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }
}

/// A percentile: above 0, below or equal to 100, such as 99.9.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Percentile(f64);

impl Percentile {
    /// Accepts `value`.
    ///
    /// # Errors
    ///
    /// When it is out of range.
    pub fn new(value: f64) -> Result<Self, QuantityError> {
        if value > 0.0 && value <= 100.0 {
            Ok(Self(value))
        } else {
            Err(QuantityError(format!("{value} is not a percentile: above 0, at most 100")))
        }
    }

    /// The number, in percent.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Percentile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The units of a duration, greatest first, in nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// The greatest duration that a scenario can name.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// Reads a duration: numbers with a unit, such as `250ms`, `1m30s` or `1.5h`; units are d, h, m, s, ms, us and ns.
///
/// # Errors
///
/// When a number or a unit is missing or unknown, or the sum exceeds 366 days.
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(QuantityError("an empty text is not a duration".to_owned()));
    }
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        if number.is_empty() {
            return Err(QuantityError(format!("`{text}` is not a duration: a number is missing before `{rest}`")));
        }
        if unit.is_empty() {
            return Err(QuantityError(format!("`{text}` is not a duration: a unit is missing after `{number}`")));
        }
        let Some(&(_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(QuantityError(format!("`{unit}` is not a unit of time: d, h, m, s, ms, us or ns")));
        };
        nanos = nanos
            .saturating_add(scaled(number, scale).ok_or_else(|| QuantityError(format!("`{number}` is not a number")))?);
        rest = after.trim_start();
    }
    if nanos > LONGEST.as_nanos() {
        return Err(QuantityError(format!("`{text}` is longer than 366 days")));
    }
    Ok(Duration::from_nanos(u64::try_from(nanos).expect("366 days of nanoseconds fit in 64 bits")))
}

/// `number` with an optional fraction, times `scale`, exactly; digits below a nanosecond are dropped.
fn scaled(number: &str, scale: u64) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || (number.contains('.') && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: u128 = whole.parse::<u64>().ok()?.into();
    let mut sum = whole * u128::from(scale);
    let mut place = u128::from(scale);
    for digit in fraction.bytes() {
        place /= 10;
        sum += place * u128::from(digit - b'0');
    }
    Some(sum)
}

/// Writes a duration as [`parse_duration`] reads it, in the fewest units: `1m30s`, `250ms`, `0s`.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut nanos = duration.as_nanos();
    let mut text = String::new();
    for (unit, scale) in UNITS {
        let count = nanos / u128::from(scale);
        nanos %= u128::from(scale);
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

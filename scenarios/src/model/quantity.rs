//! Numbers with a range and a unit.

use std::{fmt, str::FromStr, time::Duration};

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

/// The size of a payload: 24 bytes, which the measurement stamp takes, to 1 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PayloadSize(u32);

impl PayloadSize {
    /// The least: the measurement stamp.
    pub const LEAST: u32 = 24;
    /// The greatest.
    pub const MOST: u32 = 1 << 20;
    const UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("B", 1)];

    /// Bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.0 as usize
    }
}

impl Default for PayloadSize {
    fn default() -> Self {
        Self(256)
    }
}

impl FromStr for PayloadSize {
    type Err = QuantityError;

    /// Reads a whole number with its unit: `256B`, `4KiB`, `1MiB`.
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let wrong = || QuantityError(format!("`{text}` is not a size such as 256B, 4KiB or 1MiB"));
        let unit = Self::UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
        let (number, factor) = unit.ok_or_else(wrong)?;
        let bytes = number.trim_end().parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
        let bytes = bytes.ok_or_else(wrong)?;
        match u32::try_from(bytes) {
            Ok(bytes @ Self::LEAST..=Self::MOST) => Ok(Self(bytes)),
            _ => Err(QuantityError(format!("a payload of {bytes} bytes: {} to {} fit", Self::LEAST, Self::MOST))),
        }
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

/// The greatest duration that a scenario can name.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// Reads a duration as [`located::duration::parse`] does, up to 366 days.
///
/// # Errors
///
/// When it is none, or longer.
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    let duration = located::duration::parse(text).map_err(|wrong| QuantityError(wrong.message))?;
    let fits = duration <= LONGEST;
    fits.then_some(duration).ok_or_else(|| QuantityError(format!("`{}` is longer than 366 days", text.escape_debug())))
}

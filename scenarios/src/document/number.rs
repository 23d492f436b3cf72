//! Values that are a number or a date.

use located::{DeValue, Node, Read, Reading, Wrong};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::model::{Factor, QoS, Rate};

/// Turns a number into a type with a range.
fn ranged<T, E: ToString>(
    node: Node<'_>,
    hint: &str,
    reading: &mut Reading<'_>,
    accept: impl FnOnce(f64) -> Result<T, E>,
) -> Option<T> {
    accept(node.number(reading)?).map_or_else(|error| node.wrong(Wrong::new(error, hint), reading), Some)
}

/// How many: 1 to 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u32);

impl Count {
    const MOST: u64 = 1_000_000;
}

impl Read for Count {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        node.whole(1..=Self::MOST, reading)?.try_into().ok().map(Self)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": Self::MOST })
    }
}

impl Read for QoS {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        Self::from_level(node.whole(0..=2, reading)?.try_into().ok()?).ok()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "enum": [0, 1, 2] })
    }
}

impl Read for Rate {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        ranged(node, "rates count messages (or bytes) per second", reading, Self::new)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "exclusiveMinimum": 0, "maximum": Self::MAX })
    }
}

impl Read for Factor {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        ranged(node, "", reading, Self::new)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000 })
    }
}

/// A chance: above 0, at most 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Chance(pub(crate) f64);

impl Read for Chance {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        ranged(node, "1 is always, 0.01 is one in a hundred", reading, |value| {
            let fits = value > 0.0 && value <= 1.0;
            if fits { Ok(Self(value)) } else { Err(format!("{value} is not a chance: above 0, at most 1")) }
        })
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 })
    }
}

/// A point of a day curve: 0 to 1000.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level(pub(crate) f64);

impl Read for Level {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        ranged(node, "0 is silence, 1 the natural rate, 3 three times as much", reading, |value| {
            let fits = (0.0..=1000.0).contains(&value);
            if fits { Ok(Self(value)) } else { Err(format!("{value} is not a level: 0 to 1000")) }
        })
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 1000 })
    }
}

/// A calendar day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
}

impl Date {
    /// Its midnight in UTC, in milliseconds since 1970-01-01.
    pub(crate) fn midnight_ms(self) -> i64 {
        // Days from the civil calendar, with years that begin in March so that the leap day comes last.
        let (year, month, day) = (i64::from(self.year), i64::from(self.month), i64::from(self.day));
        let year = if month <= 2 { year - 1 } else { year };
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year;
        const EPOCH: i64 = 719_468;
        (days - EPOCH) * 86_400_000
    }
}

impl Serialize for Date {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:04}-{:02}-{:02}", self.year, self.month, self.day))
    }
}

impl Read for Date {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        let expected = "a day without a time, such as 2025-11-21";
        let DeValue::Datetime(datetime) = node.value() else { return node.mismatch(expected, reading) };
        match (datetime.date, datetime.time) {
            (Some(date), None) => Some(Self { year: date.year, month: date.month, day: date.day }),
            _ => node.mismatch(expected, reading),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnights_count_from_1970() {
        let midnight = |year, month, day| Date { year, month, day }.midnight_ms();
        assert_eq!(midnight(1970, 1, 1), 0);
        assert_eq!(midnight(1969, 12, 31), -86_400_000);
        assert_eq!(midnight(2000, 2, 29), 951_782_400_000);
        assert_eq!(midnight(2025, 11, 21), 1_763_683_200_000);
    }
}

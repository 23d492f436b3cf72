//! The farm's calendar: from the time since the epoch to the hour of the day and the timestamp in a payload.

use std::{borrow::Cow, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// Seconds in a day.
pub(super) const DAY: u64 = 86_400;

/// The farm stops ageing after a century, so that no caller's `at` can overflow a calendar.
const LATEST: Duration = Duration::from_secs(100 * 365 * DAY);

/// An instant in the life of the farm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moment {
    /// Time since the epoch.
    pub(super) at: Duration,
    /// The epoch, in milliseconds since 1970.
    epoch_ms: i64,
}

impl Moment {
    pub(super) fn new(epoch_ms: i64, at: Duration) -> Self {
        Self { at: at.min(LATEST), epoch_ms }
    }

    /// Seconds since the epoch.
    pub(super) fn seconds(self) -> f64 {
        self.at.as_secs_f64()
    }

    /// Days since the epoch.
    pub(super) fn day(self) -> u32 {
        u32::try_from(self.at.as_secs() / DAY).expect("a century has few days")
    }

    /// The hour of the day with its fraction: 0 to 24. The epoch is midnight.
    pub(super) fn hour(self) -> f64 {
        (self.at.as_secs() % DAY) as f64 / 3600.0 + f64::from(self.at.subsec_nanos()) / 3.6e12
    }

    pub(super) fn timestamp(self) -> Timestamp {
        Timestamp(self.epoch_ms.saturating_add(i64::try_from(self.at.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// Milliseconds since 1970, written as ISO 8601 in UTC: `2026-07-28T04:30:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timestamp(i64);

impl Timestamp {
    /// Whole seconds since 1970.
    pub(super) fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Reads RFC 3339; `None` when it is not.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|stamp| Self(stamp.as_millisecond()))
    }

    /// Milliseconds from `earlier` until `self`; negative when `earlier` is later.
    pub(super) fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Years 1970 to 9999 are what the format can say.
        let ms = self.0.clamp(0, 253_402_300_799_999).cast_unsigned();
        let (days, in_day) = (ms / 86_400_000, ms % 86_400_000);
        let (year, month, day) = civil(days);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let fields = [
            (0..4, year),
            (5..7, month),
            (8..10, day),
            (11..13, in_day / 3_600_000),
            (14..16, in_day / 60_000 % 60),
            (17..19, in_day / 1000 % 60),
            (20..23, in_day % 1000),
        ];
        for (place, value) in fields {
            digits(&mut text[place], value);
        }
        serializer.serialize_str(std::str::from_utf8(&text).expect("digits and signs are ASCII"))
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        })
    }
}

/// Writes `value` right-aligned over zeros.
pub(super) fn digits(place: &mut [u8], mut value: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).expect("a digit");
        value /= 10;
    }
}

/// The Gregorian year, month and day of a day since 1970-01-01. Eras of 400 years begin in March, so that the leap day is
/// the last of a year.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_agree_with_a_calendar_library() {
        for ms in (0..253_402_300_799_999i64).step_by(19_999_999_937) {
            let written = serde_json::to_string(&Timestamp(ms)).unwrap();
            let expected = jiff::Timestamp::from_millisecond(ms).unwrap();
            assert_eq!(written, format!("\"{expected:.3}\""));
            assert_eq!(Timestamp::parse(written.trim_matches('"')), Some(Timestamp(ms)));
        }
    }

    #[test]
    fn no_instant_is_too_late() {
        let end = Moment::new(i64::MAX, Duration::MAX);
        assert_eq!(end.day(), 36_500);
        assert_eq!(serde_json::to_string(&end.timestamp()).unwrap(), "\"9999-12-31T23:59:59.999Z\"");
    }
}

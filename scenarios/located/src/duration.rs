//! Durations as people write them: numbers with their units.

use std::time::Duration;

use crate::Wrong;

/// The units, greatest first, in nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// What a JSON schema holds such a text to.
pub const PATTERN: &str = "^([0-9]+(\\.[0-9]+)?(d|h|m|s|ms|us|ns) *)+$";

/// Reads a duration: numbers with a unit each, such as `250ms`, `1m30s` or `1.5h`; units are d, h, m, s, ms, us and ns.
///
/// # Errors
///
/// When a number or a unit is missing or unknown, or the sum exceeds 584 years.
pub fn parse(text: &str) -> Result<Duration, Wrong> {
    let not = |why: &str| {
        let message = format!("`{}` is not a duration: {why}", text.escape_debug());
        Wrong::new(message, "write numbers with their units, such as `250ms`, `30s` or `1m30s`")
    };
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(not("it is empty"));
    }
    let mut nanoseconds: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        if number.is_empty() {
            return Err(not(&format!("a number is missing before `{}`", rest.escape_debug())));
        }
        if unit.is_empty() {
            return Err(not(&format!("a unit is missing after `{number}`")));
        }
        let Some(&(_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(not(&format!("`{unit}` is none of the units d, h, m, s, ms, us and ns")));
        };
        if !is_number(number) {
            return Err(not(&format!("`{number}` is not a number")));
        }
        let sum = scaled(number, scale).and_then(|part| nanoseconds.checked_add(part));
        nanoseconds = sum.ok_or_else(|| not("it is longer than 584 years"))?;
        rest = after.trim_start();
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Whether `number`, of digits and points, is one.
fn is_number(number: &str) -> bool {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    !whole.is_empty() && !fraction.is_empty() && !fraction.contains('.')
}

/// `number` with an optional fraction, times `scale`, exactly; digits below a nanosecond are dropped.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut sum = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let mut place = scale;
    for digit in fraction.bytes() {
        place /= 10;
        sum = sum.checked_add(place * u64::from(digit - b'0'))?;
    }
    Some(sum)
}

/// Writes a duration as [`parse`] reads it, in the fewest units: `1m30s`, `250ms`, `0s`.
#[must_use]
pub fn format(duration: Duration) -> String {
    let mut rest = duration.as_nanos();
    let mut text = String::new();
    for (unit, scale) in UNITS {
        let count = rest / u128::from(scale);
        rest %= u128::from(scale);
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, nanoseconds, written) in [
            ("10s", 10_000_000_000, "10s"),
            ("90s", 90_000_000_000, "1m30s"),
            ("1m 30s", 90_000_000_000, "1m30s"),
            ("1.5h", 5_400_000_000_000, "1h30m"),
            ("7d", 604_800_000_000_000, "7d"),
            ("250ms", 250_000_000, "250ms"),
            ("0.0000000019s", 1, "1ns"),
            (" 0s ", 0, "0s"),
            ("18446744073709551615ns", u64::MAX, "213503d23h34m33s709ms551us615ns"),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanoseconds)), "{text}");
            assert_eq!(format(Duration::from_nanos(nanoseconds)), written);
            assert_eq!(parse(written), Ok(Duration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_told_why() {
        for (text, why) in [
            ("", "it is empty"),
            ("10", "a unit is missing after `10`"),
            ("10 s", "a unit is missing after `10`"),
            ("s", "a number is missing before `s`"),
            ("-1s", "a number is missing before `-1s`"),
            ("1.s", "`1.` is not a number"),
            (".5s", "`.5` is not a number"),
            ("1.2.3s", "`1.2.3` is not a number"),
            ("5min", "`min` is none of the units"),
            ("99999999999999d", "longer than 584 years"),
            ("99999999999999999999999s", "longer than 584 years"),
            ("18446744073709551615ns1ns", "longer than 584 years"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message.contains(why), "{text}: {}", error.message);
        }
    }
}

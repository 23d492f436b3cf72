//! Numbers with a range and a unit: counts, sizes, durations.

use std::time::Duration;

use located::{DeValue, Node, Reading, Wrong, duration};
use schemars::{Schema, SchemaGenerator, json_schema};

use super::{node::Value, tree::Tree, value::or_environment};

/// A whole number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole<const LEAST: u64, const MOST: u64>(u64);

impl<const LEAST: u64, const MOST: u64> Whole<LEAST, MOST> {
    pub(super) fn new(value: impl TryInto<u64>) -> Self {
        let value = value.try_into().ok().filter(|value| (LEAST..=MOST).contains(value));
        Self(value.expect("a default is within its range"))
    }

    pub(super) fn to<T: TryFrom<u64>>(self) -> T {
        T::try_from(self.0).ok().expect("the range fits the type")
    }
}

impl<const LEAST: u64, const MOST: u64> Value for Whole<LEAST, MOST> {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        node.whole(LEAST..=MOST, reading).map(Self)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        or_environment(json_schema!({ "type": "integer", "minimum": LEAST, "maximum": MOST }))
    }

    fn range() -> String {
        format!("a whole number from {LEAST} to {MOST}")
    }

    fn tree(&self) -> Tree {
        Tree::leaf(self.0)
    }

    fn outline(sample: &str) -> Tree {
        super::node::sample(sample)
    }
}

/// About a value that is none of `expected`.
fn out_of_range(text: impl std::fmt::Display, expected: &str) -> Wrong {
    Wrong::new(format!("{text} is out of range"), format!("write {expected}"))
}

/// A number of bytes from `LEAST` to `MOST`, written as `16MiB` or as a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size<const LEAST: u64, const MOST: u64>(u64);

/// Units of sizes; of the binary ones the greatest first.
const SIZES: [(&str, u64); 8] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];
/// How many of [`SIZES`] are binary.
const BINARY: usize = 4;

impl<const LEAST: u64, const MOST: u64> Size<LEAST, MOST> {
    pub(super) fn new(bytes: impl TryInto<u64>) -> Self {
        let bytes = bytes.try_into().ok().filter(|bytes| (LEAST..=MOST).contains(bytes));
        Self(bytes.expect("a default is within its range"))
    }

    pub(super) fn to<T: TryFrom<u64>>(self) -> T {
        T::try_from(self.0).ok().expect("the range fits the type")
    }
}

impl<const LEAST: u64, const MOST: u64> Value for Size<LEAST, MOST> {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        let expected = Self::range();
        let (text, bytes) = match node.value() {
            DeValue::Integer(integer) => {
                (integer.to_string(), u64::from_str_radix(integer.as_str(), integer.radix()).ok())
            }
            DeValue::String(_) => {
                let text = node.text(&expected, reading)?;
                let Some(bytes) = parse_size(&text) else {
                    let message = format!("`{}` is not a size", text.escape_debug());
                    let hint = "write bytes with a unit, such as `64KiB`, `16MiB` or `1GiB`";
                    return node.wrong(Wrong::new(message, hint), reading);
                };
                (text.into_owned(), Some(bytes))
            }
            _ => return node.mismatch(&expected, reading),
        };
        match bytes.filter(|bytes| (LEAST..=MOST).contains(bytes)) {
            Some(bytes) => Some(Self(bytes)),
            None => node.wrong(out_of_range(text, &expected), reading),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        let text = json_schema!({ "type": "string", "pattern": "^[0-9]+ *([KMGT]iB|kB|MB|GB|B)?$" });
        let number = json_schema!({ "type": "integer", "minimum": LEAST, "maximum": MOST });
        or_environment(json_schema!({ "anyOf": [number, text] }))
    }

    fn range() -> String {
        format!("a size from {} to {}", format_size(LEAST), format_size(MOST))
    }

    fn tree(&self) -> Tree {
        let text = format_size(self.0);
        text.parse::<u64>().map_or_else(|_| Tree::leaf(text), Tree::leaf)
    }

    fn outline(sample: &str) -> Tree {
        super::node::sample(sample)
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim_start() {
        "" => 1,
        unit => SIZES.iter().find(|(name, _)| *name == unit)?.1,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// In the greatest binary unit that leaves nothing over.
fn format_size(bytes: u64) -> String {
    let unit = SIZES[..BINARY].iter().find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor));
    unit.map_or_else(|| bytes.to_string(), |(name, factor)| format!("{}{name}", bytes / factor))
}

/// A duration in whole milliseconds from `LEAST` to `MOST` milliseconds; in whole seconds if `LEAST` and `MOST` are
/// and `SECONDS` says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period<const LEAST: u64, const MOST: u64, const UNIT: u64 = 1>(u64);

/// A duration in whole seconds: the standard counts in these.
pub(super) type Seconds<const LEAST: u64, const MOST: u64> = Period<LEAST, MOST, 1_000>;

impl<const LEAST: u64, const MOST: u64, const UNIT: u64> Period<LEAST, MOST, UNIT> {
    pub(super) fn new(duration: Duration) -> Self {
        let milliseconds = u64::try_from(duration.as_millis()).ok();
        let within = milliseconds.filter(|value| (LEAST..=MOST).contains(value) && value.is_multiple_of(UNIT));
        Self(within.expect("a default is within its range"))
    }

    pub(super) const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }

    pub(super) fn seconds<T: TryFrom<u64>>(self) -> T {
        T::try_from(self.0 / 1_000).ok().expect("the range fits the type")
    }
}

impl<const LEAST: u64, const MOST: u64, const UNIT: u64> Value for Period<LEAST, MOST, UNIT> {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        let expected = Self::range();
        let text = node.text(&expected, reading)?;
        let duration = match duration::parse(&text) {
            Ok(duration) => duration,
            Err(wrong) => return node.wrong(wrong, reading),
        };
        let milliseconds = u64::try_from(duration.as_millis()).ok();
        let Some(milliseconds) = milliseconds.filter(|value| (LEAST..=MOST).contains(value)) else {
            return node.wrong(out_of_range(text, &expected), reading);
        };
        if !duration.as_nanos().is_multiple_of(u128::from(UNIT) * 1_000_000) {
            let unit = if UNIT == 1_000 { "seconds" } else { "milliseconds" };
            let message = format!("{text} is not a whole number of {unit}");
            return node.wrong(Wrong::new(message, format!("write {expected}")), reading);
        }
        Some(Self(milliseconds))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        or_environment(json_schema!({ "type": "string", "pattern": duration::PATTERN }))
    }

    fn range() -> String {
        let whole = if UNIT == 1_000 { " in whole seconds" } else { "" };
        format!(
            "a duration{whole} from {} to {}",
            duration::format(Duration::from_millis(LEAST)),
            duration::format(Duration::from_millis(MOST))
        )
    }

    fn tree(&self) -> Tree {
        Tree::leaf(duration::format(self.duration()))
    }

    fn outline(sample: &str) -> Tree {
        super::node::sample(sample)
    }
}

/// How long a session is kept at most: whole seconds up to 4,294,967,294, or for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expiry(pub(super) u32);

const FOR_EVER: &str = "for ever";

impl Value for Expiry {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        if matches!(node.value(), DeValue::String(text) if text == FOR_EVER) {
            return Some(Self(u32::MAX));
        }
        Seconds::<0, 4_294_967_294_000>::read(node, reading).map(|period| Self(period.seconds()))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let period = Seconds::<0, 1>::schema(generator);
        json_schema!({ "anyOf": [{ "const": FOR_EVER }, period] })
    }

    fn range() -> String {
        format!("a duration in whole seconds, or `{FOR_EVER}`")
    }

    fn tree(&self) -> Tree {
        match self.0 {
            u32::MAX => Tree::leaf(FOR_EVER),
            seconds => Tree::leaf(duration::format(Duration::from_secs(seconds.into()))),
        }
    }

    fn outline(sample: &str) -> Tree {
        super::node::sample(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes, written) in [
            ("16MiB", 16 << 20, "16MiB"),
            ("16 MiB", 16 << 20, "16MiB"),
            ("1024", 1024, "1KiB"),
            ("1536KiB", 1536 << 10, "1536KiB"),
            ("1kB", 1000, "1000"),
            ("2GB", 2_000_000_000, "1953125KiB"),
            ("0", 0, "0"),
        ] {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
            assert_eq!(format_size(bytes), written);
        }
        for text in ["", "MiB", "1.5MiB", "16mib", "1 M", "99999999TiB", "-1"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }
}

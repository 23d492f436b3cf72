//! Whole numbers with a range.

use located::{Node, Read, Reading};
use schemars::{Schema, SchemaGenerator, json_schema};

/// A whole number from `LEAST` to `MOST`, which fit in 16 bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole<const LEAST: u64, const MOST: u64>(pub(crate) u16);

impl<const LEAST: u64, const MOST: u64> Read for Whole<LEAST, MOST> {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        node.whole(LEAST..=MOST, reading).and_then(|number| u16::try_from(number).ok()).map(Self)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": LEAST, "maximum": MOST })
    }
}

//! How the values of keys are read.

use located::{At, Node, Reading};
use schemars::{Schema, SchemaGenerator, json_schema};

use super::scalar::Scalar;

/// What can stand as the value of a key.
pub(super) trait Read: Sized {
    /// Reads it; absent when it is wrong, which has been reported then.
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self>;

    /// Its JSON schema.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

impl<T: Read> Read for Vec<At<T>> {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        node.elements(reading, T::read)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": T::schema(generator) })
    }
}

/// A table whose keys people choose, in the order of the text.
#[derive(Debug)]
pub(super) struct Table<K, V>(pub(super) Vec<(At<K>, At<V>)>);

impl<K: Scalar, V: Read> Read for Table<K, V> {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        node.entries(reading, K::parse, V::read).map(Self)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": K::text_schema(),
            "additionalProperties": V::schema(generator),
        })
    }
}

impl Read for bool {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        node.truth(reading)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

/// A whole number from `LEAST` to `MOST`, which fit in 16 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole<const LEAST: u64, const MOST: u64>(pub(super) u16);

impl<const LEAST: u64, const MOST: u64> Read for Whole<LEAST, MOST> {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        node.whole(LEAST..=MOST, reading).and_then(|number| u16::try_from(number).ok()).map(Self)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": LEAST, "maximum": MOST })
    }
}

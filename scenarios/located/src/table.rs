//! Tables with keys that people choose.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::{At, Node, Read, Reading, Scalar};

/// A table whose keys are of type `K`, in the order of the text.
#[derive(Debug)]
pub struct Table<K, V>(pub Vec<(At<K>, At<V>)>);

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K, V> Serialize for Table<K, V> {
    /// Only the empty table is ever a default.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(std::iter::empty::<(&str, &str)>())
    }
}

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

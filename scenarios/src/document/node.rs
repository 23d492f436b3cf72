//! How the values of keys are read.

use located::{At, Node, Reading};
use schemars::{Schema, SchemaGenerator};

/// What can stand as the value of a key.
pub(crate) trait Read: Sized {
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
        schemars::json_schema!({ "type": "array", "items": T::schema(generator) })
    }
}

//! What can stand as the value of a key.

use std::path::PathBuf;

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::{At, Node, Reading, Wrong};

/// What can stand as the value of a key.
pub trait Read: Sized {
    /// Reads it; absent when it is wrong, which has been reported then.
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self>;

    /// Its JSON schema.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

/// A value that is written as a text; it can also be the key of a [`crate::Table`].
pub trait Scalar: Sized {
    /// What is expected, for a value that is no text.
    const EXPECTED: &str;

    /// What the text means.
    ///
    /// # Errors
    ///
    /// Why it means nothing, and what to write instead.
    fn parse(text: &str) -> Result<Self, Wrong>;

    /// The JSON schema of the text.
    fn text_schema() -> Schema;
}

impl<T: Scalar> Read for T {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        let text = node.text(T::EXPECTED, reading)?;
        T::parse(&text).map_or_else(|wrong| node.wrong(wrong, reading), Some)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        T::text_schema()
    }
}

/// Any text, also an empty one.
impl Scalar for String {
    const EXPECTED: &str = "a text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        Ok(text.to_owned())
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl Scalar for PathBuf {
    const EXPECTED: &str = "a path as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        Ok(text.into())
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

impl<T: Read> Read for Vec<At<T>> {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        node.elements(reading, T::read)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": T::schema(generator) })
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

/// A whole number from 0 to the greatest that TOML has.
impl Read for u64 {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        node.whole(0..=i64::MAX.unsigned_abs(), reading)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": i64::MAX })
    }
}

//! What stands behind a key.

use located::{Node, Reading};
use schemars::{Schema, SchemaGenerator};

use super::tree::Tree;

/// What can stand behind a key.
pub(super) trait Value: Sized {
    /// Reads it; absent when it is wrong, which has been reported then.
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self>;

    /// Its JSON schema.
    fn schema(generator: &mut SchemaGenerator) -> Schema;

    /// What may be written, for people; empty when the type says nothing that the key does not.
    fn range() -> String {
        String::new()
    }

    /// It as a tree.
    fn tree(&self) -> Tree;

    /// What it could look like: `sample` is TOML, or empty for a table.
    fn outline(sample: &str) -> Tree;
}

/// The tree of a sample that is written as TOML.
pub(super) fn sample(text: &str) -> Tree {
    let value: toml::Value = toml::from_str::<toml::Table>(&format!("sample = {text}"))
        .ok()
        .and_then(|mut table| table.remove("sample"))
        .expect("samples are TOML, which a test holds them to");
    Tree::leaf(serde_json::to_value(value).expect("TOML without dates is JSON"))
}

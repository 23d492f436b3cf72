//! Tables: with fixed keys ([`Keys`], behind the `section!` macro) and with keys that people choose ([`Table`]).

use std::ops::Range;

use schemars::{Schema, SchemaGenerator, json_schema};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    node::{At, Node, Read},
    scalar::Scalar,
    similar::did_you_mean,
};
use crate::diagnostic::{Problem, Problems};

/// Reads the keys of one section.
pub(crate) struct Keys<'a> {
    pub(crate) table: &'a DeTable<'a>,
    pub(crate) span: Range<usize>,
    pub(crate) path: &'a str,
    pub(crate) problems: &'a mut Problems,
}

impl Keys<'_> {
    /// Reports every key that the section does not know.
    pub(crate) fn refuse_unknown(&mut self, known: &[&str]) {
        for key in self.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref();
            let message = match self.path {
                "" => format!("`{}` is not a key of a scenario", name.escape_debug()),
                path => format!("`{}` is not a key of `{path}`", name.escape_debug()),
            };
            let hint = match did_you_mean(name, known.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("keys here are {}", known.join(", ")),
            };
            let path = join(self.path, name);
            self.problems.push(Problem { span: key.span(), path, message, hint: Some(hint) });
        }
    }

    /// The value of a key that may be absent.
    pub(crate) fn optional<T: Read>(&mut self, key: &str) -> Option<At<T>> {
        let value = self.table.get(key)?;
        let path = join(self.path, key);
        let span = value.span();
        let node = Node { value: value.get_ref(), start: span.start, end: span.end, path: &path };
        Some(node.at(T::read(node, self.problems)?))
    }

    /// The value of a key that must be there.
    pub(crate) fn required<T: Read>(&mut self, key: &str) -> Option<At<T>> {
        if self.table.contains_key(key) {
            return self.optional(key);
        }
        let path = join(self.path, key);
        let message = match self.path {
            "" => format!("`{key}` is missing"),
            section => format!("`{key}` is missing from `{section}`"),
        };
        self.problems.push(Problem { span: self.span.clone(), path, message, hint: None });
        None
    }

    /// The value of a key, or what counts when it is absent.
    pub(crate) fn or<T: Read>(&mut self, key: &str, default: T) -> At<T> {
        self.optional(key).unwrap_or_else(|| At { value: default, span: self.span.clone(), path: join(self.path, key) })
    }
}

/// A table whose keys are of type `K`, in the order of the text.
#[derive(Debug)]
pub(crate) struct Table<K, V>(pub(crate) Vec<(At<K>, At<V>)>);

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K, V> serde::Serialize for Table<K, V> {
    /// Only the empty table is ever a default.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(std::iter::empty::<(&str, &str)>())
    }
}

impl<K: Scalar, V: Read> Read for Table<K, V> {
    fn read(node: Node<'_>, problems: &mut Problems) -> Option<Self> {
        let DeValue::Table(table) = node.value else { return node.mismatch("a table", problems) };
        let mut entries: Vec<(&Spanned<_>, &Spanned<_>)> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut read = Vec::new();
        for (key, value) in entries {
            let path = join(node.path, key.get_ref());
            let place = At { value: (), span: key.span(), path: path.clone() };
            let name = match K::parse(key.get_ref()) {
                Ok(name) => Some(place.with(name)),
                Err(error) => {
                    problems.push(place.problem(error.message, error.hint));
                    None
                }
            };
            let span = value.span();
            let node = Node { value: value.get_ref(), start: span.start, end: span.end, path: &path };
            let value = V::read(node, problems).map(|value| node.at(value));
            read.extend(name.zip(value));
        }
        Some(Self(read))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": K::text_schema(),
            "additionalProperties": V::schema(generator),
        })
    }
}

/// Appends a key to a path as TOML would write it.
fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let key = if bare { key.to_owned() } else { format!("\"{}\"", key.escape_debug()) };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

//! A value in the text, and how values are read.

use std::ops::Range;

use schemars::{Schema, SchemaGenerator};
use toml::de::DeValue;

use crate::diagnostic::{Problem, Problems};

/// A value with its place in the text.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
    pub(crate) path: String,
}

impl<T> At<T> {
    /// An error about this value.
    pub(crate) fn problem(&self, message: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem {
            span: self.span.clone(),
            path: self.path.clone(),
            message: message.into(),
            hint: Some(hint.into()).filter(|hint| !hint.is_empty()),
        }
    }

    /// Another value that stands at the same place.
    pub(crate) fn with<U>(&self, value: U) -> At<U> {
        At { value, span: self.span.clone(), path: self.path.clone() }
    }
}

/// A value of the parsed text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'a> {
    pub(crate) value: &'a DeValue<'a>,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) path: &'a str,
}

impl Node<'_> {
    pub(crate) fn at<T>(&self, value: T) -> At<T> {
        At { value, span: self.start..self.end, path: self.path.to_owned() }
    }

    /// Reports that the value has the wrong type.
    pub(crate) fn mismatch<T>(&self, expected: &str, problems: &mut Problems) -> Option<T> {
        let message = format!("expected {expected}, found {}", kind(self.value));
        problems.push(self.at(()).problem(message, ""));
        None
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// What can stand as the value of a key.
pub(crate) trait Read: Sized {
    /// Reads it; absent when it is wrong, which has been reported then.
    fn read(node: Node<'_>, problems: &mut Problems) -> Option<Self>;

    /// Its JSON schema.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

impl<T: Read> Read for Vec<At<T>> {
    fn read(node: Node<'_>, problems: &mut Problems) -> Option<Self> {
        let DeValue::Array(elements) = node.value else { return node.mismatch("a list", problems) };
        let mut values = Self::new();
        for (index, element) in elements.iter().enumerate() {
            let path = format!("{}[{index}]", node.path);
            let span = element.span();
            let node = Node { value: element.get_ref(), start: span.start, end: span.end, path: &path };
            values.extend(T::read(node, problems).map(|value| node.at(value)));
        }
        // A list of nothing but errors is not an empty list.
        (elements.is_empty() || !values.is_empty()).then_some(values)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "array", "items": T::schema(generator) })
    }
}

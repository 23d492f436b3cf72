//! A value in the text, and how values are read.

use std::{
    borrow::Cow,
    ops::{Deref, Range},
};

use schemars::{Schema, SchemaGenerator};
use toml::de::DeValue;

use super::{
    diagnostic::Problem,
    environment::{self, Lookup},
    tree::Tree,
};

/// What is collected while a text is read.
pub(super) struct Reading<'a> {
    pub(super) text: &'a str,
    pub(super) lookup: Lookup<'a>,
    pub(super) problems: Vec<Problem>,
    /// Where secrets stand.
    pub(super) secrets: Vec<Range<usize>>,
}

/// A value with its place in the text.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    /// Of a default: the header of its table.
    pub(super) span: Range<usize>,
    pub(super) path: String,
    /// Whether it is written in the text; otherwise it is a default.
    pub(super) written: bool,
}

impl<T> At<T> {
    /// A value that stands in no text.
    pub(super) fn default(value: T, path: &str) -> Self {
        Self { value, span: 0..0, path: path.to_owned(), written: false }
    }

    /// Its place alone.
    pub(super) fn place(&self) -> At<()> {
        At { value: (), span: self.span.clone(), path: self.path.clone(), written: self.written }
    }

    /// An error about this value.
    pub(super) fn problem(&self, message: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem {
            span: self.span.clone(),
            path: self.path.clone(),
            message: message.into(),
            hint: Some(hint.into()).filter(|hint| !hint.is_empty()),
        }
    }
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A value of the parsed text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a> {
    pub(super) value: &'a DeValue<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) path: &'a str,
}

impl<'a> Node<'a> {
    pub(super) fn at<T>(&self, value: T) -> At<T> {
        At { value, span: self.start..self.end, path: self.path.to_owned(), written: true }
    }

    /// Reports that the value has the wrong type.
    pub(super) fn mismatch<T>(&self, expected: &str, reading: &mut Reading<'_>) -> Option<T> {
        let message = format!("expected {expected}, found {}", kind(self.value));
        reading.problems.push(self.at(()).problem(message, ""));
        None
    }

    /// Reports that the value is of the right type and still wrong.
    pub(super) fn wrong<T>(&self, message: impl ToString, hint: &str, reading: &mut Reading<'_>) -> Option<T> {
        reading.problems.push(self.at(()).problem(message.to_string(), hint));
        None
    }

    /// The text, with what the environment has to add; absent when it is none, or cannot be completed (reported).
    pub(super) fn text(&self, expected: &str, reading: &mut Reading<'_>) -> Option<Cow<'a, str>> {
        let DeValue::String(text) = self.value else { return self.mismatch(expected, reading) };
        match environment::substitute(text, reading.lookup) {
            Ok(text) => Some(text),
            Err(error) => {
                let mut problem = self.at(()).problem(error.message, error.hint);
                // Escapes move things; then the whole value is pointed at.
                let inner = self.start + 1 + error.at.start..self.start + 1 + error.at.end;
                if reading.text.get(inner.clone()) == text.get(error.at) {
                    problem.span = inner;
                }
                reading.problems.push(problem);
                None
            }
        }
    }

    /// The text of a value that is no text by nature but comes from the environment: `workers = "${WORKERS}"`.
    pub(super) fn environment_text(&self, reading: &mut Reading<'_>) -> Option<Cow<'a, str>> {
        self.is_from_environment().then(|| self.text("a text", reading)).flatten()
    }

    pub(super) fn is_from_environment(&self) -> bool {
        matches!(self.value, DeValue::String(text) if environment::is_used(text))
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

//! Tables with fixed keys.

use std::ops::Range;

use toml::de::DeTable;

use crate::{
    node::{At, Node},
    problem::Problem,
    reading::Reading,
    similar::did_you_mean,
};

/// The keys of one table. What is asked for and wrong is reported in the [`Reading`].
#[derive(Debug)]
pub struct Keys<'a, 'r> {
    /// Absent when the table is not written.
    pub(crate) table: Option<&'a DeTable<'a>>,
    /// Its header.
    pub(crate) span: Range<usize>,
    pub(crate) path: &'a str,
    pub(crate) reading: &'a mut Reading<'r>,
}

impl<'a, 'r> Keys<'a, 'r> {
    /// Of a table at `path` in which nothing is written.
    pub fn absent(path: &'a str, reading: &'a mut Reading<'r>) -> Self {
        Self { table: None, span: 0..0, path, reading }
    }

    /// Where the table begins: a place for what is wrong with it as a whole.
    #[must_use]
    pub fn place(&self) -> At<()> {
        At { value: (), span: self.span.clone(), path: self.path.to_owned(), written: self.table.is_some() }
    }

    /// Reports every key that is none of `known`.
    pub fn refuse_unknown(&mut self, known: &[&str]) {
        let written = self.table.into_iter().flat_map(|table| table.keys());
        for key in written.filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref();
            let message = match self.path {
                "" => format!("`{}` is not a key of {}", name.escape_debug(), self.reading.what),
                path => format!("`{}` is not a key of `{path}`", name.escape_debug()),
            };
            let hint = match (did_you_mean(name, known.iter().copied()), self.reading.reference) {
                (Some(known), _) => format!("did you mean `{known}`?"),
                (None, Some(reference)) if known.len() > Self::LISTED => format!("{reference} shows all keys"),
                (None, _) => format!("keys here are {}", known.join(", ")),
            };
            let path = join(self.path, name);
            self.reading.problems.push(Problem { span: key.span(), path, message, hint: Some(hint) });
        }
    }

    /// As many keys as fit in a hint.
    const LISTED: usize = 12;

    /// The value of a key that may be absent, read by `read`.
    pub fn optional<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(Node<'_>, &mut Reading<'_>) -> Option<T>,
    ) -> Option<At<T>> {
        let value = self.table?.get(key)?;
        let path = join(self.path, key);
        let span = value.span();
        let node = Node { value: value.get_ref(), start: span.start, end: span.end, path: &path };
        Some(node.at(read(node, self.reading)?))
    }

    /// The value of a key that must be there, read by `read`.
    pub fn required<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(Node<'_>, &mut Reading<'_>) -> Option<T>,
    ) -> Option<At<T>> {
        if self.table.is_some_and(|table| table.contains_key(key)) {
            return self.optional(key, read);
        }
        let message = match self.path {
            "" => format!("`{key}` is missing"),
            section => format!("`{key}` is missing from `{section}`"),
        };
        let path = join(self.path, key);
        self.reading.problems.push(Problem { span: self.span.clone(), path, message, hint: None });
        None
    }

    /// The value of a key, read by `read`, or what counts when it is absent or wrong.
    pub fn or<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(Node<'_>, &mut Reading<'_>) -> Option<T>,
        default: impl FnOnce() -> T,
    ) -> At<T> {
        let found = self.optional(key, read);
        let place = |value| At { value, span: self.span.clone(), path: join(self.path, key), written: false };
        found.unwrap_or_else(|| place(default()))
    }
}

/// Appends a key to a path as TOML would write it.
pub(crate) fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let key = if bare { key.to_owned() } else { format!("\"{}\"", key.escape_debug()) };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

//! A value in the text, and how values of every kind are read.

use std::{
    borrow::Cow,
    ops::{Deref, Range, RangeInclusive},
};

use toml::de::DeValue;

use crate::{
    environment,
    keys::{Keys, join},
    problem::{Problem, Wrong},
    reading::Reading,
};

/// Something that was read, with its place in the text.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// What was read.
    pub value: T,
    /// Where it stands, in bytes; of a default, the header of its table.
    pub span: Range<usize>,
    /// Its key, such as `listeners[1].tls.key`.
    pub path: String,
    /// Whether it is written in the text; otherwise it is a default.
    pub written: bool,
}

impl<T> At<T> {
    /// A value that stands in no text.
    pub fn default(value: T, path: &str) -> Self {
        Self { value, span: 0..0, path: path.to_owned(), written: false }
    }

    /// Another value that stands at the same place.
    pub fn with<U>(&self, value: U) -> At<U> {
        At { value, span: self.span.clone(), path: self.path.clone(), written: self.written }
    }

    /// Its place alone.
    pub fn place(&self) -> At<()> {
        self.with(())
    }

    /// An error about it: a lowercase fragment that says what is wrong, and what to do, which may be empty.
    pub fn problem(&self, message: impl Into<String>, hint: impl Into<String>) -> Problem {
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

/// A value of the parsed text. What reads it wrongly says so in the [`Reading`] and gives nothing.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    pub(crate) value: &'a DeValue<'a>,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) path: &'a str,
}

impl<'a> Node<'a> {
    /// The value as it was parsed, for kinds that have no reader here.
    #[must_use]
    pub fn value(&self) -> &'a DeValue<'a> {
        self.value
    }

    /// Its key, such as `listeners[1].tls.key`.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// Where it stands, in bytes.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.start..self.end
    }

    /// What it was read as, at its place.
    pub fn at<T>(&self, value: T) -> At<T> {
        At { value, span: self.span(), path: self.path.to_owned(), written: true }
    }

    /// Reports that the value has the wrong type; `expected` is the right one with its article.
    pub fn mismatch<T>(&self, expected: &str, reading: &mut Reading<'_>) -> Option<T> {
        self.wrong(Wrong::new(format!("expected {expected}, found {}", kind(self.value)), ""), reading)
    }

    /// Reports that the value is of the right type and still wrong.
    pub fn wrong<T>(&self, wrong: Wrong, reading: &mut Reading<'_>) -> Option<T> {
        reading.problems.push(self.at(()).problem(wrong.message, wrong.hint));
        None
    }

    /// A text, completed from the environment if the reading has one. `expected` is what the text says, with its article.
    pub fn text(&self, expected: &str, reading: &mut Reading<'_>) -> Option<Cow<'a, str>> {
        let DeValue::String(text) = self.value else { return self.mismatch(expected, reading) };
        self.complete(text, reading)
    }

    /// `text`, which was made of this value's, with what the environment has to add.
    pub fn complete<'t>(&self, text: &'t str, reading: &mut Reading<'_>) -> Option<Cow<'t, str>> {
        let Some(environment) = reading.environment else { return Some(Cow::Borrowed(text)) };
        match environment::substitute(text, environment) {
            Ok(text) => Some(text),
            Err(error) => {
                let mut problem = self.at(()).problem(error.message, error.hint);
                // Escapes move things; then the whole value is pointed at.
                let inner = self.start + 1 + error.at.start..self.start + 1 + error.at.end;
                if reading.text().get(inner.clone()) == text.get(error.at) {
                    problem.span = inner;
                }
                reading.problems.push(problem);
                None
            }
        }
    }

    /// The completed text of a value that is no text by nature but comes from the environment: `workers = "${WORKERS}"`.
    /// Absent for every other value, and for one that cannot be completed, which only then is reported.
    pub fn environment_text(&self, reading: &mut Reading<'_>) -> Option<Cow<'a, str>> {
        self.is_from_environment(reading).then(|| self.text("a text", reading)).flatten()
    }

    /// Whether the value is a text that names variables of the reading's environment.
    #[must_use]
    pub fn is_from_environment(&self, reading: &Reading<'_>) -> bool {
        let named = matches!(self.value, DeValue::String(text) if environment::is_used(text));
        named && reading.environment.is_some()
    }

    /// True or false.
    pub fn truth(&self, reading: &mut Reading<'_>) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ if self.is_from_environment(reading) => {
                let text = self.environment_text(reading)?;
                let wrong = || Wrong::new(format!("`{}` is neither true nor false", text.escape_debug()), "");
                text.parse().map_or_else(|_| self.wrong(wrong(), reading), Some)
            }
            _ => self.mismatch("true or false", reading),
        }
    }

    /// A whole number within `range`.
    pub fn whole(&self, range: RangeInclusive<u64>, reading: &mut Reading<'_>) -> Option<u64> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let hint = || format!("write {expected}");
        let (text, value) = match self.value {
            DeValue::Integer(integer) => {
                (integer.to_string(), u64::from_str_radix(integer.as_str(), integer.radix()).ok())
            }
            _ if self.is_from_environment(reading) => {
                let text = self.environment_text(reading)?;
                let Ok(value) = text.trim().parse::<i128>() else {
                    let message = format!("`{}` is not a whole number", text.escape_debug());
                    return self.wrong(Wrong::new(message, hint()), reading);
                };
                (text.into_owned(), u64::try_from(value).ok())
            }
            _ => return self.mismatch(&expected, reading),
        };
        let within = value.filter(|value| range.contains(value));
        within.or_else(|| self.wrong(Wrong::new(format!("{text} is out of range"), hint()), reading))
    }

    /// A number with or without a fraction; never infinite.
    pub fn number(&self, reading: &mut Reading<'_>) -> Option<f64> {
        let value = match self.value {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().parse().ok(),
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => return self.mismatch("a number", reading),
        };
        value.filter(|value: &f64| value.is_finite()).or_else(|| self.mismatch("a finite number", reading))
    }

    /// The elements of a list, each read by `read`, as far as they are right. A list of nothing but errors is absent: it is
    /// not an empty list.
    pub fn elements<T>(
        &self,
        reading: &mut Reading<'_>,
        mut read: impl FnMut(Node<'_>, &mut Reading<'_>) -> Option<T>,
    ) -> Option<Vec<At<T>>> {
        let DeValue::Array(elements) = self.value else { return self.mismatch("a list", reading) };
        let mut values = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            let path = format!("{}[{index}]", self.path);
            let span = element.span();
            let node = Node { value: element.get_ref(), start: span.start, end: span.end, path: &path };
            values.extend(read(node, reading).map(|value| node.at(value)));
        }
        (elements.is_empty() || !values.is_empty()).then_some(values)
    }

    /// The entries of a table whose keys people choose, in the order of the text, as far as they are right.
    pub fn entries<K, V>(
        &self,
        reading: &mut Reading<'_>,
        mut key: impl FnMut(&str) -> Result<K, Wrong>,
        mut read: impl FnMut(Node<'_>, &mut Reading<'_>) -> Option<V>,
    ) -> Option<Vec<(At<K>, At<V>)>> {
        let DeValue::Table(table) = self.value else { return self.mismatch("a table", reading) };
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut values = Vec::new();
        for (name, value) in entries {
            let path = join(self.path, name.get_ref());
            let place = At { value: (), span: name.span(), path: path.clone(), written: true };
            let name = match key(name.get_ref()) {
                Ok(name) => Some(place.with(name)),
                Err(wrong) => {
                    reading.problems.push(place.problem(wrong.message, wrong.hint));
                    None
                }
            };
            let span = value.span();
            let node = Node { value: value.get_ref(), start: span.start, end: span.end, path: &path };
            let value = read(node, reading).map(|value| node.at(value));
            values.extend(name.zip(value));
        }
        Some(values)
    }

    /// The keys of a table.
    pub fn keys<'k, 'r>(&self, reading: &'k mut Reading<'r>) -> Option<Keys<'k, 'r>>
    where
        'a: 'k,
    {
        let DeValue::Table(table) = self.value else { return self.mismatch("a table", reading) };
        Some(Keys { table: Some(table), span: self.span(), path: self.path, reading })
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

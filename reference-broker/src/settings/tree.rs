//! Settings as a tree of keys, from which the example, `--show` and the differences of two configurations are made.

use std::fmt;

use located::REDACTED;
use serde_json::Value as Json;

/// When a changed setting takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// As soon as the file is read again.
    Live,
    /// For connections that begin afterwards.
    New,
    /// When the broker starts again.
    Restart,
}

impl When {
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::Live => "a reload changes it at once",
            Self::New => "a reload changes it for new connections",
            Self::Restart => "a change needs a restart",
        }
    }
}

/// One key of a table.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) about: String,
    pub(super) when: When,
    pub(super) tree: Tree,
}

/// What stands behind a key.
#[derive(Debug)]
pub(super) enum Tree {
    Leaf(Leaf),
    Table(Vec<Field>),
    /// `[[key]]`, each with its label in differences, and what one more could look like.
    Tables(Vec<(String, Vec<Field>)>, Vec<Field>),
    /// Nothing; it could look like this.
    Unset(Box<Self>),
}

/// A text, number, truth or list of these.
#[derive(Clone, PartialEq)]
pub(super) struct Leaf {
    pub(super) value: Json,
    pub(super) secret: bool,
}

impl Tree {
    pub(super) fn leaf(value: impl Into<Json>) -> Self {
        Self::Leaf(Leaf { value: value.into(), secret: false })
    }
}

impl Leaf {
    /// As TOML writes it, secret or not.
    pub(super) fn revealed(&self) -> String {
        toml_text(&self.value)
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.secret { write!(f, "\"{REDACTED}\"") } else { f.write_str(&self.revealed()) }
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn toml_text(value: &Json) -> String {
    match value {
        Json::String(text) => toml::Value::String(text.clone()).to_string(),
        Json::Array(values) => format!("[{}]", values.iter().map(toml_text).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Settings as TOML: what is in effect, secrets redacted.
pub(super) fn show(fields: &[Field]) -> String {
    let mut writer = Writer { text: String::new(), documented: false };
    writer.table(fields, "", false);
    writer.text
}

/// Settings as TOML with everything explained; what is not set is there as a comment.
pub(super) fn explain(fields: &[Field]) -> String {
    let mut writer = Writer { text: String::new(), documented: true };
    writer.table(fields, "", false);
    writer.text
}

struct Writer {
    text: String,
    documented: bool,
}

impl Writer {
    /// Writes the keys of the table at `path`: values first, because they would belong to a table that stands before them.
    fn table(&mut self, fields: &[Field], path: &str, unset: bool) {
        for field in fields {
            match &field.tree {
                Tree::Leaf(leaf) => self.leaf(field, leaf, unset),
                Tree::Unset(inner) => match &**inner {
                    Tree::Leaf(leaf) if self.documented => self.leaf(field, leaf, true),
                    _ => {}
                },
                Tree::Table(_) | Tree::Tables(..) => {}
            }
        }
        for field in fields {
            let path = if path.is_empty() { field.key.to_owned() } else { format!("{path}.{}", field.key) };
            match &field.tree {
                Tree::Table(inner) => self.inner(field, inner, &format!("[{path}]"), &path, unset),
                Tree::Tables(entries, outline) => {
                    for (_, inner) in entries {
                        self.inner(field, inner, &format!("[[{path}]]"), &path, unset);
                    }
                    if entries.is_empty() && self.documented {
                        self.inner(field, outline, &format!("[[{path}]]"), &path, true);
                    }
                }
                Tree::Unset(inner) => match &**inner {
                    Tree::Table(inner) if self.documented => {
                        self.inner(field, inner, &format!("[{path}]"), &path, true);
                    }
                    _ => {}
                },
                Tree::Leaf(_) => {}
            }
        }
    }

    fn inner(&mut self, field: &Field, inner: &[Field], header: &str, path: &str, unset: bool) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.comment(&field.about);
        self.line(header, unset);
        self.table(inner, path, unset);
    }

    fn leaf(&mut self, field: &Field, leaf: &Leaf, unset: bool) {
        if self.documented {
            let about = format!("{} ({})", field.about, field.when.sentence());
            self.comment(&about);
        }
        let value = if self.documented { leaf.revealed() } else { leaf.to_string() };
        self.line(&format!("{} = {value}", field.key), unset);
    }

    /// Without a space behind the sign, so that it can be told from prose.
    fn line(&mut self, line: &str, unset: bool) {
        if unset {
            self.text.push('#');
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn comment(&mut self, prose: &str) {
        if !self.documented {
            return;
        }
        const WIDTH: usize = 118;
        let mut line = String::new();
        for word in prose.split_whitespace() {
            if !line.is_empty() && line.len() + word.len() >= WIDTH {
                self.text.push_str(&format!("#{line}\n"));
                line.clear();
            }
            line.push(' ');
            line.push_str(word);
        }
        self.text.push_str(&format!("#{line}\n"));
    }
}

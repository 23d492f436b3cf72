//! One text, from its parsing to what is said about it.

use std::{fmt, ops::Range};

use toml::{Spanned, de::DeTable};

use crate::{
    diagnostic::{Diagnostics, place},
    environment::Lookup,
    keys::Keys,
    node::Node,
    problem::{Problem, Problems},
};

/// A text, and what is collected while it is read.
pub struct Reading<'a> {
    text: &'a str,
    /// What the text is, with its article.
    pub(crate) what: &'a str,
    /// What shows every key.
    pub(crate) reference: Option<&'a str>,
    pub(crate) environment: Option<Lookup<'a>>,
    /// What is wrong so far.
    pub problems: Problems,
    secrets: Vec<Range<usize>>,
}

impl<'a> Reading<'a> {
    /// Of `text`. `what` it is, with its article, is said to whoever writes a key that it does not have: "a scenario".
    #[must_use]
    pub fn new(text: &'a str, what: &'a str) -> Self {
        Self { text, what, reference: None, environment: None, problems: Problems::default(), secrets: Vec::new() }
    }

    /// `reference`, such as "`paddock broker example`", shows the keys where they are too many to name.
    #[must_use]
    pub fn with_reference(self, reference: &'a str) -> Self {
        Self { reference: Some(reference), ..self }
    }

    /// Texts may name variables that `environment` knows: `${NAME}`, or `${NAME:-default}`; `$${` stands for `${` itself.
    /// Without this they are read as they stand.
    #[must_use]
    pub fn with_environment(self, environment: Lookup<'a>) -> Self {
        Self { environment: Some(environment), ..self }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Parses the text; absent when it is not TOML, which has been reported then.
    pub fn parse(&mut self) -> Option<Root<'a>> {
        let (root, errors) = DeTable::parse_recoverable(self.text);
        let sound = errors.is_empty();
        for error in errors {
            let message = format!("not TOML: {}", error.message());
            let span = error.span().unwrap_or(0..0);
            self.problems.push(Problem { span, path: String::new(), message, hint: None });
        }
        sound.then_some(Root(root))
    }

    /// Keeps the value out of whatever is said. A key whose name ends with `password`, `password_hash`, `secret` or `token`
    /// needs no such call.
    pub fn hide(&mut self, node: Node<'_>) {
        self.secrets.push(node.span());
    }

    /// What was read, if nothing was wrong. Whoever read nothing has reported why. `origin` names the text: a path, or what
    /// else it is called.
    ///
    /// # Errors
    ///
    /// Every error at once.
    pub fn finish<T>(self, origin: &str, value: Option<T>) -> Result<T, Diagnostics> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => {
                debug_assert!(!self.problems.is_empty(), "whoever reads nothing says why");
                Err(place(self.problems.sorted(), origin, self.text, &self.secrets))
            }
        }
    }
}

impl fmt::Debug for Reading<'_> {
    /// Without the text, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("what", &self.what).field("problems", &self.problems).finish_non_exhaustive()
    }
}

/// A text that is TOML.
#[derive(Debug)]
pub struct Root<'a>(Spanned<DeTable<'a>>);

impl Root<'_> {
    /// The keys of the document.
    pub fn keys<'k, 'r>(&'k self, reading: &'k mut Reading<'r>) -> Keys<'k, 'r> {
        Keys { table: Some(self.0.get_ref()), span: 0..0, path: "", reading }
    }

    /// Whether the document has this key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.0.get_ref().get(key).is_some()
    }
}

//! Errors in a scenario's text: where, what, and what to do.

use std::fmt;

/// A place in a text, counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where it begins.
    pub position: Position,
    /// The key, such as `devices.meter.qos`; empty for the whole document.
    pub path: String,
    /// What is wrong: a lowercase fragment.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Every error of one text, in the order of its lines; never empty. Displays as a compiler would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    origin: String,
    errors: Vec<Diagnostic>,
}

impl Diagnostics {
    /// The path or name of the text.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The errors.
    #[must_use]
    pub fn errors(&self) -> &[Diagnostic] {
        &self.errors
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!("lands with the document layer")
    }
}

impl std::error::Error for Diagnostics {}

//! Errors for people: where, what, and what to do. Values of secrets are never shown.

use std::{fmt, ops::Range};

use crate::{problem::Problem, secret};

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
    /// The key, such as `limits.queued_bytes` or `listeners[1].tls.key`; empty for the whole document.
    pub path: String,
    /// What is wrong: a lowercase fragment.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    excerpt: Excerpt,
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

/// Places `problems`, of which there are some, in `text`; what stands at `secrets` is not shown.
pub(crate) fn place(problems: Vec<Problem>, origin: &str, text: &str, secrets: &[Range<usize>]) -> Diagnostics {
    // Of a mask, every character takes one column, as in the text itself.
    let shown = secret::mask(text, secrets);
    let errors = problems.into_iter().map(|problem| problem.place(text, &shown)).collect();
    Diagnostics { origin: origin.to_owned(), errors }
}

impl Problem {
    fn place(self, text: &str, shown: &str) -> Diagnostic {
        let start = floor_char_boundary(text, self.span.start);
        let end = floor_char_boundary(text, self.span.end.max(start));
        let line = text[..start].matches('\n').count();
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let position = Position { line: line + 1, column: text[line_start..start].chars().count() + 1 };
        let width = text[start..end.min(line_end).max(start)].chars().count();
        let shown = shown.split('\n').nth(line).unwrap_or_default().trim_end_matches('\r');
        let excerpt = Excerpt::new(shown, position.column, width);
        Diagnostic { position, path: self.path, message: self.message, hint: self.hint, excerpt }
    }
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// The line with the part that is wrong, fit for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    line: String,
    /// Characters before the caret.
    indent: usize,
    /// Carets; at least 1.
    width: usize,
}

impl Excerpt {
    /// The most characters that are shown of a line: a topic may have 65,535.
    const WIDEST: usize = 120;

    fn new(line: &str, column: usize, width: usize) -> Self {
        let before = column - 1;
        let skip = before.saturating_sub(Self::WIDEST / 2);
        let visible = |c: char| if c.is_control() { ' ' } else { c };
        let mut shown: String = line.chars().skip(skip).take(Self::WIDEST).map(visible).collect();
        let mut indent = before - skip;
        let width = width.clamp(1, shown.chars().count().saturating_sub(indent).max(1));
        if skip > 0 {
            shown.insert_str(0, "... ");
            indent += 4;
        }
        if line.chars().count() > skip + Self::WIDEST {
            shown.push_str(" ...");
        }
        Self { line: shown, indent, width }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            let Position { line, column } = error.position;
            let margin = line.to_string().len();
            writeln!(f, "error: {}", error.message)?;
            writeln!(f, "{:margin$}--> {}:{line}:{column}", "", self.origin)?;
            writeln!(f, "{:margin$} |", "")?;
            writeln!(f, "{line} | {}", error.excerpt.line.trim_end())?;
            let Excerpt { indent, width, .. } = error.excerpt;
            writeln!(f, "{:margin$} | {:indent$}{:^<width$}", "", "", "")?;
            if !error.path.is_empty() {
                writeln!(f, "{:margin$} = key: {}", "", error.path)?;
            }
            if let Some(hint) = &error.hint {
                writeln!(f, "{:margin$} = help: {hint}", "")?;
            }
            writeln!(f)?;
        }
        match self.errors.len() {
            1 => write!(f, "1 error in {}", self.origin),
            count => write!(f, "{count} errors in {}", self.origin),
        }
    }
}

impl std::error::Error for Diagnostics {}

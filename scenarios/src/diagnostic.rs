//! Errors in a scenario's text: where, what, and what to do.

use std::{fmt, ops::Range};

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

/// An error before its place is known as line and column.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) span: Range<usize>,
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// Collects errors while a text is read.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether something has been said about the key `path` already, so that what follows from it need not be.
    pub(crate) fn mention(&self, path: &str) -> bool {
        self.0
            .iter()
            .any(|problem| problem.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('[')))
    }

    /// Places the errors in `text`; the caller knows that there are some.
    pub(crate) fn into_diagnostics(mut self, origin: &str, text: &str) -> Diagnostics {
        self.0.sort_by_key(|problem| (problem.span.start, problem.span.end));
        let errors = self.0.into_iter().map(|problem| problem.place(text)).collect();
        Diagnostics { origin: origin.to_owned(), errors }
    }
}

impl Problem {
    fn place(self, text: &str) -> Diagnostic {
        let start = floor_char_boundary(text, self.span.start);
        let end = floor_char_boundary(text, self.span.end.max(start));
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let position =
            Position { line: before.matches('\n').count() + 1, column: text[line_start..start].chars().count() + 1 };
        let line = text[line_start..line_end].trim_end_matches('\r');
        let width = text[start..end.min(line_end).max(start)].chars().count();
        let excerpt = Excerpt::new(line, position.column, width);
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
        let width = width.clamp(1, (shown.chars().count().saturating_sub(indent)).max(1));
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

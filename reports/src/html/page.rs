//! What all pages share: the shell with its style sheet and content security policy, the verdict's colours, escaping.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, Output, State, Value, context, escape_formatter};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The sheet of all pages, those of conformance runs included.
pub(crate) const STYLE: &str = concat!(include_str!("style.css"), include_str!("charts.css"));
const SHELL: &str = include_str!("shell.html.j2");
const PARTS: &str = include_str!("parts.html.j2");

/// The verdict as the top of a page shows it.
#[derive(Debug, Serialize)]
pub(super) struct Banner {
    /// `PASS`, `FAIL`, ...
    pub(super) word: String,
    /// `good`, `bad` or `unsure`, the colour.
    pub(super) tone: &'static str,
    /// A sign beside the word, for those who do not see colours.
    pub(super) glyph: &'static str,
    pub(super) sentence: String,
    pub(super) reasons: Vec<String>,
}

/// One large number under the verdict.
#[derive(Debug, Serialize)]
pub(super) struct KeyFigure {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) unit: String,
    pub(super) note: String,
    /// `bad`, `unsure` or nothing.
    pub(super) tone: &'static str,
}

/// A page of its own template, in the shell.
///
/// # Errors
/// When an embedded template is broken, which the tests rule out.
pub(super) fn render(name: &str, template: &str, values: Value) -> Result<String, Error> {
    let mut environment = Environment::new();
    // Everything is escaped unless marked safe, whatever the template is called.
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_formatter(disarmed);
    environment.add_template("shell.html", SHELL)?;
    environment.add_template("parts.html", PARTS)?;
    environment.add_template(name, template)?;
    environment.get_template(name)?.render(context! {
        style => Value::from_safe_string(STYLE.to_owned()),
        style_hash => STANDARD.encode(Sha256::digest(STYLE.as_bytes())),
        ..values
    })
}

/// Writes a value, its text disarmed first.
fn disarmed(out: &mut Output<'_>, state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if value.kind() == ValueKind::String && !value.is_safe() && !text.chars().all(|c| plain(c) == c) => {
            escape_formatter(out, state, &Value::from(text.chars().map(plain).collect::<String>()))
        }
        _ => escape_formatter(out, state, value),
    }
}

/// The letter, or a sign that one was there: control characters mean nothing on a page, and marks that turn the direction
/// of writing would let a topic rearrange the words around it.
pub(super) fn plain(letter: char) -> char {
    let turns =
        matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if turns || letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter }
}

/// The colour of a verdict's word.
pub(super) fn tone(word: &str) -> &'static str {
    match word {
        "PASS" => "good",
        "FAIL" | "ERROR" | "REGRESSED" => "bad",
        _ => "unsure",
    }
}

/// A sign beside a verdict's word.
pub(super) fn glyph(word: &str) -> &'static str {
    match word {
        "PASS" => "✓",
        "FAIL" | "ERROR" | "REGRESSED" => "✕",
        "INTERRUPTED" => "‖",
        "RUNNING" => "▸",
        _ => "?",
    }
}

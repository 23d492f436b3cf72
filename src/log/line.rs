//! One event, one line, whatever is in it.
//!
//! Client Identifiers, user names and topics are a stranger's text. Here, for every field of every event, what could
//! forge a line, move a terminal's cursor or reorder what is read becomes an escape, and what is long is cut.

use std::{
    fmt::{self, Write},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use jiff::Timestamp;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// How many characters of one value are shown.
const LONGEST: usize = 256;

/// Whether lines are JSON.
pub(super) static FORMAT: AtomicBool = AtomicBool::new(false);

/// The format of every line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields { json: FORMAT.load(Relaxed), message: String::new(), rest: String::new() };
        event.record(&mut fields);
        let metadata = event.metadata();
        writer.write_str(&fields.line(*metadata.level(), metadata.target()))
    }
}

/// A line that no event made.
pub(super) fn notice(message: &str, key: &'static str, value: u64) -> String {
    let mut fields = Fields { json: FORMAT.load(Relaxed), message: String::new(), rest: String::new() };
    fields.put_text("message", message);
    fields.put_plain(key, value);
    fields.line(Level::WARN, module_path!())
}

/// The fields of one event as they are written.
struct Fields {
    json: bool,
    message: String,
    rest: String,
}

impl Fields {
    fn line(self, level: Level, target: &str) -> String {
        let Self { json, message, rest } = self;
        let time = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        if json {
            let message = if message.is_empty() { "\"\"" } else { &message };
            return format!(
                "{{\"time\":\"{time}\",\"level\":\"{level}\",\"target\":\"{target}\",\"message\":{message}{rest}}}\n"
            );
        }
        // Where in the program it comes from matters to whoever looks this deep.
        if level >= Level::DEBUG {
            return format!("{time} {level:>5} {target}: {message}{rest}\n");
        }
        format!("{time} {level:>5} {message}{rest}\n")
    }

    /// A number or a truth value.
    fn put_plain(&mut self, key: &str, value: impl fmt::Display) {
        let _infallible =
            if self.json { write!(self.rest, ",\"{key}\":{value}") } else { write!(self.rest, " {key}={value}") };
    }

    fn put_text(&mut self, key: &str, value: &str) {
        let shown = Shown(value);
        let _infallible = match (key, self.json) {
            ("message", true) => write!(self.message, "{}", Json(shown)),
            ("message", false) => write!(self.message, "{}", Text(shown)),
            (_, true) => write!(self.rest, ",\"{key}\":{}", Json(shown)),
            // Quoted unless it is one word.
            (_, false) if shown.is_word() => write!(self.rest, " {key}={}", Text(shown)),
            (_, false) => write!(self.rest, " {key}=\"{}\"", Text(shown)),
        };
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put_text(field.name(), &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put_plain(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put_plain(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put_plain(field.name(), value);
    }
}

/// Whether a character must not reach a terminal, a log or its reader as it is: controls, line separators, marks that
/// reorder, join or hide text, and whatever is not assigned.
fn is_hazard(c: char) -> bool {
    // The standard library knows which characters can be shown; of those it escapes only these three.
    !matches!(c, '"' | '\'' | '\\') && c.escape_debug().len() > 1
}

/// The part of a value that is shown.
#[derive(Clone, Copy)]
struct Shown<'a>(&'a str);

impl<'a> Shown<'a> {
    /// Whether it needs no quotes.
    fn is_word(self) -> bool {
        let (shown, left_out) = self.parts();
        let harmless = |c| !is_hazard(c) && !matches!(c, ' ' | '"' | '\\' | '=');
        !shown.is_empty() && left_out == 0 && shown.chars().all(harmless)
    }

    /// The part, and how many bytes of the value it leaves out.
    fn parts(self) -> (&'a str, usize) {
        let cut = self.0.char_indices().nth(LONGEST).map_or(self.0.len(), |(at, _)| at);
        (&self.0[..cut], self.0.len() - cut)
    }
}

/// As text, without the quotes around it.
struct Text<'a>(Shown<'a>);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, left_out) = self.0.parts();
        for c in shown.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if is_hazard(c) => write!(f, "{}", c.escape_debug())?,
                c => f.write_char(c)?,
            }
        }
        if left_out > 0 { write!(f, "... and {left_out} bytes") } else { Ok(()) }
    }
}

/// As a JSON string. Nothing is lost: a reader gets back what the client sent.
struct Json<'a>(Shown<'a>);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, left_out) = self.0.parts();
        f.write_char('"')?;
        for c in shown.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if is_hazard(c) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(f, "\\u{unit:04x}")?;
                    }
                }
                c => f.write_char(c)?,
            }
        }
        if left_out > 0 {
            write!(f, "... and {left_out} bytes")?;
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::{layer::SubscriberExt, registry};

    use super::{super::writer::Lines, *};

    /// What a client may call itself to make trouble, and what of that must never be seen.
    const TROUBLE: [&str; 9] = [
        "a\n2026-01-01T00:00:00Z INFO connected client=forged",
        "a\r\nb",
        "\u{1b}[2J\u{1b}]0;owned\u{7}",
        "\u{9b}2J",
        "user\u{202e}nimda\u{2066}",
        "zero\u{200b}width\u{feff}",
        "two\u{2028}lines\u{2029}",
        "quote\" user=\"admin",
        "back\\slash",
    ];

    fn logged(json: bool, work: impl FnOnce()) -> Vec<String> {
        // One test at a time may say how lines look.
        static FORMATS: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _mine = FORMATS.lock();
        FORMAT.store(json, Relaxed);
        let (lines, received) = Lines::caught();
        let layer = tracing_subscriber::fmt::layer().event_format(Line).with_ansi(false).with_writer(lines);
        tracing::subscriber::with_default(registry().with(layer), work);
        let text: Vec<u8> = received.try_iter().flatten().collect();
        String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_line_of_text_is_one_line_of_characters_that_can_be_shown() {
        for trouble in TROUBLE {
            let lines =
                logged(false, || tracing::info!(client = trouble, user = %trouble, topic = ?trouble, "connected"));
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(!lines[0].chars().any(is_hazard), "{lines:?}");
            assert!(lines[0].contains(" INFO connected client=\""), "{lines:?}");
            assert!(!lines[0].contains(" user=\"admin"), "{lines:?}");
        }
        let line = logged(false, || tracing::info!(client = "a\u{1b}[2J\n", n = 7, ok = true, "connected")).remove(0);
        assert!(line.ends_with(r#" INFO connected client="a\u{1b}[2J\n" n=7 ok=true"#), "{line}");
        let line =
            logged(false, || tracing::warn!(client = "meter-7", user = None::<&str>, "a message of words")).remove(0);
        assert!(line.ends_with(" WARN a message of words client=meter-7"), "{line}");
    }

    #[test]
    fn a_line_of_json_gives_back_what_was_sent() {
        for trouble in TROUBLE {
            let lines = logged(true, || tracing::info!(client = trouble, n = 7, ok = true, "connected {trouble}"));
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(!lines[0].chars().any(is_hazard), "{lines:?}");
            let value: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
            assert_eq!((&value["client"], &value["level"]), (&trouble.into(), &"INFO".into()));
            assert_eq!(value["message"], format!("connected {trouble}"));
            assert_eq!((&value["n"], &value["ok"]), (&7.into(), &true.into()));
        }
        let notice = logged(true, || ());
        assert!(notice.is_empty());
    }

    #[test]
    fn a_long_value_is_cut_and_says_by_how_much() {
        let long = "é".repeat(60_000);
        for json in [false, true] {
            let lines = logged(json, || tracing::info!(client = long, "connected"));
            assert!(lines[0].len() < 1_000, "{}", lines[0].len());
            assert!(lines[0].contains("é... and 119488 bytes\""), "{}", lines[0]);
        }
    }
}

//! Rust sources, as far as the check needs them: comments, texts, and the functions that they stand in.

use std::ops::Range;

/// One source file.
pub(crate) struct Source {
    text: String,
    /// `text` with comments and texts blanked out, byte for byte.
    code: String,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) functions: Vec<Function>,
    /// Modules under `#[cfg(test)]` that stand in the file.
    test_modules: Vec<Range<usize>>,
}

/// A comment (lines that follow each other are one) or a text.
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    pub(crate) range: Range<usize>,
    /// Without marks, in one line.
    pub(crate) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `//`
    Comment,
    /// `///`
    Doc,
    /// `//!`
    ModuleDoc,
    /// A string literal.
    Text,
}

/// A function with the comments and attributes above it.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) is_test: bool,
    pub(crate) range: Range<usize>,
}

impl Source {
    pub(crate) fn read(text: String) -> Self {
        let (pieces, code) = cut(&text);
        let functions = functions(&text, &code);
        let test_modules = test_modules(&code);
        Self { text, code, pieces, functions, test_modules }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn line(&self, at: usize) -> usize {
        self.text[..at].lines().count().max(1)
    }

    /// The code between the last opening parenthesis and `at`.
    pub(crate) fn call_before(&self, at: usize) -> &str {
        let before = &self.code[..at];
        &before[before.rfind('(').unwrap_or(0)..]
    }

    /// Whether only tests see the place.
    pub(crate) fn is_test(&self, at: usize) -> bool {
        self.test_modules.iter().any(|module| module.contains(&at))
            || self.functions.iter().any(|function| function.is_test && function.range.contains(&at))
    }

    /// Whether the documentation belongs to a function.
    pub(crate) fn documents_function(&self, piece: &Piece) -> bool {
        let next = self.code[piece.range.end..]
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with("#[") && !line.starts_with(")]"));
        next.is_some_and(|line| line.starts_with("fn ") || line.contains(" fn "))
    }
}

/// The pieces of `text`, and the code between them.
fn cut(text: &str) -> (Vec<Piece>, String) {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut code: Vec<u8> = text.bytes().map(|byte| if byte.is_ascii() { byte } else { b' ' }).collect();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text.as_bytes()[at..];
        let (kind, end) = if rest.starts_with(b"//") {
            (Some(comment_kind(rest)), at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()))
        } else if rest.starts_with(b"/*") {
            (None, text[at..].find("*/").map_or(bytes.len(), |length| at + length + 2))
        } else if let Some(hashes) = raw_text(&code, bytes, at) {
            let close = format!("\"{}", "#".repeat(hashes));
            let open = at + hashes + 2;
            (Some(Kind::Text), text[open..].find(&close).map_or(bytes.len(), |length| open + length + close.len()))
        } else if bytes[at] == b'"' {
            (Some(Kind::Text), end_of_text(bytes, at))
        } else if bytes[at] == b'\'' {
            (None, end_of_character(text, at))
        } else {
            at += 1;
            continue;
        };
        blank(&mut code[at..end]);
        if let Some(kind) = kind {
            add(&mut pieces, kind, at..end, text);
        }
        at = end.max(at + 1);
    }
    (pieces, String::from_utf8(code).unwrap())
}

fn comment_kind(rest: &[u8]) -> Kind {
    match rest.get(2) {
        Some(b'!') => Kind::ModuleDoc,
        Some(b'/') if rest.get(3) != Some(&b'/') => Kind::Doc,
        _ => Kind::Comment,
    }
}

/// How many `#` open a raw text at `at`.
fn raw_text(code: &[u8], bytes: &[u8], at: usize) -> Option<usize> {
    if bytes[at] != b'r'
        || (at > 0 && (code[at - 1].is_ascii_alphanumeric() && code[at - 1] != b'b' || code[at - 1] == b'_'))
    {
        return None;
    }
    let hashes = bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count();
    (bytes.get(at + 1 + hashes) == Some(&b'"')).then_some(hashes)
}

fn end_of_text(bytes: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Behind a character, or behind the mark of a lifetime.
fn end_of_character(text: &str, open: usize) -> usize {
    let mut rest = text[open + 1..].char_indices();
    match rest.next() {
        Some((_, '\\')) => text[open + 3..].find('\'').map_or(text.len(), |length| open + 3 + length + 1),
        Some(_) => match rest.next() {
            Some((at, '\'')) => open + 1 + at + 1,
            _ => open + 1,
        },
        None => text.len(),
    }
}

fn blank(code: &mut [u8]) {
    code.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

/// Adds a piece; a comment goes on with the one on the line above.
fn add(pieces: &mut Vec<Piece>, kind: Kind, range: Range<usize>, text: &str) {
    let inner = match kind {
        Kind::Text => text[range.clone()].trim_start_matches(['r', '#']).trim_matches(['"', '#']).replace("\\\n", ""),
        Kind::Comment => text[range.start + 2..range.end].to_owned(),
        Kind::Doc | Kind::ModuleDoc => text[range.start + 3..range.end].to_owned(),
    };
    let inner = inner.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(last) = pieces.last_mut()
        && last.kind == kind
        && kind != Kind::Text
        && text[last.range.end..range.start].trim().is_empty()
        && text[last.range.end..range.start].matches('\n').count() == 1
    {
        last.text.push(' ');
        last.text.push_str(&inner);
        last.range.end = range.end;
        return;
    }
    pieces.push(Piece { kind, range, text: inner });
}

fn functions(text: &str, code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|before| before.is_alphanumeric() || before == '_') {
            continue;
        }
        let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let Some(body) = body(code, at).filter(|_| !name.is_empty()) else { continue };
        let (start, is_test) = head(text, at);
        found.push(Function { name, is_test, range: start..body.end });
    }
    found
}

/// From its first brace to its last.
fn body(code: &str, from: usize) -> Option<Range<usize>> {
    let mut depth = 0_i32;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b';' if depth == 0 => return None,
            b'{' if depth == 0 => return Some(at..closing(code, at)),
            _ => {}
        }
    }
    None
}

/// Behind the brace that closes the one at `open`.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_i32;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        depth += i32::from(byte == b'{') - i32::from(byte == b'}');
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// Where the comments and attributes above the line at `at` begin, and whether one makes it a test.
fn head(text: &str, at: usize) -> (usize, bool) {
    let mut start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let mut is_test = false;
    while start > 0 {
        let above = text[..start - 1].rfind('\n').map_or(0, |end| end + 1);
        let line = text[above..start].trim();
        if !line.starts_with("#[") && !line.starts_with("//") {
            break;
        }
        is_test |= line == "#[test]" || line.starts_with("#[tokio::test") || line.starts_with("#[test_case");
        start = above;
    }
    (start, is_test)
}

fn test_modules(code: &str) -> Vec<Range<usize>> {
    let in_file = |(at, mark): (usize, &str)| {
        let behind = code[at + mark.len()..].trim_start();
        (behind.starts_with("mod ") || behind.starts_with("impl ")).then_some(())?;
        body(code, at + mark.len()).map(|body| at..body.end)
    };
    code.match_indices("#[cfg(test)]").filter_map(in_file).collect()
}

//! How comments and tests name a statement. The two standards share ids, so the version is part of the name:
//!
//! ```text
//!   MQTT-3.1.4-3                                  5.0
//!   MQTT-3.1.4-2 in 3.1.1                         3.1.1
//!   MQTT-3.1.0-2 in both                          both, where both standards have the id
//!   MQTT-3.3.1-9, MQTT-3.3.1-10 and -11           a list: `, `, ` and `; a bare number repeats the section
//!   MQTT-4.6.0-1 to -4                            1, 2, 3 and 4
//!   MQTT-3.1.4-3 (MQTT-3.1.4-2 in 3.1.1)          a mark is for the list right before it: here 5.0, then 3.1.1
//! ```
//!
//! Anything else that tries to tell the version is refused, so that no id is read as the wrong one.

use crate::table::{Id, Table, Version};

/// The statements that `text` names, in order.
pub(crate) fn read(text: &str, table: &Table) -> Result<Vec<Id>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = next_id(rest) {
        let before = &rest[..at];
        if let Some(mark) =
            ["3.1.1", "3.1.1:", "5.0", "5.0:", "both:"].iter().find(|mark| before.trim_end().ends_with(*mark))
        {
            // The mark of the list before may stand there.
            let marked = format!("in {}", mark.trim_end_matches(':'));
            if mark.ends_with(':') || !before.trim_end().ends_with(&marked) {
                return Err(format!("the version stands before the id, not behind it: {text}"));
            }
        }
        let mut scan = Scan { rest: &rest[at..] };
        let numbers = scan.list().ok_or_else(|| format!("no id: {text}"))?;
        for version in scan.mark().ok_or_else(|| format!("a mark that cannot be read: {text}"))? {
            for number in &numbers {
                let id = Id { version: *version, number: number.clone() };
                if !table.contains_key(&id) {
                    return Err(format!("{id} does not exist: {text}"));
                }
                found.push(id);
            }
        }
        rest = scan.rest;
    }
    Ok(found)
}

fn next_id(text: &str) -> Option<usize> {
    let starts = |at: &usize| text[at + 5..].starts_with(|next: char| next.is_ascii_digit());
    text.match_indices("MQTT-").map(|(at, _)| at).find(starts)
}

struct Scan<'a> {
    rest: &'a str,
}

impl Scan<'_> {
    fn eat(&mut self, prefix: &str) -> bool {
        self.rest.strip_prefix(prefix).map(|rest| self.rest = rest).is_some()
    }

    /// Digits with dots between them.
    fn section(&mut self) -> Option<String> {
        let length = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.rest.len());
        let (section, rest) = self.rest.split_at(length);
        self.rest = rest;
        section.split('.').all(|part| !part.is_empty()).then(|| section.to_owned())
    }

    fn number(&mut self) -> Option<u32> {
        let length = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        digits.parse().ok()
    }

    /// The ids of one list, at the front.
    fn list(&mut self) -> Option<Vec<String>> {
        let mut found = Vec::new();
        let mut section = String::new();
        loop {
            if self.eat("MQTT-") {
                section = self.section()?;
            }
            if !self.eat("-") {
                return None;
            }
            let last = self.number()?;
            found.push(format!("{section}-{last}"));
            if self.goes_on(" to -") && self.eat(" to -") {
                let end = self.number()?;
                found.extend((last + 1..=end).map(|number| format!("{section}-{number}")));
            }
            if ![", and ", ", ", " and "].iter().any(|separator| self.eat_before_id(separator)) {
                return Some(found);
            }
        }
    }

    fn goes_on(&self, prefix: &str) -> bool {
        self.rest.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// Eats `separator` if an id or its number follows.
    fn eat_before_id(&mut self, separator: &str) -> bool {
        (self.goes_on(&format!("{separator}MQTT-")) || self.goes_on(&format!("{separator}-"))) && self.eat(separator)
    }

    /// The versions that the mark behind a list tells; `None` when it cannot be read.
    fn mark(&mut self) -> Option<&'static [Version]> {
        for (mark, versions) in [
            (" in 3.1.1", &[Version::V311][..]),
            (" in both", &[Version::V311, Version::V5]),
            (" in 5.0", &[Version::V5]),
        ] {
            if self.eat(mark) {
                return (!self.rest.starts_with(|c: char| c.is_ascii_alphanumeric())).then_some(versions);
            }
        }
        let behind = self.rest.trim_start_matches([' ', ',', ';', '/']);
        let other = ["in 3", "in 4", "in 5", "of 3", "of 5", "of both", "(3.1.1", "(5.0", "(both", "there", "MQTT-"];
        let unreadable = other.iter().any(|other| behind.starts_with(other));
        let joined = self.rest.starts_with(" / ");
        let fine = !joined && (!unreadable || (behind.starts_with("MQTT-") && self.rest.starts_with("; ")));
        fine.then_some(&[Version::V5])
    }
}

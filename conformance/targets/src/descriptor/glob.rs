//! Patterns of case ids.

use std::{fmt, str::FromStr};

/// A pattern of case ids, such as `publish.qos_3_*`: `*` stands for any characters, `?` for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// Whether `id` has this pattern.
    #[must_use]
    pub fn matches(&self, id: &str) -> bool {
        let (pattern, text) = (self.0.as_bytes(), id.as_bytes());
        let (mut at, mut read) = (0, 0);
        // Where the latest `*` stands, and what it has swallowed up to.
        let mut star = None;
        while read < text.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    star = Some((at, read));
                    at += 1;
                }
                Some(&byte) if byte == b'?' || byte == text[read] => {
                    at += 1;
                    read += 1;
                }
                _ => match star {
                    Some((from, swallowed)) => {
                        (at, read) = (from + 1, swallowed + 1);
                        star = Some((from, read));
                    }
                    None => return false,
                },
            }
        }
        pattern[at..].iter().all(|&byte| byte == b'*')
    }
}

impl FromStr for Glob {
    type Err = located::Wrong;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-*?".contains(c);
        if !text.is_empty() && text.chars().all(fits) {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("`{}` is not a pattern of case ids", text.escape_debug());
        Err(located::Wrong::new(message, "write an id such as `publish.qos_3_is_malformed`, or `publish.*`"))
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, id: &str) -> bool {
        pattern.parse::<Glob>().unwrap().matches(id)
    }

    #[test]
    fn stars_stand_for_any_characters() {
        for pattern in ["*", "publish.*", "*.qos_3", "*qos*", "publish.qos_3", "p*h.*_?", "publish.qos_3*", "**"] {
            assert!(matches(pattern, "publish.qos_3"), "{pattern}");
        }
        for pattern in ["publish", "publish.", "qos*", "*.qos", "publish.qos_3?", "publish.qos_33", "?"] {
            assert!(!matches(pattern, "publish.qos_3"), "{pattern}");
        }
        assert!(matches("*", "") && !matches("?", ""));
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199)));
        assert!(matches(&"*a".repeat(200), &"ab".repeat(199).replace("ab", "ba").repeat(2)));
    }

    #[test]
    fn what_no_id_can_be_is_refused() {
        for text in ["", "Publish", "a b", "[ab]", "a/b"] {
            assert!(text.parse::<Glob>().is_err(), "{text}");
        }
    }
}

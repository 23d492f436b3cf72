//! `${NAME}` and `${NAME:-default}` in texts.

use std::{borrow::Cow, env, ops::Range};

/// Looks a variable up: `None` when it is not set.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The environment of this process. A variable that is not UTF-8 counts as not set.
#[must_use]
pub fn of_process(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// Why a text cannot be completed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unresolved {
    /// Where in the text.
    pub(crate) at: Range<usize>,
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// Whether something in `text` has to be replaced.
pub(crate) fn is_used(text: &str) -> bool {
    text.contains("${")
}

/// Replaces what is asked for. `$${` stands for `${` itself; what a variable holds is not looked at again.
pub(crate) fn substitute<'a>(text: &'a str, lookup: Lookup<'_>) -> Result<Cow<'a, str>, Unresolved> {
    if !is_used(text) {
        return Ok(Cow::Borrowed(text));
    }
    let mut whole = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = text[at..].find("${") {
        let start = at + found;
        if let Some(before) = text[at..start].strip_suffix('$') {
            whole.push_str(before);
            whole.push_str("${");
            at = start + 2;
            continue;
        }
        whole.push_str(&text[at..start]);
        let Some(length) = text[start..].find('}') else {
            return Err(Unresolved {
                at: start..text.len(),
                message: "a `${` has no `}`".to_owned(),
                hint: "close it, or write `$${` for the characters themselves".to_owned(),
            });
        };
        let inner = &text[start + 2..start + length];
        let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
        let span = start..start + length + 1;
        if !is_name(name) {
            return Err(Unresolved {
                at: span,
                message: format!("`{}` is not the name of an environment variable", name.escape_debug()),
                hint: "names have letters, digits and `_`, and begin with no digit; write `$${` for the characters \
                       themselves"
                    .to_owned(),
            });
        }
        // As in a shell, `:-` counts for an empty variable too.
        match (lookup(name), default) {
            (Some(value), _) if !value.is_empty() => whole.push_str(&value),
            (_, Some(default)) => whole.push_str(default),
            (Some(_), None) => {}
            (None, None) => {
                return Err(Unresolved {
                    at: span,
                    message: format!("the environment variable `{name}` is not set"),
                    hint: format!("set it, or give a default: `${{{name}:-...}}`"),
                });
            }
        }
        at = start + length + 1;
    }
    whole.push_str(&text[at..]);
    Ok(Cow::Owned(whole))
}

fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && name.starts_with(|c: char| !c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("barn".to_owned()),
            "EMPTY" => Some(String::new()),
            "SLY" => Some("${HOST}".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn variables_and_defaults_are_put_in() {
        for (text, expected) in [
            ("plain $1 {x}", "plain $1 {x}"),
            ("a-${HOST}-b", "a-barn-b"),
            ("${HOST}${HOST}", "barnbarn"),
            ("${NONE:-x:-y}", "x:-y"),
            ("${NONE:-}", ""),
            ("${EMPTY}", ""),
            ("${EMPTY:-d}", "d"),
            ("${HOST:-d}", "barn"),
            ("$${HOST}", "${HOST}"),
            ("${SLY}", "${HOST}"),
        ] {
            assert_eq!(substitute(text, &lookup).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_put_in_says_where_and_why() {
        for (text, at, message) in [
            ("é ${NONE}", 3..10, "the environment variable `NONE` is not set"),
            ("${HOST", 0..6, "a `${` has no `}`"),
            ("${1x}", 0..5, "`1x` is not the name"),
            ("${}", 0..3, "`` is not the name"),
        ] {
            let error = substitute(text, &lookup).unwrap_err();
            assert_eq!(error.at, at, "{text}");
            assert!(error.message.starts_with(message), "{}", error.message);
        }
    }
}

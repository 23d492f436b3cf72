//! Keeping secrets out of whatever people may read.

use std::ops::Range;

/// What stands in place of a secret.
pub const REDACTED: &str = "(secret)";

/// What the names of keys with secrets end with. All of them must, so that a text that is not even TOML can be shown.
const KEYS: [&str; 4] = ["password", "password_hash", "secret", "token"];

/// `text` with a `*` for each character of `secrets`, and of what stands behind the name of a key that holds one.
pub(crate) fn mask(text: &str, secrets: &[Range<usize>]) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    let mut in_secret = false;
    for line in text.split_inclusive('\n') {
        // A secret may take several lines: each without a key of its own belongs to the key before it.
        let hidden_from = match behind_secret_key(line) {
            Some(from) => Some(from),
            None if line.contains('=') || line.trim_start().starts_with('[') => None,
            None => in_secret.then_some(0),
        };
        in_secret = hidden_from.is_some();
        for (offset, c) in line.char_indices() {
            let place = at + offset;
            let hidden =
                hidden_from.is_some_and(|from| offset >= from) || secrets.iter().any(|span| span.contains(&place));
            masked.push(if hidden && !c.is_whitespace() { '*' } else { c });
        }
        at += line.len();
    }
    masked
}

/// Where, in one line, the value of the first key with a secret begins.
fn behind_secret_key(line: &str) -> Option<usize> {
    let signs = line.match_indices('=').map(|(at, _)| at);
    signs.into_iter().find_map(|at| {
        let name = line[..at].trim_end().trim_end_matches(['"', '\'']);
        KEYS.iter().any(|key| name.ends_with(key)).then_some(at + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_secret_key_is_masked_even_in_a_text_that_is_not_toml() {
        assert_eq!(mask("password_hash = \"x y\n[next]\nname = 1", &[]), "password_hash = ** *\n[next]\nname = 1");
        assert_eq!(mask("{ name = 1, \"token\" = 2 }", &[]), "{ name = 1, \"token\" = * *");
        assert_eq!(mask("password = '''\nhunter\n'''\nname = 1", &[]), "password = ***\n******\n***\nname = 1");
    }

    #[test]
    fn spans_are_masked_wherever_they_are() {
        assert_eq!(mask("a = \"bc\"; d", &[5..7, 10..11]), "a = \"**\"; *");
    }
}

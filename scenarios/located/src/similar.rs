//! Did you mean ...?

use crate::Wrong;

/// The candidate that `word` most likely stands for, when one is near. Capitals do not count, and `-` is `_`.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = folded(word);
    let score = |candidate: &'a str| {
        let known = folded(candidate);
        let distance = edits(&word, &known);
        (distance * 3 <= word.len() || is_prefix(&word, &known)).then_some((distance, candidate))
    };
    candidates.into_iter().filter_map(score).min_by_key(|&(distance, _)| distance).map(|(_, candidate)| candidate)
}

/// About `text`, which is none of `words`; `expected` is what it should be, such as "a level of the log".
#[must_use]
pub fn not_a_word(text: &str, expected: &str, words: &[&str]) -> Wrong {
    let hint = match did_you_mean(text, words.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("one of {}", words.join(", ")),
    };
    Wrong::new(format!("`{}` is not {expected}", text.escape_debug()), hint)
}

/// Letters that are told apart; more than 64 are no key.
fn folded(word: &str) -> Vec<char> {
    word.chars().take(64).flat_map(char::to_lowercase).map(|c| if c == '-' { '_' } else { c }).collect()
}

/// Whether one begins with the other, by three letters at least.
fn is_prefix(word: &[char], known: &[char]) -> bool {
    word.len().min(known.len()) >= 3 && (known.starts_with(word) || word.starts_with(known))
}

/// How many letters have to be put in, taken out, replaced, or swapped with their neighbour.
fn edits(from: &[char], to: &[char]) -> usize {
    // Row `i` holds the distances from the first `i` letters of `from`; two rows back serve the swap.
    let mut older: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut best = (above[j] + usize::from(a != b)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                best = best.min(older[j - 1] + 1);
            }
            row.push(best);
        }
        older = std::mem::replace(&mut above, row);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let keys = ["qos", "count", "client_id", "session_expiry", "queued_bytes", "listeners", "limits"];
        assert_eq!(did_you_mean("qso", keys), Some("qos"));
        assert_eq!(did_you_mean("client-id", keys), Some("client_id"));
        assert_eq!(did_you_mean("expiry", keys), None);
        assert_eq!(did_you_mean("Session", keys), Some("session_expiry"));
        assert_eq!(did_you_mean("Queued-Bytes", keys), Some("queued_bytes"));
        assert_eq!(did_you_mean("limtis", keys), Some("limits"));
        assert_eq!(did_you_mean("counter", keys), Some("count"));
        assert_eq!(did_you_mean("", keys), None);
        assert_eq!(did_you_mean("4", ["5"]), None);
        assert_eq!(did_you_mean(&"x".repeat(70_000), keys), None);
    }
}

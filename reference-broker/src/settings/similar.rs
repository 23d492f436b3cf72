//! Did you mean ...?

/// The one of `words` that `typed` most likely stands for, when one is near.
pub(super) fn did_you_mean<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = folded(typed);
    let score = |word: &'a str| {
        let known = folded(word);
        let begins = typed.len() >= 3 && known.starts_with(&typed);
        let distance = edits(&typed, &known);
        (begins || distance * 3 <= typed.len()).then_some((distance, word))
    };
    words.into_iter().filter_map(score).min_by_key(|&(distance, _)| distance).map(|(_, word)| word)
}

/// Letters that are told apart; more than 64 are no key.
fn folded(word: &str) -> Vec<char> {
    word.to_lowercase().chars().map(|c| if c == '-' { '_' } else { c }).take(64).collect()
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
    use super::did_you_mean;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let keys = ["listeners", "limits", "queued_bytes", "anonymous"];
        assert_eq!(did_you_mean("listner", keys), Some("listeners"));
        assert_eq!(did_you_mean("limtis", keys), Some("limits"));
        assert_eq!(did_you_mean("Queued-Bytes", keys), Some("queued_bytes"));
        assert_eq!(did_you_mean("anon", keys), Some("anonymous"));
        assert_eq!(did_you_mean("users", keys), None);
        assert_eq!(did_you_mean("", keys), None);
    }
}

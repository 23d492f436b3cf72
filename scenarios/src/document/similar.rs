//! Did you mean ...?

/// The candidate that `word` most likely stands for, when one is near.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = word.chars().count() / 3;
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= near || is_prefix(word, candidate))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

fn is_prefix(word: &str, candidate: &str) -> bool {
    word.len() >= 3 && (candidate.starts_with(word) || word.starts_with(candidate) && candidate.len() >= 3)
}

/// How many insertions, deletions, replacements and swaps of neighbours lie between two words. Words beyond 64 characters
/// are cut: keys are shorter.
fn distance(left: &str, right: &str) -> usize {
    let fold = |word: &str| word.to_lowercase().replace('-', "_").chars().take(64).collect::<Vec<_>>();
    let (left, right) = (fold(left), fold(right));
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(a != b);
            let mut best = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let keys = ["qos", "count", "client_id", "session_expiry"];
        assert_eq!(did_you_mean("qso", keys), Some("qos"));
        assert_eq!(did_you_mean("client-id", keys), Some("client_id"));
        assert_eq!(did_you_mean("expiry", keys), None);
        assert_eq!(did_you_mean("session", keys), Some("session_expiry"));
        assert_eq!(did_you_mean("", keys), None);
        assert_eq!(did_you_mean("4", ["5"]), None);
    }
}

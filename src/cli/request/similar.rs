//! Which of the known words somebody may have meant: Python's `difflib.get_close_matches`.

use crate::model::order;

/// Returns up to three of `choices` that are at least four fifths like `word`, the closest first.
pub(crate) fn closest<'a>(word: &str, choices: &[&'a str]) -> Vec<&'a str> {
    let word: Vec<char> = word.chars().collect();
    // Nobody mistypes a word this long, and comparing costs its square.
    if word.len() > LONGEST {
        return Vec::new();
    }
    let mut close: Vec<(f64, &str)> = choices
        .iter()
        .map(|&choice| (likeness(&choice.chars().collect::<Vec<_>>(), &word), choice))
        .filter(|(likeness, _)| *likeness >= CUTOFF)
        .collect();
    order::sort_by(&mut close, |a, b| b.0.total_cmp(&a.0).then_with(|| b.1.cmp(a.1)));
    close.into_iter().take(MOST).map(|(_, choice)| choice).collect()
}

/// Twice the letters in matching blocks, over all letters (Ratcliff and Obershelp).
fn likeness(a: &[char], b: &[char]) -> f64 {
    let all = a.len() + b.len();
    if all == 0 {
        return 1.0;
    }
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    2.0 * count(matching(a, b)) / count(all)
}

/// Counts the letters of the longest common block and of what matches on either side of it.
fn matching(a: &[char], b: &[char]) -> usize {
    let mut best = (0, 0, 0);
    let mut lengths = vec![0_usize; b.len() + 1];
    for (i, letter) in a.iter().enumerate() {
        let mut diagonal = 0;
        for (j, other) in b.iter().enumerate() {
            let Some(length) = lengths.get_mut(j + 1) else { break };
            let above = std::mem::replace(length, if letter == other { diagonal + 1 } else { 0 });
            if *length > best.2 {
                best = (i + 1 - *length, j + 1 - *length, *length);
            }
            diagonal = above;
        }
    }
    let (i, j, length) = best;
    if length == 0 {
        return 0;
    }
    let before = a.get(..i).zip(b.get(..j)).map_or(0, |(a, b)| matching(a, b));
    let after = a.get(i + length..).zip(b.get(j + length..)).map_or(0, |(a, b)| matching(a, b));
    before + length + after
}

const CUTOFF: f64 = 0.8;
const MOST: usize = 3;
const LONGEST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values are those of `difflib.get_close_matches(word, choices, cutoff=0.8)`.
    #[test]
    fn suggests_as_difflib_does() {
        let choices = [
            "get-secret-value",
            "put-secret-value",
            "batch-get-secret-value",
            "list-secrets",
            "list-secret-version-ids",
            "tag-resource",
            "untag-resource",
            "help",
        ];
        for (word, expected) in [
            ("lst-secrets", &["list-secrets"][..]),
            (
                "get-secret-valu",
                &["get-secret-value", "put-secret-value", "batch-get-secret-value"],
            ),
            ("tag-resourc", &["tag-resource", "untag-resource"]),
            ("hlp", &["help"]),
            ("x", &[]),
            ("", &[]),
        ] {
            assert_eq!(closest(word, &choices), expected, "{word}");
        }
    }
}

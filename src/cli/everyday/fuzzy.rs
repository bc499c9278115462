//! How well words that somebody half remembers fit a text.

/// Returns how well all words fit a text of small letters, better ones higher; `None` if one does not. A
/// word fits where its letters come in their order.
pub(crate) fn score(words: &[String], text: &[char]) -> Option<u32> {
    words.iter().map(|word| of_word(word, text)).sum()
}

/// Returns how well all words fit a text of small letters if each is in it as it is.
pub(crate) fn whole(words: &[String], text: &str) -> Option<u32> {
    let letters = |word: &String| u32::try_from(word.chars().count()).unwrap_or(u32::MAX);
    words.iter().map(|word| text.contains(word).then(|| letters(word) * 100)).sum()
}

/// Reads words to look for.
pub(crate) fn words(given: &[String]) -> Vec<String> {
    given.iter().flat_map(|text| text.split_whitespace()).map(str::to_lowercase).collect()
}

/// Letters beside each other count more, and more at the beginning of a part of the text; what is
/// skipped between them counts less.
fn of_word(word: &str, text: &[char]) -> Option<u32> {
    let first = word.chars().next()?;
    let starts = text.iter().enumerate().filter(|(_, c)| **c == first).map(|(place, _)| place);
    starts.filter_map(|start| from(word, text, start)).max()
}

fn from(word: &str, text: &[char], start: usize) -> Option<u32> {
    let mut score = 0;
    let mut last = None;
    let mut rest = text.iter().enumerate().skip(start);
    for letter in word.chars() {
        let (place, _) = rest.find(|(_, c)| **c == letter)?;
        let before = place.checked_sub(1).and_then(|before| text.get(before));
        score += match (last, before) {
            (Some(last), _) if last + 1 == place => 8,
            (_, None) => 10,
            (_, Some(c)) if !c.is_alphanumeric() => 6,
            (_, Some(_)) => 1,
        };
        last = Some(place);
    }
    // Of two texts that fit as well the shorter one was meant.
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    Some(score * 1_000 / (length + 20).max(1) + score * 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best<'t>(word: &str, texts: &[&'t str]) -> Option<&'t str> {
        let words = words(&[word.to_owned()]);
        let letters = |text: &str| -> Vec<char> { text.to_lowercase().chars().collect() };
        let scored = texts.iter().filter_map(|text| Some((score(&words, &letters(text))?, *text)));
        scored.max_by_key(|(score, _)| *score).map(|(_, text)| text)
    }

    #[test]
    fn what_was_meant_comes_first() {
        let texts = ["example/login", "exam/logs", "bank/giro", "mail/example", "app/db"];
        for (word, expected) in [
            ("exlog", Some("exam/logs")),
            ("example login", Some("example/login")),
            ("giro", Some("bank/giro")),
            ("DB", Some("app/db")),
            ("bg", Some("bank/giro")),
            ("mex", Some("mail/example")),
            ("zz", None),
            ("giro db", None),
        ] {
            assert_eq!(best(word, &texts), expected, "{word}");
        }
        assert_eq!(score(&[], &['a']), Some(0));
    }
}

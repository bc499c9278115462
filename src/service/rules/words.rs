//! Breaking text into words, as the filters of `list-secrets` do (docs/behaviour.md, "Lists and
//! filters").

/// Breaks text at everything that is neither a letter nor a digit.
///
/// AWS documents the breaks at space and `/ _ + = . @ -`; the others are our own.
pub(crate) fn plain(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Breaks text as [`plain`] does, and also between letters and digits and where a capital begins
/// a word: `SecretOne` is `Secret`, `One`.
///
/// A run of capitals is one word, but its last goes to small letters that follow it: `FTag` is
/// `F`, `Tag`.
pub(crate) fn fine(text: &str) -> impl Iterator<Item = &str> {
    plain(text).flat_map(|word| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let (first, after) = rest.split_at_checked(first_end(rest))?;
            rest = after;
            (!first.is_empty()).then_some(first)
        })
    })
}

/// Whether a word begins with a prefix that is in small letters already; the word's case is not
/// minded.
pub(crate) fn begins_with(word: &str, small_prefix: &str) -> bool {
    let mut letters = word.chars().flat_map(char::to_lowercase);
    small_prefix.chars().all(|expected| letters.next() == Some(expected))
}

/// Returns where the first of the fine words ends.
fn first_end(word: &str) -> usize {
    let mut before: Option<char> = None;
    let mut letters = word.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let after = letters.peek().map(|(_, after)| *after);
        if before.is_some_and(|before| begins_word(before, letter, after)) {
            return at;
        }
        before = Some(letter);
    }
    word.len()
}

fn begins_word(before: char, letter: char, after: Option<char>) -> bool {
    let is_capital =
        letter.is_uppercase() && (!before.is_uppercase() || after.is_some_and(char::is_lowercase));
    is_capital || before.is_numeric() != letter.is_numeric()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_broken_as_in_aws() {
        for (text, coarse, finely) in [
            ("", &[][..], &[][..]),
            ("+", &[], &[]),
            ("prod/AppBeta/x", &["prod", "AppBeta", "x"], &["prod", "App", "Beta", "x"]),
            ("SecretOne", &["SecretOne"], &["Secret", "One"]),
            ("Thirdsecret", &["Thirdsecret"], &["Thirdsecret"]),
            ("COMPANYthings", &["COMPANYthings"], &["COMPAN", "Ythings"]),
            ("uat/COMPANY/x", &["uat", "COMPANY", "x"], &["uat", "COMPANY", "x"]),
            ("SecretFTag", &["SecretFTag"], &["Secret", "F", "Tag"]),
            ("db2prod10", &["db2prod10"], &["db", "2", "prod", "10"]),
            ("A1B2", &["A1B2"], &["A", "1", "B", "2"]),
            (
                "a_b+c=d.e@f-g h",
                &["a", "b", "c", "d", "e", "f", "g", "h"],
                &["a", "b", "c", "d", "e", "f", "g", "h"],
            ),
            ("  one\ttwo\n", &["one", "two"], &["one", "two"]),
            ("(weekly), it's", &["weekly", "it", "s"], &["weekly", "it", "s"]),
            ("größeÄnderung", &["größeÄnderung"], &["größe", "Änderung"]),
            ("部門A", &["部門A"], &["部門", "A"]),
        ] {
            assert_eq!(plain(text).collect::<Vec<_>>(), coarse, "{text}");
            assert_eq!(fine(text).collect::<Vec<_>>(), finely, "{text}");
        }
    }

    #[test]
    fn prefixes_do_not_mind_the_case_of_the_word() {
        for (word, prefix, begins) in [
            ("Secret", "sec", true),
            ("SECRET", "secret", true),
            ("secret", "ret", false),
            ("sec", "secret", false),
            ("Änderung", "änd", true),
            ("İstanbul", "i\u{307}s", true),
            ("any", "", true),
        ] {
            assert_eq!(begins_with(word, prefix), begins, "{word} {prefix}");
        }
    }

    proptest! {
        #[test]
        fn no_letter_is_lost(text in ".*") {
            let letters: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
            prop_assert_eq!(&plain(&text).collect::<String>(), &letters);
            prop_assert_eq!(&fine(&text).collect::<String>(), &letters);
        }
    }
}

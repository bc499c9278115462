use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::crypto::testing::vector;
use crate::sys::entropy::CountingEntropy;

#[test]
fn what_was_typed_has_one_form() {
    let check = |typed: &str, normal: &str| {
        assert_eq!(Passphrase::from_bytes(typed.as_bytes()).unwrap().expose(), normal);
    };
    check("correct horse", "correct horse");
    check(" both  ends ", " both  ends ");
    check("cafe\u{301}", "caf\u{e9}");
    check("\u{212b}\u{2126}", "\u{c5}\u{3a9}");
    check("a\u{a0}b\u{3000}c\u{2003}d\u{2000}e", "a b c d e");
    check("Stra\u{df}e", "Stra\u{df}e");
    check("\u{ff21}", "\u{ff21}");
    let known = String::from_utf8(vector("passphrase")).unwrap();
    check("nai\u{308}ve\u{2003}caf\u{e9}\u{a0}\u{1100}\u{1161}", &known);
}

#[test]
fn what_cannot_be_one_is_refused() {
    let check = |bytes: &[u8], expected| {
        let refused = Passphrase::from_bytes(bytes).err();
        assert_eq!(refused, Some(crypto::Error::BadPassphrase { why: expected }));
    };
    check(b"", "is empty");
    check(b"\xff\xfe", "is not valid UTF-8");
    check(b"two\nlines", "contains a control character or a line break");
    check(b"nul\0", "contains a control character or a line break");
    check("\u{85}".as_bytes(), "contains a control character or a line break");
    check(&[b'x'; 1025], "is longer than 1024 bytes");
    check(&[b'x'; 5000], "is longer than 1024 bytes");
    assert!(Passphrase::from_bytes(&[b'x'; 1024]).is_ok());
    // Longer before normalising than after.
    assert!(Passphrase::from_bytes("e\u{301}".repeat(400).as_bytes()).is_ok());
}

/// A byte-order mark or a zero-width space became a part of the passphrase, which nobody could
/// type then.
#[test]
fn what_is_not_seen_is_refused() {
    for unseen in [
        '\u{ad}',
        '\u{200b}',
        '\u{200d}',
        '\u{202e}',
        '\u{2060}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{e0041}',
        '\u{fdd0}',
        '\u{1ffff}',
    ] {
        for typed in [format!("{unseen}secret"), format!("sec{unseen}ret"), unseen.to_string()] {
            let refused = Passphrase::from_bytes(typed.as_bytes()).err();
            assert_eq!(refused, Some(crypto::Error::UnseenCharacter(unseen)), "{typed:?}");
        }
    }
    for seen in ["e\u{301}", "\u{1f511}", "\u{5d0}\u{5b0}", "\u{fffd}", "\u{ac00}", "\u{200a}"] {
        assert!(Passphrase::from_bytes(seen.as_bytes()).is_ok(), "{seen:?}");
    }
    let told = crypto::Error::UnseenCharacter('\u{feff}').to_string();
    assert!(told.starts_with("the passphrase contains U+FEFF"));
}

#[test]
fn a_file_may_end_in_one_line_break() {
    let check = |bytes: &[u8], expected: Option<&str>| {
        let read = Passphrase::from_file_bytes(bytes);
        assert_eq!(read.as_ref().ok().map(Passphrase::expose), expected, "{bytes:?}");
    };
    check(b"hunter2", Some("hunter2"));
    check(b"hunter2\n", Some("hunter2"));
    check(b"hunter2\r\n", Some("hunter2"));
    check(b"hunter2 \n", Some("hunter2 "));
    check(b"\xef\xbb\xbfhunter2\n", Some("hunter2"));
    check(b"\xef\xbb\xbf\xef\xbb\xbfhunter2", None);
    check(b"\xef\xbb\xbf", None);
    check(b"hunter2\n\n", None);
    check(b"hunter2\r", None);
    check(b"\n", None);
}

#[test]
fn the_words_are_as_many_as_the_entropy_says() {
    let words: BTreeSet<_> = WORDS.iter().map(words::Word::text).collect();
    assert_eq!(words.len(), 7776);
    let plain = |word: &str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    assert!(words.iter().all(|word| (3..=9).contains(&word.len()) && plain(word)));
    let first = Passphrase::generate(&CountingEntropy::default()).unwrap();
    assert_eq!(first.expose().split(' ').count(), 6);
    assert!(first.expose().split(' ').all(|word| words.contains(&word)));
    assert!(!judge(&first).is_weak());
    let normal = Passphrase::from_bytes(first.expose().as_bytes()).unwrap();
    assert_eq!(normal.expose(), first.expose());
}

#[test]
fn each_word_is_as_likely_as_any_other() {
    /// Gives every number of two bytes once, upwards.
    struct FakeEntropy(std::cell::Cell<u16>);
    impl Entropy for FakeEntropy {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
            bytes.copy_from_slice(&self.0.get().to_be_bytes());
            self.0.set(self.0.get().wrapping_add(1));
            Ok(())
        }
    }
    let words: Vec<String> = (0..=255_u8).map(|word| word.to_string()).take(250).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let entropy = FakeEntropy(std::cell::Cell::new(0));
    let mut drawn = std::collections::BTreeMap::new();
    for _ in 0..262 * 250 {
        *drawn.entry(draw(&words, &entropy).unwrap()).or_insert(0) += 1;
    }
    assert_eq!(drawn.len(), 250);
    assert!(drawn.values().all(|times| *times == 262));
}

#[test]
fn a_source_that_never_serves_is_an_error() {
    struct FakeEntropy;
    impl Entropy for FakeEntropy {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
            bytes.fill(0xff);
            Ok(())
        }
    }
    assert_eq!(Passphrase::generate(&FakeEntropy).err(), Some(NoEntropy::Repeating.into()));
}

#[test]
fn guessable_passphrases_are_weak() {
    let check = |text: &str, weak| {
        let passphrase = Passphrase::from_bytes(text.as_bytes()).unwrap();
        assert_eq!(judge(&passphrase).is_weak(), weak, "{text}");
    };
    check("password", true);
    check("hunter2", true);
    check("strongroom1", true);
    check("qwertyuiop", true);
    check("12.11.1980", true);
    check("aaaaaaaaaaaaaaaa", true);
    check("x8#kQ", true);
    check("correct horse battery staple", false);
    check("x8#kQ!vT2$mZ", false);
    let said = judge(&Passphrase::from_bytes(b"password").unwrap());
    assert_eq!((said.score, said.characters), (0, 8));
    assert!(said.warning.is_some() && !said.suggestions.is_empty());
}

/// As zxcvbn judges them with all of `regex` and `fancy-regex`, of which `.cargo/patterns` has six
/// expressions. A year that is near to this one takes no fewer guesses than twenty.
#[test]
fn repetitions_years_and_dates_are_seen() {
    let repeated = "Repeats like \"abcabcabc\" are only slightly harder to guess than \"abc\".";
    for (text, guesses, warning) in [
        ("aabaabaabaabaabaab", 79_f64, repeated),
        ("xyxyxyxyxyxyxyxy", 425.0, repeated),
        ("éßéßéßéß", 405.0, repeated),
        ("16.11.2019", 29_201.0, "Dates are often easy to guess."),
        ("1987", 40.0, "Recent years are easy to guess."),
    ] {
        let judged = judge(&Passphrase::from_bytes(text.as_bytes()).unwrap());
        assert_eq!(judged.warning.as_deref(), Some(warning), "{text}");
        let times = 10_f64.powf(judged.guesses_log10) / guesses;
        assert!((0.4..2.5).contains(&times), "{text}: {times}");
    }
}

/// The last words of zxcvbn's six lists, which `.cargo/patterns` packs. A mistake in what is before them
/// would move them.
#[test]
fn the_lists_of_common_words_are_whole() {
    for (word, guesses) in [
        ("geekboy", 30_001_f64),
        ("evaporator", 30_001.0),
        ("a'right", 19_161.0),
        ("bonnette", 10_001.0),
        ("allyn", 3_713.0),
        ("alonso", 984.0),
    ] {
        let judged = judge(&Passphrase::from_bytes(word.as_bytes()).unwrap());
        assert!((judged.guesses_log10 - guesses.log10()).abs() < 1e-9, "{word}");
    }
}

proptest! {
    // Unoptimised, the judgement is slow.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_text_can_be_judged(text in "\\PC{1,60}") {
        if let Ok(passphrase) = Passphrase::from_bytes(text.as_bytes()) {
            prop_assert!(judge(&passphrase).score <= 4);
        }
    }

    #[test]
    fn any_password_can_be_judged(text in any::<String>(), known in [".{0,40}", ".{0,40}"]) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        prop_assert!(judge_password(&text, &known).score <= 4);
    }
}

proptest! {
    #[test]
    fn normalising_again_changes_nothing(text in "\\PC{1,60}") {
        if let Ok(once) = Passphrase::from_bytes(text.as_bytes()) {
            let twice = Passphrase::from_bytes(once.expose().as_bytes()).unwrap();
            prop_assert_eq!(once.expose(), twice.expose());
        }
    }
}

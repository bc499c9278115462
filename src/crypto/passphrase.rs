//! Passphrases: one form for what the same keys typed on two machines, a judgement, a proposal.
//!
//! Does not ask for them; that is the terminal's part.

use std::ops::RangeInclusive;

use diceware_wordlists::EFF_LONG_WORDLIST;
use unicode_normalization::UnicodeNormalization;
use zxcvbn::feedback::Feedback;
use zxcvbn::zxcvbn;

use crate::crypto;
use crate::sys::entropy::{Entropy, NoEntropy};
use crate::sys::memory::scrub_stack;
use crate::sys::secret::Secret;

/// A passphrase as the key derivation takes it: RFC 8265's OpaqueString, 1 to 1,024 bytes.
pub(crate) struct Passphrase(Secret<String>);

impl Passphrase {
    /// Takes what was typed: spaces of all kinds become the plain one, letters their composed form
    /// (NFC). Nothing is cut off.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, crypto::Error> {
        let bad = |why| crypto::Error::BadPassphrase { why };
        if bytes.len() > LONGEST_INPUT {
            return Err(bad("is longer than 1024 bytes"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_invalid| bad("is not valid UTF-8"))?;
        if text.chars().any(char::is_control) {
            return Err(bad("contains a control character or a line break"));
        }
        if let Some(unseen) = text.chars().find(|letter| is_unseen(*letter)) {
            return Err(crypto::Error::UnseenCharacter(unseen));
        }
        // NFC makes text at most three times as long (UAX #15), so nothing is copied in growing.
        let mut normal = Secret::new(String::with_capacity(text.len().saturating_mul(3)));
        normal.expose_mut().extend(text.chars().map(plain_space).nfc());
        scrub_stack();
        match normal.expose().len() {
            0 => Err(bad("is empty")),
            1..=LONGEST => Ok(Self(normal)),
            _longer => Err(bad("is longer than 1024 bytes")),
        }
    }

    /// Takes what was read from a file or a descriptor, where an editor may have put a byte-order mark
    /// before the line, and ended it.
    pub(crate) fn from_file_bytes(bytes: &[u8]) -> Result<Self, crypto::Error> {
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let line = bytes.strip_suffix(b"\r\n").or(bytes.strip_suffix(b"\n"));
        Self::from_bytes(line.unwrap_or(bytes))
    }

    /// Draws six words of 7,776: 77.5 random bits.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Result<Self, crypto::Error> {
        let mut words = Secret::new(String::with_capacity(WORDS * LONGEST_WORD));
        for place in 0..WORDS {
            if place > 0 {
                words.expose_mut().push(' ');
            }
            words.expose_mut().push_str(draw(&EFF_LONG_WORDLIST, entropy)?);
        }
        Ok(Self(words))
    }

    /// Shows the passphrase.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// How well a passphrase stands up to guessing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Strength {
    /// From 0, among the first guesses, to 4, out of reach.
    pub(crate) score: u8,
    /// The guesses it takes, as a power of ten.
    pub(crate) guesses_log10: f64,
    /// Its length in characters.
    pub(crate) characters: usize,
    /// What is wrong with it, if anything is known to be.
    pub(crate) warning: Option<String>,
    /// What would make it better.
    pub(crate) suggestions: Vec<String>,
}

impl Strength {
    /// Says whether it should not protect a vault.
    pub(crate) fn is_weak(&self) -> bool {
        self.score < 3 || self.characters < 8
    }
}

/// Judges a passphrase by how it would be guessed: words, names, dates, keys that lie together.
///
/// Only its first 100 characters are looked at.
pub(crate) fn judge(passphrase: &Passphrase) -> Strength {
    let estimate = zxcvbn(passphrase.expose(), &["strongroom"]);
    let feedback = estimate.feedback();
    let strength = Strength {
        score: estimate.score().into(),
        guesses_log10: estimate.guesses_log10(),
        characters: passphrase.expose().chars().count(),
        warning: feedback.and_then(Feedback::warning).map(|said| said.to_string()),
        suggestions: feedback
            .map(|feedback| feedback.suggestions().iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
    };
    scrub_stack();
    strength
}

/// Draws one of the words, each as likely as any other.
fn draw<'a>(words: &[&'a str], entropy: &dyn Entropy) -> Result<&'a str, crypto::Error> {
    let count = u32::try_from(words.len()).map_err(|_too_many| crypto::Error::TooLong)?;
    // The last, incomplete round of the numbers is drawn again, or its words would be likelier.
    let rounds = u32::from(u16::MAX).saturating_add(1).checked_div(count).unwrap_or(0);
    for _ in 0..ATTEMPTS {
        let mut drawn = [0; 2];
        entropy.fill(&mut drawn)?;
        let drawn = u32::from(u16::from_be_bytes(drawn));
        let place = usize::try_from(drawn.checked_rem(count).unwrap_or(0)).unwrap_or(0);
        if let Some(word) = words.get(place)
            && drawn < rounds.saturating_mul(count)
        {
            return Ok(word);
        }
    }
    Err(NoEntropy::Repeating.into())
}

/// Unicode's space separators (Zs) are one key to whoever types them.
fn plain_space(character: char) -> char {
    match character {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            ' '
        }
        other => other,
    }
}

/// What RFC 8264 (9.13, PrecisIgnorableProperties) disallows: code points that are shown as nothing,
/// and noncharacters. The joiners are among them, which it would allow between some letters.
fn is_unseen(character: char) -> bool {
    let code = u32::from(character);
    let is_noncharacter = (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe;
    is_noncharacter || IGNORABLE.iter().any(|range| range.contains(&character))
}

/// Default_Ignorable_Code_Point, from DerivedCoreProperties.txt of Unicode 14; a property that new
/// versions add nothing to outside of these blocks.
const IGNORABLE: [RangeInclusive<char>; 17] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fff8}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const LONGEST: usize = 1024;
/// What is looked at before normalising, which can make text shorter.
const LONGEST_INPUT: usize = 4096;
const WORDS: usize = 6;
/// The longest word of the list and a space; only saves growing.
const LONGEST_WORD: usize = 10;
/// One draw in twenty is drawn again; a source that never serves is none.
const ATTEMPTS: u32 = 64;

#[cfg(test)]
mod tests {
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
            for typed in [format!("{unseen}secret"), format!("sec{unseen}ret"), unseen.to_string()]
            {
                let refused = Passphrase::from_bytes(typed.as_bytes()).err();
                assert_eq!(refused, Some(crypto::Error::UnseenCharacter(unseen)), "{typed:?}");
            }
        }
        for seen in ["e\u{301}", "\u{1f511}", "\u{5d0}\u{5b0}", "\u{fffd}", "\u{ac00}", "\u{200a}"]
        {
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
        let words: BTreeSet<_> = EFF_LONG_WORDLIST.iter().collect();
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
        struct Every(std::cell::Cell<u16>);
        impl Entropy for Every {
            fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
                bytes.copy_from_slice(&self.0.get().to_be_bytes());
                self.0.set(self.0.get().wrapping_add(1));
                Ok(())
            }
        }
        let words: Vec<String> = (0..=255_u8).map(|word| word.to_string()).take(250).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let entropy = Every(std::cell::Cell::new(0));
        let mut drawn = std::collections::BTreeMap::new();
        for _ in 0..262 * 250 {
            *drawn.entry(draw(&words, &entropy).unwrap()).or_insert(0) += 1;
        }
        assert_eq!(drawn.len(), 250);
        assert!(drawn.values().all(|times| *times == 262));
    }

    #[test]
    fn a_source_that_never_serves_is_an_error() {
        struct Stuck;
        impl Entropy for Stuck {
            fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
                bytes.fill(0xff);
                Ok(())
            }
        }
        assert_eq!(Passphrase::generate(&Stuck).err(), Some(NoEntropy::Repeating.into()));
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

    proptest! {
        // Unoptimised, the judgement is slow.
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn any_text_can_be_judged(text in "\\PC{1,60}") {
            if let Ok(passphrase) = Passphrase::from_bytes(text.as_bytes()) {
                prop_assert!(judge(&passphrase).score <= 4);
            }
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
}

//! Passphrases: one form for what the same keys typed on two machines, a judgement, a proposal.
//!
//! Does not ask for them; that is the terminal's part.

mod words;

use std::ops::RangeInclusive;

use unicode_normalization::UnicodeNormalization;
use zxcvbn::feedback::Feedback;
use zxcvbn::zxcvbn;

use self::words::WORDS;
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
        if bytes.len() > MAX_INPUT {
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
        words(COUNT, ' ', entropy).map(Self)
    }

    /// Shows the passphrase.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// Draws words of the list, each as likely as any other, and writes something between them.
pub(crate) fn words(
    count: usize,
    between: char,
    entropy: &dyn Entropy,
) -> Result<Secret<String>, crypto::Error> {
    let room = count.saturating_mul(words::LONGEST.saturating_add(between.len_utf8()));
    let mut words = Secret::new(String::with_capacity(room));
    for place in 0..count {
        if place > 0 {
            words.expose_mut().push(between);
        }
        words.expose_mut().push_str(draw(&WORDS, entropy)?.text());
    }
    Ok(words)
}

/// How well a passphrase withstands guessing.
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
    /// Says whether it should not protect a vault, or anything that somebody guesses at offline.
    pub(crate) fn is_weak(&self) -> bool {
        self.score < 3 || self.characters < 8
    }
}

/// Judges a passphrase by how it would be guessed: words, names, dates, keys that lie together.
///
/// Only its first 100 characters are looked at.
pub(crate) fn judge(passphrase: &Passphrase) -> Strength {
    estimated(passphrase.expose(), &["strongroom"])
}

/// Judges a password in the same way. What is known beside it, such as a user's name, is among the first
/// that would be tried.
pub(crate) fn judge_password(password: &str, known: &[&str]) -> Strength {
    estimated(password, known)
}

fn estimated(text: &str, known: &[&str]) -> Strength {
    let estimate = zxcvbn(text, known);
    let feedback = estimate.feedback();
    let strength = Strength {
        score: estimate.score().into(),
        guesses_log10: estimate.guesses_log10(),
        characters: text.chars().count(),
        warning: feedback.and_then(Feedback::warning).map(|said| said.to_string()),
        suggestions: feedback
            .map(|feedback| feedback.suggestions().iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
    };
    scrub_stack();
    strength
}

/// Draws one of the words, each as likely as any other.
fn draw<'a, T>(words: &'a [T], entropy: &dyn Entropy) -> Result<&'a T, crypto::Error> {
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

/// Unicode's space separators (Zs) are one key to the person who types them.
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
const MAX_INPUT: usize = 4096;
/// How many words there are to draw from.
pub(crate) const WORD_COUNT: u32 = 7776;
/// How many words are proposed.
const COUNT: usize = 6;
/// One draw in twenty is drawn again; a source that never serves is broken.
const ATTEMPTS: u32 = 64;

#[cfg(test)]
mod tests;

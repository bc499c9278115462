//! The words of proposed passphrases: EFF's long list, without a pointer to each word. Pointers have
//! to be put right whenever the program is started, whatever it is to do: 120 KiB of them.

use diceware_wordlists::EFF_LONG_WORDLIST;

/// The longest word of the list, in bytes.
pub(super) const LONGEST: usize = 9;

/// A word, filled up with zeros.
pub(super) struct Word([u8; LONGEST]);

impl Word {
    /// Copies a word. One that is too long does not compile.
    #[expect(clippy::indexing_slicing, reason = "evaluated when compiled, within bounds")]
    const fn of(text: &str) -> Self {
        let (mut word, text, mut place) = ([0; LONGEST], text.as_bytes(), 0);
        while place < text.len() {
            word[place] = text[place];
            place += 1;
        }
        Self(word)
    }

    /// Returns the word.
    pub(super) fn text(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(LONGEST);
        let text = self.0.get(..length).map(str::from_utf8);
        text.and_then(Result::ok).unwrap_or_default()
    }
}

/// The list.
pub(super) static WORDS: [Word; EFF_LONG_WORDLIST.len()] = words();

#[expect(clippy::indexing_slicing, reason = "evaluated when compiled, within bounds")]
#[expect(clippy::large_stack_arrays, reason = "evaluated when compiled, on no stack")]
const fn words() -> [Word; EFF_LONG_WORDLIST.len()] {
    let mut words = [const { Word([0; LONGEST]) }; EFF_LONG_WORDLIST.len()];
    let mut place = 0;
    while place < words.len() {
        words[place] = Word::of(EFF_LONG_WORDLIST[place]);
        place += 1;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_list() {
        assert!(WORDS.iter().map(Word::text).eq(EFF_LONG_WORDLIST));
    }
}

//! What a text says, without what only says how it is shown: line ends, and the sequences that give a
//! terminal's letters their colours. Where lines are broken, and in which colour a part of a word is,
//! is no part of the word.

/// The letters of a text.
#[derive(Default)]
pub(super) struct Letters {
    pub(super) bytes: Vec<u8>,
    /// What is between them.
    gaps: Vec<Gap>,
}

/// Something that is no letter: a line end or a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// How many letters come before it.
    before: usize,
    /// Where in the text it is.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Where within a sequence a text ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Within {
    /// Nowhere.
    #[default]
    Nothing,
    /// After its Escape.
    Escape,
    /// Among its numbers.
    Sequence,
    /// Before the letter that ends a short one, such as what `tput sgr0` begins with.
    Short,
}

impl Letters {
    /// Takes the letters out of a text that begins within something. Returns within what it ends.
    pub(super) fn take(&mut self, text: &[u8], mut within: Within) -> Within {
        self.bytes.clear();
        self.gaps.clear();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if within == Within::Nothing {
                let plain = plain_length(rest);
                self.bytes.extend_from_slice(rest.get(..plain).unwrap_or_default());
                at = at.saturating_add(plain);
            }
            let Some(byte) = text.get(at) else { break };
            let next = at.saturating_add(1);
            within = match (within, byte) {
                (_, b'\x1b') => Within::Escape,
                (Within::Escape, b'[') | (Within::Sequence, 0x20..=0x3f) => Within::Sequence,
                (Within::Escape | Within::Short, 0x20..=0x2f) => Within::Short,
                (Within::Nothing, b'\n' | b'\r')
                | (Within::Sequence, 0x40..=0x7e)
                | (Within::Escape, b'7' | b'8')
                | (Within::Short, 0x30..=0x7e) => Within::Nothing,
                // It is none after all, and this byte a letter or a line end.
                (Within::Nothing | Within::Escape | Within::Sequence | Within::Short, _) => {
                    if within == Within::Nothing {
                        self.bytes.push(*byte);
                        at = next;
                    }
                    within = Within::Nothing;
                    continue;
                }
            };
            self.skip(at, next);
            at = next;
        }
        within
    }

    fn skip(&mut self, start: usize, end: usize) {
        let before = self.bytes.len();
        match self.gaps.last_mut() {
            Some(last) if last.end == start && last.before == before => last.end = end,
            Some(_) | None => self.gaps.push(Gap { before, start, end }),
        }
    }

    /// Returns where in the text a letter is.
    pub(super) fn place(&self, letter: usize) -> usize {
        let gaps = self.gaps.partition_point(|gap| gap.before <= letter);
        let last = gaps.checked_sub(1).and_then(|last| self.gaps.get(last));
        last.map_or(letter, |gap| letter.saturating_sub(gap.before).saturating_add(gap.end))
    }

    /// Returns what is between these two places of the text, and no letter.
    pub(super) fn gaps(&self, start: usize, end: usize) -> impl Iterator<Item = Gap> {
        let first = self.gaps.partition_point(|gap| gap.start < start);
        self.gaps.iter().skip(first).take_while(move |gap| gap.end <= end).copied()
    }
}

/// Returns how many bytes from the beginning on are letters for sure; eight are looked at together.
fn plain_length(text: &[u8]) -> usize {
    let mut plain = 0_usize;
    let (words, rest) = text.as_chunks::<8>();
    for word in words {
        let number = u64::from_le_bytes(*word);
        // Line ends and Escape are below a space, as are few others.
        let below = number.wrapping_sub(SPACES) & !number & HIGH;
        if below != 0 && word.iter().any(|byte| is_special(*byte)) {
            return plain
                .saturating_add(word.iter().take_while(|byte| !is_special(**byte)).count());
        }
        plain = plain.wrapping_add(8);
    }
    plain.saturating_add(rest.iter().take_while(|byte| !is_special(**byte)).count())
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b'\x1b')
}

const SPACES: u64 = 0x2020_2020_2020_2020;
const HIGH: u64 = 0x8080_8080_8080_8080;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn letters(text: &str) -> (String, Within) {
        let mut letters = Letters::default();
        let within = letters.take(text.as_bytes(), Within::Nothing);
        (String::from_utf8(letters.bytes).unwrap(), within)
    }

    #[test]
    fn colours_and_line_ends_are_no_letters() {
        for (text, expected, within) in [
            ("plain", "plain", Within::Nothing),
            ("a\r\nb\n\nc", "abc", Within::Nothing),
            ("\x1b[1;31mred\x1b[m!", "red!", Within::Nothing),
            ("a\x1b", "a", Within::Escape),
            ("a\x1b[3", "a", Within::Sequence),
            // `tput sgr0` in the middle of a value showed all of it.
            ("a\x1b(B\x1b[mb", "ab", Within::Nothing),
            ("a\x1b7b\x1b8\x1b(", "ab", Within::Short),
            ("a\x1b(\nb", "ab", Within::Nothing),
            ("\x1b]0;title\x07", "]0;title\x07", Within::Nothing),
            ("\x1b\x1b[mx", "x", Within::Nothing),
            ("\x1b[\nx", "x", Within::Nothing),
            (
                "tab\tand more letters than eight",
                "tab\tand more letters than eight",
                Within::Nothing,
            ),
        ] {
            assert_eq!(letters(text), (expected.to_owned(), within), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_letter_has_its_place(text in "[a\n\r\x1b\\[(1m]{0,60}") {
            let mut letters = Letters::default();
            letters.take(text.as_bytes(), Within::Nothing);
            for (index, letter) in letters.bytes.iter().enumerate() {
                prop_assert_eq!(text.as_bytes()[letters.place(index)], *letter);
            }
        }

        /// It does not matter where a text is cut.
        #[test]
        fn a_text_may_come_in_two(text in "[a\n\x1b\\[(1m]{0,40}", at in 0..40_usize) {
            let bytes = text.as_bytes();
            let (first, second) = bytes.split_at(at.min(bytes.len()));
            let (mut whole, mut part) = (Letters::default(), Letters::default());
            let end = whole.take(bytes, Within::Nothing);
            let within = part.take(first, Within::Nothing);
            let mut both = part.bytes.clone();
            let end_of_both = part.take(second, within);
            both.extend(&part.bytes);
            prop_assert_eq!((both, end_of_both), (whole.bytes, end));
        }
    }
}

//! Finding many byte strings in a text at once.
//!
//! Of each needle the first blocks of four bytes are noted, as many as places in the text are passed
//! over: wherever a needle is, one of them is at a place that is looked at. There a bitmap is asked
//! first, which says no of nearly everything; what it lets through is looked up and compared.

use std::ops::Range;

use crate::model::order;
use crate::sys::secret::Secret;

/// What is looked for.
pub(super) struct Needles {
    all: Vec<Needle>,
    /// How many places are passed over from one that is looked at to the next.
    stride: usize,
    /// Which blocks there may be in a needle, by their hashes.
    bitmap: Vec<u64>,
    shift: u32,
    /// The blocks, in order, and where they are.
    blocks: Vec<Block>,
    /// The needles in the order of their bytes.
    sorted: Vec<usize>,
    longest: usize,
}

struct Needle {
    bytes: Secret<Vec<u8>>,
    /// Which value it is of.
    label: usize,
}

#[derive(Clone, Copy)]
struct Block {
    number: u32,
    needle: usize,
    offset: usize,
}

/// A place where a needle is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) range: Range<usize>,
    /// Which value the needle is of.
    pub(super) label: usize,
}

/// The end of a text, which may be the beginning of a needle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beginning {
    /// Where it begins.
    pub(super) start: usize,
    /// How long the needle is, the longest of those that it may be of.
    pub(super) whole: usize,
    /// Which value that is of.
    pub(super) label: usize,
}

impl Needles {
    /// Makes ready to look for these, each with the label of its value. What is shorter than four bytes
    /// is not looked for.
    pub(super) fn new(needles: impl IntoIterator<Item = (Vec<u8>, usize)>) -> Self {
        let needle = |(bytes, label)| Needle { bytes: Secret::new(bytes), label };
        let mut needles: Vec<Needle> = needles.into_iter().map(needle).collect();
        needles.retain(|needle| needle.len() >= BLOCK);
        let shortest = needles.iter().map(Needle::len).min().unwrap_or(BLOCK);
        let longest = needles.iter().map(Needle::len).max().unwrap_or_default();
        let stride = shortest.saturating_sub(BLOCK - 1).clamp(1, MAX_STRIDE);
        let mut blocks = Vec::new();
        for (number, needle) in needles.iter().enumerate() {
            let first = needle.bytes.expose().windows(BLOCK).take(stride).enumerate();
            blocks.extend(first.map(|(offset, block)| Block {
                number: number_of(block),
                needle: number,
                offset,
            }));
        }
        order::sort_by_key(&mut blocks, |block| block.number);
        let bits: u32 = if blocks.len() > MANY { 20 } else { 17 };
        let mut bitmap = vec![0_u64; 1 << (bits - 6)];
        let shift = u32::BITS - bits;
        for block in &blocks {
            let (word, bit) = split(block.number, shift);
            if let Some(word) = bitmap.get_mut(word) {
                *word |= bit;
            }
        }
        let mut sorted: Vec<usize> = (0..needles.len()).collect();
        let bytes = |number: &usize| needles.get(*number).map(|needle| needle.bytes.expose());
        order::sort_by(&mut sorted, |a, b| bytes(a).cmp(&bytes(b)));
        Self { all: needles, stride, bitmap, shift, blocks, sorted, longest }
    }

    /// Whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Returns where needles are, those that begin first before others, and of those that begin at one
    /// place the longest.
    pub(super) fn places(&self, text: &[u8]) -> Vec<Place> {
        let mut places = Vec::new();
        if self.is_empty() {
            return places;
        }
        for (turn, block) in text.windows(BLOCK).step_by(self.stride).enumerate() {
            let block = number_of(block);
            if self.may_have(block) {
                self.look_up(block, turn.wrapping_mul(self.stride), text, &mut places);
            }
        }
        if places.len() > 1 {
            let place = |place: &Place| (place.range.start, usize::MAX - place.range.end);
            order::sort_by_key(&mut places, place);
            places.dedup_by(|later, earlier| later.range.start == earlier.range.start);
        }
        places
    }

    /// Finds the needles that have this block where the text has it.
    fn look_up(&self, block: u32, at: usize, text: &[u8], places: &mut Vec<Place>) {
        let first = self.blocks.partition_point(|known| known.number < block);
        let same = self.blocks.iter().skip(first).take_while(|known| known.number == block);
        for known in same {
            let Some(start) = at.checked_sub(known.offset) else { continue };
            let Some(needle) = self.all.get(known.needle) else { continue };
            let rest = text.get(start..).unwrap_or_default();
            if rest.starts_with(needle.bytes.expose()) {
                let range = start..start.saturating_add(needle.len());
                places.push(Place { range, label: needle.label });
            }
        }
    }

    /// Finds the longest end of a text from which a needle may go on: that much has to wait for what
    /// comes.
    pub(super) fn beginning_at_end(&self, text: &[u8]) -> Option<Beginning> {
        let first = text.len().saturating_sub(self.longest.saturating_sub(1));
        (first..text.len()).find_map(|start| {
            let rest = text.get(start..)?;
            let may_be = rest.get(..BLOCK).is_none_or(|block| self.may_have(number_of(block)));
            let needle = may_be.then(|| self.longest_from(rest)).flatten()?;
            Some(Beginning { start, whole: needle.len(), label: needle.label })
        })
    }

    fn may_have(&self, block: u32) -> bool {
        let (word, bit) = split(block, self.shift);
        self.bitmap.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Returns the longest needle that begins with this text and goes on.
    fn longest_from(&self, text: &[u8]) -> Option<&Needle> {
        let needle = |number: &usize| self.all.get(*number);
        let bytes = |number: &usize| needle(number).map(|needle| needle.bytes.expose().as_slice());
        let first = self.sorted.partition_point(|number| bytes(number) < Some(text));
        let begin = self.sorted.iter().skip(first).map_while(needle);
        let begin = begin.take_while(|needle| needle.bytes.expose().starts_with(text));
        begin.filter(|needle| needle.len() > text.len()).max_by_key(|needle| needle.len())
    }
}

impl Needle {
    fn len(&self) -> usize {
        self.bytes.expose().len()
    }
}

fn number_of(block: &[u8]) -> u32 {
    block.first_chunk().copied().map_or(0, u32::from_le_bytes)
}

/// Says in which word of the bitmap a block is noted, and by which bit.
fn split(block: u32, shift: u32) -> (usize, u64) {
    let hash = block.wrapping_mul(0x9e37_79b1).wrapping_shr(shift);
    let word = usize::try_from(hash >> 6).unwrap_or_default();
    (word, 1_u64.wrapping_shl(hash & 63))
}

/// The bytes that are looked at together.
const BLOCK: usize = 4;
/// More would make the table large, and not be faster.
const MAX_STRIDE: usize = 12;
/// With more blocks the bitmap is a larger one.
const MANY: usize = 4_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn needles(all: &[&[u8]]) -> Needles {
        Needles::new(all.iter().enumerate().map(|(label, bytes)| (bytes.to_vec(), label)))
    }

    #[test]
    fn the_longest_of_those_at_one_place_is_found() {
        let found = needles(&[b"abcd", b"abcdef", b"cdef", b"xyz"]);
        let places = found.places(b"-abcdef-abcd-xyz");
        let expected = [(1..7, 1), (3..7, 2), (8..12, 0)];
        let expected = expected.map(|(range, label)| Place { range, label });
        assert_eq!(places, expected);
        assert!(needles(&[]).places(b"abcdef").is_empty());
    }

    #[test]
    fn what_may_go_on_is_known_by_its_beginning() {
        let found = needles(&[b"abcd", b"abcdef", b"cdex"]);
        for (text, expected) in [
            (&b"--abc"[..], Some((2, 6))),
            (b"abcd", Some((0, 6))),
            (b"abcdef", None),
            (b"abcde", Some((0, 6))),
            (b"-cd", Some((1, 4))),
            (b"-", None),
            (b"", None),
        ] {
            let at_end = found.beginning_at_end(text);
            let at_end = at_end.map(|beginning| (beginning.start, beginning.whole));
            assert_eq!(at_end, expected, "{}", text.escape_ascii());
        }
    }

    proptest! {
        /// What is found is what comparing at every place finds.
        #[test]
        fn nothing_is_missed(
            all in prop::collection::vec("[ab]{4,9}", 1..6),
            text in "[abc]{0,80}",
        ) {
            let bytes: Vec<&[u8]> = all.iter().map(String::as_bytes).collect();
            let found = needles(&bytes);
            let mut expected = Vec::new();
            for start in 0..text.len() {
                let fit = bytes.iter().filter(|needle| text.as_bytes()[start..].starts_with(needle));
                expected.extend(fit.map(|needle| needle.len()).max().map(|length| start..start + length));
            }
            let ranges: Vec<Range<usize>> =
                found.places(text.as_bytes()).into_iter().map(|place| place.range).collect();
            prop_assert_eq!(ranges, expected);
            let waits = (0..text.len()).find(|start| {
                let rest = &text.as_bytes()[*start..];
                bytes.iter().any(|needle| needle.starts_with(rest) && needle.len() > rest.len())
            });
            let found = found.beginning_at_end(text.as_bytes());
            prop_assert_eq!(found.map(|beginning| beginning.start), waits);
        }
    }
}

//! What a program writes, kept within bounds: the end of one stream, the beginning of another, and
//! never more memory than that.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read};

use crate::sys::secret::Secret;

/// More than this on a stream, and the program is stopped.
pub(crate) const MAX_WRITTEN: u64 = 4 << 20;
/// How much of the end of stderr is kept to be shown.
pub(crate) const SHOWN: usize = 64 << 10;
/// How much more is kept, so that a secret that begins before what is shown is known for one.
const BEFORE_SHOWN: usize = 256 << 10;
/// How much of stdout is kept where it is an answer.
pub(crate) const MAX_ANSWER: usize = 256 << 10;

/// Which part of a stream is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Nothing,
    /// Its beginning, so many bytes.
    Beginning(usize),
    /// Its end, what may be shown and what comes before it.
    End,
}

/// What was read of a stream.
pub(crate) struct Captured {
    keep: Keep,
    bytes: Secret<Vec<u8>>,
    ring: VecDeque<u8>,
    total: u64,
}

/// Whether a stream may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Amount {
    /// It may.
    Fine,
    /// It just became more than a program may write.
    TooMuch,
}

impl Captured {
    pub(crate) fn new(keep: Keep) -> Self {
        let bytes = Secret::new(Vec::new());
        Self { keep, bytes, ring: VecDeque::new(), total: 0 }
    }

    /// Takes the next bytes of the stream.
    pub(crate) fn take(&mut self, chunk: &[u8]) -> Amount {
        let before = self.total;
        self.total = before.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        match self.keep {
            Keep::Nothing => {}
            Keep::Beginning(most) => {
                let room = most.saturating_sub(self.bytes.expose().len());
                let part = chunk.get(..room.min(chunk.len())).unwrap_or_default();
                self.bytes.expose_mut().extend_from_slice(part);
            }
            Keep::End => {
                self.ring.extend(chunk);
                let over = self.ring.len().saturating_sub(SHOWN.saturating_add(BEFORE_SHOWN));
                self.ring.drain(..over);
            }
        }
        let is_over = before <= MAX_WRITTEN && self.total > MAX_WRITTEN;
        if is_over { Amount::TooMuch } else { Amount::Fine }
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Returns what was kept.
    pub(crate) fn into_bytes(mut self) -> Secret<Vec<u8>> {
        match self.keep {
            Keep::Nothing | Keep::Beginning(_) => self.bytes,
            Keep::End => Secret::new(self.ring.drain(..).collect()),
        }
    }
}

/// Reads a stream to its end, which may be when the program is dead; calls `take` for each part.
pub(crate) fn drain(mut stream: impl Read, mut take: impl FnMut(&[u8])) {
    let mut chunk = Secret::new(vec![0; 16 << 10]);
    loop {
        match stream.read(chunk.expose_mut()) {
            Ok(0) => return,
            Ok(length) => take(chunk.expose().get(..length).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Writes the last lines of an output for a person: control characters spelled out.
pub(crate) fn last_lines(output: &[u8], most: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(most);
    lines.iter().skip(first).map(|line| visible(&line.replace('\t', "    "))).collect()
}

/// Spells out what would act on a terminal instead of being seen: control characters, and those
/// that change the direction of text or have no width.
pub(crate) fn visible(text: &str) -> String {
    let acts = |c: char| {
        let is_format = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}');
        c.is_control() || is_format
    };
    let spell = |c: char| if acts(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_that_are_wanted_are_kept() {
        for (keep, expected) in
            [(Keep::Nothing, ""), (Keep::Beginning(4), "abcd"), (Keep::End, "abcdef")]
        {
            let mut captured = Captured::new(keep);
            captured.take(b"abc");
            captured.take(b"def");
            assert_eq!(captured.total(), 6);
            assert_eq!(captured.into_bytes().expose(), expected.as_bytes());
        }
    }

    #[test]
    fn memory_has_a_bound_and_so_has_patience() {
        let mut captured = Captured::new(Keep::End);
        let chunk = vec![b'x'; 64 << 10];
        let amounts: Vec<Amount> = (0..80).map(|_| captured.take(&chunk)).collect();
        assert_eq!(amounts.iter().filter(|a| **a == Amount::TooMuch).count(), 1);
        assert_eq!(amounts[64], Amount::TooMuch);
        assert_eq!(captured.into_bytes().expose().len(), SHOWN + BEFORE_SHOWN);
    }

    #[test]
    fn lines_are_shown_and_nothing_else_happens() {
        let output = b"one\ntwo\x1b[31m\tred\xff\nthree\n";
        assert_eq!(last_lines(output, 2), ["two\\u{1b}[31m    red\u{fffd}", "three"]);
        assert_eq!(last_lines(b"", 20), Vec::<String>::new());
    }
}

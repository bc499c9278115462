//! Passwords that are known from leaks: looked up in the list that Have I Been Pwned gives away, a text
//! of SHA-1 hashes in their order, `HASH:COUNT` a line.
//!
//! The list has 40 GB. Some lines of it are read at their places, and it is never loaded. Where it cannot
//! be relied on, that is an error: silence would mean that a password is not in it. Opens no file.

use std::cmp::Ordering;
use std::fmt;
use std::io;

use sha1::{Digest, Sha1};

use crate::sys::memory::scrub_stack;
use crate::sys::secret::Secret;

/// Reads bytes from a place on, as `read_at` does.
pub(crate) type ReadAt<'a> = &'a dyn Fn(u64, &mut [u8]) -> io::Result<usize>;

/// The list.
pub(crate) struct LeakedPasswords<'a> {
    read: ReadAt<'a>,
    size: u64,
    /// About how many lines it has.
    lines: u64,
}

/// What the list has of a password that is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leak {
    /// How often it was seen, if the list says so.
    pub(crate) times: Option<u64>,
}

/// Why a list is none that can be relied on.
#[derive(Debug)]
pub(crate) enum Unreliable {
    Empty,
    /// NTLM hashes, of which the passwords here have none.
    OfNtlm,
    /// No hash begins there.
    NotAHash {
        at: u64,
    },
    /// A smaller hash follows a larger one.
    OutOfOrder {
        at: u64,
    },
    /// So many hashes are missing that it cannot be chance.
    Incomplete {
        at: u64,
    },
    Unreadable(io::Error),
}

/// SHA-1 of a password.
type Hash = [u8; 20];

/// A line of the list.
struct Line {
    hash: Hash,
    times: Option<u64>,
    begin: u64,
    /// Where the next one begins.
    end: u64,
}

/// How far the search has come on one side: no hash beyond is the one.
#[derive(Clone, Copy)]
struct Edge {
    at: u64,
    hash: Hash,
}

impl<'a> LeakedPasswords<'a> {
    /// Takes a list of so many bytes, and looks at some lines of it.
    pub(crate) fn new(size: u64, read: ReadAt<'a>) -> Result<Self, Unreliable> {
        let mut leaked = Self { read, size, lines: 0 };
        let Some(first) = leaked.line_from(0)? else { return Err(Unreliable::Empty) };
        let (mut last, mut bytes, mut count) = (first, 0_u64, 0_u64);
        leaked.lines = 1;
        let lowest = Edge { at: 0, hash: last.hash };
        for sample in 0..SAMPLES {
            let place = size.checked_div(SAMPLES).unwrap_or_default().saturating_mul(sample);
            let Some(line) = leaked.line_from(place)? else { continue };
            if line.hash < last.hash {
                return Err(Unreliable::OutOfOrder { at: line.begin });
            }
            bytes = bytes.saturating_add(line.end.saturating_sub(line.begin));
            count = count.saturating_add(1);
            last = line;
        }
        let rest = leaked.rest(last.end)?;
        let highest = rest.unwrap_or(Edge { at: last.begin, hash: last.hash });
        if highest.hash < last.hash {
            return Err(Unreliable::OutOfOrder { at: highest.at });
        }
        let lines = u128::from(size).saturating_mul(u128::from(count));
        let lines = lines.checked_div(u128::from(bytes)).unwrap_or_default();
        leaked.lines = u64::try_from(lines).unwrap_or(u64::MAX);
        leaked.require_dense(LOWEST, lowest)?;
        leaked.require_dense(highest, Edge { at: size, ..HIGHEST })?;
        Ok(leaked)
    }

    /// Looks a password up.
    pub(crate) fn find(&self, password: &str) -> Result<Option<Leak>, Unreliable> {
        let hash: Secret<Hash> = Secret::new(Sha1::digest(password.as_bytes()).into());
        let found = self.find_hash(hash.expose());
        drop(hash);
        scrub_stack();
        found
    }

    fn find_hash(&self, wanted: &Hash) -> Result<Option<Leak>, Unreliable> {
        let (mut low, mut high) = (LOWEST, Edge { at: self.size, ..HIGHEST });
        let mut step = 0;
        let mut went = Ordering::Equal;
        while high.at.saturating_sub(low.at) > LEAF {
            let place = guess(low, high, wanted, step, went);
            let line = self.line_from(place)?.filter(|line| line.begin < high.at);
            let line = line.ok_or(Unreliable::NotAHash { at: place })?;
            if line.hash < low.hash || line.hash > high.hash {
                return Err(Unreliable::OutOfOrder { at: line.begin });
            }
            went = line.hash.cmp(wanted);
            match went {
                Ordering::Equal => return Ok(leak(&line)),
                Ordering::Less => low = Edge { at: line.end, hash: line.hash },
                Ordering::Greater => high = Edge { at: line.begin, hash: line.hash },
            }
            step += 1;
        }
        let (low, high) = self.widened(low, high)?;
        self.find_between(low, high, wanted)
    }

    /// Takes in what lies around the lines that are left. The search went by single lines; if one of them
    /// is not where it belongs, its neighbours show it.
    fn widened(&self, low: Edge, high: Edge) -> Result<(Edge, Edge), Unreliable> {
        let before = self.line_from(low.at.saturating_sub(LEAF))?;
        let after = self.line_from(high.at.saturating_add(LEAF).min(self.size))?;
        let low = Edge { at: before.map_or(0, |line| line.begin).min(low.at), ..LOWEST };
        let high = Edge { at: after.map_or(self.size, |line| line.begin), ..HIGHEST };
        Ok((low, high))
    }

    /// Reads all lines between two places, which are few.
    fn find_between(
        &self,
        low: Edge,
        high: Edge,
        wanted: &Hash,
    ) -> Result<Option<Leak>, Unreliable> {
        let (mut below, mut above) = (low, high);
        let mut last = low.hash;
        let length = usize::try_from(high.at.saturating_sub(low.at)).unwrap_or_default();
        let bytes = self.bytes(low.at, length)?;
        let mut begin = low.at;
        for text in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = line(text, begin)?;
            if line.hash < last {
                return Err(Unreliable::OutOfOrder { at: begin });
            }
            last = line.hash;
            begin = line.end;
            match line.hash.cmp(wanted) {
                Ordering::Equal => return Ok(leak(&line)),
                Ordering::Less => below = Edge { at: line.begin, hash: line.hash },
                // The nearest is the first.
                Ordering::Greater if above.at == high.at => {
                    above = Edge { at: line.begin, hash: line.hash };
                }
                Ordering::Greater => {}
            }
        }
        self.require_dense(below, above)?;
        Ok(None)
    }

    /// Requires that two hashes which follow each other are not so far apart that others must be missing
    /// between them: hashes are spread evenly.
    fn require_dense(&self, below: Edge, above: Edge) -> Result<(), Unreliable> {
        let apart = place_of(&above.hash).saturating_sub(place_of(&below.hash));
        let missing = u128::from(apart).saturating_mul(u128::from(self.lines)) >> 64;
        if missing > CHANCE { Err(Unreliable::Incomplete { at: above.at }) } else { Ok(()) }
    }

    /// Reads the first line that begins at a place or after it.
    fn line_from(&self, place: u64) -> Result<Option<Line>, Unreliable> {
        let before = place.saturating_sub(1);
        let bytes = self.bytes(before, WINDOW)?;
        let is_end = |byte: &u8| *byte == b'\n';
        let (begin, rest) = match bytes.iter().position(is_end) {
            _ if place == 0 => (0, bytes.as_slice()),
            Some(end) => {
                let begin = end.saturating_add(1);
                (self.after(before, begin), bytes.get(begin..).unwrap_or_default())
            }
            // In the midst of the last line.
            None if bytes.len() < LONGEST => return Ok(None),
            None => return Err(Unreliable::NotAHash { at: place }),
        };
        let Some(text) = rest.split_inclusive(is_end).next() else { return Ok(None) };
        let line = line(text, begin)?;
        // The end of a line that is longer than any was not read.
        let is_whole = text.ends_with(b"\n") || line.end == self.size;
        if is_whole { Ok(Some(line)) } else { Err(Unreliable::NotAHash { at: begin }) }
    }

    /// Reads the last line of the list, which begins at a place or after it.
    fn rest(&self, place: u64) -> Result<Option<Edge>, Unreliable> {
        let tail = u64::try_from(WINDOW).unwrap_or_default();
        let mut line = self.line_from(place.max(self.size.saturating_sub(tail)))?;
        let mut last = None;
        while let Some(found) = line {
            last = Some(Edge { at: found.begin, hash: found.hash });
            line = if found.end < self.size { self.line_from(found.end)? } else { None };
        }
        Ok(last)
    }

    /// Reads so many bytes, or those that are left.
    fn bytes(&self, from: u64, length: usize) -> Result<Vec<u8>, Unreliable> {
        let left = usize::try_from(self.size.saturating_sub(from)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length.min(left)];
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match (self.read)(self.after(from, done), rest) {
                Ok(0) => {
                    // It got shorter since it was opened.
                    return Err(Unreliable::Incomplete { at: self.after(from, done) });
                }
                Ok(read) => done = done.saturating_add(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Unreliable::Unreadable(error)),
            }
        }
        Ok(bytes)
    }

    fn after(&self, from: u64, bytes: usize) -> u64 {
        from.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX)).min(self.size)
    }
}

/// Reads a line, which may end in any way that lines end in.
fn line(text: &[u8], begin: u64) -> Result<Line, Unreliable> {
    let wrong = Unreliable::NotAHash { at: begin };
    let end = begin.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let (digits, times) = match text.iter().position(|byte| *byte == b':') {
        None => (text, None),
        Some(colon) => {
            let (digits, rest) = text.split_at(colon);
            let number = rest.get(1..).unwrap_or_default();
            let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
            let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
            let Some(number) = number.filter(|_| is_number) else { return Err(wrong) };
            (digits, Some(number))
        }
    };
    if digits.len() == NTLM && digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(Unreliable::OfNtlm);
    }
    let Some(hash) = hash(digits) else { return Err(wrong) };
    Ok(Line { hash, times, begin, end })
}

fn hash(digits: &[u8]) -> Option<Hash> {
    let mut hash = [0; 20];
    if digits.len() != 40 {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let digit = u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
            *byte = *byte << 4 | digit;
        }
    }
    Some(hash)
}

/// Says what a line says. What was seen no time at all stands there to fill something up.
fn leak(line: &Line) -> Option<Leak> {
    (line.times != Some(0)).then_some(Leak { times: line.times })
}

/// Says where to look next. Hashes are spread evenly, so a hash tells about where it stands; and once that
/// is known, what is a little farther on leaves little between. Whatever the list holds, halving it ends.
fn guess(low: Edge, high: Edge, wanted: &Hash, step: u32, went: Ordering) -> u64 {
    let room = high.at.saturating_sub(low.at);
    let last = high.at.saturating_sub(MARGIN).max(low.at);
    if step >= GUESSES {
        return low.at.saturating_add(room / 2).min(last);
    }
    let (from, to) = (place_of(&low.hash), place_of(&high.hash));
    let along = u128::from(place_of(wanted).saturating_sub(from)).saturating_mul(u128::from(room));
    let along = along.checked_div(u128::from(to.saturating_sub(from))).unwrap_or_default();
    let place = low.at.saturating_add(u64::try_from(along).unwrap_or(u64::MAX));
    // As far as chance may have moved it: some times the root of the bytes there are.
    let stray = room.isqrt().saturating_mul(STRAY);
    let place = match went {
        Ordering::Less => place.saturating_add(stray),
        Ordering::Greater => place.saturating_sub(stray),
        Ordering::Equal => place,
    };
    place.clamp(low.at, last)
}

/// Returns where a hash is among all that there could be.
fn place_of(hash: &Hash) -> u64 {
    hash.first_chunk::<8>().map_or(0, |first| u64::from_be_bytes(*first))
}

impl fmt::Display for Unreliable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the list of leaked passwords is empty"),
            Self::OfNtlm => write!(f, "the list has NTLM hashes, not SHA-1"),
            Self::NotAHash { at } => {
                write!(f, "the list has no line HASH:COUNT with a SHA-1 hash at byte {at}")
            }
            Self::OutOfOrder { at } => {
                write!(f, "the list is not in the order of its hashes, as byte {at} shows")
            }
            Self::Incomplete { at } => write!(f, "hashes are missing before byte {at} of the list"),
            Self::Unreadable(error) => write!(f, "the list cannot be read: {error}"),
        }
    }
}

const LOWEST: Edge = Edge { at: 0, hash: [0; 20] };
const HIGHEST: Edge = Edge { at: u64::MAX, hash: [0xff; 20] };
/// The digits of an NTLM hash.
const NTLM: usize = 32;
/// More bytes than a line has: a hash, a colon, a number of 19 digits, and its end.
const LONGEST: usize = 64;
/// Wherever it begins, it has the end of one line and the whole next one.
const WINDOW: usize = 2 * LONGEST;
/// So much is read at once in the end, and around that.
const LEAF: u64 = 4096;
/// A line begins after the last place that is looked at, and before the end.
const MARGIN: u64 = 256;
/// How many lines are looked at before the list is believed.
const SAMPLES: u64 = 64;
/// By how many times the mean two neighbours are apart by chance: farther in one of e^64 cases.
const CHANCE: u128 = 64;
/// After so many guesses the list is not what it should be.
const GUESSES: u32 = 16;
const STRAY: u64 = 16;

#[cfg(test)]
mod tests;

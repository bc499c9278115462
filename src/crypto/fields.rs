//! Fixed-width fields, one after another, read without an index.

use crate::crypto;

/// The rest of some bytes of a known layout.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Fields<'a> {
    /// Begins to read `bytes`, named `what` in errors.
    pub(super) fn of(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    /// Takes the next `N` bytes.
    pub(super) fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], crypto::Error> {
        let (field, rest) = self.rest.split_first_chunk().ok_or(self.malformed())?;
        self.rest = rest;
        Ok(field)
    }

    /// Takes one byte.
    pub(super) fn u8(&mut self) -> Result<u8, crypto::Error> {
        self.take().map(|bytes| u8::from_be_bytes(*bytes))
    }

    /// Takes a big-endian integer of two bytes.
    pub(super) fn u16(&mut self) -> Result<u16, crypto::Error> {
        self.take().map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// Takes a big-endian integer of four bytes.
    pub(super) fn u32(&mut self) -> Result<u32, crypto::Error> {
        self.take().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// Takes `N` bytes that must be these.
    pub(super) fn expect<const N: usize>(&mut self, these: &[u8; N]) -> Result<(), crypto::Error> {
        if self.take()? == these { Ok(()) } else { Err(self.malformed()) }
    }

    /// Ends reading: nothing may be left.
    pub(super) fn end(self) -> Result<(), crypto::Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed()) }
    }

    /// The error for bytes that do not fit the layout.
    pub(super) fn malformed(&self) -> crypto::Error {
        crypto::Error::Malformed { what: self.what }
    }

    /// The error for a format number above the ones known here; below them is damage.
    pub(super) fn not_format_1(&self, found: u32) -> crypto::Error {
        if found > 1 {
            crypto::Error::NewerFormat { what: self.what, found }
        } else {
            self.malformed()
        }
    }
}

/// Puts parts of known lengths together; the lengths of the parts must add up to `N`.
pub(super) fn join<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut joined = [0; N];
    let bytes = parts.iter().flat_map(|part| part.iter());
    for (to, from) in joined.iter_mut().zip(bytes) {
        *to = *from;
    }
    debug_assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), N);
    joined
}

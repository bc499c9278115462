//! What was compressed with gzip (RFC 1952), back to what it was; bounded, since a few bytes can become
//! any number.

use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};

use crate::sys::secret::Secret;

/// Why bytes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// They are not what gzip writes, or changed since.
    Damaged,
    /// They become more than may be.
    TooLarge,
}

/// Reads what gzip wrote.
pub(super) fn gzip(bytes: &[u8], limit: usize) -> Result<Secret<Vec<u8>>, Fault> {
    let (body, end) = body(bytes).ok_or(Fault::Damaged)?;
    let inflated = decompress_to_vec_with_limit(body, limit).map_err(|error| {
        let is_too_large = error.status == TINFLStatus::HasMoreOutput;
        if is_too_large { Fault::TooLarge } else { Fault::Damaged }
    })?;
    let inflated = Secret::new(inflated);
    // The length is written modulo 2^32.
    let length = u32::try_from(inflated.expose().len()).map_err(|_long| Fault::TooLarge)?;
    let is_whole = [checksum(inflated.expose()).to_le_bytes(), length.to_le_bytes()] == end;
    if is_whole { Ok(inflated) } else { Err(Fault::Damaged) }
}

/// Returns what is compressed, and its checksum and length.
fn body(bytes: &[u8]) -> Option<(&[u8], [[u8; 4]; 2])> {
    let (&[0x1f, 0x8b, 8, flags, _, _, _, _, _, _], mut rest) = bytes.split_first_chunk()? else {
        return None;
    };
    // Whatever the other flags will mean, it changes what follows.
    if flags & 0xe0 != 0 {
        return None;
    }
    if flags & 4 != 0 {
        let (length, after) = rest.split_first_chunk()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = rest.get(end.checked_add(1)?..)?;
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..)?;
    }
    let (rest, length) = rest.split_last_chunk()?;
    let (rest, sum) = rest.split_last_chunk()?;
    Some((rest, [*sum, *length]))
}

/// The CRC-32 of RFC 1952.
fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `gzip -n` makes of `hello`.
    const HELLO: &[u8] =
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\x07\0\x86\xa6\x10\x36\x05\0\0\0";

    #[test]
    fn what_gzip_wrote_is_read() {
        assert_eq!(gzip(HELLO, 5).ok().unwrap().expose(), b"hello");
        let mut named = HELLO.to_vec();
        named[3] = 8 | 4 | 2;
        named.splice(10..10, *b"\x03\0abcname\0xx");
        assert_eq!(gzip(&named, 5).ok().unwrap().expose(), b"hello");
    }

    #[test]
    fn what_was_changed_or_is_too_large_is_refused() {
        assert_eq!(gzip(HELLO, 4).err(), Some(Fault::TooLarge));
        for length in 0..HELLO.len() {
            assert_eq!(gzip(&HELLO[..length], 5).err(), Some(Fault::Damaged), "{length}");
        }
        for place in (0..4).chain(10..HELLO.len()) {
            let mut changed = HELLO.to_vec();
            changed[place] ^= 0x40;
            // Some bits are read by nobody.
            let read = gzip(&changed, 100);
            assert!(read.is_err() || read.is_ok_and(|read| read.expose() == b"hello"), "{place}");
        }
    }
}

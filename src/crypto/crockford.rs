//! Crockford's base 32: digits and letters that cannot be taken for one another.
//!
//! Most significant bit first; the last character is filled up with zero bits.

use zeroize::Zeroize;

use crate::sys::secret::Secret;

/// Writes bytes as upper-case characters, five bits each.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(8).div_ceil(5));
    let mut pending = 0_u32;
    let mut bits = 0_u32;
    for byte in bytes {
        pending = (pending << 8 | u32::from(*byte)) & 0xfff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(character(pending >> bits));
        }
    }
    if bits > 0 {
        text.push(character(pending << (5 - bits)));
    }
    pending.zeroize();
    text
}

/// Reads characters of the alphabet in either case, with O for 0 and I or L for 1.
///
/// Returns `None` if a character is not in the alphabet, or if the bits left over are not zeros fewer
/// than a character has.
pub(crate) fn decode(characters: impl IntoIterator<Item = char>) -> Option<Secret<Vec<u8>>> {
    let mut bytes = Secret::new(Vec::with_capacity(LONGEST));
    let mut pending = 0_u32;
    let mut bits = 0_u32;
    for character in characters {
        pending = (pending << 5 | value(character)?) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            let [.., byte] = (pending >> bits).to_be_bytes();
            bytes.expose_mut().push(byte);
        }
    }
    let left_over = pending & ((1 << bits) - 1);
    pending.zeroize();
    (bits < 5 && left_over == 0).then_some(bytes)
}

/// Says whether a character means five bits, as itself or as what it is taken for.
pub(crate) fn is_digit(character: char) -> bool {
    value(character).is_some()
}

/// The character of the five lowest bits. Looked up by going through all: no index tells which.
fn character(value: u32) -> char {
    let wanted = value & 0x1f;
    ALPHABET.chars().zip(0..).fold(
        '0',
        |found, (character, value)| {
            if value == wanted { character } else { found }
        },
    )
}

fn value(character: char) -> Option<u32> {
    let plain = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        plain => plain,
    };
    ALPHABET.chars().zip(0..).find_map(|(known, value)| (known == plain).then_some(value))
}

const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// More bytes than anything written in this alphabet has; only saves growing.
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_answers() {
        let check = |bytes: &[u8], text: &str| {
            assert_eq!(encode(bytes), text);
            assert_eq!(*decode(text.chars()).unwrap().expose(), bytes);
        };
        check(b"", "");
        check(b"\0", "00");
        check(b"\xff", "ZW");
        check(b"foobar", "CSQPYRK1E8");
        check(b"\xff\xff\xff\xff\xff", "ZZZZZZZZ");
    }

    #[test]
    fn look_alikes_are_read_and_strangers_are_not() {
        let read = |text: &str| decode(text.chars()).map(|bytes| bytes.expose().clone());
        assert_eq!(read("csqpyrkie8"), Some(b"foobar".to_vec()));
        assert_eq!(read("oO"), Some(vec![0]));
        assert_eq!(read("iLIl1iL1"), Some(vec![0x08, 0x42, 0x10, 0x84, 0x21]));
        assert_eq!(read("U0"), None);
        assert_eq!(read("0\u{e9}"), None);
        // Bits left over that are not zero, and a whole character left over.
        assert_eq!(read("01"), None);
        assert_eq!(read("000"), None);
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let read = decode(encode(&bytes).chars()).unwrap();
            prop_assert_eq!(read.expose(), &bytes);
        }
    }
}

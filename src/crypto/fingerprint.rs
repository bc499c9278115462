//! Fingerprints of what is not secret, such as a program's file; and comparison of tokens.

use std::io::{self, Read};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Returns the SHA-256 of all that can be read, and how many bytes that was.
pub(crate) fn of(mut source: impl Read) -> io::Result<([u8; 32], u64)> {
    let mut hash = Sha256::new();
    let mut length = 0_u64;
    let mut chunk = [0; 8192];
    loop {
        match source.read(&mut chunk) {
            Ok(0) => return Ok((hash.finalize().into(), length)),
            Ok(read) => {
                hash.update(chunk.get(..read).unwrap_or_default());
                length = length.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether two texts are the same. The time it takes reveals their lengths and nothing else.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// Writes bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4's examples.
    #[test]
    fn known_answers() {
        for (text, expected) in [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            let (hash, length) = of(text.as_bytes()).unwrap();
            assert_eq!(
                (hex(&hash).as_str(), length),
                (expected, u64::try_from(text.len()).unwrap())
            );
        }
        let long = vec![b'a'; 1_000_000];
        let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
        assert_eq!(hex(&of(&long[..]).unwrap().0), expected);
    }

    #[test]
    fn tokens_are_compared_whole() {
        assert!(is_same("abc", "abc"));
        assert!(!is_same("abc", "abd") && !is_same("abc", "ab") && !is_same("", "a"));
    }
}

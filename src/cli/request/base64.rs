//! Base64 as Python's `base64.b64decode` reads it: characters outside the alphabet are skipped.
//!
//! A strict reader would refuse what scripts rely on, such as line breaks.

/// Why text is not base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undecodable {
    NotAscii,
    /// Its last group is not whole.
    Padding,
}

pub(crate) fn decode(text: &str) -> Result<Vec<u8>, Undecodable> {
    if !text.is_ascii() {
        return Err(Undecodable::NotAscii);
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    // The bits of the group so far, how many digits it has, and the padding seen in it.
    let (mut bits, mut digits, mut pads) = (0_u32, 0, 0);
    for letter in text.bytes() {
        if letter == b'=' {
            if digits >= 2 {
                pads += 1;
                if digits + pads >= 4 {
                    return Ok(bytes);
                }
            }
            continue;
        }
        let Some(value) = value_of(letter) else { continue };
        pads = 0;
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        if digits > 0 {
            // Each digit but the first of a group completes a byte.
            let [.., byte] = (bits >> (6 - 2 * digits)).to_be_bytes();
            bytes.push(byte);
        }
        digits = (digits + 1) % 4;
    }
    if digits == 0 { Ok(bytes) } else { Err(Undecodable::Padding) }
}

fn value_of(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values are those of Python 3.11's `base64.b64decode`.
    #[test]
    fn decodes_as_python_does() {
        for (text, expected) in [
            ("", Some(&b""[..])),
            ("aGVsbG8=", Some(b"hello")),
            ("aGVs\nbG8 =\n", Some(b"hello")),
            ("aGVsbG8h", Some(b"hello!")),
            ("aA==", Some(b"h")),
            ("aGk=", Some(b"hi")),
            ("!!!", Some(b"")),
            ("====", Some(b"")),
            ("aA==bbbb", Some(b"h")),
            ("a=A==", Some(b"h")),
            ("aG=k=", Some(b"hi")),
            ("aGk=aGk=", Some(b"hi")),
            ("/+/+", Some(b"\xff\xef\xfe")),
            ("-_-_", Some(b"")),
            ("hello", None),
            ("aA", None),
            ("aA=", None),
            ("aGk", None),
            ("a", None),
        ] {
            let expected = expected.map(<[u8]>::to_vec).ok_or(Undecodable::Padding);
            assert_eq!(decode(text), expected, "{text:?}");
        }
        assert_eq!(decode("é"), Err(Undecodable::NotAscii));
    }
}

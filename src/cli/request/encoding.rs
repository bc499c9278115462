//! What the bytes of a text file mean: the encodings that files of secrets and policies come in,
//! under the names that Python has for them, which are the AWS CLI's.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8; a byte order mark is text.
    #[default]
    Utf8,
    /// UTF-8; a byte order mark is left out.
    Utf8Marked,
    Ascii,
    /// ISO 8859-1: each byte is the character of that number.
    Latin1,
    /// Windows' encoding for Western Europe.
    Windows1252,
    /// UTF-16 in the order that its mark says; without one, low byte first.
    Utf16,
    /// UTF-16, low byte first; a byte order mark is text.
    Utf16Low,
    /// UTF-16, high byte first; a byte order mark is text.
    Utf16High,
}

impl Encoding {
    /// Finds an encoding by any of its names; capitals and the signs between words do not count.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        NAMES.iter().find(|(_, names)| names.contains(&&*plain.to_ascii_lowercase())).map(|n| n.0)
    }

    /// Reads bytes as text; `None` if they are not text in this encoding.
    pub(crate) fn decode(self, bytes: Vec<u8>) -> Option<String> {
        match self {
            Self::Utf8 => String::from_utf8(bytes).ok(),
            Self::Utf8Marked => {
                let unmarked = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
                std::str::from_utf8(unmarked).ok().map(str::to_owned)
            }
            Self::Ascii => String::from_utf8(bytes).ok().filter(|text| text.is_ascii()),
            Self::Latin1 => Some(bytes.into_iter().map(char::from).collect()),
            Self::Windows1252 => bytes.into_iter().map(windows_1252).collect(),
            Self::Utf16 => match bytes.strip_prefix(b"\xfe\xff") {
                Some(rest) => utf_16(rest, u16::from_be_bytes),
                None => {
                    utf_16(bytes.strip_prefix(b"\xff\xfe").unwrap_or(&bytes), u16::from_le_bytes)
                }
            },
            Self::Utf16Low => utf_16(&bytes, u16::from_le_bytes),
            Self::Utf16High => utf_16(&bytes, u16::from_be_bytes),
        }
    }
}

const NAMES: [(Encoding, &[&str]); 8] = [
    (Encoding::Utf8, &["utf8", "u8", "utf", "cp65001"]),
    (Encoding::Utf8Marked, &["utf8sig"]),
    (Encoding::Ascii, &["ascii", "usascii", "646", "iso646us", "ansix341968"]),
    (Encoding::Latin1, &["latin1", "latin", "l1", "iso88591", "8859", "cp819", "ibm819"]),
    (Encoding::Windows1252, &["cp1252", "1252", "windows1252"]),
    (Encoding::Utf16, &["utf16", "u16"]),
    (Encoding::Utf16Low, &["utf16le", "unicodelittleunmarked"]),
    (Encoding::Utf16High, &["utf16be", "unicodebigunmarked"]),
];

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks();
    let units = pairs.iter().copied().map(unit);
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.ok().filter(|_| rest.is_empty())
}

fn windows_1252(byte: u8) -> Option<char> {
    match byte.checked_sub(0x80).and_then(|index| BETWEEN.get(usize::from(index))) {
        None => Some(char::from(byte)),
        Some('\0') => None,
        Some(other) => Some(*other),
    }
}

/// The characters that Windows has from 0x80 to 0x9f; NUL where it has none.
const BETWEEN: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘',
    '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_pythons() {
        for (name, expected) in [
            ("UTF-8", Some(Encoding::Utf8)),
            ("utf_8_sig", Some(Encoding::Utf8Marked)),
            ("us-ascii", Some(Encoding::Ascii)),
            ("ISO-8859-1", Some(Encoding::Latin1)),
            ("latin-1", Some(Encoding::Latin1)),
            ("Windows-1252", Some(Encoding::Windows1252)),
            ("UTF16", Some(Encoding::Utf16)),
            ("utf-16-le", Some(Encoding::Utf16Low)),
            ("utf-16be", Some(Encoding::Utf16High)),
            ("shift-jis", None),
            ("", None),
        ] {
            assert_eq!(Encoding::named(name), expected, "{name}");
        }
    }

    #[test]
    fn bytes_are_read_as_python_reads_them() {
        for (encoding, bytes, expected) in [
            (Encoding::Utf8, &b"\xc3\xa9"[..], Some("é")),
            (Encoding::Utf8, b"\xe9", None),
            (Encoding::Utf8, b"\xef\xbb\xbfa", Some("\u{feff}a")),
            (Encoding::Utf8Marked, b"\xef\xbb\xbfa", Some("a")),
            (Encoding::Utf8Marked, b"\xc3\xa9", Some("é")),
            (Encoding::Ascii, b"a~", Some("a~")),
            (Encoding::Ascii, b"\xc3\xa9", None),
            (Encoding::Latin1, b"\xe9\x80", Some("é\u{80}")),
            (Encoding::Windows1252, b"\xe9\x80\x9f", Some("é€Ÿ")),
            (Encoding::Windows1252, b"\x81", None),
            (Encoding::Utf16, b"\xff\xfe\xe9\0", Some("é")),
            (Encoding::Utf16, b"\xfe\xff\0\xe9", Some("é")),
            (Encoding::Utf16, b"\xe9\0", Some("é")),
            (Encoding::Utf16, b"", Some("")),
            (Encoding::Utf16, b"\xff\xfe\xe9", None),
            (Encoding::Utf16Low, b"\x3d\xd8\x11\xdd", Some("🔑")),
            (Encoding::Utf16Low, b"\x3d\xd8", None),
            (Encoding::Utf16High, b"\xfe\xff\0a", Some("\u{feff}a")),
        ] {
            let text = encoding.decode(bytes.to_vec());
            assert_eq!(text.as_deref(), expected, "{encoding:?} {bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            for (encoding, _) in NAMES {
                encoding.decode(bytes.clone());
            }
        }
    }
}

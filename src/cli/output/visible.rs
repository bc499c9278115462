//! What a terminal is sent: text of a vault may come from elsewhere, and a terminal obeys what
//! is in it.
//!
//! Everything for a terminal passes through here, whatever its form; what goes into a pipe or a file
//! does not, and keeps its bytes.

use std::borrow::Cow;

/// Spells out what a terminal would obey, or show in another order, as `\u001b`, which is an escape
/// in JSON too; and what is not text as `\xff`. Ends of lines and tabs are kept.
pub(crate) fn for_terminal(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Option<Vec<u8>> = None;
    let mut seen = 0_usize;
    for chunk in bytes.utf8_chunks() {
        let text = chunk.valid();
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            let ends_line = letter == '\r' && letters.peek() == Some(&'\n');
            if acts(letter) && !ends_line {
                let out = out.get_or_insert_with(|| begun(bytes, seen));
                out.extend(format!("\\u{:04x}", u32::from(letter)).bytes());
            } else if let Some(out) = &mut out {
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            seen = seen.saturating_add(letter.len_utf8());
        }
        for byte in chunk.invalid() {
            let out = out.get_or_insert_with(|| begun(bytes, seen));
            out.extend(format!("\\x{byte:02x}").bytes());
            seen = seen.saturating_add(1);
        }
    }
    out.map_or(Cow::Borrowed(bytes), Cow::Owned)
}

/// Copies what needs no change, with room for what may follow.
fn begun(bytes: &[u8], seen: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().saturating_mul(2));
    out.extend_from_slice(bytes.get(..seen).unwrap_or_default());
    out
}

/// Control characters of both sets, and those that turn the direction of writing (Unicode's
/// Bidi_Control).
fn acts(letter: char) -> bool {
    let turns = matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}');
    (letter.is_control() && letter != '\n' && letter != '\t') || turns
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A description from a stranger's vault set the window's title, and could answer for the user.
    #[test]
    fn a_terminal_is_told_nothing_by_the_text() {
        for (text, expected) in [
            (&b"plain\ttext\n"[..], "plain\ttext\n"),
            ("caf\u{e9} \u{1f511} \u{5d0}".as_bytes(), "caf\u{e9} \u{1f511} \u{5d0}"),
            (b"\x1b]0;title\x07", "\\u001b]0;title\\u0007"),
            (b"safe\rrm -rf", "safe\\u000drm -rf"),
            (b"line\r\nline\r\n", "line\r\nline\r\n"),
            (b"\x7f\x00\x08", "\\u007f\\u0000\\u0008"),
            ("\u{9b}31m\u{85}".as_bytes(), "\\u009b31m\\u0085"),
            ("a\u{202e}b\u{2066}c\u{200f}\u{61c}".as_bytes(), "a\\u202eb\\u2066c\\u200f\\u061c"),
            (b"\x9b31m \xff\xc3", "\\x9b31m \\xff\\xc3"),
            (b"", ""),
        ] {
            assert_eq!(for_terminal(text), expected.as_bytes(), "{text:?}");
        }
        assert!(matches!(for_terminal(b"as it is\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_stays_the_same_json() {
        let text = "\"\u{9b}\u{202e}\u{7f}\"";
        let shown = for_terminal(text.as_bytes());
        let read: String = serde_json::from_slice::<serde_json::Value>(&shown)
            .map(|value| value.as_str().unwrap().to_owned())
            .unwrap();
        assert_eq!(read, "\u{9b}\u{202e}\u{7f}");
    }

    proptest! {
        #[test]
        fn nothing_that_acts_is_left(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let shown = String::from_utf8(for_terminal(&bytes).into_owned()).unwrap();
            prop_assert!(!shown.replace("\r\n", "\n").contains(acts));
        }
    }
}

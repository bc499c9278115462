//! From the bytes of a terminal to the keys of the picker. What is pasted is text, whatever it holds.

use crate::sys::silence::Keys;

/// A key, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Text(char),
    Enter,
    Escape,
    Up,
    Down,
    PageUp,
    PageDown,
    Left,
    Right,
    Home,
    End,
    Erase,
    EraseNext,
    EraseWord,
    EraseAll,
    Edit,
    Log,
    Otp,
    Rename,
    Show,
    /// It is for nothing.
    Other,
}

/// What has come of a key of several bytes, and how keys are to be understood.
pub(super) struct Decoder {
    keys: Keys,
    /// The first bytes of a letter, or of a key that begins with ESC.
    begun: Vec<u8>,
    is_pasting: bool,
}

impl Decoder {
    pub(super) fn new(keys: Keys) -> Self {
        Self { keys, begun: Vec::new(), is_pasting: false }
    }

    /// Whether an ESC came that may be a key of its own, or the beginning of one.
    pub(super) fn is_amid(&self) -> bool {
        self.begun.first() == Some(&ESCAPE)
    }

    /// Takes what is begun for all there is of it: nothing came for a while.
    pub(super) fn end(&mut self) -> Option<Key> {
        let is_alone = self.begun == [ESCAPE];
        self.begun.clear();
        (is_alone && !self.is_pasting).then_some(Key::Escape)
    }

    /// Understands some bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Key> {
        bytes.iter().filter_map(|byte| self.next(*byte)).collect()
    }

    fn next(&mut self, byte: u8) -> Option<Key> {
        if self.is_amid() {
            return self.sequence(byte);
        }
        if !byte.is_ascii() {
            return self.letter(byte);
        }
        // No key comes amid a letter; what there is of one is no text.
        self.begun.clear();
        match byte {
            ESCAPE => {
                self.begun.push(byte);
                None
            }
            _ if self.is_pasting => Some(match char::from(byte) {
                '\n' | '\r' | '\t' => Key::Text(' '),
                letter if letter.is_control() => Key::Other,
                letter => Key::Text(letter),
            }),
            _ => Some(self.key(byte)),
        }
    }

    /// Understands a key of one byte.
    fn key(&self, byte: u8) -> Key {
        let Keys { end, erase, erase_all, erase_word } = self.keys;
        match byte {
            b'\n' | b'\r' => Key::Enter,
            0 | b'\t' => Key::Other,
            _ if byte == end => Key::Escape,
            _ if byte == erase || byte == BACKSPACE || byte == DELETE => Key::Erase,
            _ if byte == erase_all => Key::EraseAll,
            _ if byte == erase_word => Key::EraseWord,
            CTRL_E => Key::Edit,
            CTRL_L => Key::Log,
            CTRL_N => Key::Down,
            CTRL_O => Key::Otp,
            CTRL_P => Key::Up,
            CTRL_R => Key::Rename,
            CTRL_S => Key::Show,
            0x01..=0x1f => Key::Other,
            _ => Key::Text(char::from(byte)),
        }
    }

    /// Takes the next byte of a key that begins with ESC.
    fn sequence(&mut self, byte: u8) -> Option<Key> {
        if self.begun.len() == 1 && byte == ESCAPE {
            // One follows the other: the first was a key of its own.
            return Some(Key::Escape);
        }
        self.begun.push(byte);
        let is_second = self.begun.len() == 2;
        let goes_on = is_second && (byte == b'[' || byte == b'O');
        let ends = is_second || (0x40..=0x7e).contains(&byte) || self.begun.len() > MAX_KEY;
        if goes_on || !ends {
            return None;
        }
        let begun = std::mem::take(&mut self.begun);
        Some(match begun.get(1..).unwrap_or_default() {
            PASTE_BEGINS => {
                self.is_pasting = true;
                Key::Other
            }
            PASTE_ENDS => {
                self.is_pasting = false;
                Key::Other
            }
            _ if self.is_pasting => Key::Other,
            b"[A" | b"OA" => Key::Up,
            b"[B" | b"OB" => Key::Down,
            b"[C" | b"OC" => Key::Right,
            b"[D" | b"OD" => Key::Left,
            b"[H" | b"OH" | b"[1~" | b"[7~" => Key::Home,
            b"[F" | b"OF" | b"[4~" | b"[8~" => Key::End,
            b"[3~" => Key::EraseNext,
            b"[5~" => Key::PageUp,
            b"[6~" => Key::PageDown,
            _ => Key::Other,
        })
    }

    /// Takes the next byte of a letter that has several.
    fn letter(&mut self, byte: u8) -> Option<Key> {
        self.begun.push(byte);
        let letter = match std::str::from_utf8(&self.begun) {
            Ok(text) => text.chars().next().filter(|letter| !letter.is_control()),
            Err(error) if error.error_len().is_none() => return None,
            Err(_) => None,
        };
        self.begun.clear();
        Some(letter.map_or(Key::Other, Key::Text))
    }
}

const BACKSPACE: u8 = 0x08;
const CTRL_E: u8 = 0x05;
const CTRL_L: u8 = 0x0c;
const CTRL_N: u8 = 0x0e;
const CTRL_O: u8 = 0x0f;
const CTRL_P: u8 = 0x10;
const CTRL_R: u8 = 0x12;
const CTRL_S: u8 = 0x13;
const DELETE: u8 = 0x7f;
const ESCAPE: u8 = 0x1b;
const PASTE_BEGINS: &[u8] = b"[200~";
const PASTE_ENDS: &[u8] = b"[201~";

/// The longest that a key is taken to be; a function key with modifiers has seven bytes.
const MAX_KEY: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: Keys = Keys { end: 4, erase: 0x7f, erase_all: 0x15, erase_word: 0x17 };

    fn read(parts: &[&[u8]]) -> Vec<Key> {
        let mut decoder = Decoder::new(KEYS);
        let mut keys: Vec<Key> = parts.iter().flat_map(|part| decoder.feed(part)).collect();
        keys.extend(decoder.end());
        keys
    }

    #[test]
    fn keys_are_what_they_are_for() {
        use Key::{Down, Enter, Erase, EraseAll, EraseWord, Escape, Log, Other, Show, Text, Up};
        for (bytes, expected) in [
            (&b"ab"[..], &[Text('a'), Text('b')][..]),
            ("\u{e9}\u{1f511}".as_bytes(), &[Text('\u{e9}'), Text('\u{1f511}')]),
            (b"\r\n", &[Enter, Enter]),
            (b"\x7f\x08\x15\x17\x04", &[Erase, Erase, EraseAll, EraseWord, Escape]),
            (b"\x13\x0c\x10\x0e", &[Show, Log, Up, Down]),
            (b"\x1b[A\x1bOB\x1b[6~", &[Up, Down, Key::PageDown]),
            (b"\x1b[1;5C\x1b[99~", &[Other, Other]),
            (b"\x1b", &[Escape]),
            (b"\x1b\x1b", &[Escape, Escape]),
            (b"\x1bx\x01\t\0", &[Other, Other, Other, Other]),
            (b"\xff\xc3a", &[Other, Text('a')]),
            ("\u{9b}".as_bytes(), &[Other]),
        ] {
            assert_eq!(read(&[bytes]), expected, "{bytes:?}");
        }
    }

    /// Over a slow line a key comes in pieces.
    #[test]
    fn pieces_are_put_together() {
        assert_eq!(read(&[b"\x1b", b"[", b"A", b"\xc3", b"\xa9"]), [Key::Up, Key::Text('\u{e9}')]);
        let mut decoder = Decoder::new(KEYS);
        assert_eq!(decoder.feed(b"\x1b"), []);
        assert!(decoder.is_amid());
        assert_eq!((decoder.end(), decoder.is_amid()), (Some(Key::Escape), false));
    }

    /// A name that was pasted with its newline is not chosen before it is seen, and no key is in it.
    #[test]
    fn what_is_pasted_is_text() {
        use Key::{Enter, Other, Text};
        assert_eq!(
            read(&[b"\x1b[200~a\r\x13\x1b[A\x1b[201~\r"]),
            [Other, Text('a'), Text(' '), Other, Other, Other, Enter]
        );
        assert_eq!(read(&[b"\x1b[200~\x1b"]), [Other]);
    }
}

//! A line that is typed at the terminal and not shown.
//!
//! The keys are read one by one instead of asking the system for a line: so the terminal is as it
//! was before `^C` ends this process, and a line may be longer than the 4,095 bytes that the system
//! takes. Does not know what is asked.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;

use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use rustix::termios::{tcgetattr, tcsetattr};

use crate::sys::secret::Secret;

/// Asks at a terminal, and returns the line without its end.
///
/// # Errors
/// The person gave up, or typed what is no text or far too long; or the system's own.
pub(super) fn ask(terminal: &File, prompt: &str) -> io::Result<Secret<String>> {
    let mut line = Line::default();
    let end = {
        let silence = Silence::begin(terminal)?;
        // Only now: whoever sees the question may answer at once.
        let asked = (&*terminal).write_all(prompt.as_bytes());
        asked.and_then(|()| line.read(terminal, &silence.keys()))
    };
    (&*terminal).write_all(b"\n")?;
    let failed = |kind, what| Err(io::Error::new(kind, what));
    match end? {
        End::Entered => {
            let bytes = mem::take(line.bytes.expose_mut());
            let text = String::from_utf8(bytes).map(Secret::new);
            text.or_else(|_not_text| failed(ErrorKind::InvalidData, "what was typed is no text"))
        }
        End::GivenUp => failed(ErrorKind::UnexpectedEof, "nobody answered at the terminal"),
        End::TooLong => failed(ErrorKind::InvalidInput, "what was typed is too long"),
        End::Interrupted => {
            kill_process(getpid(), Signal::INT)?;
            // Still here: whoever started this process had it ignore the signal.
            failed(ErrorKind::UnexpectedEof, "nobody answered at the terminal")
        }
    }
}

/// The time in which the terminal shows nothing and hands over every key.
struct Silence<'t> {
    terminal: &'t File,
    before: Termios,
}

impl<'t> Silence<'t> {
    fn begin(terminal: &'t File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        let echo = LocalModes::ECHO | LocalModes::ECHONL;
        silent.local_modes.remove(echo | LocalModes::ICANON | LocalModes::ISIG);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(terminal, OptionalActions::Now, &silent)?;
        Ok(Self { terminal, before })
    }

    fn keys(&self) -> Keys {
        let key = |index| self.before.special_codes[index];
        Keys {
            interrupt: key(SpecialCodeIndex::VINTR),
            end: key(SpecialCodeIndex::VEOF),
            erase: key(SpecialCodeIndex::VERASE),
            erase_all: key(SpecialCodeIndex::VKILL),
        }
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        let _gone = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

/// The keys that this terminal has for these; 0 for none.
struct Keys {
    interrupt: u8,
    end: u8,
    erase: u8,
    erase_all: u8,
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Entered,
    GivenUp,
    Interrupted,
    TooLong,
}

/// What has been typed so far.
struct Line {
    bytes: Secret<Vec<u8>>,
    escape: Escape,
}

/// Whether the keys at hand are those of an arrow or a function key, which mean nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    Begun,
    Inside,
}

impl Default for Line {
    fn default() -> Self {
        Self { bytes: Secret::new(Vec::with_capacity(ORDINARY)), escape: Escape::None }
    }
}

impl Line {
    fn read(&mut self, mut terminal: &File, keys: &Keys) -> io::Result<End> {
        let mut key = Secret::new([0]);
        loop {
            match terminal.read(key.expose_mut()) {
                Ok(0) => return Ok(End::GivenUp),
                Ok(_) => {
                    let [byte] = *key.expose();
                    if let Some(end) = self.take(byte, keys) {
                        return Ok(end);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn take(&mut self, byte: u8, keys: &Keys) -> Option<End> {
        let escape = mem::replace(&mut self.escape, Escape::None);
        let bytes = self.bytes.expose_mut();
        match byte {
            0 => {}
            b'\n' | b'\r' => return Some(End::Entered),
            _ if byte == keys.interrupt => return Some(End::Interrupted),
            _ if byte == keys.end => return bytes.is_empty().then_some(End::GivenUp),
            _ if byte == keys.erase || byte == BACKSPACE || byte == DELETE => erase(bytes),
            _ if byte == keys.erase_all => bytes.clear(),
            ESCAPE => self.escape = Escape::Begun,
            0x01..=0x1f => {}
            b'[' | b'O' if escape == Escape::Begun => self.escape = Escape::Inside,
            0x40..=0x7e if escape == Escape::Inside => {}
            _ if escape == Escape::Inside => self.escape = Escape::Inside,
            _ if escape == Escape::Begun => {}
            _ if bytes.len() == MOST => return Some(End::TooLong),
            _ => bytes.push(byte),
        }
        None
    }
}

/// Takes the last character away.
fn erase(bytes: &mut Vec<u8>) {
    while bytes.pop().is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {}
}

const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;
const ESCAPE: u8 = 0x1b;

/// Room for a passphrase; longer ones move, and the allocator wipes what they leave.
const ORDINARY: usize = 1024;
/// More than any secret may have, in bytes.
const MOST: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEYS: Keys = Keys { interrupt: 3, end: 4, erase: 0x7f, erase_all: 0x15 };

    fn typed(keys: &[u8]) -> (Option<End>, Vec<u8>) {
        let mut line = Line::default();
        let end = keys.iter().find_map(|key| line.take(*key, &KEYS));
        (end, line.bytes.expose().clone())
    }

    #[test]
    fn a_line_is_what_was_typed_and_not_taken_back() {
        for (keys, expected) in [
            ("hunter2\n", "hunter2"),
            ("hunter2\r", "hunter2"),
            ("\n", ""),
            (" two  words \n", " two  words "),
            ("hunx\x7fter2\n", "hunter2"),
            ("hunx\x08ter2\n", "hunter2"),
            ("\x7f\x7fa\n", "a"),
            ("aé\x7f\n", "a"),
            ("a🔑\x7fb\n", "ab"),
            ("all wrong\x15right\n", "right"),
            ("a\x1b[Ab\n", "ab"),
            ("a\x1b[1;5Cb\n", "ab"),
            ("a\x1bOPb\n", "ab"),
            ("a\x1bxb\n", "ab"),
            ("a\x1b\n", "a"),
            ("a\x1b[\n", "a"),
            ("a\tb\x01\x1a\0c\n", "abc"),
            ("a\x04b\n", "ab"),
        ] {
            let (end, line) = typed(keys.as_bytes());
            assert_eq!((end, line), (Some(End::Entered), expected.as_bytes().to_vec()), "{keys:?}");
        }
    }

    #[test]
    fn a_line_may_end_otherwise() {
        assert_eq!(typed(b"\x04"), (Some(End::GivenUp), Vec::new()));
        assert_eq!(typed(b"a\x7f\x04").0, Some(End::GivenUp));
        assert_eq!(typed(b"hun\x03ter2\n").0, Some(End::Interrupted));
        assert_eq!(typed(b"hunter2").0, None);
        assert_eq!(typed(&vec![b'x'; MOST]).0, None);
        assert_eq!(typed(&vec![b'x'; MOST + 1]).0, Some(End::TooLong));
        // A terminal that has no such keys.
        let none = Keys { interrupt: 0, end: 0, erase: 0, erase_all: 0 };
        assert_eq!(Line::default().take(0, &none), None);
    }

    proptest! {
        #[test]
        fn any_text_without_control_characters_is_taken_as_it_is(text in "[^\\p{Cc}]*") {
            let (end, line) = typed(format!("{text}\n").as_bytes());
            prop_assert_eq!(end, Some(End::Entered));
            prop_assert_eq!(line, text.as_bytes());
        }

        #[test]
        fn any_keys_are_taken(keys in prop::collection::vec(any::<u8>(), 0..100)) {
            typed(&keys);
        }
    }
}

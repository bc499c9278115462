//! From the bytes of a terminal to the keys that rpassword knows. What is typed or pasted is handed
//! on as it is, or refused; a key that means nothing rings the bell.
//!
//! rpassword passes over control characters, turns what is not UTF-8 into U+FFFD, and takes an end of
//! the input for the end of the line, and a paste for lines of which the first counts.

use std::collections::VecDeque;
use std::io;

use crate::sys::secret::Secret;
use crate::sys::silence::Keys;

/// How many lines are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// One; what is typed after it is for the next question.
    One,
    /// One value. More that comes in the same moment was pasted, and belongs to it.
    Single,
    /// All up to the key that ends the input.
    Many,
}

/// Why what was typed is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A control character was pasted.
    Control(char),
    /// The terminal is gone.
    Gone,
    /// It is not UTF-8, or has the one character that means something here.
    NoText,
    /// Several lines were pasted where one is asked for.
    SeveralLines,
    /// It is longer than anything that is asked for.
    TooLong,
}

impl Fault {
    /// Says what happened, and what to do instead.
    pub(crate) fn told(self, lines: Lines) -> String {
        match self {
            Self::Control(found) => format!(
                "what was pasted has the control character U+{:04X}; give it as a file",
                u32::from(found)
            ),
            Self::Gone => "the terminal is gone".to_owned(),
            Self::NoText => "what was typed is no text".to_owned(),
            Self::SeveralLines if lines == Lines::Single => "more than one line was pasted, and \
                 none was taken; --ask --multi-line takes all of them, up to Ctrl-D"
                .to_owned(),
            Self::SeveralLines => "more than one line was pasted, and none was taken".to_owned(),
            Self::TooLong => "what was typed is too long".to_owned(),
        }
    }
}

/// A terminal, byte by byte.
pub(crate) trait Source {
    /// Waits for a byte; `None` where there will be none any more.
    fn next(&mut self) -> io::Result<Option<u8>>;
    /// Whether another byte comes at once.
    fn is_more(&mut self) -> bool;
    /// Says that a key means nothing.
    fn ring(&mut self);
}

/// What has been typed and not been handed on, and how it is to be understood.
pub(crate) struct Keyboard<S> {
    source: S,
    keys: Keys,
    lines: Lines,
    /// What rpassword reads next.
    ready: VecDeque<u8>,
    /// The first bytes of a character.
    partial: Secret<Vec<u8>>,
    taken: usize,
    /// The line of a paste is over; there may be no other.
    is_line_pasted: bool,
    is_pasting: bool,
    is_over: bool,
    fault: Option<Fault>,
}

impl<S: Source> Keyboard<S> {
    pub(crate) fn new(source: S, keys: Keys, lines: Lines) -> Self {
        Self {
            source,
            keys,
            lines,
            ready: VecDeque::with_capacity(8),
            partial: Secret::new(Vec::with_capacity(8)),
            taken: 0,
            is_line_pasted: false,
            is_pasting: false,
            is_over: false,
            fault: None,
        }
    }

    /// Returns why nothing is taken, if that is so.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Whether another line is to be read.
    pub(crate) fn expects_more(&self) -> bool {
        self.lines == Lines::Many && !self.is_over && self.fault.is_none()
    }

    /// Hands on a byte; none at the end of the input.
    pub(crate) fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let Some(first) = to.first_mut() else { return Ok(0) };
        loop {
            if let Some(byte) = self.ready.pop_front() {
                *first = byte;
                return Ok(1);
            }
            if self.is_over {
                return Ok(0);
            }
            let understood = match self.source.next()? {
                None => Err(Fault::Gone),
                Some(byte) if self.is_pasting => self.paste(byte),
                Some(byte) => self.press(byte),
            };
            if let Err(fault) = understood {
                self.fault = Some(fault);
                self.drain();
                return Err(io::Error::other("refused"));
            }
        }
    }

    /// Understands a byte that was typed.
    fn press(&mut self, byte: u8) -> Result<(), Fault> {
        self.check_begun(byte)?;
        let Keys { end, erase, erase_all, erase_word } = self.keys;
        match byte {
            b'\n' | b'\r' => return self.enter(),
            b'\t' => return self.text(byte),
            0 => self.source.ring(),
            _ if byte == end && self.lines == Lines::Many => self.is_over = true,
            _ if byte == end => self.ready.push_back(END),
            _ if byte == erase || byte == BACKSPACE || byte == DELETE => {
                self.ready.push_back(DELETE);
            }
            _ if byte == erase_all => self.ready.push_back(ERASE_ALL),
            _ if byte == erase_word => self.ready.push_back(ERASE_WORD),
            ESCAPE => self.escape(),
            0x01..=0x1f => self.source.ring(),
            _ => return self.text(byte),
        }
        Ok(())
    }

    /// Understands a byte that was pasted: no key of it is a command.
    fn paste(&mut self, byte: u8) -> Result<(), Fault> {
        self.check_begun(byte)?;
        if byte == ESCAPE {
            return if self.sequence() == PASTE_ENDS {
                self.is_pasting = false;
                if std::mem::take(&mut self.is_line_pasted) { self.enter() } else { Ok(()) }
            } else {
                Err(Fault::Control('\u{1b}'))
            };
        }
        let is_break = byte == b'\n' || byte == b'\r';
        match (self.lines, is_break) {
            (Lines::Many, true) => self.enter(),
            // Many copy a line with its end.
            (Lines::One | Lines::Single, _) if self.is_line_pasted => Err(Fault::SeveralLines),
            (Lines::One | Lines::Single, true) => {
                self.is_line_pasted = true;
                Ok(())
            }
            (_, false) if byte != b'\t' && byte.is_ascii_control() => {
                Err(Fault::Control(char::from(byte)))
            }
            (_, false) => self.text(byte),
        }
    }

    /// The line is over.
    fn enter(&mut self) -> Result<(), Fault> {
        if self.lines == Lines::Single && self.source.is_more() {
            return Err(Fault::SeveralLines);
        }
        self.ready.push_back(b'\n');
        Ok(())
    }

    /// The key itself, one of a sequence of bytes such as an arrow, or the beginning of a paste.
    fn escape(&mut self) {
        if self.source.is_more() && self.sequence() == PASTE_BEGINS {
            self.is_pasting = true;
        } else {
            self.source.ring();
        }
    }

    /// Takes the rest of a key of several bytes; what follows ESC there.
    fn sequence(&mut self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_KEY);
        while bytes.len() < MAX_KEY
            && let Ok(Some(byte)) = self.source.next()
        {
            bytes.push(byte);
            let is_first = bytes.len() == 1;
            let goes_on = is_first && (byte == b'[' || byte == b'O');
            if !goes_on && (is_first || (0x40..=0x7e).contains(&byte)) {
                break;
            }
        }
        bytes
    }

    /// Hands on text, a whole character at a time.
    fn text(&mut self, byte: u8) -> Result<(), Fault> {
        let partial = self.partial.expose_mut();
        partial.push(byte);
        let character = match std::str::from_utf8(partial) {
            Ok(character) => character.chars().next(),
            Err(error) if error.error_len().is_none() => return Ok(()),
            Err(_) => return Err(Fault::NoText),
        };
        match character {
            Some('\t') => self.ready.extend(TAB.bytes()),
            // The only ones left have two bytes, and are no key of any terminal.
            Some(control) if control.is_control() => return Err(Fault::Control(control)),
            Some(_) if partial.as_slice() == TAB.as_bytes() => return Err(Fault::NoText),
            Some(_) | None => self.ready.extend(partial.iter()),
        }
        self.taken = self.taken.saturating_add(partial.len());
        partial.clear();
        if self.taken > MOST { Err(Fault::TooLong) } else { Ok(()) }
    }

    /// No key comes amid a character.
    fn check_begun(&self, byte: u8) -> Result<(), Fault> {
        let is_amid = byte.is_ascii() && !self.partial.expose().is_empty();
        if is_amid { Err(Fault::NoText) } else { Ok(()) }
    }

    /// Takes what is left of a paste off the terminal, so that no shell runs it: up to its mark, which a
    /// slow line may bring late, or else up to a pause.
    fn drain(&mut self) {
        let mut drained = 0;
        let mut pauses = 0;
        let mut last = [0; PASTE_ENDS.len()];
        while self.fault != Some(Fault::Gone) && drained < MAX_DRAINED {
            if !self.source.is_more() {
                pauses += 1;
                if !self.is_pasting || pauses > MAX_PAUSES {
                    return;
                }
                continue;
            }
            let Ok(Some(byte)) = self.source.next() else { return };
            drained += 1;
            pauses = 0;
            last.rotate_left(1);
            if let Some(newest) = last.last_mut() {
                *newest = byte;
            }
            // What comes at once after the mark was sent with it.
            self.is_pasting &= last != *PASTE_ENDS;
        }
    }
}

/// Puts the tabs back into what rpassword read.
pub(crate) fn written(typed: Secret<String>) -> Secret<String> {
    if !typed.expose().contains(TAB) {
        return typed;
    }
    Secret::new(typed.expose().replace(TAB, "\t"))
}

/// Replaces a tab on its way through rpassword: U+FDD0, which is not a character (Unicode,
/// chapter 23.7), so that nobody misses it.
const TAB: &str = "\u{fdd0}";

const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;
const END: u8 = 0x04;
const ERASE_ALL: u8 = 0x15;
const ERASE_WORD: u8 = 0x17;
const ESCAPE: u8 = 0x1b;
const PASTE_BEGINS: &[u8] = b"[200~";
const PASTE_ENDS: &[u8; 5] = b"[201~";

/// The longest that a key is taken to be; a function key with modifiers has seven bytes.
const MAX_KEY: usize = 32;
/// More than any secret may have, in bytes.
const MOST: usize = 128 * 1024;
/// How many pauses a paste may have before its mark comes; two seconds.
const MAX_PAUSES: usize = 40;
/// More than anybody pastes by mistake, in bytes.
const MAX_DRAINED: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;

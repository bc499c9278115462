//! Whether values keep to their places in TOML. Only strings and comments are told apart: what is
//! within one is known for certain, and nothing else of the text is judged.

use super::filled::{AFTER_BACKSLASH, Broken, Filling, ends_string};
use super::text::{Piece, Slot};

/// Where a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Outside,
    Comment,
    /// In a string with this quote, of one line or of several.
    String {
        quote: char,
        is_long: bool,
    },
}

/// Requires that no value ends the string that it is in, and that no other is more than a number.
pub(super) fn check(pieces: &[Piece<'_>], fillings: &[Filling]) -> Result<(), Broken> {
    let mut number = 0;
    let mut reader = Reader { place: Place::Outside, is_after_backslash: false, line: 1 };
    for piece in pieces {
        match piece {
            Piece::Text(text) => reader.pass(text)?,
            Piece::Slot(slot) => {
                let fits =
                    fillings.get(number).map_or(Ok(()), |filling| reader.fits(slot, filling));
                fits.map_err(|what| Broken { slot: Some(number), line: slot.line, what })?;
                number += 1;
            }
        }
    }
    match reader.place {
        Place::Outside | Place::Comment => Ok(()),
        Place::String { .. } => Err(reader.not_closed()),
    }
}

struct Reader {
    place: Place,
    is_after_backslash: bool,
    line: usize,
}

impl Reader {
    fn not_closed(&self) -> Broken {
        Broken {
            slot: None,
            line: self.line,
            what: "the template is no TOML: a string is not closed",
        }
    }

    fn pass(&mut self, text: &str) -> Result<(), Broken> {
        let mut letters = text.chars().peekable();
        while let Some(c) = letters.next() {
            let is_escaped = std::mem::take(&mut self.is_after_backslash);
            let mut repeated = 1;
            if ['"', '\''].contains(&c) && !is_escaped {
                while letters.next_if_eq(&c).is_some() {
                    repeated += 1;
                }
            }
            match self.place {
                Place::Outside => self.open(c, repeated),
                Place::Comment if c == '\n' => self.place = Place::Outside,
                Place::String { is_long: false, .. } if c == '\n' => return Err(self.not_closed()),
                Place::String { quote: '"', .. } if c == '\\' => {
                    self.is_after_backslash = !is_escaped;
                }
                Place::String { quote, is_long } if c == quote && !is_escaped => {
                    if is_long {
                        // Up to two belong to the string.
                        if repeated >= 3 {
                            self.place = Place::Outside;
                        }
                    } else {
                        self.place = Place::Outside;
                        if repeated > 1 {
                            self.open(c, repeated - 1);
                        }
                    }
                }
                Place::Comment | Place::String { .. } => {}
            }
            if c == '\n' {
                self.line += 1;
            }
        }
        Ok(())
    }

    /// Takes so many of one character that stand outside of strings.
    fn open(&mut self, c: char, repeated: usize) {
        self.place = match (c, repeated) {
            ('#', _) => Place::Comment,
            // A string that is open, an empty one, one of several lines, and an empty one of those.
            ('"' | '\'', 1) => Place::String { quote: c, is_long: false },
            ('"' | '\'', 3..=5) => Place::String { quote: c, is_long: true },
            _ => Place::Outside,
        };
    }

    /// Whether a value can stand here.
    fn fits(&self, slot: &Slot<'_>, filling: &Filling) -> Result<(), &'static str> {
        let written = filling.written.expose().as_str();
        if self.is_after_backslash {
            return Err(AFTER_BACKSLASH);
        }
        match self.place {
            Place::Outside => {
                let mut letters = written.chars();
                let first = letters.next();
                let is_number = first
                    .is_some_and(|c| c.is_ascii_digit() || ['+', '-'].contains(&c))
                    && letters.all(|c| c.is_ascii_alphanumeric() || "_+-.:".contains(c));
                if is_number || ["true", "false"].contains(&written) {
                    return Ok(());
                }
                Err("it is in no string, and its value is no number")
            }
            Place::Comment if written.contains(|c: char| c < ' ') => {
                Err("it is in a comment, and its value has more than a line")
            }
            Place::String { is_long: true, .. } if written.is_empty() => {
                Err("its value is empty, and the quotes around it would be one")
            }
            Place::String { quote: '"', .. }
                if !slot.escape.is_quoted() && ends_string(written) =>
            {
                Err("its value would end the string that it stands in, or change it")
            }
            Place::String { quote: '\'', .. }
                if written.contains(|c: char| c == '\'' || c < ' ')
                    || written.as_bytes() != filling.value.expose() && slot.escape.is_quoted() =>
            {
                Err("no escapes are read between single quotes, and its value needs some")
            }
            Place::Comment | Place::String { .. } => Ok(()),
        }
    }
}

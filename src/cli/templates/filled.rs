//! A text with values in the places of its references, and what can be wrong with it.

use super::text::Piece;
use crate::sys::secret::Secret;

/// What stands in the place of a reference.
pub(crate) struct Filling {
    pub(crate) value: Secret<Vec<u8>>,
    /// The value as the text has it.
    pub(crate) written: Secret<String>,
}

/// What would not be as the template says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// Which reference it is about; `None` where it is about the template.
    pub(crate) slot: Option<usize>,
    /// The line of the template.
    pub(crate) line: usize,
    pub(crate) what: &'static str,
}

/// Puts a text together.
pub(crate) fn filled(pieces: &[Piece<'_>], fillings: &[Filling]) -> Secret<String> {
    let mut fillings = fillings.iter();
    let mut out = Secret::new(String::new());
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.expose_mut().push_str(text),
            Piece::Slot(_) => {
                let written = fillings.next().map_or("", |filling| filling.written.expose());
                out.expose_mut().push_str(written);
            }
        }
    }
    out
}

/// Whether a text has what would end a string in double quotes, or be read as something else in it.
pub(crate) fn ends_string(text: &str) -> bool {
    text.contains(|c: char| c == '"' || c == '\\' || c < ' ')
}

/// What is said of a reference that the template has a backslash before.
pub(crate) const AFTER_BACKSLASH: &str = "there is a backslash before it";

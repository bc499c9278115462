//! Passphrases: one form for what the same keys typed on two machines, a judgement, a proposal.
//!
//! Does not ask for them; that is the terminal's part.

use unicode_normalization::UnicodeNormalization;

use crate::crypto;
use crate::sys::secret::Secret;

/// A passphrase as the key derivation takes it: RFC 8265's OpaqueString, 1 to 1,024 bytes.
pub(crate) struct Passphrase(Secret<String>);

impl Passphrase {
    /// Takes what was typed: spaces of all kinds become the plain one, letters their composed form
    /// (NFC). Nothing is cut off.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, crypto::Error> {
        let bad = |why| crypto::Error::BadPassphrase { why };
        if bytes.len() > LONGEST_INPUT {
            return Err(bad("is longer than 1024 bytes"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_invalid| bad("is not valid UTF-8"))?;
        if text.chars().any(char::is_control) {
            return Err(bad("contains a control character or a line break"));
        }
        // Twelve times is what NFC can grow to (UAX #15); there is never a smaller copy to lose.
        let mut normal =
            Secret::new(String::with_capacity(text.len().saturating_mul(12).min(LONGEST_INPUT)));
        normal.expose_mut().extend(text.chars().map(plain_space).nfc());
        match normal.expose().len() {
            0 => Err(bad("is empty")),
            1..=LONGEST => Ok(Self(normal)),
            _longer => Err(bad("is longer than 1024 bytes")),
        }
    }

    /// Takes what was read from a file or a descriptor, where an editor ended the line.
    pub(crate) fn from_file_bytes(bytes: &[u8]) -> Result<Self, crypto::Error> {
        let line = bytes.strip_suffix(b"\r\n").or(bytes.strip_suffix(b"\n"));
        Self::from_bytes(line.unwrap_or(bytes))
    }

    /// Shows the passphrase.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// Unicode's space separators (Zs) are one key to whoever types them.
fn plain_space(character: char) -> char {
    match character {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            ' '
        }
        other => other,
    }
}

const LONGEST: usize = 1024;
/// What is looked at before normalising, which can make text shorter.
const LONGEST_INPUT: usize = 4096;

//! Keyfiles: 32 random bytes on one line of text, for scripts that nobody can ask for a passphrase.
//!
//! Only files made here are taken. They hold 256 random bits, which is why no Argon2 precedes
//! them; nobody knows how many an arbitrary file holds. Does not touch the file or its mode.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::crypto;
use crate::crypto::crockford;
use crate::crypto::fields::Fields;
use crate::crypto::primitives::KeyBytes;
use crate::sys::entropy::Entropy;
use crate::sys::secret::Secret;

/// What a keyfile holds.
pub(crate) struct Keyfile(KeyBytes);

impl Keyfile {
    /// Draws a new one.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Result<Self, crypto::Error> {
        KeyBytes::random(entropy).map(Self)
    }

    /// Reads the content of a file: exactly what [`Keyfile::to_text`] writes, its last line break
    /// aside.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, crypto::Error> {
        let bad = |why| crypto::Error::BadKeyfile { why };
        let line = bytes.strip_suffix(b"\r\n").or(bytes.strip_suffix(b"\n")).unwrap_or(bytes);
        let digits = line
            .strip_prefix(PREFIX.as_bytes())
            .ok_or(bad("it does not begin with SRMKEY1-, as files made here do"))?;
        if digits.len() != DIGITS {
            return Err(bad("its length is not that of a keyfile"));
        }
        if digits.iter().any(u8::is_ascii_lowercase) {
            return Err(bad("a character of it is not of a keyfile"));
        }
        let bytes = crockford::decode(digits.iter().map(|digit| char::from(*digit)))
            .ok_or(bad("a character of it is not of a keyfile"))?;
        let mut fields = Fields::of(bytes.expose(), "keyfile");
        let mut keyfile = Self(KeyBytes::zeros());
        keyfile.0.expose_mut().copy_from_slice(fields.take::<32>()?);
        let intact = keyfile.checksum().ct_eq(fields.take::<4>()?);
        if bool::from(intact) {
            Ok(keyfile)
        } else {
            Err(bad("its checksum does not fit, so a character was changed"))
        }
    }

    /// Writes the content of the file, with its line break.
    pub(crate) fn to_text(&self) -> Secret<String> {
        let mut bytes = Secret::new(Vec::with_capacity(36));
        bytes.expose_mut().extend_from_slice(self.0.expose());
        bytes.expose_mut().extend_from_slice(&self.checksum());
        let digits = Secret::new(crockford::encode(bytes.expose()));
        Secret::new([PREFIX, digits.expose(), "\n"].concat())
    }

    /// What the slot's key is derived from.
    pub(super) fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The first four bytes of SHA-256.
    fn checksum(&self) -> [u8; 4] {
        let mut digest = Sha256::digest(self.0.expose());
        let mut checksum = [0; 4];
        for (to, from) in checksum.iter_mut().zip(&digest) {
            *to = *from;
        }
        digest.as_mut_slice().zeroize();
        checksum
    }
}

/// What every keyfile begins with.
pub(crate) const PREFIX: &str = "SRMKEY1-";
/// 36 bytes, five bits a digit.
const DIGITS: usize = 58;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::testing::{FixedEntropy, counting, text_vector};

    /// Written by an independent program from the description of the format.
    const TEXT: &str = "SRMKEY1-000G40R40M30E209185GR38E1W8124GK2GAHC5RR34D1P70X3RFP63ED54\n";

    fn keyfile() -> Keyfile {
        Keyfile::generate(&FixedEntropy::of(&[&counting::<32>(0)])).unwrap()
    }

    #[test]
    fn known_answer() {
        assert_eq!(keyfile().to_text().expose(), TEXT);
        assert_eq!(*Keyfile::parse(TEXT.as_bytes()).unwrap().expose(), counting::<32>(0));
        let known = Keyfile::generate(&FixedEntropy::of(&[&counting::<32>(0x90)])).unwrap();
        assert_eq!(known.to_text().expose().trim_end(), text_vector("keyfile"));
    }

    #[test]
    fn only_a_line_break_may_differ() {
        let line = TEXT.trim_end();
        let accepted = [line.to_owned(), format!("{line}\n"), format!("{line}\r\n")];
        for text in accepted {
            assert!(Keyfile::parse(text.as_bytes()).is_ok(), "{text:?}");
        }
        let refused = [
            String::new(),
            format!("{line}\n\n"),
            format!("{line}\r"),
            format!(" {line}"),
            format!("{line} "),
            line.to_lowercase(),
            line.replace("SRMKEY1-", "SRMKEY2-"),
            line.replace("SRMKEY1-", ""),
            format!("{line}0"),
            line.strip_suffix('4').unwrap().to_owned(),
            "x".repeat(100_000),
            "-----BEGIN OPENSSH PRIVATE KEY-----\n".to_owned(),
        ];
        for text in refused {
            let error = Keyfile::parse(text.as_bytes()).err();
            assert!(matches!(error, Some(crypto::Error::BadKeyfile { .. })), "{text:?}");
        }
    }

    #[test]
    fn every_wrong_character_is_noticed() {
        for place in 0..TEXT.len() - 1 {
            for wrong in (0..=255).filter(|wrong| *wrong != TEXT.as_bytes()[place]) {
                let mut text = TEXT.as_bytes().to_vec();
                text[place] = wrong;
                let read = Keyfile::parse(&text);
                // A look-alike is the same digit.
                let same = read.is_ok_and(|read| *read.expose() == counting::<32>(0));
                let alike = matches!(
                    (text[place], TEXT.as_bytes()[place]),
                    (b'O', b'0') | (b'I' | b'L', b'1')
                );
                assert_eq!(same, alike && place >= PREFIX.len(), "{place} {wrong}");
            }
        }
    }
}

//! Recovery codes: 128 random bits to be written on paper, `XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX`.
//!
//! The last 12 of the 140 bits are a check that notices every wrong character and every two
//! neighbours exchanged, wherever they are.

use crate::crypto;
use crate::crypto::crockford;
use crate::crypto::fields::Fields;
use crate::crypto::primitives::{KeyBytes, extract};
use crate::sys::entropy::Entropy;
use crate::sys::secret::Secret;

/// What a recovery code says.
pub(crate) struct RecoveryCode(Secret<Box<[u8]>>);

impl RecoveryCode {
    /// Draws a new one.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Result<Self, crypto::Error> {
        let mut code = Self(Secret::new(Box::new([0; RANDOM])));
        entropy.fill(code.0.expose_mut())?;
        Ok(code)
    }

    /// Reads a code as people copy it: any case, spaces and dashes anywhere or nowhere, the letter
    /// O for 0, I and L for 1.
    pub(crate) fn parse(text: &str) -> Result<Self, crypto::Error> {
        let bad = |why| crypto::Error::BadRecoveryCode { why };
        let digits = || text.chars().filter(|sign| !(sign.is_whitespace() || *sign == '-'));
        if !digits().all(crockford::is_digit) {
            return Err(bad("a character of it is in no code"));
        }
        // No more is read than a code has and one, however much was given.
        if digits().take(DIGITS + 1).count() != DIGITS {
            return Err(bad("a code has 28 characters"));
        }
        let zeros = std::iter::repeat_n('0', FILLERS);
        let bytes = crockford::decode(digits().chain(zeros))
            .ok_or(bad("a character of it is in no code"))?;
        let mut fields = Fields::of(bytes.expose(), "recovery code");
        let mut code = Self(Secret::new(Box::new([0; RANDOM])));
        code.0.expose_mut().copy_from_slice(fields.take::<RANDOM>()?);
        if code.check() == *fields.take::<2>()? {
            Ok(code)
        } else {
            Err(bad("a character of it was copied wrong"))
        }
    }

    /// Writes the code in seven groups of four.
    pub(crate) fn to_text(&self) -> Secret<String> {
        let mut bytes = Secret::new(Vec::with_capacity(RANDOM + 2));
        bytes.expose_mut().extend_from_slice(self.0.expose());
        bytes.expose_mut().extend_from_slice(&self.check());
        let digits = Secret::new(crockford::encode(bytes.expose()));
        let mut text = Secret::new(String::with_capacity(DIGITS + DIGITS / GROUP));
        for (place, digit) in digits.expose().chars().take(DIGITS).enumerate() {
            if place > 0 && place % GROUP == 0 {
                text.expose_mut().push('-');
            }
            text.expose_mut().push(digit);
        }
        text
    }

    /// What the slot's key is derived from.
    pub(super) fn stretch(&self) -> KeyBytes {
        extract(b"srm1/recovery", self.0.expose())
    }

    /// CRC-12 (x¹² + x¹¹ + x³ + x² + x + 1) of the random bits, before four zero bits.
    ///
    /// A cyclic code of degree 12 notices every change within 12 neighbouring bits, which a hash
    /// cut to 12 bits does not; the code is no proof of anything, the slot is.
    fn check(&self) -> [u8; 2] {
        let mut remainder = 0_u16;
        for byte in self.0.expose() {
            remainder ^= u16::from(*byte) << 8;
            for _ in 0..8 {
                let carry = remainder & 0x8000 != 0;
                remainder <<= 1;
                if carry {
                    remainder ^= CRC << 4;
                }
            }
        }
        remainder.to_be_bytes()
    }
}

/// Bytes of randomness.
const RANDOM: usize = 16;
/// Characters of a code, and of a group of it.
const DIGITS: usize = 28;
const GROUP: usize = 4;
/// Characters that fill the 140 bits of a code up to whole bytes: 144 bits and one zero bit.
const FILLERS: usize = 1;
const CRC: u16 = 0x80f;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::testing::{FixedEntropy, counting, text_vector, vector};

    /// Written by an independent program from the description of the format.
    const TEXT: &str = "208H-44RM-2MB1-E60S-38DH-R78Y-3WGP";

    #[test]
    fn known_answer() {
        let code = RecoveryCode::generate(&FixedEntropy::of(&[&counting::<16>(0x10)])).unwrap();
        assert_eq!(code.to_text().expose(), TEXT);
        assert_eq!(text_vector("recovery code"), TEXT);
        assert_eq!(code.stretch().expose()[..], vector("recovery F"));
    }

    #[test]
    fn it_is_read_as_people_copy_it() {
        let check = |text: &str| {
            let code = RecoveryCode::parse(text).unwrap();
            assert_eq!(code.0.expose()[..], counting::<16>(0x10), "{text}");
        };
        check(TEXT);
        check(&TEXT.to_lowercase());
        check(&TEXT.replace('-', ""));
        check(&TEXT.replace('-', " "));
        check(&TEXT.replace('0', "o"));
        check(&TEXT.replace('0', "O"));
        check(&TEXT.replace('1', "l"));
        check(&TEXT.replace('1', "I"));
        check(&format!("  {TEXT}\r\n"));
    }

    #[test]
    fn every_wrong_character_is_noticed() {
        let alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZU*";
        let digits: Vec<char> = TEXT.replace('-', "").chars().collect();
        for place in 0..digits.len() {
            for wrong in alphabet.chars().filter(|wrong| *wrong != digits[place]) {
                let mut typed = digits.clone();
                typed[place] = wrong;
                let typed: String = typed.into_iter().collect();
                assert!(RecoveryCode::parse(&typed).is_err(), "{typed}");
            }
        }
    }

    #[test]
    fn neighbours_exchanged_are_noticed() {
        let digits: Vec<char> = TEXT.replace('-', "").chars().collect();
        for place in 1..digits.len() {
            let mut typed = digits.clone();
            typed.swap(place - 1, place);
            if typed != digits {
                let typed: String = typed.into_iter().collect();
                assert!(RecoveryCode::parse(&typed).is_err(), "{typed}");
            }
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let long = "0".repeat(1_000_000);
        for text in [
            "",
            "-",
            "208H",
            TEXT.strip_suffix('P').unwrap(),
            &format!("{TEXT}0"),
            "hunter2",
            &long,
        ] {
            let error = RecoveryCode::parse(text).err();
            assert!(matches!(error, Some(crypto::Error::BadRecoveryCode { .. })));
        }
    }
}

//! The public header: what a vault says about itself before anybody has unlocked it.

use std::fmt;

use crate::crypto;
use crate::crypto::fields::{Fields, join};
use crate::sys::entropy::Entropy;

/// The name of a vault, kept through rekeying and backup; every key and every seal is bound to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct VaultId(pub(crate) [u8; 16]);

impl VaultId {
    /// Draws the id of a new vault.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Result<Self, crypto::Error> {
        let mut id = [0; 16];
        entropy.fill(&mut id)?;
        Ok(Self(id))
    }

    /// Reads 32 hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok().filter(|_| is_hex)?;
        Some(Self(number.to_be_bytes()))
    }
}

/// Writes 32 lower-case hexadecimal digits, as in the name of the anchor file.
impl fmt::Display for VaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The 72 public bytes. Each of them is bound into the sealed state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The vault's name.
    pub(crate) vault_id: VaultId,
    /// What the one master key of this vault answers to [`crate::crypto::keys::MasterKey::commit`].
    pub(crate) mk_commit: [u8; 32],
    /// How often the vault was rekeyed.
    pub(crate) key_epoch: u32,
}

impl Header {
    /// Bytes of a header.
    pub(crate) const LENGTH: usize = 72;

    /// What a header begins with.
    pub(crate) const MAGIC: &[u8; 8] = b"STRGROM1";

    /// Reads a header; anything that this version would not write is an error.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, crypto::Error> {
        let mut fields = Fields::of(bytes, "vault header");
        fields.expect(Self::MAGIC)?;
        let format = fields.u16()?;
        if format != FORMAT {
            return Err(fields.not_format_1(format.into()));
        }
        let (cipher, suite) = (fields.u16()?, fields.u16()?);
        if cipher != CIPHER {
            return Err(fields.not_format_1(cipher.into()));
        }
        if suite != SUITE {
            return Err(fields.not_format_1(suite.into()));
        }
        fields.expect(&[0; 2])?;
        let vault_id = VaultId(*fields.take()?);
        let mk_commit = *fields.take()?;
        let key_epoch = fields.u32()?;
        fields.expect(&[0; 4])?;
        fields.end()?;
        Ok(Self { vault_id, mk_commit, key_epoch })
    }

    /// Writes the header.
    pub(crate) fn encode(&self) -> [u8; Self::LENGTH] {
        join(&[
            Self::MAGIC,
            &FORMAT.to_be_bytes(),
            &CIPHER.to_be_bytes(),
            &SUITE.to_be_bytes(),
            &[0; 2],
            &self.vault_id.0,
            &self.mk_commit,
            &self.key_epoch.to_be_bytes(),
            &[0; 4],
        ])
    }
}

const FORMAT: u16 = 1;
/// XChaCha20-Poly1305.
const CIPHER: u16 = 1;
/// HKDF and HMAC with SHA-256, Argon2id version 1.3.
const SUITE: u16 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::testing::{counting, each_flip, hex};

    fn header() -> Header {
        Header { vault_id: VaultId(counting(0x20)), mk_commit: counting(0x80), key_epoch: 7 }
    }

    #[test]
    fn known_answer() {
        let bytes = hex("5354524752 4f4d31 0001 0001 0001 0000
            202122232425262728292a2b2c2d2e2f
            808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f
            00000007 00000000");
        assert_eq!(header().encode()[..], bytes);
        assert_eq!(Header::decode(&bytes), Ok(header()));
        assert_eq!(header().vault_id.to_string(), "202122232425262728292a2b2c2d2e2f");
    }

    #[test]
    fn every_bit_counts() {
        each_flip(&header().encode(), |bytes| Header::decode(bytes) != Ok(header()));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let check = |place: usize, value: u8, expected| {
            let mut bytes = header().encode();
            bytes[place] = value;
            assert_eq!(Header::decode(&bytes), Err(expected), "byte {place}");
        };
        let damaged = crypto::Error::Malformed { what: "vault header" };
        let newer = |found| crypto::Error::NewerFormat { what: "vault header", found };
        check(0, b'X', damaged);
        check(9, 0, damaged);
        check(9, 2, newer(2));
        check(11, 3, newer(3));
        check(13, 2, newer(2));
        check(13, 0, damaged);
        check(14, 1, damaged);
        check(71, 1, damaged);
        for length in (0..Header::LENGTH).chain([Header::LENGTH + 1, 1000]) {
            let mut bytes = header().encode().to_vec();
            bytes.resize(length, 0);
            assert_eq!(Header::decode(&bytes), Err(damaged), "{length} bytes");
        }
    }
}

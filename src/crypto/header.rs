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

    /// Reads a header; anything that this version would not write is an error.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, crypto::Error> {
        let mut fields = Fields::of(bytes, "vault header");
        fields.expect(MAGIC)?;
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
            MAGIC,
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

const MAGIC: &[u8; 8] = b"STRGROM1";
const FORMAT: u16 = 1;
/// XChaCha20-Poly1305.
const CIPHER: u16 = 1;
/// HKDF and HMAC with SHA-256, Argon2id version 1.3.
const SUITE: u16 = 1;

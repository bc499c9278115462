//! What protects the exports of other programs: a key of a password, by PBKDF2 or Argon2id, that is
//! stretched into two, for AES-256-CBC and for the HMAC that is checked before anything is decrypted
//! (encrypt-then-MAC, as Bitwarden has it). No byte of a vault is made by any of this.
//!
//! A cost that came from a file is checked before any work is done: it is a [`Derivation`] only if it
//! is within bounds.

use aes::Aes256;
use aes::cipher::{Block, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::Hmac;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::kdf::{self, KdfParameters};
use super::primitives::{KeyBytes, expand, hmac};
use crate::crypto;
use crate::sys::entropy::Entropy;
use crate::sys::memory::scrub_stack;
use crate::sys::secret::Secret;

/// How a key is derived, at a cost that is bearable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Derivation(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pbkdf2 { rounds: u32 },
    Argon2id(KdfParameters),
}

/// The two keys of a protected export.
pub(crate) struct ExportKeys {
    encryption: KeyBytes,
    authentication: KeyBytes,
}

/// Bytes under the keys of an export, as they stand there.
pub(crate) struct Protected<'a> {
    pub(crate) iv: [u8; 16],
    pub(crate) ciphertext: &'a [u8],
    pub(crate) mac: [u8; 32],
}

/// Bytes that were encrypted under the keys of an export.
pub(crate) struct Sealed {
    pub(crate) iv: [u8; 16],
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) mac: [u8; 32],
}

impl Derivation {
    /// PBKDF2 (RFC 8018) with HMAC-SHA-256; `None` for a cost out of Bitwarden's bounds.
    pub(crate) fn pbkdf2(rounds: u64) -> Option<Self> {
        let rounds = u32::try_from(rounds).ok().filter(|rounds| ROUNDS.contains(rounds))?;
        Some(Self(Kind::Pbkdf2 { rounds }))
    }

    /// Argon2id (RFC 9106), the salt hashed first; `None` for a cost out of Bitwarden's bounds.
    pub(crate) fn argon2id(passes: u64, memory_mib: u64, lanes: u64) -> Option<Self> {
        let within = |number: u64, (least, most)| {
            u32::try_from(number).ok().filter(|number| (least..=most).contains(number))
        };
        Some(Self(Kind::Argon2id(KdfParameters {
            memory_kib: within(memory_mib, MEMORY_MIB)?.checked_mul(1024)?,
            passes: within(passes, PASSES)?,
            lanes: within(lanes, LANES)?,
        })))
    }
}

impl ExportKeys {
    /// Derives the keys.
    pub(crate) fn derive(
        derivation: Derivation,
        password: &Secret<String>,
        salt: &[u8],
    ) -> Result<Self, crypto::Error> {
        let password = password.expose().as_bytes();
        let key = match derivation.0 {
            Kind::Pbkdf2 { rounds } => pbkdf2(rounds, password, salt)?,
            Kind::Argon2id(cost) => kdf::derive(cost, password, &Sha256::digest(salt).into())?,
        };
        let [mut encryption, mut authentication] = [KeyBytes::zeros(), KeyBytes::zeros()];
        expand(&key, &[b"enc"], encryption.expose_mut());
        expand(&key, &[b"mac"], authentication.expose_mut());
        scrub_stack();
        Ok(Self { encryption, authentication })
    }

    /// Checks that bytes are authentic.
    pub(crate) fn check(&self, protected: &Protected<'_>) -> Result<(), crypto::Error> {
        let mac = hmac(&self.authentication, &[&protected.iv, protected.ciphertext]);
        let is_authentic: bool = mac.ct_eq(&protected.mac).into();
        if is_authentic { Ok(()) } else { Err(crypto::Error::WrongCredential) }
    }

    /// Checks bytes, then decrypts them.
    pub(crate) fn open(&self, protected: &Protected<'_>) -> Result<Secret<Vec<u8>>, crypto::Error> {
        self.check(protected)?;
        let plain = self.decrypt(protected);
        scrub_stack();
        plain.ok_or(crypto::Error::Malformed { what: "export" })
    }

    /// Encrypts bytes, and says who wrote them.
    pub(crate) fn seal(
        &self,
        plain: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Sealed, crypto::Error> {
        let mut iv = [0; 16];
        entropy.fill(&mut iv)?;
        let ciphertext = self.encrypt(plain, iv);
        scrub_stack();
        let mac = hmac(&self.authentication, &[&iv, &ciphertext]);
        Ok(Sealed { iv, ciphertext, mac })
    }

    #[inline(never)]
    fn encrypt(&self, plain: &[u8], iv: [u8; 16]) -> Vec<u8> {
        // PKCS#7: as many bytes as each of them says, at least one.
        let filled = 16 - plain.len() % 16;
        let filling = u8::try_from(filled).unwrap_or_default();
        let mut bytes = Vec::with_capacity(plain.len().saturating_add(16));
        bytes.extend_from_slice(plain);
        bytes.resize(plain.len().saturating_add(filled), filling);
        let (blocks, _) = Block::<Aes256>::slice_as_chunks_mut(&mut bytes);
        cbc::Encryptor::<Aes256>::new(self.encryption.expose().into(), &iv.into())
            .encrypt_blocks(blocks);
        bytes
    }

    #[inline(never)]
    fn decrypt(&self, protected: &Protected<'_>) -> Option<Secret<Vec<u8>>> {
        let mut plain = Secret::new(protected.ciphertext.to_vec());
        let (blocks, rest) = Block::<Aes256>::slice_as_chunks_mut(plain.expose_mut());
        if !rest.is_empty() {
            return None;
        }
        cbc::Decryptor::<Aes256>::new(self.encryption.expose().into(), &protected.iv.into())
            .decrypt_blocks(blocks);
        // PKCS#7: as many bytes as each of them says. The MAC has said who wrote them.
        let filled = usize::from(*plain.expose().last()?);
        let length = plain.expose().len().checked_sub(filled)?;
        let is_filling = |bytes: &[u8]| bytes.iter().all(|byte| usize::from(*byte) == filled);
        let filling = plain.expose().get(length..)?;
        if !(1..=16).contains(&filled) || !is_filling(filling) {
            return None;
        }
        plain.expose_mut().truncate(length);
        Some(plain)
    }
}

#[inline(never)]
fn pbkdf2(rounds: u32, password: &[u8], salt: &[u8]) -> Result<KeyBytes, crypto::Error> {
    let mut key = KeyBytes::zeros();
    pbkdf2::pbkdf2::<Hmac<Sha256>>(password, salt, rounds, key.expose_mut())
        .map_err(|_length| crypto::Error::TooLong)?;
    Ok(key)
}

/// Rounds of PBKDF2, passes, memory and lanes of Argon2id that Bitwarden itself accepts in an export.
const ROUNDS: std::ops::RangeInclusive<u32> = 5_000..=2_000_000;
const PASSES: (u32, u32) = (2, 10);
const MEMORY_MIB: (u32, u32) = (16, 1024);
const LANES: (u32, u32) = (1, 16);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::testing::hex;
    use crate::sys::entropy::SystemEntropy;
    use crate::sys::memory::residue::Needle;

    /// <https://www.rfc-editor.org/rfc/rfc7914#section-11>, the first half of each.
    #[test]
    fn pbkdf2_is_rfc_7914() {
        for (password, salt, rounds, key) in [
            (
                "passwd",
                "salt",
                1,
                "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc",
            ),
            (
                "Password",
                "NaCl",
                80_000,
                "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56",
            ),
        ] {
            let derived = pbkdf2(rounds, password.as_bytes(), salt.as_bytes()).unwrap();
            assert_eq!(derived.expose()[..], hex(key));
        }
    }

    /// Made by OpenSSL, by way of Python's `cryptography`.
    #[test]
    fn known_answers() {
        let password = Secret::new("hunter2".to_owned());
        for (derivation, ciphertext, mac) in [
            (
                Derivation::pbkdf2(5_000),
                "edee97ff75e88f56f4d2d2ad7ee77fd67ac4c8ff1abb58f75322fe623319faa0",
                "5bc8d2d11d69ee19f285d49697d34196c3dd44fb5358062e945e9f31c9dd8158",
            ),
            (
                Derivation::argon2id(2, 16, 3),
                "63f0b0aec88f2955eea13f22616a2f846aea375e407dcc60c6187532632950d9",
                "e56c713307071ae48386a643f7c33906429b604ddccef4161f09f7386002324f",
            ),
        ] {
            let keys = ExportKeys::derive(derivation.unwrap(), &password, b"c2FsdA==").unwrap();
            let (ciphertext, mac) = (hex(ciphertext), hex(mac).try_into().unwrap());
            let protected = Protected { iv: [7; 16], ciphertext: &ciphertext, mac };
            assert_eq!(keys.open(&protected).ok().unwrap().expose(), b"sixteen bytes ..");
            let forged = Protected { iv: [6; 16], ..protected };
            assert_eq!(keys.open(&forged).err(), Some(crypto::Error::WrongCredential));
        }
    }

    #[test]
    fn what_a_file_may_ask_for() {
        for (rounds, is_bearable) in [
            (0, false),
            (4_999, false),
            (5_000, true),
            (2_000_000, true),
            (2_000_001, false),
            (u64::MAX, false),
        ] {
            assert_eq!(Derivation::pbkdf2(rounds).is_some(), is_bearable, "{rounds}");
        }
        for (passes, memory, lanes, is_bearable) in [
            (2, 16, 1, true),
            (10, 1024, 16, true),
            (1, 16, 1, false),
            (11, 16, 1, false),
            (2, 15, 1, false),
            (2, 1025, 1, false),
            (2, 1 << 32, 1, false),
            (2, 16, 0, false),
            (2, 16, 17, false),
        ] {
            let derivation = Derivation::argon2id(passes, memory, lanes);
            assert_eq!(derivation.is_some(), is_bearable, "{passes} {memory} {lanes}");
        }
    }

    #[test]
    fn what_is_filled_up_otherwise_is_refused() {
        let keys = ExportKeys { encryption: KeyBytes::zeros(), authentication: KeyBytes::zeros() };
        for length in [0, 15, 16, 17, 32] {
            let ciphertext = vec![5; length];
            let mac = hmac(&keys.authentication, &[&[0; 16], &ciphertext]);
            let protected = Protected { iv: [0; 16], ciphertext: &ciphertext, mac };
            let refused = Some(crypto::Error::Malformed { what: "export" });
            assert_eq!(keys.open(&protected).err(), refused, "{length}");
        }
    }

    #[test]
    fn what_was_sealed_is_opened() {
        let keys = ExportKeys { encryption: KeyBytes::zeros(), authentication: KeyBytes::zeros() };
        for length in [0, 1, 15, 16, 17, 1000] {
            let plain = vec![7; length];
            let Sealed { iv, ciphertext, mac } = keys.seal(&plain, &SystemEntropy).unwrap();
            assert!(ciphertext.len() > length && ciphertext.len() % 16 == 0);
            let protected = Protected { iv, ciphertext: &ciphertext, mac };
            assert!(*keys.open(&protected).ok().unwrap().expose() == plain);
        }
    }

    /// PBKDF2's crate wipes nothing of its own; the stack is wiped after it.
    #[test]
    fn no_copy_of_a_key_stays() {
        let mut password = [0; 32];
        SystemEntropy.fill(&mut password).unwrap();
        let password = Secret::new(String::from_utf8_lossy(&password).into_owned());
        let derivation = Derivation::pbkdf2(5_000).unwrap();
        let keys = ExportKeys::derive(derivation, &password, b"salt").unwrap();
        let needles = [&keys.encryption, &keys.authentication].map(|key| Needle::of(key.expose()));
        assert_eq!(needles.each_ref().map(Needle::count), [1, 1], "the keys themselves");
        drop(keys);
        assert_eq!(needles.each_ref().map(Needle::count), [0, 0]);
    }
}

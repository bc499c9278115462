//! The three primitives everything is made of, with their keys wiped: HKDF, HMAC, XChaCha20-Poly1305.
//!
//! What they are fed, and under which label, is said where they are used.

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

use crate::crypto;
use crate::sys::entropy::Entropy;

/// Thirty-two secret bytes that stay where they are made, on the heap, until they are wiped.
pub(super) struct KeyBytes(Box<[u8; 32]>);

impl KeyBytes {
    /// Makes a key of zeros, to be written in place.
    pub(super) fn zeros() -> Self {
        Self(Box::new([0; 32]))
    }

    /// Draws a key.
    pub(super) fn random(entropy: &dyn Entropy) -> Result<Self, crypto::Error> {
        let mut key = Self::zeros();
        entropy.fill(key.expose_mut())?;
        Ok(key)
    }

    /// Makes another one of the same bytes.
    pub(super) fn copy(&self) -> Self {
        let mut key = Self::zeros();
        key.expose_mut().copy_from_slice(self.expose());
        key
    }

    /// Shows the key.
    pub(super) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Shows the key, to be written in place.
    pub(super) fn expose_mut(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }
}

impl Drop for KeyBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// HKDF-Extract (RFC 5869) with SHA-256.
pub(super) fn extract(salt: &[u8], material: &[u8]) -> KeyBytes {
    let (mut output, _expander) = Hkdf::<Sha256>::extract(Some(salt), material);
    let mut key = KeyBytes::zeros();
    key.expose_mut().copy_from_slice(&output);
    output.as_mut_slice().zeroize();
    key
}

/// HKDF-Expand (RFC 5869) with SHA-256. `output` has at most 64 bytes.
pub(super) fn expand(key: &KeyBytes, label: &[&[u8]], output: &mut [u8]) {
    #[expect(clippy::expect_used, reason = "the length is in the type")]
    let expander = Hkdf::<Sha256>::from_prk(key.expose()).expect("a key has the hash's 32 bytes");
    #[expect(clippy::expect_used, reason = "the callers ask for 32 or 64 bytes")]
    expander.expand_multi_info(label, output).expect("HKDF gives up to 8,160 bytes");
}

/// HMAC (RFC 2104) with SHA-256 over the parts put together.
pub(super) fn hmac(key: &KeyBytes, parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "no length of key is refused")]
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.expose())
        .expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Encrypts in place and returns the tag.
pub(super) fn encrypt(
    key: &KeyBytes,
    nonce: &[u8; NONCE],
    aad: &[u8],
    buffer: &mut [u8],
) -> Result<[u8; TAG], crypto::Error> {
    XChaCha20Poly1305::new(key.expose().into())
        .encrypt_inout_detached(&XNonce::from(*nonce), aad, buffer.into())
        .map(Into::into)
        .map_err(|_too_long| crypto::Error::TooLong)
}

/// Checks the tag, then decrypts in place; on an error the buffer is as it was.
pub(super) fn decrypt(
    key: &KeyBytes,
    nonce: &[u8; NONCE],
    aad: &[u8],
    (buffer, tag): (&mut [u8], &[u8; TAG]),
) -> Result<(), crypto::Error> {
    XChaCha20Poly1305::new(key.expose().into())
        .decrypt_inout_detached(&XNonce::from(*nonce), aad, buffer.into(), &Tag::from(*tag))
        .map_err(|_forged| crypto::Error::AuthenticationFailed)
}

/// Bytes of a nonce.
pub(super) const NONCE: usize = 24;
/// Bytes of a tag.
pub(super) const TAG: usize = 16;

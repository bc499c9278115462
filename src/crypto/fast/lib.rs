//! The primitives that every record goes through. Generic code is compiled where it is used, as what uses
//! it is: this is compiled to be fast, and the rest of the program to be small.
//!
//! Keys are the caller's, in memory that is the caller's to wipe; what is made of them here is wiped here.

#![forbid(unsafe_code)]

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// SHA-256.
#[must_use]
#[inline(never)]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// HKDF-Extract (RFC 5869) with SHA-256, into a key.
#[inline(never)]
pub fn extract(salt: &[u8], material: &[u8], key: &mut [u8; 32]) {
    let (mut output, _expander) = Hkdf::<Sha256>::extract(Some(salt), material);
    key.copy_from_slice(&output);
    output.as_mut_slice().zeroize();
}

/// HKDF-Expand (RFC 5869) with SHA-256; `None` if more than 8,160 bytes are asked for.
#[must_use]
#[inline(never)]
pub fn expand(key: &[u8; 32], label: &[&[u8]], output: &mut [u8]) -> Option<()> {
    let expander = Hkdf::<Sha256>::from_prk(key).ok()?;
    expander.expand_multi_info(label, output).ok()
}

/// HMAC (RFC 2104) with SHA-256 over the parts put together; `None` if the key is refused, which none is.
#[must_use]
#[inline(never)]
pub fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> Option<[u8; 32]> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}

/// Encrypts in place and returns the tag; `None` if there is too much.
#[must_use]
#[inline(never)]
pub fn encrypt(
    key: &[u8; 32],
    nonce: &[u8; 24],
    aad: &[u8],
    buffer: &mut [u8],
) -> Option<[u8; 16]> {
    XChaCha20Poly1305::new(key.into())
        .encrypt_inout_detached(&XNonce::from(*nonce), aad, buffer.into())
        .map(Into::into)
        .ok()
}

/// Checks the tag, then decrypts in place; `None` if it is another one, and the buffer is as it was.
#[must_use]
#[inline(never)]
pub fn decrypt(
    key: &[u8; 32],
    nonce: &[u8; 24],
    aad: &[u8],
    buffer: &mut [u8],
    tag: &[u8; 16],
) -> Option<()> {
    XChaCha20Poly1305::new(key.into())
        .decrypt_inout_detached(&XNonce::from(*nonce), aad, buffer.into(), &Tag::from(*tag))
        .ok()
}

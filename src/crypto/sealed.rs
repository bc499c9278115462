//! The sealed box: nonce, then the padded length and data under XChaCha20-Poly1305.
//!
//! Which key and which associated data go with which box is said in `keys`.

use crate::crypto;
use crate::crypto::primitives::{KeyBytes, NONCE, TAG, decrypt, encrypt};
use crate::sys::entropy::Entropy;
use crate::sys::secret::Secret;

/// Returns the last 16 bytes of a box: its tag, which stands for its content in the tree.
pub(crate) fn pin(sealed: &[u8]) -> Result<[u8; 16], crypto::Error> {
    if sealed.len() < SMALLEST {
        return Err(crypto::Error::Malformed { what: "sealed box" });
    }
    sealed.last_chunk().copied().ok_or(crypto::Error::Malformed { what: "sealed box" })
}

/// Seals `data` under a fresh nonce.
pub(super) fn seal(
    key: &KeyBytes,
    aad: &[u8],
    data: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, crypto::Error> {
    let length = u32::try_from(data.len()).map_err(|_too_many| crypto::Error::TooLong)?;
    let padded = data.len().checked_add(PREFIX).and_then(padme).ok_or(crypto::Error::TooLong)?;
    let whole = padded.checked_add(NONCE + TAG).ok_or(crypto::Error::TooLong)?;
    let mut sealed = Vec::with_capacity(whole);
    sealed.resize(NONCE, 0);
    entropy.fill(&mut sealed)?;
    sealed.extend_from_slice(&length.to_be_bytes());
    sealed.extend_from_slice(data);
    sealed.resize(NONCE + padded, 0);
    let (nonce, plain) = sealed.split_first_chunk_mut().ok_or(crypto::Error::TooLong)?;
    let tag = encrypt(key, nonce, aad, plain)?;
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// Opens a box; anything but what `seal` made of this key and this `aad` fails.
pub(super) fn open(
    key: &KeyBytes,
    aad: &[u8],
    sealed: &[u8],
) -> Result<Secret<Vec<u8>>, crypto::Error> {
    if sealed.len() < SMALLEST {
        return Err(crypto::Error::AuthenticationFailed);
    }
    let (nonce, rest) = sealed.split_first_chunk().ok_or(crypto::Error::AuthenticationFailed)?;
    let (body, tag) = rest.split_last_chunk().ok_or(crypto::Error::AuthenticationFailed)?;
    let mut plain = Secret::new(body.to_vec());
    decrypt(key, nonce, aad, (plain.expose_mut(), tag))?;
    // Only the key's holder could have sealed something else; the form is checked all the same, so
    // that there is one box for one content.
    let length = unpadded(plain.expose()).ok_or(crypto::Error::AuthenticationFailed)?;
    plain.expose_mut().copy_within(PREFIX.., 0);
    plain.expose_mut().truncate(length);
    Ok(plain)
}

/// Returns the length of the data in a padded body, if the body is one that `seal` makes.
fn unpadded(body: &[u8]) -> Option<usize> {
    let (length, rest) = body.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let zeros = rest.get(length..)?;
    let canonical = padme(length.checked_add(PREFIX)?)? == body.len();
    (canonical && zeros.iter().all(|byte| *byte == 0)).then_some(length)
}

/// Rounds a length up so that it tells little: at least 256, then at most 12 % more (PADME).
pub(crate) fn padme(length: usize) -> Option<usize> {
    if length <= FLOOR {
        return Some(FLOOR);
    }
    let exponent = length.checked_ilog2()?;
    let kept = exponent.checked_ilog2()?.checked_add(1)?;
    let step = 1_usize.checked_shl(exponent.checked_sub(kept)?)?;
    length.checked_next_multiple_of(step)
}

/// The length of the data, in four bytes before it.
const PREFIX: usize = 4;
/// The smallest padded body.
const FLOOR: usize = 256;
/// The smallest box.
const SMALLEST: usize = NONCE + FLOOR + TAG;

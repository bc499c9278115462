//! The sealed box: nonce, then the padded length and data under XChaCha20-Poly1305.
//!
//! Which key and which associated data go with which box is said in `keys`.

use strongroom_primitives::sha256;

use crate::crypto;
use crate::crypto::primitives::{KeyBytes, NONCE, TAG, decrypt, encrypt};
use crate::sys::entropy::Entropy;
use crate::sys::secret::Secret;

/// Represents a box in the tree or a record: the SHA-256 of all of it. The box's own tag would not
/// do, since anyone who has the key can make another box with the same tag.
pub(crate) type Pin = [u8; 32];

/// Returns the pin of a box.
pub(crate) fn pin(sealed: &[u8]) -> Result<Pin, crypto::Error> {
    if sealed.len() < SMALLEST {
        return Err(crypto::Error::Malformed { what: "sealed box" });
    }
    Ok(sha256(sealed))
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
    decrypt(key, nonce, aad, plain.expose_mut(), tag)?;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::testing::{counting, each_flip, text_vector, vector};
    use crate::sys::entropy::{CountingEntropy, NoEntropy};

    fn key() -> KeyBytes {
        let mut key = KeyBytes::zeros();
        key.expose_mut().copy_from_slice(&counting::<32>(0));
        key
    }

    fn sealed(data: &[u8]) -> Vec<u8> {
        seal(&key(), b"here", data, &CountingEntropy::default()).unwrap()
    }

    /// A box whose padded body is this.
    fn around(body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        let tag = encrypt(&key(), &[0; NONCE], b"here", &mut body).unwrap();
        [&[0; NONCE][..], &body, &tag].concat()
    }

    #[test]
    fn sizes_tell_little() {
        for pair in text_vector("padme").split(' ') {
            let (length, padded) = pair.split_once(':').unwrap();
            let (length, padded): (usize, usize) =
                (length.parse().unwrap(), padded.parse().unwrap());
            assert_eq!(padme(length), Some(padded), "{length}");
        }
        assert_eq!(padme(0), Some(256));
        assert_eq!(padme(usize::MAX), None);
        for length in 257..100_000 {
            let padded = padme(length).unwrap();
            assert!(padded >= length && (padded - length) * 100 <= length * 12, "{length}");
            assert_eq!(padme(padded), Some(padded), "{length}");
        }
    }

    #[test]
    fn what_was_sealed_is_opened() {
        for length in [0, 1, 251, 252, 253, 268, 269, 4096, 65_537] {
            let data = vec![0xa5; length];
            let sealed = sealed(&data);
            assert_eq!(sealed.len(), 24 + padme(4 + length).unwrap() + 16);
            assert_eq!(sealed.capacity(), sealed.len());
            assert_eq!(*open(&key(), b"here", &sealed).unwrap().expose(), data);
        }
    }

    #[test]
    fn every_bit_counts() {
        let sealed = sealed(b"hunter2");
        each_flip(&sealed, |altered| open(&key(), b"here", altered).is_err());
        for length in 0..sealed.len() {
            assert!(open(&key(), b"here", &sealed[..length]).is_err(), "{length} bytes");
        }
        assert!(open(&key(), b"here", &[&sealed[..], b"\0"].concat()).is_err());
        assert!(open(&key(), b"there", &sealed).is_err());
        assert!(open(&KeyBytes::zeros(), b"here", &sealed).is_err());
    }

    #[test]
    fn one_content_has_one_form() {
        let check = |body: &[u8], expected: Option<&[u8]>| {
            let opened = open(&key(), b"here", &around(body));
            assert_eq!(opened.ok().map(|plain| plain.expose().clone()).as_deref(), expected);
        };
        let mut body = vec![0; 256];
        check(&body, Some(b""));
        body[255] = 1;
        check(&body, None);
        body[..5].copy_from_slice(&[0, 0, 0, 252, b'x']);
        check(&body, Some(&[b"x", &[0; 250][..], b"\x01"].concat()));
        // A length beyond the body, one of 4 GiB, and a body longer than its data asks for.
        body[..4].copy_from_slice(&[0, 0, 0, 253]);
        check(&body, None);
        body[..4].copy_from_slice(&[0xff; 4]);
        check(&body, None);
        check(&[0; 272], None);
        check(&[0; 255], None);
    }

    #[test]
    fn no_two_boxes_are_alike() {
        let entropy = CountingEntropy::default();
        let one = seal(&key(), b"here", b"hunter2", &entropy).unwrap();
        let other = seal(&key(), b"here", b"hunter2", &entropy).unwrap();
        assert_ne!(one[..24], other[..24]);
        assert_ne!(pin(&one), pin(&other));
    }

    #[test]
    fn nothing_is_sealed_without_randomness() {
        struct FakeEntropy;
        impl Entropy for FakeEntropy {
            fn fill(&self, _: &mut [u8]) -> Result<(), NoEntropy> {
                Err(NoEntropy::Refused)
            }
        }
        assert_eq!(seal(&key(), b"", b"x", &FakeEntropy), Err(NoEntropy::Refused.into()));
    }

    #[test]
    fn every_bit_counts_for_the_pin() {
        let sealed = sealed(b"hunter2");
        let sound = pin(&sealed);
        each_flip(&sealed, |altered| pin(altered) != sound);
        assert_ne!(pin(&[&sealed[..], b"\0"].concat()), sound);
        assert_eq!(pin(&vector("value box")).unwrap()[..], vector("pin"));
        for length in [0, 15, 16, SMALLEST - 1] {
            assert!(pin(&vec![0; length]).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_open_or_panic(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
            prop_assert!(open(&key(), b"here", &bytes).is_err());
        }
    }
}

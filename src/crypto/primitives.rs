//! The three primitives everything is made of, with their keys wiped: HKDF, HMAC, XChaCha20-Poly1305.
//!
//! What they are fed, and under which label, is said where they are used. The calculations are in
//! `fast`, a package of its own.

use strongroom_primitives as fast;

use crate::crypto;
use crate::sys::entropy::Entropy;
use crate::sys::key_place::KeyPlace;

/// Thirty-two secret bytes that stay where they are made, in memory for keys, until they are wiped.
pub(super) struct KeyBytes(KeyPlace);

impl KeyBytes {
    /// Makes a key of zeros, to be written in place.
    pub(super) fn zeros() -> Self {
        Self(KeyPlace::take())
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
        self.0.expose()
    }

    /// Shows the key, to be written in place.
    pub(super) fn expose_mut(&mut self) -> &mut [u8; 32] {
        self.0.expose_mut()
    }
}

/// HKDF-Extract (RFC 5869) with SHA-256.
pub(super) fn extract(salt: &[u8], material: &[u8]) -> KeyBytes {
    let mut key = KeyBytes::zeros();
    fast::extract(salt, material, key.expose_mut());
    key
}

/// HKDF-Expand (RFC 5869) with SHA-256. `output` has at most 64 bytes.
pub(super) fn expand(key: &KeyBytes, label: &[&[u8]], output: &mut [u8]) {
    #[expect(clippy::expect_used, reason = "the callers ask for 32 or 64 bytes")]
    fast::expand(key.expose(), label, output).expect("HKDF gives up to 8,160 bytes");
}

/// HMAC (RFC 2104) with SHA-256 over the parts put together.
pub(super) fn hmac(key: &KeyBytes, parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "no length of key is refused")]
    fast::hmac(key.expose(), parts).expect("HMAC takes keys of any length")
}

/// Encrypts in place and returns the tag.
pub(super) fn encrypt(
    key: &KeyBytes,
    nonce: &[u8; NONCE],
    aad: &[u8],
    buffer: &mut [u8],
) -> Result<[u8; TAG], crypto::Error> {
    fast::encrypt(key.expose(), nonce, aad, buffer).ok_or(crypto::Error::TooLong)
}

/// Checks the tag, then decrypts in place; on an error the buffer is as it was.
pub(super) fn decrypt(
    key: &KeyBytes,
    nonce: &[u8; NONCE],
    aad: &[u8],
    buffer: &mut [u8],
    tag: &[u8; TAG],
) -> Result<(), crypto::Error> {
    fast::decrypt(key.expose(), nonce, aad, buffer, tag).ok_or(crypto::Error::AuthenticationFailed)
}

/// Bytes of a nonce.
pub(super) const NONCE: usize = 24;
/// Bytes of a tag.
pub(super) const TAG: usize = 16;

#[cfg(test)]
mod tests {
    use chacha20poly1305::XChaCha20Poly1305;
    use sha2::Sha256;
    use zeroize::Zeroize;

    use super::*;
    use crate::crypto::testing::{counting, hex};

    /// A key of fewer bytes, which HMAC fills up with zeros itself.
    fn key(bytes: &[u8]) -> KeyBytes {
        let mut key = KeyBytes::zeros();
        key.expose_mut()[..bytes.len()].copy_from_slice(bytes);
        key
    }

    /// <https://www.rfc-editor.org/rfc/rfc5869#appendix-A>, cases 1 to 3.
    #[test]
    fn hkdf_is_rfc_5869() {
        let check = |salt: &[u8], material: &[u8], label: &[u8], prk: &str, output: &str| {
            let extracted = extract(salt, material);
            assert_eq!(extracted.expose()[..], hex(prk));
            let mut expanded = vec![0; hex(output).len()];
            expand(&extracted, &[label], &mut expanded);
            assert_eq!(expanded, hex(output));
        };
        check(
            &counting::<13>(0),
            &[0x0b; 22],
            &counting::<10>(0xf0),
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        );
        check(
            &counting::<80>(0x60),
            &counting::<80>(0),
            &counting::<80>(0xb0),
            "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
             59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
             cc30c58179ec3e87c14c01d5c1f3434f1d87",
        );
        check(
            &[],
            &[0x0b; 22],
            &[],
            "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d
             9d201395faa4b61a96c8",
        );
    }

    /// <https://www.rfc-editor.org/rfc/rfc4231#section-4>, cases 1 to 4: keys of at most 32 bytes.
    #[test]
    fn hmac_is_rfc_4231() {
        let check = |bytes: &[u8], message: &[u8], mac: &str| {
            assert_eq!(hmac(&key(bytes), &[message])[..], hex(mac));
            let (one, other) = message.split_at(message.len() / 2);
            assert_eq!(hmac(&key(bytes), &[one, other])[..], hex(mac));
        };
        check(
            &[0x0b; 20],
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        );
        check(
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
        check(
            &[0xaa; 20],
            &[0xdd; 50],
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        );
        check(
            &counting::<25>(1),
            &[0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        );
    }

    /// <https://datatracker.ietf.org/doc/html/draft-irtf-cfrg-xchacha-03#appendix-A.3.1>.
    #[test]
    fn the_cipher_is_the_xchacha_draft() {
        let key = key(&counting::<32>(0x80));
        let nonce = counting(0x40);
        let aad = hex("50515253c0c1c2c3c4c5c6c7");
        let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one \
            tip for the future, sunscreen would be it.";
        let mut buffer = plain.to_vec();
        let tag = encrypt(&key, &nonce, &aad, &mut buffer).unwrap();
        assert_eq!(
            buffer,
            hex("bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb
                 731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452
                 2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9
                 21f9664c97637da9768812f615c68b13b52e")
        );
        assert_eq!(tag[..], hex("c0875924c1c7987947deafd8780acf49"));
        decrypt(&key, &nonce, &aad, &mut buffer, &tag).unwrap();
        assert_eq!(buffer, plain);
    }

    /// Each of these is wiped only with a feature of its own crate, which no other switches on; with
    /// one of them off, this does not compile. Poly1305 and HMAC bear no mark of it.
    #[test]
    fn what_the_primitives_are_made_of_is_wiped() {
        fn on_drop<T: zeroize::ZeroizeOnDrop>() {}
        fn on_request<T: Zeroize>() {}
        on_drop::<XChaCha20Poly1305>();
        on_drop::<chacha20::ChaChaCore<chacha20::R20, chacha20::variants::Ietf>>();
        on_drop::<Sha256>();
        on_drop::<blake2::Blake2bMac512>();
        on_request::<argon2::Block>();
    }

    #[test]
    fn nothing_is_decrypted_that_does_not_authenticate() {
        let key = key(&counting::<32>(0x80));
        let mut buffer = b"hunter2".to_vec();
        let tag = encrypt(&key, &[0; 24], b"here", &mut buffer).unwrap();
        let sealed = buffer.clone();
        let forged = decrypt(&key, &[0; 24], b"there", &mut buffer, &tag);
        assert_eq!(forged, Err(crypto::Error::AuthenticationFailed));
        assert_eq!(buffer, sealed);
    }
}

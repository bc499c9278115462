//! The keys of a vault, unwrapped with its keyfile by docs/format.md alone, so that they can be
//! looked for where they must not be.

use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use rusqlite::{Connection, OpenFlags};
use sha2::Sha256;

use super::Needle;

/// Returns every key between the keyfile and the values.
pub(super) fn of(vault: &Path, keyfile: &str) -> Vec<Needle> {
    let rows = Connection::open_with_flags(vault, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let public: Vec<u8> = rows.query_row("SELECT public FROM vault", [], |r| r.get(0)).unwrap();
    let vault_id = &public[16..32];
    let mut query = rows.prepare("SELECT body FROM slot").unwrap();
    let slots = query.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    let slot = slots.map(Result::unwrap).find(|body| body[1] == 2).expect("a slot of a keyfile");

    let file_key = &crockford(keyfile.strip_prefix("SRMKEY1-").unwrap())[..32];
    let material = [&[0; 32], file_key].concat();
    let (slot_prk, expander) = Hkdf::<Sha256>::extract(Some(&slot[32..64]), &material);
    let mut okm = [0; 64];
    expander.expand_multi_info(&[b"srm1/slot", vault_id, &slot[..64]], &mut okm).unwrap();
    assert_eq!(okm[32..], slot[64..96], "the slot's commitment");
    let aad = [b"srm1\0\x05\0\0", vault_id, &slot[..96]].concat();
    let nonce: [u8; 24] = slot[96..120].try_into().unwrap();
    let wrapped = Payload { msg: &slot[120..168], aad: &aad };
    let cipher = XChaCha20Poly1305::new_from_slice(&okm[..32]).unwrap();
    let master = cipher.decrypt(&XNonce::from(nonce), wrapped).unwrap();

    let mut out = Needle::of("the keyfile's key", file_key);
    out.extend(Needle::of("a slot's pseudorandom key", &slot_prk));
    out.extend(Needle::of("a slot's key", &okm[..32]));
    out.extend(Needle::of("the master key", &master));
    let (vault_key, expander) = Hkdf::<Sha256>::extract(Some(vault_id), &master);
    out.extend(Needle::of("the vault key", &vault_key));
    for name in ["state", "secret", "value", "audit", "name", "tree", "anchor"] {
        let mut key = [0; 32];
        expander.expand_multi_info(&[b"srm1/key/", name.as_bytes()], &mut key).unwrap();
        out.extend(Needle::of(SUBKEY, &key));
    }
    out
}

/// What a key is called that an open vault may hold.
pub(super) const SUBKEY: &str = "a subkey";

fn crockford(digits: &str) -> Vec<u8> {
    let alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut out = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for digit in digits.chars() {
        bits = bits << 5 | u32::try_from(alphabet.find(digit).unwrap()).unwrap();
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held).unwrap());
            bits &= (1 << held) - 1;
        }
    }
    out
}

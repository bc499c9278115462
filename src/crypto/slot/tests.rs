use std::time::{Duration, Instant};

use super::*;
use crate::crypto::testing::{FixedEntropy, counting, each_flip, vector};
use crate::sys::entropy::{CountingEntropy, SystemEntropy};
use crate::sys::memory::residue::Needle;

const VAULT: VaultId = VaultId([0x20; 16]);
const CHEAPEST: Option<KdfParameters> = Some(KdfParameters::FLOOR_TO_OPEN);

fn passphrase(text: &str) -> Passphrase {
    Passphrase::from_bytes(text.as_bytes()).unwrap()
}

fn keyfile(first: u8) -> Keyfile {
    Keyfile::generate(&FixedEntropy::of(&[&counting::<32>(first)])).unwrap()
}

fn code(first: u8) -> Credential {
    let drawn = FixedEntropy::of(&[&counting::<16>(first)]);
    Credential::RecoveryCode(RecoveryCode::generate(&drawn).unwrap())
}

fn master() -> MasterKey {
    MasterKey::generate(&FixedEntropy::of(&[&counting::<32>(0)])).unwrap()
}

fn wrapped(credential: &Credential) -> SlotBody {
    let kdf = CHEAPEST.filter(|_| credential.kind().is_derived());
    SlotBody::wrap(&master(), &VAULT, credential, kdf, &CountingEntropy::default()).unwrap()
}

/// Opens altered bytes; the error says no more than that they do not fit.
fn opened(bytes: &[u8], credential: &Credential) -> Result<MasterKey, crypto::Error> {
    SlotBody::decode(bytes)?.unwrap(&VAULT, credential, CostLimit::Ordinary)
}

#[test]
fn known_answer() {
    let vault = VaultId(counting(0x20));
    let credential = Credential::Passphrase(passphrase("correct horse battery staple"));
    let kdf = KdfParameters { memory_kib: 65_536, passes: 3, lanes: 4 };
    // In the order drawn: slot_id, salt, nonce.
    let drawn =
        FixedEntropy::of(&[&counting::<16>(0x50), &counting::<32>(0x30), &counting::<24>(0x60)]);
    let slot = SlotBody::wrap(&master(), &vault, &credential, Some(kdf), &drawn).unwrap();
    assert_eq!(slot.as_bytes()[..], vector("slot body"));
    let key = slot.parts.derive(&vault, &credential).unwrap().0;
    assert_eq!(key.expose()[..], vector("slot key"));
    let unwrapped = slot.unwrap(&vault, &credential, CostLimit::Ordinary).unwrap();
    assert_eq!(*unwrapped.0.expose(), counting::<32>(0));
}

#[test]
fn every_kind_opens_with_its_own_credential_only() {
    let credentials = [
        Credential::Passphrase(passphrase("hunter2")),
        Credential::Keyfile(keyfile(0)),
        code(0),
        Credential::PassphraseAndKeyfile(passphrase("hunter2"), keyfile(0)),
        Credential::Passphrase(passphrase("hunter3")),
        Credential::Keyfile(keyfile(1)),
        code(1),
        Credential::PassphraseAndKeyfile(passphrase("hunter2"), keyfile(1)),
        Credential::PassphraseAndKeyfile(passphrase("hunter3"), keyfile(0)),
    ];
    for (place, credential) in credentials.iter().take(4).enumerate() {
        let slot = wrapped(credential);
        assert_eq!(slot.kind(), credential.kind());
        assert_eq!(slot.kdf().is_some(), credential.kind().is_derived());
        for (offered, other) in credentials.iter().enumerate() {
            let unwrapped = opened(slot.as_bytes(), other).map(|key| *key.0.expose());
            let expected = if offered == place {
                Ok(counting(0))
            } else {
                Err(crypto::Error::WrongCredential)
            };
            assert_eq!(unwrapped, expected, "{place} {offered}");
        }
        let elsewhere = slot.unwrap(&VaultId([0; 16]), credential, CostLimit::Ordinary);
        assert_eq!(elsewhere.err(), Some(crypto::Error::WrongCredential));
    }
}

#[test]
fn every_bit_counts() {
    let credential = Credential::Keyfile(keyfile(0));
    let slot = wrapped(&credential);
    each_flip(slot.as_bytes(), |bytes| opened(bytes, &credential).is_err());
    for length in (0..SlotBody::LENGTH).chain([SlotBody::LENGTH + 1]) {
        let mut bytes = slot.as_bytes().to_vec();
        bytes.resize(length, 0);
        let damaged = crypto::Error::Malformed { what: "slot" };
        assert_eq!(SlotBody::decode(&bytes).err(), Some(damaged), "{length} bytes");
    }
}

/// One byte of each field, for each try costs a derivation.
#[test]
fn every_field_of_a_derived_slot_counts() {
    let credential = Credential::Passphrase(passphrase("hunter2"));
    let slot = wrapped(&credential);
    for place in [0, 1, 2, 3, 7, 11, 15, 16, 32, 64, 96, 120, 152, 167] {
        let mut bytes = *slot.as_bytes();
        bytes[place] ^= 1;
        assert!(opened(&bytes, &credential).is_err(), "byte {place}");
    }
    assert!(opened(slot.as_bytes(), &credential).is_ok());
}

/// The commitment is there and is compared: another ciphertext under the same key is refused
/// by the cipher, another commitment before it.
#[test]
fn the_commitment_is_compared_first() {
    let credential = Credential::Keyfile(keyfile(0));
    let mut slot = wrapped(&credential);
    slot.parts.commit[0] ^= 1;
    // Sealed again, so that the cipher alone would accept it.
    let (key, _) = slot.parts.derive(&VAULT, &credential).unwrap();
    let mut buffer = *master().0.expose();
    slot.parts.tag =
        encrypt(&key, &slot.parts.nonce, &slot.parts.aad(&VAULT), &mut buffer).unwrap();
    slot.parts.wrapped = buffer;
    let refused = slot.unwrap(&VAULT, &credential, CostLimit::Ordinary).err();
    assert_eq!(refused, Some(crypto::Error::WrongCredential));
}

#[test]
fn what_is_not_understood_is_refused() {
    let slot = wrapped(&Credential::Keyfile(keyfile(0)));
    let check = |place: usize, value: u8, expected| {
        let mut bytes = *slot.as_bytes();
        bytes[place] = value;
        assert_eq!(SlotBody::decode(&bytes).err(), Some(expected), "byte {place}");
    };
    let damaged = crypto::Error::Malformed { what: "slot" };
    check(0, 2, crypto::Error::NewerFormat { what: "slot", found: 2 });
    check(0, 0, damaged);
    check(1, 0, damaged);
    check(1, 5, damaged);
    check(1, 1, damaged);
    check(2, 1, damaged);
    check(3, 1, damaged);
    check(7, 1, damaged);
}

#[test]
fn a_hostile_cost_is_refused_before_any_work() {
    let credential = Credential::Passphrase(passphrase("hunter2"));
    let slot = wrapped(&credential);
    let check = |memory_kib: u32, passes: u32, limit, fits: fn(crypto::Error) -> bool| {
        let mut bytes = *slot.as_bytes();
        bytes[4..8].copy_from_slice(&memory_kib.to_be_bytes());
        bytes[8..12].copy_from_slice(&passes.to_be_bytes());
        let slot = SlotBody::decode(&bytes).unwrap();
        let fastest = (0..5).map(|_| {
            let before = Instant::now();
            let refused = slot.unwrap(&VAULT, &credential, limit).err().unwrap();
            assert!(fits(refused), "{refused}");
            before.elapsed()
        });
        assert!(fastest.min() < Some(Duration::from_millis(5)));
    };
    let bounds = |error| matches!(error, crypto::Error::CostOutOfBounds { .. });
    let refused = |error| matches!(error, crypto::Error::CostRefused { .. });
    let low = |error| matches!(error, crypto::Error::CostTooLow { .. });
    check(u32::MAX, 3, CostLimit::Costly, bounds);
    check(u32::MAX, u32::MAX, CostLimit::Weak, bounds);
    check(2 * 1024 * 1024, 3, CostLimit::Ordinary, refused);
    check(8, 1, CostLimit::Ordinary, low);
}

#[test]
fn a_slot_that_could_not_be_opened_is_not_made() {
    let wrap = |credential: &Credential, kdf| {
        SlotBody::wrap(&master(), &VAULT, credential, kdf, &CountingEntropy::default()).err()
    };
    let weak = KdfParameters { memory_kib: 8, passes: 1, lanes: 1 };
    let words = Credential::Passphrase(passphrase("hunter2"));
    assert!(matches!(wrap(&words, Some(weak)), Some(crypto::Error::CostTooLow { .. })));
    let unfit = Some(crypto::Error::Malformed { what: "slot" });
    assert_eq!(wrap(&words, None), unfit);
    assert_eq!(wrap(&Credential::Keyfile(keyfile(0)), CHEAPEST), unfit);
}

#[test]
fn wrapping_again_renews_everything() {
    let credential = Credential::Keyfile(keyfile(0));
    let entropy = CountingEntropy::default();
    let wrap = || SlotBody::wrap(&master(), &VAULT, &credential, None, &entropy).unwrap();
    let (one, other) = (wrap(), wrap());
    assert_ne!(one.slot_id(), other.slot_id());
    assert_ne!(one.parts.salt, other.parts.salt);
    assert_ne!(one.parts.nonce, other.parts.nonce);
    assert_ne!(one.parts.wrapped, other.parts.wrapped);
}

/// Searches this process after unlocking, as a core dump would be searched. The stack and the
/// pool's stacks were where copies stayed.
#[test]
fn unlocking_leaves_nothing_in_memory() {
    let words = passphrase("leaves no trace in memory at all");
    let typed = Needle::of(words.expose().as_bytes());
    let credential = Credential::Passphrase(words);
    // Four lanes, so that other stacks than this one are used.
    let kdf = KdfParameters { memory_kib: 20 * 1024, passes: 2, lanes: 4 };
    let master = MasterKey::generate(&SystemEntropy).unwrap();
    let slot = SlotBody::wrap(&master, &VAULT, &credential, Some(kdf), &SystemEntropy).unwrap();
    let needles = needles(&slot, &credential, &master);
    drop(master);
    scrub_stack();
    for (name, needle) in &needles {
        assert_eq!(needle.count(), 0, "{name} after wrapping");
    }

    let master = slot.unwrap(&VAULT, &credential, CostLimit::Ordinary).unwrap();
    let (_, held) = &needles[0];
    assert_eq!(held.count(), 1, "the master key while it is held");
    let keys = master.keys(&VAULT);
    assert_eq!(typed.count(), 1, "the passphrase while it is held");
    drop((keys, master, credential));
    for (name, needle) in needles.iter().chain([&("passphrase", typed)]) {
        assert_eq!(needle.count(), 0, "{name} after unlocking");
    }
}

#[inline(never)]
fn needles(
    slot: &SlotBody,
    credential: &Credential,
    master: &MasterKey,
) -> Vec<(&'static str, Needle)> {
    let words = credential.passphrase().unwrap().expose().as_bytes();
    let stretched = kdf::derive(slot.kdf().unwrap(), words, &slot.parts.salt).unwrap();
    let (key, _) = slot.parts.derive(&VAULT, credential).unwrap();
    let vault_key = extract(&VAULT.0, master.0.expose());
    let mut value = KeyBytes::zeros();
    expand(&vault_key, &[b"srm1/key/value"], value.expose_mut());
    vec![
        ("master key", Needle::of(master.0.expose())),
        ("Argon2's tag", Needle::of(stretched.expose())),
        ("wrapping key", Needle::of(key.expose())),
        ("vault key", Needle::of(vault_key.expose())),
        ("value key", Needle::of(value.expose())),
    ]
}

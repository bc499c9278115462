//! Slots: the master key, wrapped under one credential each.
//!
//! ```text
//!   0  1 slot format = 1      16 16 slot_id         96 24 nonce
//!   1  1 kind                 32 32 salt           120 48 the master key under
//!   2  1 kdf (1 or 0)         64 32 commit             XChaCha20-Poly1305
//!   3  1 zero                  4 4 memory, 8 4 passes, 12 4 lanes (zero when kdf = 0)
//!
//! A    = Argon2id(passphrase, salt)                        or 32 zero bytes
//! F    = the keyfile's or recovery code's 32 bytes         or 32 zero bytes
//! OKM  = HKDF-Expand(HKDF-Extract(salt, A ‖ F), "srm1/slot" ‖ vault_id ‖ body[0..64], 64)
//! key  = OKM[0..32]      commit = OKM[32..64]
//! aad  = D(5) ‖ vault_id ‖ body[0..96]
//! ```
//! The commitment is compared before anything is decrypted, so that no ciphertext can be made that
//! opens under many passphrases. Does not know how many slots there are, nor what they are called.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::crypto;
use crate::crypto::fields::{Fields, join};
use crate::crypto::header::VaultId;
use crate::crypto::kdf::{self, CostLimit, KdfParameters};
use crate::crypto::keyfile::Keyfile;
use crate::crypto::keys::{MasterKey, SLOT};
use crate::crypto::passphrase::Passphrase;
use crate::crypto::primitives::{KeyBytes, NONCE, TAG, decrypt, encrypt, expand, extract};
use crate::crypto::recovery::RecoveryCode;
use crate::sys::entropy::Entropy;
use crate::sys::memory::scrub_stack;
use crate::sys::secret::Secret;

/// What opens a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotKind {
    /// A passphrase.
    Passphrase,
    /// A keyfile.
    Keyfile,
    /// The recovery code.
    RecoveryCode,
    /// A passphrase and a keyfile, both.
    PassphraseAndKeyfile,
}

impl SlotKind {
    /// Says whether opening such a slot costs a key derivation.
    pub(crate) fn is_derived(self) -> bool {
        match self {
            Self::Passphrase | Self::PassphraseAndKeyfile => true,
            Self::Keyfile | Self::RecoveryCode => false,
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Passphrase => 1,
            Self::Keyfile => 2,
            Self::RecoveryCode => 3,
            Self::PassphraseAndKeyfile => 4,
        }
    }

    fn of_number(number: u8) -> Option<Self> {
        [Self::Passphrase, Self::Keyfile, Self::RecoveryCode, Self::PassphraseAndKeyfile]
            .into_iter()
            .find(|kind| kind.number() == number)
    }
}

/// What the user offers.
pub(crate) enum Credential {
    /// A passphrase.
    Passphrase(Passphrase),
    /// A keyfile.
    Keyfile(Keyfile),
    /// The recovery code.
    RecoveryCode(RecoveryCode),
    /// A passphrase and a keyfile, both.
    PassphraseAndKeyfile(Passphrase, Keyfile),
}

impl Credential {
    /// Returns the kind of slot that it may open.
    pub(crate) fn kind(&self) -> SlotKind {
        match self {
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::Keyfile(_) => SlotKind::Keyfile,
            Self::RecoveryCode(_) => SlotKind::RecoveryCode,
            Self::PassphraseAndKeyfile(_, _) => SlotKind::PassphraseAndKeyfile,
        }
    }

    fn passphrase(&self) -> Option<&Passphrase> {
        match self {
            Self::Passphrase(passphrase) | Self::PassphraseAndKeyfile(passphrase, _) => {
                Some(passphrase)
            }
            Self::Keyfile(_) | Self::RecoveryCode(_) => None,
        }
    }

    /// Adds `F` to the key material.
    fn append_factor(&self, material: &mut Vec<u8>) {
        match self {
            Self::Passphrase(_) => material.extend_from_slice(&[0; 32]),
            Self::Keyfile(keyfile) | Self::PassphraseAndKeyfile(_, keyfile) => {
                material.extend_from_slice(keyfile.expose());
            }
            Self::RecoveryCode(code) => material.extend_from_slice(code.stretch().expose()),
        }
    }
}

/// The 168 bytes of a slot, of a form that this version knows.
pub(crate) struct SlotBody {
    bytes: [u8; SlotBody::LENGTH],
    parts: Parts,
}

/// Returns what a state keeps of a slot's body: its SHA-256.
pub(crate) fn digest(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

impl SlotBody {
    /// Bytes of a slot.
    pub(crate) const LENGTH: usize = 168;

    /// Reads a slot. What it costs is checked when it is opened, not here.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, crypto::Error> {
        let mut fields = Fields::of(bytes, "slot");
        let whole = *fields.take()?;
        fields.end()?;
        Parts::decode(&whole).map(|parts| Self { bytes: whole, parts })
    }

    /// Wraps a master key for a credential, under a fresh id, salt and nonce.
    ///
    /// `kdf` is given exactly for the kinds that are derived. Its floor for new slots is checked by
    /// whoever asks the user; here only that the slot can be opened again.
    pub(crate) fn wrap(
        master: &MasterKey,
        vault: &VaultId,
        credential: &Credential,
        kdf: Option<KdfParameters>,
        entropy: &dyn Entropy,
    ) -> Result<Self, crypto::Error> {
        let mut parts = Parts::fresh(credential.kind(), kdf, entropy)?;
        let sealed = parts.seal(master, vault, credential);
        scrub_stack();
        sealed.map(|()| Self { bytes: parts.encode(), parts })
    }

    /// Unwraps the master key. Whether it is this vault's is told by [`MasterKey::commit`].
    pub(crate) fn unwrap(
        &self,
        vault: &VaultId,
        credential: &Credential,
        limit: CostLimit,
    ) -> Result<MasterKey, crypto::Error> {
        if credential.kind() != self.parts.kind {
            return Err(crypto::Error::WrongCredential);
        }
        if let Some(kdf) = self.parts.kdf {
            kdf.check_open(limit)?;
        }
        let master = self.parts.open(vault, credential);
        scrub_stack();
        master
    }

    /// Shows the 168 bytes.
    pub(crate) fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.bytes
    }

    /// Returns what opens it.
    pub(crate) fn kind(&self) -> SlotKind {
        self.parts.kind
    }

    /// Returns the random id, drawn anew whenever the slot is wrapped.
    #[cfg(test)]
    pub(crate) fn slot_id(&self) -> [u8; 16] {
        self.parts.slot_id
    }

    /// Returns what opening it costs, if it costs a derivation.
    pub(crate) fn kdf(&self) -> Option<KdfParameters> {
        self.parts.kdf
    }
}

/// The fields of a slot. The first four stand in the first 64 bytes, which the key is derived with.
struct Parts {
    kind: SlotKind,
    kdf: Option<KdfParameters>,
    slot_id: [u8; 16],
    salt: [u8; 32],
    commit: [u8; 32],
    nonce: [u8; NONCE],
    wrapped: [u8; 32],
    tag: [u8; TAG],
}

impl Parts {
    fn decode(bytes: &[u8; SlotBody::LENGTH]) -> Result<Self, crypto::Error> {
        let mut fields = Fields::of(bytes, "slot");
        let format = fields.u8()?;
        if format != FORMAT {
            return Err(fields.not_format_1(format.into()));
        }
        let kind = SlotKind::of_number(fields.u8()?).ok_or(fields.malformed())?;
        let derived = fields.u8()?;
        fields.expect(&[0])?;
        let (memory_kib, passes, lanes) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let kdf = match (kind.is_derived(), derived, (memory_kib, passes, lanes)) {
            (true, 1, _) => Some(KdfParameters { memory_kib, passes, lanes }),
            (false, 0, (0, 0, 0)) => None,
            (true | false, _, _) => return Err(fields.malformed()),
        };
        Ok(Self {
            kind,
            kdf,
            slot_id: *fields.take()?,
            salt: *fields.take()?,
            commit: *fields.take()?,
            nonce: *fields.take()?,
            wrapped: *fields.take()?,
            tag: *fields.take()?,
        })
    }

    /// The fields of a new slot, in which nothing is wrapped yet.
    fn fresh(
        kind: SlotKind,
        kdf: Option<KdfParameters>,
        entropy: &dyn Entropy,
    ) -> Result<Self, crypto::Error> {
        if kind.is_derived() != kdf.is_some() {
            return Err(crypto::Error::Malformed { what: "slot" });
        }
        if let Some(kdf) = kdf {
            kdf.check_create_weak()?;
        }
        let (mut slot_id, mut salt, mut nonce) = ([0; 16], [0; 32], [0; NONCE]);
        entropy.fill(&mut slot_id)?;
        entropy.fill(&mut salt)?;
        entropy.fill(&mut nonce)?;
        let (commit, wrapped, tag) = ([0; 32], [0; 32], [0; TAG]);
        Ok(Self { kind, kdf, slot_id, salt, commit, nonce, wrapped, tag })
    }

    #[inline(never)]
    fn seal(
        &mut self,
        master: &MasterKey,
        vault: &VaultId,
        credential: &Credential,
    ) -> Result<(), crypto::Error> {
        let (key, commit) = self.derive(vault, credential)?;
        self.commit = commit;
        let mut wrapped = master.0.copy();
        self.tag = encrypt(&key, &self.nonce, &self.aad(vault), wrapped.expose_mut())?;
        self.wrapped = *wrapped.expose();
        Ok(())
    }

    #[inline(never)]
    fn open(&self, vault: &VaultId, credential: &Credential) -> Result<MasterKey, crypto::Error> {
        let (key, commit) = self.derive(vault, credential)?;
        if !bool::from(commit.ct_eq(&self.commit)) {
            return Err(crypto::Error::WrongCredential);
        }
        let mut master = KeyBytes::zeros();
        master.expose_mut().copy_from_slice(&self.wrapped);
        let opened = decrypt(&key, &self.nonce, &self.aad(vault), (master.expose_mut(), &self.tag));
        // The commitment fitted, so the rest of the slot was altered; the words are the same.
        opened.map_err(|_altered| crypto::Error::WrongCredential)?;
        Ok(MasterKey(master))
    }

    /// The key that wraps, and the commitment to it.
    fn derive(
        &self,
        vault: &VaultId,
        credential: &Credential,
    ) -> Result<(KeyBytes, [u8; 32]), crypto::Error> {
        let mut material = Secret::new(Vec::with_capacity(64));
        match (self.kdf, credential.passphrase()) {
            (Some(cost), Some(passphrase)) => {
                let stretched = kdf::derive(cost, passphrase.expose().as_bytes(), &self.salt)?;
                material.expose_mut().extend_from_slice(stretched.expose());
            }
            (None, None) => material.expose_mut().extend_from_slice(&[0; 32]),
            (Some(_), None) | (None, Some(_)) => return Err(crypto::Error::WrongCredential),
        }
        credential.append_factor(material.expose_mut());
        let slot = extract(&self.salt, material.expose());
        let mut output = Secret::new(vec![0; 64]);
        expand(&slot, &[b"srm1/slot", &vault.0, &self.opening()], output.expose_mut());
        let mut halves = Fields::of(output.expose(), "slot");
        let mut key = KeyBytes::zeros();
        key.expose_mut().copy_from_slice(halves.take::<32>()?);
        Ok((key, *halves.take()?))
    }

    fn aad(&self, vault: &VaultId) -> [u8; 8 + 16 + OPENING + 32] {
        join(&[&SLOT, &vault.0, &self.opening(), &self.commit])
    }

    /// The bytes before the commitment.
    fn opening(&self) -> [u8; OPENING] {
        let [memory, passes, lanes] = self
            .kdf
            .map_or([0; 3], |kdf| [kdf.memory_kib, kdf.passes, kdf.lanes])
            .map(u32::to_be_bytes);
        let head = [FORMAT, self.kind.number(), u8::from(self.kdf.is_some()), 0];
        join(&[&head, &memory, &passes, &lanes, &self.slot_id, &self.salt])
    }

    fn encode(&self) -> [u8; SlotBody::LENGTH] {
        join(&[&self.opening(), &self.commit, &self.nonce, &self.wrapped, &self.tag])
    }
}

const FORMAT: u8 = 1;
/// The bytes before the commitment.
const OPENING: usize = 64;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::crypto::testing::{Recorded, counting, each_flip, vector};
    use crate::sys::entropy::{CountingEntropy, SystemEntropy};
    use crate::sys::memory::residue::Needle;

    const VAULT: VaultId = VaultId([0x20; 16]);
    const CHEAPEST: Option<KdfParameters> = Some(KdfParameters::FLOOR_TO_OPEN);

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::from_bytes(text.as_bytes()).unwrap()
    }

    fn keyfile(first: u8) -> Keyfile {
        Keyfile::generate(&Recorded::of(&[&counting::<32>(first)])).unwrap()
    }

    fn code(first: u8) -> Credential {
        let drawn = Recorded::of(&[&counting::<16>(first)]);
        Credential::RecoveryCode(RecoveryCode::generate(&drawn).unwrap())
    }

    fn master() -> MasterKey {
        MasterKey::generate(&Recorded::of(&[&counting::<32>(0)])).unwrap()
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
            Recorded::of(&[&counting::<16>(0x50), &counting::<32>(0x30), &counting::<24>(0x60)]);
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
}

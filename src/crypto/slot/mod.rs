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
    Passphrase,
    Keyfile,
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
    Passphrase(Passphrase),
    Keyfile(Keyfile),
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
    /// the code that asks the user; here only that the slot can be opened again.
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

/// The fields of a slot. The first four are the first 64 bytes, which the key is derived with.
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
        let opened = decrypt(&key, &self.nonce, &self.aad(vault), master.expose_mut(), &self.tag);
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
mod tests;

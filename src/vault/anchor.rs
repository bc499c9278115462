//! What this machine remembers of a vault, outside the vault: the newest state it has seen, so that
//! an older copy put back is noticed. docs/format.md, "Anchor".

use std::path::{Path, PathBuf};

use crate::crypto::header::VaultId;
use crate::crypto::keys::AnchorKey;
use crate::sys::files::{self, FileFault};
use crate::vault::Vault;

/// The file in which a machine remembers one vault.
#[derive(Clone, Debug)]
pub(crate) struct Anchor {
    path: PathBuf,
}

/// What an anchor remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    /// How often the vault had been given new keys.
    pub(crate) key_epoch: u32,
    /// The generation.
    pub(crate) generation: u64,
    /// That commit's id.
    pub(crate) commit_id: [u8; 16],
}

/// Returns what this machine remembers, below `directory`, of an unlocked vault.
pub(crate) fn remembered(directory: Option<&Path>, vault: &Vault) -> Option<Remembered> {
    Anchor::new(directory?, vault.vault_id()).read(vault.anchor_key(), vault.header().key_epoch)
}

/// The bytes of an anchor file: key epoch, generation, commit id, tag.
const ANCHOR_BYTES: usize = 4 + 8 + 16 + 32;

impl Anchor {
    /// The anchor of a vault below `directory`, by the vault's id.
    pub(crate) fn new(directory: &Path, vault_id: &VaultId) -> Self {
        Self { path: directory.join(vault_id.to_string()) }
    }

    /// Reads what is remembered. A missing, foreign or garbled anchor remembers nothing: it is a
    /// help against mistakes and thieves, and must not lock the owner out.
    ///
    /// An anchor of keys that came after the vault's own cannot be verified with these, but says
    /// what it is there to say: the vault is a copy from before a rekey.
    pub(crate) fn read(&self, key: &AnchorKey, key_epoch: u32) -> Option<Remembered> {
        let bytes = files::read_bounded(&self.path, ANCHOR_BYTES).ok()?;
        let (epoch, rest) = bytes.split_first_chunk::<4>()?;
        let (generation, rest) = rest.split_first_chunk::<8>()?;
        let (commit_id, tag) = rest.split_first_chunk::<16>()?;
        let tag: &[u8; 32] = tag.try_into().ok()?;
        let remembered = Remembered {
            key_epoch: u32::from_be_bytes(*epoch),
            generation: u64::from_be_bytes(*generation),
            commit_id: *commit_id,
        };
        let is_ours = key.is_tag(remembered.generation, commit_id, tag);
        (is_ours || remembered.key_epoch > key_epoch).then_some(remembered)
    }

    /// Remembers a state, unless a newer one is remembered already.
    pub(crate) fn note(&self, key: &AnchorKey, state: Remembered) -> Result<(), FileFault> {
        match self.read(key, state.key_epoch) {
            Some(newer) if newer.generation >= state.generation => Ok(()),
            Some(_) | None => self.replace(key, state),
        }
    }

    /// Remembers a state, whatever was remembered before.
    pub(crate) fn replace(&self, key: &AnchorKey, state: Remembered) -> Result<(), FileFault> {
        if let Some(directory) = self.path.parent() {
            files::create_private_dir(directory)?;
        }
        let mut bytes = state.key_epoch.to_be_bytes().to_vec();
        bytes.extend_from_slice(&state.generation.to_be_bytes());
        bytes.extend_from_slice(&state.commit_id);
        bytes.extend_from_slice(&key.tag(state.generation, &state.commit_id));
        files::write_replacing(&self.path, &bytes)
    }
}

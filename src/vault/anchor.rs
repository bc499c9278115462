//! What this machine remembers of a vault, outside the vault: the newest state it has seen, so that
//! an older copy put back is noticed. docs/format.md, "Anchor".

use std::path::{Path, PathBuf};

use super::cbor::MAX_COUNTED;
use crate::crypto::header::VaultId;
use crate::crypto::keys::AnchorKey;
use crate::sys::files::{self, FileFault};
use crate::sys::overwrite;

/// The file in which a machine remembers one vault.
#[derive(Clone, Debug)]
pub(crate) struct Anchor {
    path: PathBuf,
}

/// What an anchor remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) generation: u64,
    /// That commit's id.
    pub(crate) commit_id: [u8; 16],
    /// Who vouches for it.
    pub(crate) under: Under,
}

/// The keys under which something was remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Under {
    /// Those that the vault has been opened with.
    TheseKeys,
    /// Others of the same vault, before or after a rekey; or nobody's.
    OtherKeys,
}

/// The bytes of an anchor file: generation, commit id, tag.
const ANCHOR_BYTES: usize = 8 + 16 + 32;

/// The highest generation that is believed of an anchor which nobody vouches for. A commit a
/// millisecond reaches it after nine thousand years.
const MAX_PLAUSIBLE: u64 = 1 << 48;

impl Anchor {
    /// The anchor of a vault below `directory`, by the vault's id.
    pub(crate) fn new(directory: &Path, vault_id: &VaultId) -> Self {
        Self { path: directory.join(vault_id.to_string()) }
    }

    /// Reads what is remembered. A missing or garbled anchor remembers nothing.
    ///
    /// One that this key did not make counts all the same: a copy from before a rekey is opened
    /// with the old key, and would otherwise be taken for the newest. Anyone who can garble the file
    /// could also delete it.
    pub(crate) fn read(&self, key: &AnchorKey) -> Option<Remembered> {
        let found = self.read_once(key)?;
        // It may be half of what another process is just writing over it: then it is whole by now.
        if found.under == Under::TheseKeys { Some(found) } else { self.read_once(key) }
    }

    fn read_once(&self, key: &AnchorKey) -> Option<Remembered> {
        let bytes = files::read_bounded(&self.path, ANCHOR_BYTES).ok()?;
        let (generation, rest) = bytes.split_first_chunk::<8>()?;
        let (commit_id, tag) = rest.split_first_chunk::<16>()?;
        let generation = u64::from_be_bytes(*generation);
        let tag: &[u8; 32] = tag.try_into().ok()?;
        let is_ours = key.is_tag(generation, commit_id, tag);
        let under = if is_ours { Under::TheseKeys } else { Under::OtherKeys };
        let most = if is_ours { MAX_COUNTED } else { MAX_PLAUSIBLE };
        (generation <= most).then_some(Remembered { generation, commit_id: *commit_id, under })
    }

    /// Remembers a state, unless a newer one is remembered already.
    pub(crate) fn note(&self, key: &AnchorKey, state: Remembered) -> Result<(), FileFault> {
        match self.read(key) {
            Some(newer) if newer.generation >= state.generation => Ok(()),
            // What a power cut leaves may be the state before, which is no worse than not knowing
            // the newest; a flush would cost every command as much as a flush of the vault.
            Some(_) if overwrite::write_over(&self.path, &bytes_of(key, state)) => Ok(()),
            Some(_) | None => self.replace(key, state),
        }
    }

    /// Remembers a state, whatever was remembered before.
    pub(crate) fn replace(&self, key: &AnchorKey, state: Remembered) -> Result<(), FileFault> {
        if let Some(directory) = self.path.parent() {
            files::create_private_dir(directory)?;
        }
        files::write_replacing(&self.path, &bytes_of(key, state))
    }
}

fn bytes_of(key: &AnchorKey, state: Remembered) -> Vec<u8> {
    let mut bytes = state.generation.to_be_bytes().to_vec();
    bytes.extend_from_slice(&state.commit_id);
    bytes.extend_from_slice(&key.tag(state.generation, &state.commit_id));
    bytes
}

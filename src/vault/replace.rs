//! Putting a copy in the place of a vault: what is there is looked at, and what it may hold that the
//! copy does not is said before anything is replaced.

use std::path::{Path, PathBuf};

use super::anchor::{Remembered, Under};
use super::error::Error;
use super::loss::Loss;
use super::unlock::{LockedVault, OnDamagedSlot, OnRollback, UnlockPolicy, Vault};
use crate::crypto::keys::MasterKey;
use crate::store::{self, Mode, Store, Wreck};

/// What is at a path where a copy is to be put.
pub(crate) struct ReplacedVault {
    /// Where it is, without links; `None` where nothing is.
    path: Option<PathBuf>,
    /// Its header and state, by which a change is noticed that comes after the look at it.
    rows: Option<(Vec<u8>, Vec<u8>)>,
    /// Keeps others out of a damaged file.
    wreck: Option<Wreck>,
    /// The generation that it is at, where that can be read.
    pub(crate) generation: u64,
    /// What would be lost with it.
    pub(crate) loss: Loss,
}

impl Loss {
    /// Fails if something newer would be lost.
    pub(crate) fn require_none_known(&self) -> Result<(), Error> {
        match self {
            Self::Nothing | Self::Unknown => Ok(()),
            Self::Older { .. } | Self::Apart { .. } | Self::BeforeRekey => {
                Err(Error::WouldLose(*self))
            }
        }
    }
}

impl ReplacedVault {
    /// Looks at what is at `path`.
    ///
    /// # Errors
    /// [`Error::OtherVault`] if that is another vault; what is wrong with it, if it is not a vault.
    pub(crate) fn look(path: &Path, copy: &mut Vault, master: &MasterKey) -> Result<Self, Error> {
        let nothing =
            Self { path: None, rows: None, wreck: None, generation: 0, loss: Loss::Nothing };
        if !store::is_taken(path) {
            return Ok(nothing);
        }
        let mut locked = LockedVault::open_damaged(path)?;
        if locked.vault_id() != copy.vault_id() {
            return Err(Error::OtherVault(path.to_owned()));
        }
        let mut replaced = Self { path: Some(locked.store.path().to_owned()), ..nothing };
        if locked.wreck.is_none() {
            replaced.rows = Some(locked.store.read()?.vault()?);
        }
        let (there, ours) = (locked.header().clone(), copy.header().clone());
        if there.key_epoch != ours.key_epoch || there.mk_commit != ours.mk_commit {
            replaced.wreck = locked.wreck;
            replaced.loss =
                if there.key_epoch < ours.key_epoch { Loss::Unknown } else { Loss::BeforeRekey };
            return Ok(replaced);
        }
        match locked.unlock(master, &UNGUARDED) {
            Ok(mut vault) => replaced.compare(&mut vault, copy)?,
            Err(error) if error.is_damage() => replaced.loss = Loss::Unknown,
            Err(error) => return Err(error),
        }
        Ok(replaced)
    }

    fn compare(&mut self, there: &mut Vault, copy: &mut Vault) -> Result<(), Error> {
        let rows = there.store.read()?;
        let state = there.keyring.open_state(&rows)?;
        drop(rows);
        self.generation = state.generation;
        let (generation, commit_id) = (state.generation, state.commit_id);
        let earlier = Remembered { generation, commit_id, under: Under::TheseKeys };
        self.loss = copy.loss_of(earlier)?;
        self.wreck = there.wreck.take();
        if self.wreck.is_some() && self.loss == Loss::Nothing {
            // The newest state in it may be lost already.
            self.loss = Loss::Unknown;
        }
        Ok(())
    }

    /// Gives a copy that was made for this place its path. What was there is kept as `kept`.
    ///
    /// # Errors
    /// [`store::Error::Changed`] if it was changed since it was looked at.
    pub(crate) fn give_way(self, copy: &mut Vault, kept: &Path) -> Result<(), Error> {
        let Some(path) = &self.path else { return copy.appear() };
        // Nobody may commit to what is about to be replaced.
        let mut guard = match &self.rows {
            Some(_) => Some(Store::open(path, Mode::ReadWrite)?),
            None => None,
        };
        let rows = guard.as_mut().map(Store::write).transpose()?;
        if let Some(rows) = &rows
            && Some(rows.vault()?) != self.rows
        {
            return Err(store::Error::Changed.into());
        }
        copy.store.take_the_place(kept)?;
        copy.release()
    }
}

impl Vault {
    /// Says what is lost if this copy replaces the vault in the state given.
    pub(crate) fn loss_of(&mut self, earlier: Remembered) -> Result<Loss, Error> {
        Ok(match self.require_descent(earlier) {
            Ok(()) => Loss::Nothing,
            Err(Error::RolledBack { found, seen }) => Loss::Older { found, known: seen },
            Err(Error::Forked { generation }) => Loss::Apart { generation },
            Err(error) => return Err(error),
        })
    }

    /// Makes a copy of this vault that is nowhere yet, and will be at `path`.
    pub(crate) fn copy_to_be_at(&mut self, path: &Path, master: &MasterKey) -> Result<Self, Error> {
        let path = path.canonicalize().unwrap_or_else(|_nothing_there| path.to_owned());
        LockedVault::from_store(self.store.copy_to_be_at(&path)?)?.unlock(master, &UNGUARDED)
    }
}

/// A copy may be older than what this machine has seen.
pub(crate) const UNGUARDED: UnlockPolicy = UnlockPolicy {
    anchors: None,
    on_rollback: OnRollback::Refuse,
    on_damaged_slot: OnDamagedSlot::Tolerate,
};

//! The newest state of a vault that was seen, in this process and on this machine: against it an
//! older or forked state is noticed. Where it is kept between processes is in `anchor`.

use super::anchor::{Anchor, Remembered, Under};
use super::error::Error;
use super::state::State;
use crate::crypto::keys::AnchorKey;

/// The newest state seen: in this process, and on this machine.
pub(crate) struct RollbackGuard {
    newest: Option<Remembered>,
    anchor: Option<Anchor>,
    /// A commit's generation must not be below this: what a rolled back vault's owner has accepted.
    floor: u64,
    accepted: Option<Remembered>,
    /// Whether what is seen is not in the file yet, so that no other process may be told of it.
    is_withheld: bool,
    /// Whether there is no place for the anchor, or it could not be written there.
    pub(crate) is_unwritable: bool,
}

impl RollbackGuard {
    /// Begins with what the machine remembers.
    pub(super) fn new(anchor: Option<Anchor>, newest: Option<Remembered>) -> Self {
        let (accepted, is_withheld, is_unwritable) = (None, false, anchor.is_none());
        Self { newest, anchor, floor: 0, accepted, is_withheld, is_unwritable }
    }

    /// Another guard that begins with what this one has seen.
    pub(super) fn again(&self) -> Self {
        Self::new(self.anchor.clone(), self.newest)
    }

    /// Keeps what is seen from now on out of the anchor.
    pub(super) fn withhold(&mut self) {
        self.is_withheld = true;
    }

    /// Remembers a state that is in the file now, and all that come.
    pub(super) fn release(&mut self, state: &State, key: &AnchorKey) {
        self.is_withheld = false;
        self.note(state, key);
    }

    /// Refuses a state that is older than, or apart from, the newest seen.
    pub(super) fn check(&self, state: &State) -> Result<(), Error> {
        let found = remembered(state);
        match self.newest {
            Some(newest) if found.generation < newest.generation => {
                Err(Error::RolledBack { found: found.generation, seen: newest.generation })
            }
            Some(newest)
                if found.generation == newest.generation && found.commit_id != newest.commit_id =>
            {
                Err(Error::Forked { generation: found.generation })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Takes a state that is not older for the newest, in this process alone.
    pub(super) fn go_by(&mut self, state: &State) -> Result<(), Error> {
        self.check(state)?;
        self.newest = Some(remembered(state));
        Ok(())
    }

    /// Returns the newest state seen.
    pub(super) fn newest(&self) -> Option<Remembered> {
        self.newest
    }

    /// Returns what the machine remembered when a state older than or apart from it was accepted.
    pub(super) fn accepted(&self) -> Option<Remembered> {
        self.accepted
    }

    /// Remembers a state that was read, if it is not the newest that was seen: another process or
    /// machine committed it.
    pub(super) fn note_newer(&mut self, state: &State, key: &AnchorKey) {
        if self.newest != Some(remembered(state)) {
            self.note(state, key);
        }
    }

    /// Remembers a state. Failing to write the anchor is not failing to commit: it is noted.
    pub(super) fn note(&mut self, state: &State, key: &AnchorKey) {
        let newest = remembered(state);
        self.newest = Some(newest);
        if let Some(anchor) = self.anchor.as_ref().filter(|_| !self.is_withheld) {
            self.is_unwritable = anchor.note(key, newest).is_err();
        }
    }

    /// Requires commits from now on to be at least at this generation.
    pub(super) fn raise_floor(&mut self, generation: u64) {
        self.floor = self.floor.max(generation);
    }

    /// Returns the least generation of the next commit.
    pub(super) fn floor(&self) -> u64 {
        self.floor
    }

    /// Takes an older or forked state for the one to commit on. Before a commit the machine remembers
    /// what it did.
    pub(super) fn build_on(&mut self, state: &State) {
        self.accepted = self.newest;
        if let Some(seen) = self.newest {
            self.raise_floor(seen.generation.saturating_add(1));
        }
        self.newest = Some(remembered(state));
    }

    /// Takes an older or forked state as the newest. What is committed to it is newer than all that
    /// was seen, so that no other machine takes it for a rollback once more.
    pub(super) fn accept(&mut self, state: &State, key: &AnchorKey) {
        self.build_on(state);
        let newest = remembered(state);
        if let Some(anchor) = self.anchor.as_ref().filter(|_| !self.is_withheld) {
            self.is_unwritable = anchor.replace(key, newest).is_err();
        }
    }
}

fn remembered(state: &State) -> Remembered {
    let State { generation, commit_id, .. } = *state;
    Remembered { generation, commit_id, under: Under::TheseKeys }
}

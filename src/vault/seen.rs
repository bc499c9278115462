//! The newest state of a vault that was seen, in this process and on this machine: against it an
//! older or forked state is noticed. Where it is kept between processes is in `anchor`.

use super::anchor::{Anchor, Remembered};
use super::error::Error;
use super::state::State;
use crate::crypto::keys::AnchorKey;

/// The newest state seen: in this process, and on this machine.
pub(crate) struct Seen {
    newest: Option<Remembered>,
    anchor: Option<Anchor>,
    /// A commit's generation must not be below this: what a rolled back vault's owner has accepted.
    floor: u64,
    /// Whether the anchor could not be written.
    pub(crate) is_unwritable: bool,
}

impl Seen {
    /// Begins with what the machine remembers.
    pub(super) fn new(anchor: Option<Anchor>, newest: Option<Remembered>) -> Self {
        Self { newest, anchor, floor: 0, is_unwritable: false }
    }

    /// Refuses a state that is older than, or apart from, the newest seen.
    pub(super) fn check(&self, state: &State) -> Result<(), Error> {
        let Some(newest) = self.newest else { return Ok(()) };
        if state.generation < newest.generation {
            return Err(Error::RolledBack { found: state.generation, seen: newest.generation });
        }
        if state.generation == newest.generation && state.commit_id != newest.commit_id {
            return Err(Error::Forked { generation: state.generation });
        }
        Ok(())
    }

    /// Remembers a state. Failing to write the anchor is not failing to commit: it is noted.
    pub(super) fn note(&mut self, state: &State, key: &AnchorKey) {
        let newest = Remembered { generation: state.generation, commit_id: state.commit_id };
        self.newest = Some(newest);
        if let Some(anchor) = &self.anchor {
            self.is_unwritable = anchor.note(key, newest).is_err();
        }
    }

    /// Returns what the machine remembers.
    pub(super) fn remembered(&self, key: &AnchorKey) -> Option<Remembered> {
        self.anchor.as_ref()?.read(key)
    }

    /// Requires commits from now on to be at least at this generation.
    pub(super) fn raise_floor(&mut self, generation: u64) {
        self.floor = self.floor.max(generation);
    }

    /// Returns the least generation of the next commit.
    pub(super) fn floor(&self) -> u64 {
        self.floor
    }

    /// Takes an older or forked state as the newest.
    pub(super) fn accept(&mut self, state: &State, key: &AnchorKey) {
        let newest = Remembered { generation: state.generation, commit_id: state.commit_id };
        self.newest = Some(newest);
        if let Some(anchor) = &self.anchor {
            self.is_unwritable = anchor.replace(key, newest).is_err();
        }
    }
}

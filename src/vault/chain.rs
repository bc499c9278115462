//! The chain over the audit log: walking along it, and what it proves of a vault's descent.

use super::anchor::Remembered;
use super::audit::Event;
use super::error::{Error, decoded, opened, tampered};
use super::keyring::Keyring;
use super::state::{Log, State};
use crate::crypto::history;
use crate::store::{self, Table};

/// One entry of the log, as the chain over all of them proves it to be.
pub(super) struct Link<'a> {
    /// Its number.
    pub(super) seq: u64,
    /// Its box.
    pub(super) sealed: &'a [u8],
    /// What is in the box.
    pub(super) data: &'a [u8],
    /// The chain before it.
    pub(super) before: [u8; 32],
    /// The chain after it.
    pub(super) after: [u8; 32],
}

impl Link<'_> {
    /// Reads the entry.
    pub(super) fn event(&self) -> Result<Event, Error> {
        decoded(Event::decode(self.data), || format!("audit entry {}", self.seq))
    }
}

/// Walks along the log that a state vouches for, oldest entry first. Nothing that `visit` was told
/// is to be believed before this returns: a row that is missing, does not open or is misplaced is an
/// error, even if it is the last one.
pub(super) fn walk(
    keyring: &Keyring,
    rows: &store::Transaction<'_>,
    log: &Log,
    visit: &mut dyn FnMut(&Link<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let (mut chain, mut next) = (log.base, log.first);
    rows.each(Table::Audit, |seq, sealed| {
        if seq != next {
            return Err(tampered(format!("audit entry {next} is missing")));
        }
        next = seq.saturating_add(1);
        let what = || format!("audit entry {seq}");
        let data = opened(keyring.keys.audit.open(keyring.vault_id(), seq, sealed), what)?;
        let (before, after) = (chain, history::link(&chain, seq, data.expose()));
        chain = after;
        visit(&Link { seq, sealed, data: data.expose(), before, after })
    })?;
    if next == log.next && chain == log.head {
        Ok(())
    } else {
        Err(tampered("the audit log does not end where the state says"))
    }
}

impl Keyring {
    /// Refuses a later state that did not come out of the one remembered: its log names another
    /// commit for that generation. Where the log does not reach back that far, nothing is known.
    ///
    /// # Errors
    /// [`Error::Tampered`] if the log is not the one that the state vouches for: a row that was
    /// deleted, or exchanged for that of another copy, must not hide a fork.
    pub(super) fn check_descent(
        &self,
        rows: &store::Transaction<'_>,
        state: &State,
        remembered: Option<Remembered>,
    ) -> Result<(), Error> {
        let Some(Remembered { generation, commit_id, .. }) = remembered else { return Ok(()) };
        // A state vouches by itself for the commit before it.
        if state.generation <= generation || state.previous_commit_id == commit_id {
            return Ok(());
        }
        let mut is_fork = false;
        walk(self, rows, &state.log, &mut |link| {
            let event = link.event()?;
            is_fork |= event.generation == generation && event.commit_id != commit_id;
            Ok(())
        })?;
        if is_fork { Err(Error::Forked { generation }) } else { Ok(()) }
    }
}

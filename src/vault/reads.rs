//! Reading while others write: without logging where the log cannot be written, on a copy where it
//! takes long.

use super::audit::Unlogged;
use super::error::Error;
use super::unlock::Vault;

impl Vault {
    /// Goes on without logging reads.
    pub(crate) fn leave_reads_unlogged(&mut self, why: Unlogged) {
        self.unlogged = Some(why);
    }

    /// Returns why reads had to be left out of the audit log, if they had to.
    pub(crate) fn unlogged(&self) -> Option<Unlogged> {
        self.unlogged
    }

    /// Reads for long: where the vault is large, on a copy of it, so that others write meanwhile.
    pub(crate) fn read_on_copy<T>(
        &mut self,
        least: u64,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Result<Option<T>, Error> {
        let Some(copy) = self.store.copy_in_memory(least)? else { return Ok(None) };
        let store = std::mem::replace(&mut self.store, copy);
        let answer = read(self);
        self.store = store;
        Ok(Some(answer))
    }
}

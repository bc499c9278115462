//! Transactions that make or change thousands of secrets: where the rows of a large vault are, nobody
//! chooses, so that nearly each of them changes pages of its own.

use super::error::Error;
use super::unlock::Vault;
use crate::store::Spill;

impl Vault {
    /// Has work done whose pages may go to the file before it commits, once they would take more memory than
    /// a few thousand secrets need. Until then readers are let in.
    ///
    /// # Errors
    /// What `work` fails with, and what the store does.
    pub(crate) fn in_bulk<T, E: From<Error>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.store.set_spill(Spill::Late).map_err(Error::from)?;
        let done = work(self);
        let unspilled = self.store.set_spill(Spill::Off);
        let done = done?;
        unspilled.map_err(|error| Error::from(error.after_commit()))?;
        Ok(done)
    }
}

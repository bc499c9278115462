//! Making a vault: its header, its first slots and its first state, in one commit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::anchor::Anchor;
use super::error::Error;
use super::keyring::Keyring;
use super::names::KnownNames;
use super::rollback::RollbackGuard;
use super::slots::check_derived;
use super::state::{Settings, SlotEntry, State};
use super::transaction::{Access, Beginning, RequestContext, Transaction};
use super::unlock::Vault;
use super::waiting::WaitingReads;
use crate::crypto::header::{Header, VaultId};
use crate::crypto::keys::MasterKey;
use crate::crypto::slot::SlotBody;
use crate::store::{self, Store, Table};

/// What a new vault is made of.
pub(crate) struct NewVault<'a> {
    /// The new vault's id.
    pub(crate) vault_id: VaultId,
    /// Its master key.
    pub(crate) master: &'a MasterKey,
    /// Its key slots: number, body, label.
    pub(crate) slots: Vec<(u8, SlotBody, String)>,
    pub(crate) settings: Settings,
    /// Where this machine remembers vaults.
    pub(crate) anchors: Option<PathBuf>,
}

impl Vault {
    /// Makes a vault with the slots given (number, body, label) and no secret. It is nowhere yet:
    /// it [appears](Self::appear) at `path`.
    pub(crate) fn create(
        path: &Path,
        new: NewVault<'_>,
        context: RequestContext<'_>,
    ) -> Result<Self, Error> {
        Self::create_in(Store::create(path)?, new, context)
    }

    /// Gives a vault that was made its path, whole, and remembers it.
    pub(crate) fn appear(&mut self) -> Result<(), Error> {
        self.store.appear()?;
        self.release()
    }

    /// Remembers the state of a vault that has its path by now.
    ///
    /// # Errors
    /// [`store::Error::Committed`]: what fails here undoes nothing.
    pub(super) fn release(&mut self) -> Result<(), Error> {
        self.release_state()
            .map_err(|error| Error::Store(store::Error::Committed { what: error.to_string() }))
    }

    fn release_state(&mut self) -> Result<(), Error> {
        let rows = self.store.read()?;
        let state = self.keyring.open_state(&rows)?;
        drop(rows);
        self.guard.release(&state, &self.keyring.keys.anchor);
        Ok(())
    }

    pub(crate) fn create_in(
        mut store: Store,
        new: NewVault<'_>,
        context: RequestContext<'_>,
    ) -> Result<Self, Error> {
        let NewVault { vault_id, master, slots, settings, anchors } = new;
        let header = Header { vault_id, mk_commit: master.commit(&vault_id), key_epoch: 0 };
        let keyring = Keyring::new(header, master)?;
        let audits_reads = settings.audits_reads();
        let mut state = State::new(settings, context.now);
        let is_draft = store.is_draft();
        check_derived(slots.iter().map(|(_, body, _)| body)).map_err(|_count| Error::SlotsFull)?;
        let rows = store.write()?;
        for (number, body, label) in slots {
            rows.put(Table::Slot, u64::from(number), body.as_bytes())?;
            state.slots.push(SlotEntry::new(number, body.as_bytes(), label, context.now));
        }
        let anchor = anchors.map(|directory| Anchor::new(&directory, &vault_id));
        let mut guard = RollbackGuard::new(anchor, None);
        if is_draft {
            guard.withhold();
        }
        let mut next_commit_id = [0; 16];
        context.entropy.fill(&mut next_commit_id).map_err(|none| Error::Crypto(none.into()))?;
        let mut transaction = Transaction {
            rows,
            keyring: &keyring,
            guard: &mut guard,
            context,
            beginning: Beginning { state: None, log: state.log },
            state,
            next_commit_id,
            access: Access::Write,
            is_changed: true,
            waiting: None,
            owing: Vec::new(),
            owed: None,
            noted: Vec::new(),
            noted_days: Vec::new(),
        };
        transaction.record_own("Init", "")?;
        transaction.commit().map_err(Error::of_draft)?;
        let last_commit = context.now;
        let (unlogged, waiting, wreck) = (None, WaitingReads::default(), None);
        let owed = BTreeSet::new();
        let keyring = Arc::new(keyring);
        Ok(Self {
            store,
            keyring,
            guard,
            audits_reads,
            last_commit,
            unlogged,
            waiting,
            owed,
            names: KnownNames::default(),
            wreck,
        })
    }
}

#[cfg(test)]
impl Vault {
    /// A vault in memory with one keyfile slot, for tests of the layers above.
    pub(crate) fn testing(context: RequestContext<'_>) -> Self {
        Self::testing_in(Store::in_memory(), context)
    }

    /// Such a vault in a container of the caller's.
    pub(crate) fn testing_in(store: Store, context: RequestContext<'_>) -> Self {
        use crate::crypto::keyfile::Keyfile;
        use crate::crypto::slot::Credential;

        let vault_id = VaultId::generate(context.entropy).unwrap();
        let master = MasterKey::generate(context.entropy).unwrap();
        let keyfile = Keyfile::generate(context.entropy).unwrap();
        let credential = Credential::Keyfile(keyfile);
        let body = SlotBody::wrap(&master, &vault_id, &credential, None, context.entropy).unwrap();
        let new = NewVault {
            vault_id,
            master: &master,
            slots: vec![(0, body, "test".to_owned())],
            settings: Settings::new("000000000000", "local-1"),
            anchors: None,
        };
        Self::create_in(store, new, context).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;
    use crate::sys::entropy::CountingEntropy;
    use crate::vault::Origin;

    /// A restore that could not read its vault once more read as if it had not been done.
    #[test]
    fn what_fails_once_it_has_its_place_undoes_nothing() {
        let (entropy, origin) = (CountingEntropy::default(), Origin::default());
        let context = RequestContext { now: Timestamp(1), entropy: &entropy, origin: &origin };
        let mut vault = Vault::testing(context);
        vault.release().unwrap();
        vault.store.tamper("UPDATE vault SET state = zeroblob(9)");
        assert_eq!(vault.release().unwrap_err().name(), "DoneError");
    }
}

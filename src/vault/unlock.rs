//! From a file and a credential to an unlocked vault, and what must hold before it is one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::anchor::{Anchor, Remembered, Under};
use super::audit::Unlogged;
use super::error::{Error, opened, tampered};
use super::keyring::Keyring;
use super::names::KnownNames;
use super::peers::{Owed, Seen};
use super::rollback::RollbackGuard;
use super::slots::{self, MAX_DERIVED};
use super::transaction::{Access, RequestContext, Transaction};
use super::waiting::WaitingReads;
use super::wreckage;
use crate::crypto;
use crate::crypto::header::{Header, VaultId};
use crate::crypto::kdf::CostLimit;
use crate::crypto::keys::{MasterKey, VaultKey};
use crate::crypto::slot::{Credential, SlotBody};
use crate::model::time::Timestamp;
use crate::store::{Halt, Mode, Store, Wreck};

/// A vault whose container was opened and whose keys nobody has given yet.
pub(crate) struct LockedVault {
    pub(super) store: Store,
    pub(super) header: Header,
    pub(super) slots: Vec<(u8, Result<SlotBody, crypto::Error>)>,
    /// The damaged file, if the container is not in it any more.
    pub(super) wreck: Option<Wreck>,
    /// Whether it was opened to be looked over or repaired, whatever it costs.
    pub(super) is_patient: bool,
}

/// An unlocked vault.
pub(crate) struct Vault {
    pub(super) store: Store,
    pub(super) keyring: Arc<Keyring>,
    pub(super) guard: RollbackGuard,
    pub(super) audits_reads: bool,
    /// When the newest commit was made that it has seen.
    pub(super) last_commit: Timestamp,
    pub(super) unlogged: Option<Unlogged>,
    pub(super) waiting: WaitingReads,
    /// What peers have to be told of what was committed.
    pub(super) owed: BTreeSet<Owed>,
    /// The names that were asked for while it is open.
    pub(super) names: KnownNames,
    /// The damaged file, if the container is what was found in it.
    pub(super) wreck: Option<Wreck>,
}

/// How an opened vault is guarded against an older copy.
#[derive(Clone, Debug)]
pub(crate) struct UnlockPolicy {
    /// Where this machine remembers vaults; `None` remembers nothing.
    pub(crate) anchors: Option<PathBuf>,
    /// What to do when the vault is older than remembered, or a fork of it.
    pub(crate) on_rollback: OnRollback,
    /// What to do with a slot that does not match the state.
    pub(crate) on_damaged_slot: OnDamagedSlot,
}

/// What to do with a vault that is older than this machine has seen, or a fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnRollback {
    Refuse,
    /// Take it as the newest from now on.
    Accept,
    /// Take it as the newest with the first commit on it: what may still be refused, or fail, must not
    /// be remembered.
    AcceptOnCommit,
    /// Refuse it, unless its audit log is too damaged to tell: that damage is about to be listed.
    RefuseProven,
}

/// What to do with a slot that was altered or put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDamagedSlot {
    /// Refuse the vault and name the slot.
    Refuse,
    /// Go on, so that the slot can be removed or the damage listed.
    Tolerate,
}

impl LockedVault {
    /// Opens the container at `path`.
    pub(crate) fn open(path: &Path, mode: Mode) -> Result<Self, Error> {
        Self::from_store(Store::open(path, mode)?)
    }

    /// Opens a copy for reading, on whatever medium. None of it is to be believed before all of it
    /// is verified.
    pub(crate) fn open_copy(path: &Path) -> Result<Self, Error> {
        Self::from_store(Store::open_copy(path)?)
    }

    pub(super) fn from_store(mut store: Store) -> Result<Self, Error> {
        let rows = store.read()?;
        let (public, _state) = rows.vault()?;
        let slots = rows.slots()?;
        drop(rows);
        let header = opened(Header::decode(&public), || "its public header".to_owned())?;
        let decode = |(number, body): (u8, Vec<u8>)| (number, SlotBody::decode(&body));
        let slots = slots.into_iter().map(decode).collect();
        Ok(Self { store, header, slots, wreck: None, is_patient: false })
    }

    /// Returns the vault's id, which is not secret.
    pub(crate) fn vault_id(&self) -> &VaultId {
        &self.header.vault_id
    }

    /// Returns where the container is.
    pub(crate) fn path(&self) -> &Path {
        self.store.path()
    }

    /// Returns the header, which is not secret.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the container, for what needs no key: a copy, a count of its rows.
    pub(crate) fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Returns the slots that can be read: number and body.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (u8, &SlotBody)> {
        self.slots.iter().filter_map(|(number, body)| Some((*number, body.as_ref().ok()?)))
    }

    /// Returns whether the container can only be read.
    pub(crate) fn is_read_only(&self) -> bool {
        self.store.is_read_only()
    }

    /// Tries a credential on each slot of its kind, lowest number first.
    ///
    /// # Errors
    /// [`crypto::Error::WrongCredential`] if no slot opens; [`Error::NoSlotFor`] if there is no
    /// slot of its kind; [`Error::Tampered`] before any derivation if there are more slots that
    /// need one than a vault has, unless it was opened to be repaired.
    pub(crate) fn try_credential(
        &self,
        credential: &Credential,
        limit: CostLimit,
    ) -> Result<(u8, MasterKey), Error> {
        let kind = credential.kind();
        if kind.is_derived() && !self.is_patient {
            slots::check_derived(self.slots().map(|(_, body)| body))
                .map_err(|count| tampered(too_many(count)))?;
        }
        let mut refusal = Error::NoSlotFor { credential: slots::in_words(kind) };
        for (number, body) in self.slots().filter(|(_, body)| body.kind() == kind) {
            let opened = body.unwrap(self.vault_id(), credential, limit);
            match opened {
                Ok(master) if master.commit(self.vault_id()) == self.header.mk_commit => {
                    return Ok((number, master));
                }
                Ok(_) => {
                    let problem = "holds the key of another vault";
                    return Err(Error::TamperedSlot { number, problem });
                }
                // That another slot does not open says nothing of one that was not tried.
                Err(_) if matches!(refusal, Error::Crypto(refused) if refused != WRONG) => {}
                Err(error) => refusal = Error::Crypto(error),
            }
        }
        Err(refusal)
    }

    /// Unlocks the vault: the state must authenticate, the slots must match it, and it must be no
    /// older than what this machine has seen.
    pub(crate) fn unlock(self, master: &MasterKey, policy: &UnlockPolicy) -> Result<Vault, Error> {
        let key = master.vault_key(&self.header.vault_id);
        self.unlock_by(&key, policy)
    }

    /// Unlocks the vault with the key that everything but the slots hangs on.
    pub(crate) fn unlock_by(
        mut self,
        key: &VaultKey,
        policy: &UnlockPolicy,
    ) -> Result<Vault, Error> {
        let keyring = Keyring::of(self.header, key)?;
        if let Some(wreck) = &self.wreck {
            wreckage::fill(&mut self.store, wreck, &keyring)?;
        }
        let anchor = policy.anchors.as_deref().map(|dir| Anchor::new(dir, keyring.vault_id()));
        // Read before the state: a commit between the two must not look like a rollback.
        let remembered = anchor.as_ref().and_then(|anchor| anchor.read(&keyring.keys.anchor));
        let rows = self.store.read()?;
        let state = keyring.open_state(&rows)?;
        if policy.on_damaged_slot == OnDamagedSlot::Refuse {
            slots::verify(&state, &rows.slots()?)?;
        }
        let parted = keyring.check_descent(&rows, &state, remembered);
        drop(rows);
        let mut guard = RollbackGuard::new(anchor, remembered);
        if self.wreck.is_some() {
            guard.withhold();
        }
        let key = &keyring.keys.anchor;
        let is_untold = parted.as_ref().is_err_and(Error::is_damage);
        match (parted.and_then(|()| guard.check(&state)), policy.on_rollback) {
            // Also of a vault that can only be read here: the anchor lies elsewhere.
            (Ok(()), _) => guard.note(&state, key),
            (Err(_), OnRollback::Accept) => guard.accept(&state, key),
            (Err(_), OnRollback::AcceptOnCommit) => guard.build_on(&state),
            // Nothing is remembered of it before it was repaired.
            (Err(_), OnRollback::RefuseProven) if is_untold => guard.go_by(&state)?,
            (Err(refusal), OnRollback::Refuse | OnRollback::RefuseProven) => return Err(refusal),
        }
        let audits_reads = state.settings.audits_reads();
        let last_commit = state.time;
        Ok(Vault {
            store: self.store,
            keyring: Arc::new(keyring),
            guard,
            audits_reads,
            last_commit,
            unlogged: None,
            waiting: WaitingReads::default(),
            owed: BTreeSet::new(),
            names: KnownNames::default(),
            wreck: self.wreck,
        })
    }
}

fn too_many(derived: usize) -> String {
    format!("{derived} key slots need a passphrase, where a vault has at most {MAX_DERIVED}")
}

const WRONG: crypto::Error = crypto::Error::WrongCredential;

impl Vault {
    /// Begins a transaction. A writing one waits for its turn and then excludes other writers, so
    /// nothing slow may happen inside it: no prompt, no derivation, no child process.
    pub(crate) fn begin<'v>(
        &'v mut self,
        access: Access,
        context: RequestContext<'v>,
    ) -> Result<Transaction<'v>, Error> {
        self.begin_beside_names(access, context).map(|(transaction, _)| transaction)
    }

    /// Begins a transaction, and lends the names that are known from those before.
    pub(crate) fn begin_beside_names<'v>(
        &'v mut self,
        access: Access,
        context: RequestContext<'v>,
    ) -> Result<(Transaction<'v>, &'v mut KnownNames), Error> {
        let rows = match access {
            Access::Read => self.store.read()?,
            Access::Write => self.store.write()?,
        };
        let memory = (&mut self.guard, &mut self.waiting, &mut self.owed);
        let transaction = Transaction::begin(rows, &self.keyring, memory, context, access)?;
        // Another process may have changed them since.
        self.audits_reads = transaction.state().settings.audits_reads();
        self.last_commit = transaction.state().time;
        Ok((transaction, &mut self.names))
    }

    /// Opens the same file once more, with the same keys: for work that takes long, beside other work.
    /// What it finds there is checked with its first transaction.
    pub(crate) fn again(&self) -> Result<Self, Error> {
        Ok(self.with(Store::open(self.store.path(), Mode::ReadWrite)?))
    }

    /// Does the same for work that is called off with `halt`.
    pub(crate) fn again_until(&self, halt: &Halt) -> Result<Self, Error> {
        let mut again = self.again()?;
        again.store.heed(halt.clone())?;
        Ok(again)
    }

    /// Opens a copy of the vault, with the same keys, to verify it until `halt`. It is held against what
    /// was seen of the vault, and nothing of it is remembered.
    pub(crate) fn open_copy_until(&self, path: &Path, halt: &Halt) -> Result<Self, Error> {
        let mut copy = self.with(Store::open_copy(path)?);
        copy.guard.withhold();
        copy.store.heed(halt.clone())?;
        Ok(copy)
    }

    /// This vault in another container.
    fn with(&self, store: Store) -> Self {
        Self {
            store,
            keyring: Arc::clone(&self.keyring),
            guard: self.guard.again(),
            audits_reads: self.audits_reads,
            last_commit: self.last_commit,
            unlogged: None,
            waiting: WaitingReads::default(),
            owed: BTreeSet::new(),
            names: KnownNames::default(),
            wreck: None,
        }
    }

    /// Opens the file anew: what is known of its pages is forgotten. The keys stay, and so does what waits.
    pub(crate) fn open_file_anew(&mut self) -> Result<(), Error> {
        self.store = Store::open(self.store.path(), Mode::ReadWrite)?;
        Ok(())
    }

    /// Returns whether the container can only be read.
    pub(crate) fn is_read_only(&self) -> bool {
        self.store.is_read_only()
    }

    /// Returns whether reads are written to the audit log.
    pub(crate) fn audits_reads(&self) -> bool {
        self.audits_reads
    }

    /// Returns the time of the last commit, against which the clock is held.
    pub(crate) fn last_commit(&self) -> Timestamp {
        self.last_commit
    }

    /// Returns the vault's id, which is not secret.
    pub(crate) fn vault_id(&self) -> &VaultId {
        self.keyring.vault_id()
    }

    /// Returns the header, which is not secret.
    pub(crate) fn header(&self) -> &Header {
        &self.keyring.header
    }

    /// Returns the container, for what needs no key: a copy, a check of its pages.
    pub(crate) fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Returns whether this machine could not remember the newest state.
    pub(crate) fn is_anchor_unwritable(&self) -> bool {
        self.guard.is_unwritable
    }

    /// Returns what a machine that keeps its memory in `anchors` remembers of the vault.
    pub(crate) fn remembered_in(&self, anchors: &Path) -> Option<Remembered> {
        Anchor::new(anchors, self.vault_id()).read(&self.keyring.keys.anchor)
    }

    /// Returns what this machine remembered when the state was accepted, which was older than that
    /// or apart from it.
    pub(crate) fn accepted(&self) -> Option<Remembered> {
        self.guard.accepted()
    }

    /// Requires that the state is an earlier one, or came out of it.
    pub(super) fn require_descent(&mut self, earlier: Remembered) -> Result<(), Error> {
        let rows = self.store.read()?;
        let state = self.keyring.open_state(&rows)?;
        self.keyring.check_descent(&rows, &state, Some(earlier))?;
        RollbackGuard::new(None, Some(earlier)).check(&state)
    }

    /// Returns what peers have to be told of what was committed since this was asked last.
    pub(crate) fn take_owed(&mut self) -> BTreeSet<Owed> {
        std::mem::take(&mut self.owed)
    }

    /// Requires that the vault is the state that another vault has seen of it, or came out of that.
    ///
    /// # Errors
    /// [`Error::RolledBack`] or [`Error::Forked`] if it is not.
    pub(crate) fn require_after(&mut self, seen: Seen) -> Result<(), Error> {
        let Seen { generation, commit_id } = seen;
        self.require_descent(Remembered { generation, commit_id, under: Under::TheseKeys })
    }

    /// Requires commits from now on to be at least at this generation: what is put in place of a
    /// newer vault must not look older than it.
    pub(crate) fn raise_floor(&mut self, generation: u64) {
        self.guard.raise_floor(generation);
    }
}

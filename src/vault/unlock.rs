//! From a file and a credential to an unlocked vault, and what must hold before it is one.

use std::path::{Path, PathBuf};

use super::anchor::{Anchor, Remembered};
use super::error::{Error, decoded, opened, tampered};
use super::slots;
use super::state::{Settings, SlotEntry, State};
use super::transaction::{Access, Occasion, Transaction};
use crate::crypto;
use crate::crypto::header::{Header, VaultId};
use crate::crypto::kdf::CostLimit;
use crate::crypto::keys::{AnchorKey, Keys, MasterKey};
use crate::crypto::slot::{Credential, SlotBody};
use crate::store::{self, Mode, Store, Table};
use crate::sys::process::Actor;

/// A vault whose container was opened and whose keys nobody has given yet.
pub(crate) struct LockedVault {
    pub(super) store: Store,
    pub(super) header: Header,
    pub(super) slots: Vec<(u8, Result<SlotBody, crypto::Error>)>,
}

/// An unlocked vault.
pub(crate) struct Vault {
    pub(super) store: Store,
    pub(super) unlocked: Unlocked,
    pub(super) seen: Seen,
    audits_reads: bool,
}

/// The keys of a vault and the header they belong to.
pub(crate) struct Unlocked {
    pub(super) header: Header,
    header_bytes: [u8; Header::LENGTH],
    pub(super) keys: Keys,
}

/// Who asks and by which way, for the audit log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// The process.
    pub(crate) actor: Actor,
    /// `direct`, or later an agent or rotation step.
    pub(crate) via: String,
}

/// How an opened vault is guarded against an older copy.
#[derive(Clone, Debug)]
pub(crate) struct Custody {
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
    /// Refuse it.
    Refuse,
    /// Take it as the newest from now on.
    Accept,
}

/// What to do with a slot that was altered or put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDamagedSlot {
    /// Refuse the vault and name the slot.
    Refuse,
    /// Go on, so that the slot can be removed or the damage listed.
    Tolerate,
}

/// The newest state seen: in this process, and on this machine.
pub(crate) struct Seen {
    newest: Option<Remembered>,
    anchor: Option<Anchor>,
    /// A commit's generation must not be below this: what a rolled back vault's owner has accepted.
    floor: u64,
    /// Whether the anchor could not be written.
    pub(crate) is_unwritable: bool,
}

impl LockedVault {
    /// Opens the container at `path`.
    pub(crate) fn open(path: &Path, mode: Mode) -> Result<Self, Error> {
        Self::from_store(Store::open(path, mode)?)
    }

    pub(super) fn from_store(mut store: Store) -> Result<Self, Error> {
        let rows = store.read()?;
        let (public, _state) = rows.vault()?;
        let slots = rows.slots()?;
        drop(rows);
        let header = opened(Header::decode(&public), || "its public header".to_owned())?;
        let decode = |(number, body): (u8, Vec<u8>)| (number, SlotBody::decode(&body));
        Ok(Self { store, header, slots: slots.into_iter().map(decode).collect() })
    }

    /// Returns the vault's id, which is not secret.
    pub(crate) fn vault_id(&self) -> &VaultId {
        &self.header.vault_id
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
    /// [`crypto::Error::WrongCredential`] if none opens; [`Error::NoSlotFor`] if there is none.
    pub(crate) fn try_credential(
        &self,
        credential: &Credential,
        limit: CostLimit,
    ) -> Result<(u8, MasterKey), Error> {
        let kind = credential.kind();
        let mut refusal = Error::NoSlotFor { credential: slots::in_words(kind) };
        for (number, body) in self.slots().filter(|(_, body)| body.kind() == kind) {
            let opened = body.unwrap(self.vault_id(), credential, limit);
            match opened {
                Ok(master) if master.commit(self.vault_id()) == self.header.mk_commit => {
                    return Ok((number, master));
                }
                Ok(_) => {
                    return Err(tampered(format!("slot {number} holds the key of another vault")));
                }
                Err(error) => refusal = Error::Crypto(error),
            }
        }
        Err(refusal)
    }

    /// Unlocks the vault: the state must authenticate, the slots must match it, and it must be no
    /// older than what this machine has seen.
    pub(crate) fn unlock(mut self, master: &MasterKey, custody: &Custody) -> Result<Vault, Error> {
        let unlocked = Unlocked::new(self.header, master)?;
        let anchor = custody.anchors.as_deref().map(|dir| Anchor::new(dir, unlocked.vault_id()));
        // Read before the state: a commit between the two must not look like a rollback.
        let remembered = anchor.as_ref().and_then(|anchor| anchor.read(&unlocked.keys.anchor));
        let rows = self.store.read()?;
        let state = unlocked.open_state(&rows)?;
        if custody.on_damaged_slot == OnDamagedSlot::Refuse {
            slots::verify(&state, &rows.slots()?)?;
        }
        drop(rows);
        let mut seen = Seen { newest: remembered, anchor, floor: 0, is_unwritable: false };
        match (seen.check(&state), custody.on_rollback) {
            (Ok(()), OnRollback::Refuse | OnRollback::Accept) => {}
            (Err(refusal), OnRollback::Refuse) => return Err(refusal),
            (Err(_), OnRollback::Accept) => seen.accept(&state, &unlocked.keys.anchor),
        }
        if !self.store.is_read_only() {
            seen.note(&state, &unlocked.keys.anchor);
        }
        let audits_reads = state.settings.audits_reads();
        Ok(Vault { store: self.store, unlocked, seen, audits_reads })
    }
}

impl Vault {
    /// Makes a vault at `path` with the slots given (number, body, label) and no secret.
    pub(crate) fn create(
        path: &Path,
        founding: Founding<'_>,
        occasion: Occasion<'_>,
    ) -> Result<Self, Error> {
        Self::found(Store::create(path)?, founding, occasion)
    }

    pub(super) fn found(
        mut store: Store,
        founding: Founding<'_>,
        occasion: Occasion<'_>,
    ) -> Result<Self, Error> {
        let Founding { vault_id, master, slots, settings, anchors } = founding;
        let header = Header { vault_id, mk_commit: master.commit(&vault_id), key_epoch: 0 };
        let unlocked = Unlocked::new(header, master)?;
        let mut state = State::new(settings, occasion.now);
        let rows = store.write()?;
        for (number, body, label) in slots {
            rows.put(Table::Slot, u64::from(number), body.as_bytes())?;
            state.slots.push(SlotEntry {
                number,
                digest: slots::digest(body.as_bytes()),
                label,
                created: occasion.now,
            });
        }
        let anchor = anchors.map(|directory| Anchor::new(&directory, &vault_id));
        let mut seen = Seen { newest: None, anchor, floor: 0, is_unwritable: false };
        let mut next_commit_id = [0; 16];
        occasion.entropy.fill(&mut next_commit_id).map_err(|none| Error::Crypto(none.into()))?;
        let mut transaction = Transaction {
            rows,
            unlocked: &unlocked,
            seen: &mut seen,
            occasion,
            state,
            next_commit_id,
            access: Access::Write,
            is_changed: true,
        };
        transaction.record_own("Init", "")?;
        transaction.commit()?;
        Ok(Self { store, unlocked, seen, audits_reads: true })
    }

    /// Begins a transaction. A writing one waits for its turn and then excludes other writers, so
    /// nothing slow may happen inside it: no prompt, no derivation, no child process.
    pub(crate) fn begin<'v>(
        &'v mut self,
        access: Access,
        occasion: Occasion<'v>,
    ) -> Result<Transaction<'v>, Error> {
        let rows = match access {
            Access::Read => self.store.read()?,
            Access::Write => self.store.write()?,
        };
        Transaction::begin(rows, &self.unlocked, &mut self.seen, occasion, access)
    }

    /// Returns whether the container can only be read.
    pub(crate) fn is_read_only(&self) -> bool {
        self.store.is_read_only()
    }

    /// Returns whether reads are written to the audit log.
    pub(crate) fn audits_reads(&self) -> bool {
        self.audits_reads
    }

    /// Returns the vault's id, which is not secret.
    pub(crate) fn vault_id(&self) -> &VaultId {
        self.unlocked.vault_id()
    }

    /// Returns the header, which is not secret.
    pub(crate) fn header(&self) -> &Header {
        &self.unlocked.header
    }

    /// Returns the container, for what needs no key: a copy, a check of its pages.
    pub(crate) fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Returns whether this machine could not remember the newest state.
    pub(crate) fn is_anchor_unwritable(&self) -> bool {
        self.seen.is_unwritable
    }

    /// Returns what this machine remembers of the vault.
    pub(crate) fn remembered(&self) -> Option<Remembered> {
        self.seen.anchor.as_ref()?.read(&self.unlocked.keys.anchor)
    }

    /// Requires commits from now on to be at least at this generation: what is put in place of a
    /// newer vault must not look older than it.
    pub(crate) fn raise_floor(&mut self, generation: u64) {
        self.seen.floor = self.seen.floor.max(generation);
    }
}

/// What a new vault is made of.
pub(crate) struct Founding<'a> {
    /// The new vault's id.
    pub(crate) vault_id: VaultId,
    /// Its master key.
    pub(crate) master: &'a MasterKey,
    /// Its key slots: number, body, label.
    pub(crate) slots: Vec<(u8, SlotBody, String)>,
    /// Its settings.
    pub(crate) settings: Settings,
    /// Where this machine remembers vaults.
    pub(crate) anchors: Option<PathBuf>,
}

impl Unlocked {
    pub(super) fn new(header: Header, master: &MasterKey) -> Result<Self, Error> {
        if master.commit(&header.vault_id) != header.mk_commit {
            return Err(tampered("the master key is not this vault's"));
        }
        let keys = master.keys(&header.vault_id);
        Ok(Self { header_bytes: header.encode(), header, keys })
    }

    pub(super) fn vault_id(&self) -> &VaultId {
        &self.header.vault_id
    }

    pub(super) fn header_bytes(&self) -> &[u8; Header::LENGTH] {
        &self.header_bytes
    }

    /// Opens the state row, which must stand beside the very header the vault was unlocked with.
    pub(super) fn open_state(&self, rows: &store::Transaction<'_>) -> Result<State, Error> {
        let (public, sealed) = rows.vault()?;
        if public != self.header_bytes {
            let header = opened(Header::decode(&public), || "its public header".to_owned())?;
            let is_successor =
                header.vault_id == self.header.vault_id && header.key_epoch > self.header.key_epoch;
            return Err(if is_successor { Error::Rekeyed } else { tampered("its public header") });
        }
        let what = || "its state".to_owned();
        let data = opened(self.keys.state.open(&self.header_bytes, &sealed), what)?;
        decoded(State::decode(data.expose()), what)?.map_err(Error::NewerContent)
    }
}

impl Seen {
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

    pub(super) fn floor(&self) -> u64 {
        self.floor
    }

    /// Takes an older or forked state as the newest.
    fn accept(&mut self, state: &State, key: &AnchorKey) {
        let newest = Remembered { generation: state.generation, commit_id: state.commit_id };
        self.newest = Some(newest);
        if let Some(anchor) = &self.anchor {
            self.is_unwritable = anchor.replace(key, newest).is_err();
        }
    }
}

#[cfg(test)]
impl Vault {
    /// A vault in memory with one keyfile slot, for tests of the layers above.
    pub(crate) fn testing(occasion: Occasion<'_>) -> Self {
        let vault_id = VaultId::generate(occasion.entropy).unwrap();
        let master = MasterKey::generate(occasion.entropy).unwrap();
        let keyfile = crypto::keyfile::Keyfile::generate(occasion.entropy).unwrap();
        let credential = Credential::Keyfile(keyfile);
        let body = SlotBody::wrap(&master, &vault_id, &credential, None, occasion.entropy).unwrap();
        let founding = Founding {
            vault_id,
            master: &master,
            slots: vec![(0, body, "test".to_owned())],
            settings: Settings::new("000000000000", "local-1"),
            anchors: None,
        };
        Self::found(Store::in_memory(), founding, occasion).unwrap()
    }

    /// Makes it a vault that was unlocked with reads left out of the audit log.
    pub(crate) fn silence_reads(&mut self) {
        self.audits_reads = false;
    }
}

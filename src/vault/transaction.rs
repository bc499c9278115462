//! One transaction: the verified state, and reads in which every row is checked against it.
//!
//! The path of every read is docs/format.md, "Reading": state, root, node, bucket, record, value.
//! Writes are in `change`, the audit log in `log`.

use std::collections::BTreeSet;

use super::audit::{Origin, Subject};
use super::error::{Error, decoded, opened, tampered};
use super::keyring::Keyring;
use super::peers::Owed;
use super::record::{Namespace, Record, Version};
use super::rollback::RollbackGuard;
use super::state::{Log, State};
use super::tree::{self, Branch, Entry, FANOUT, NameHash};
use super::waiting::{WaitingDay, WaitingEntry, WaitingReads};
use crate::crypto::header::VaultId;
use crate::crypto::keys::ValueAddress;
use crate::crypto::sealed::pin;
use crate::model::order;
use crate::model::secret_value::SecretValue;
use crate::model::time::Timestamp;
use crate::store::{self, Table};
use crate::sys::entropy::Entropy;
use crate::sys::secret::Secret;

/// What a transaction needs from outside: the time, randomness, and who asks.
#[derive(Clone, Copy)]
pub(crate) struct RequestContext<'a> {
    /// The time of the whole transaction.
    pub(crate) now: Timestamp,
    /// Where nonces and row keys come from.
    pub(crate) entropy: &'a dyn Entropy,
    /// Who asks, for the audit log.
    pub(crate) origin: &'a Origin,
}

/// One transaction on an unlocked vault. Dropped without [`Transaction::commit`], it changes
/// nothing.
pub(crate) struct Transaction<'v> {
    pub(super) rows: store::Transaction<'v>,
    pub(super) keyring: &'v Keyring,
    pub(super) guard: &'v mut RollbackGuard,
    pub(super) context: RequestContext<'v>,
    pub(super) beginning: Beginning,
    pub(super) state: State,
    pub(super) next_commit_id: [u8; 16],
    pub(super) access: Access,
    pub(super) is_changed: bool,
    /// What waits to be written: by this commit, or after this read.
    pub(super) waiting: Option<&'v mut WaitingReads>,
    /// What waits from this transaction on, once it is over.
    pub(super) noted: Vec<WaitingEntry>,
    pub(super) noted_days: Vec<WaitingDay>,
    /// What peers have to be told once this is committed.
    pub(super) owing: Vec<Owed>,
    pub(super) owed: Option<&'v mut BTreeSet<Owed>>,
}

/// What an unlocked vault remembers between its transactions.
pub(super) type Memory<'v> = (&'v mut RollbackGuard, &'v mut WaitingReads, &'v mut BTreeSet<Owed>);

/// What a transaction found when it began.
#[derive(Clone, Copy)]
pub(super) struct Beginning {
    /// The digest of the sealed state; `None` while a vault is being made.
    pub(super) state: Option<[u8; 32]>,
    /// The audit log.
    pub(super) log: Log,
}

/// What a transaction may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Read only.
    Read,
    /// Read and write.
    Write,
}

impl<'v> Transaction<'v> {
    /// Reads and verifies the state that everything in the transaction is checked against.
    pub(super) fn begin(
        rows: store::Transaction<'v>,
        keyring: &'v Keyring,
        (guard, waiting, owed): Memory<'v>,
        context: RequestContext<'v>,
        access: Access,
    ) -> Result<Self, Error> {
        let (state, digest) = keyring.read_state(&rows)?;
        // Another process may have committed, or put something else in the vault's place.
        keyring.check_descent(&rows, &state, guard.newest())?;
        guard.check(&state)?;
        // What another process committed must not be undone unnoticed either.
        guard.note_newer(&state, &keyring.keys.anchor);
        let beginning = Beginning { state: Some(digest), log: state.log };
        let mut next_commit_id = [0; 16];
        if access == Access::Write {
            let filled = context.entropy.fill(&mut next_commit_id);
            filled.map_err(|none| Error::Crypto(none.into()))?;
        }
        waiting.settle(&state);
        let is_changed = false;
        let is_kept = match access {
            Access::Read => waiting.is_kept && state.settings.audits_reads(),
            // Some may wait from before, where none does any more.
            Access::Write => waiting.is_kept || !waiting.is_empty(),
        };
        let mut transaction = Self {
            rows,
            keyring,
            guard,
            context,
            beginning,
            state,
            next_commit_id,
            access,
            is_changed,
            waiting: is_kept.then_some(waiting),
            noted: Vec::new(),
            noted_days: Vec::new(),
            owing: Vec::new(),
            owed: Some(owed),
        };
        if access == Access::Write {
            transaction.write_waiting()?;
        }
        Ok(transaction)
    }

    /// Returns the state this transaction started from, with the changes made in it so far.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Returns what the clock says, believed or not: see [`Transaction::date`] for what is written
    /// down and [`Transaction::due_time`] for what is over.
    pub(crate) fn now(&self) -> Timestamp {
        self.context.now
    }

    /// Returns the vault's id, which is not secret.
    pub(crate) fn vault_id(&self) -> &VaultId {
        self.keyring.vault_id()
    }

    /// Returns where randomness comes from.
    pub(crate) fn entropy(&self) -> &'v dyn Entropy {
        self.context.entropy
    }

    /// Finds a secret by its exact name. `None` is proven: the bucket is authentic and has no such
    /// name. A secret past its recovery window is not found.
    pub(crate) fn find(&self, namespace: &Namespace, name: &str) -> Result<Option<Record>, Error> {
        let found = self.find_stored(namespace, name)?;
        let is_there =
            |record: &Record| record.access_key.is_none() && !record.is_gone(self.due_time());
        Ok(found.filter(is_there))
    }

    /// Finds a secret by its exact name, even past its recovery window.
    pub(super) fn find_stored(
        &self,
        namespace: &Namespace,
        name: &str,
    ) -> Result<Option<Record>, Error> {
        let hash = self.name_hash(namespace, name);
        let entries = self.bucket(tree::bucket_of(&hash))?;
        let Ok(index) = entries.binary_search_by_key(&hash, |entry| entry.name_hash) else {
            return Ok(None);
        };
        let Some(entry) = entries.get(index) else { return Ok(None) };
        let record = self.record_of(entry)?;
        if record.namespace == *namespace && record.name == name {
            return Ok(Some(record));
        }
        Err(tampered("a record is in the place of another"))
    }

    /// Calls `visit` with every secret that is not past its recovery window, in no order that
    /// means anything. Fails if one is missing, added or old, so a list is complete.
    pub(crate) fn each(
        &self,
        mut visit: impl FnMut(Record) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let now = self.due_time();
        self.each_stored(&mut |record| {
            let is_passed_over = record.is_gone(now) || record.access_key.is_some();
            if is_passed_over { Ok(()) } else { visit(record) }
        })
    }

    /// Calls `visit` with every secret, even those past their recovery window, and every access key.
    pub(super) fn each_stored(
        &self,
        visit: &mut dyn FnMut(Record) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut entries = self.entries()?;
        order::sort_by_key(&mut entries, |entry| entry.rid);
        let mut expected = entries.iter();
        self.rows.each(Table::Secret, |rid, sealed| match expected.next() {
            Some(entry) if entry.rid == rid => visit(self.open_record(entry, sealed)?),
            Some(_) | None => Err(tampered("the records do not match the tree")),
        })?;
        if expected.next().is_some() {
            return Err(tampered("a record is missing"));
        }
        Ok(())
    }

    /// Reads the value of a version. `Ok(None)` is a version that has none yet.
    pub(crate) fn value(
        &self,
        record: &Record,
        version: &Version,
    ) -> Result<Option<SecretValue>, Error> {
        let Some(stored) = version.value else { return Ok(None) };
        let what = || format!("a value of secret {}", record.name);
        let sealed = self.rows.value(stored.vid)?.ok_or_else(|| tampered(what()))?;
        if pin(&sealed).ok() != Some(stored.pin) {
            return Err(tampered(what()));
        }
        let address = ValueAddress { rid: record.rid, vid: stored.vid, version_id: &version.id };
        let keyring = self.keyring;
        let data = opened(keyring.keys.value.open(keyring.vault_id(), address, &sealed), what)?;
        stored.read(data.expose()).map(Some).ok_or_else(|| tampered(what()))
    }

    /// Seals a paging token, which no one else can make and no other vault takes.
    pub(crate) fn seal_token(&self, data: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.keyring.keys.anchor.seal_token(
            self.keyring.vault_id().0.as_slice(),
            data,
            self.entropy(),
        )?)
    }

    /// Opens a paging token; `None` for what was not handed out by this vault.
    pub(crate) fn open_token(&self, sealed: &[u8]) -> Option<Secret<Vec<u8>>> {
        self.keyring.keys.anchor.open_token(self.keyring.vault_id().0.as_slice(), sealed).ok()
    }

    /// Returns a hash by which a paging token is bound to the request it belongs to.
    pub(crate) fn fingerprint(request: &[u8]) -> [u8; 32] {
        crate::crypto::slot::digest(request)
    }

    /// Returns what an event about this record is about.
    pub(crate) fn subject(record: &Record) -> Subject {
        Subject { rid: record.rid, name: record.name.clone(), ..Subject::default() }
    }

    pub(super) fn name_hash(&self, namespace: &Namespace, name: &str) -> NameHash {
        self.keyring.keys.name.hash(&namespace.key(), name)
    }

    /// Reads a node and checks it against the root. `None`: proven empty.
    pub(super) fn node(&self, node: u16) -> Result<Option<Branch>, Error> {
        let what = || tampered(format!("node {node} of the tree"));
        match (self.state.root.get(node), self.rows.node(node)?) {
            (None, None) => Ok(None),
            (Some(digest), Some(body)) => {
                if !self.keyring.keys.tree.is_node(node, &body, digest) {
                    return Err(what());
                }
                Branch::decode(&body).map(Some).ok_or_else(what)
            }
            (None, Some(_)) | (Some(_), None) => Err(what()),
        }
    }

    /// Reads a bucket and checks it against its node, and the node against the root.
    pub(super) fn bucket(&self, bucket: u16) -> Result<Vec<Entry>, Error> {
        let node = self.node(bucket / FANOUT)?;
        self.bucket_of_node(bucket, node.as_ref())
    }

    pub(super) fn bucket_of_node(
        &self,
        bucket: u16,
        node: Option<&Branch>,
    ) -> Result<Vec<Entry>, Error> {
        let digest = node.and_then(|node| node.get(bucket % FANOUT));
        self.open_bucket(bucket, digest, self.rows.bucket(bucket)?.as_deref())
    }

    /// Checks a bucket's row, or its absence, against what its node says.
    pub(super) fn open_bucket(
        &self,
        bucket: u16,
        digest: Option<&[u8; 32]>,
        body: Option<&[u8]>,
    ) -> Result<Vec<Entry>, Error> {
        let what = || tampered(format!("bucket {bucket} of the tree"));
        match (digest, body) {
            (None, None) => Ok(Vec::new()),
            (Some(digest), Some(body)) => {
                if !self.keyring.keys.tree.is_bucket(bucket, body, digest) {
                    return Err(what());
                }
                let entries = tree::decode_bucket(body).ok_or_else(what)?;
                let at_home = |entry: &Entry| tree::bucket_of(&entry.name_hash) == bucket;
                if entries.iter().all(at_home) { Ok(entries) } else { Err(what()) }
            }
            (None, Some(_)) | (Some(_), None) => Err(what()),
        }
    }

    /// Reads the whole tree.
    pub(super) fn entries(&self) -> Result<Vec<Entry>, Error> {
        let mut all = Vec::new();
        for node in self.state.root.children() {
            let branch = self.node(node)?;
            for child in branch.iter().flat_map(Branch::children) {
                all.extend(self.bucket_of_node(node * FANOUT + child, branch.as_ref())?);
            }
        }
        Ok(all)
    }

    pub(super) fn record_of(&self, entry: &Entry) -> Result<Record, Error> {
        match self.rows.secret(entry.rid)? {
            Some(sealed) => self.open_record(entry, &sealed),
            None => Err(tampered("a record is missing")),
        }
    }

    fn open_record(&self, entry: &Entry, sealed: &[u8]) -> Result<Record, Error> {
        let what = || format!("record {:016x} is not the one the tree expects", entry.rid);
        if pin(sealed).ok() != Some(entry.pin) {
            return Err(tampered(what()));
        }
        let keyring = self.keyring;
        let data = opened(keyring.keys.record.open(keyring.vault_id(), entry.rid, sealed), what)?;
        decoded(Record::decode(entry.rid, data.expose()), what)
    }
}

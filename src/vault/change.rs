//! Writes: a changed record is re-sealed, its bucket, node and root follow, and one commit seals
//! the new state over all of it.

use super::audit::{Event, Subject};
use super::cbor::Malformed;
use super::error::{Error, tampered};
use super::peers::{MAX_PEERS, Owed, Peer, Seen};
use super::record::{MAX_VALUE, Namespace, Record, StoredValue, ValueKind};
use super::state::State;
use super::transaction::{Access, Transaction};
use super::tree::{self, Entry, FANOUT};
use crate::crypto::keys::ValueAddress;
use crate::crypto::sealed::{Pin, pin};
use crate::model::secret_value::SecretValue;
use crate::model::time::Timestamp;
use crate::store::{self, MAX_ROW_BYTES, Table};
use crate::sys::secret::Secret;

/// The most secrets past their recovery window that one write erases on the way.
const MAX_ERASED: usize = 16;

/// Whether a record is in the tree already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// Its name must not be.
    Absent,
    /// Its name must be, with the record's row.
    Present,
}

impl Transaction<'_> {
    /// Stores a new secret and gives its record a row. Replaces one of the same name that is past
    /// its recovery window.
    ///
    /// # Errors
    /// [`Error::NameTaken`] if the name is in use, [`Error::ClockJumped`] if only a clock that
    /// cannot be right says that it no longer is.
    pub(crate) fn insert(&mut self, record: &mut Record) -> Result<(), Error> {
        self.vacate(&record.namespace, &record.name)?;
        self.assign_row(record)?;
        let sealed = self.seal_record(record)?;
        self.rows.insert(Table::Secret, record.rid, &sealed)?;
        self.state.secrets += 1;
        self.note_deletion(record);
        self.place(record, Presence::Absent, Some(pin(&sealed)?))
    }

    /// Gives a record the row it will be stored in, so that values can be sealed for it first.
    pub(crate) fn assign_row(&mut self, record: &mut Record) -> Result<(), Error> {
        while record.rid == 0 {
            let rid = self.random_row()?;
            if self.rows.secret(rid)?.is_none() {
                record.rid = rid;
            }
        }
        Ok(())
    }

    /// Stores a changed record and counts the change.
    pub(crate) fn update(&mut self, record: &mut Record) -> Result<(), Error> {
        record.revision += 1;
        let sealed = self.seal_record(record)?;
        self.rows.update(Table::Secret, record.rid, &sealed)?;
        self.note_deletion(record);
        self.place(record, Presence::Present, Some(pin(&sealed)?))
    }

    /// Erases a secret with all its values.
    pub(crate) fn remove(&mut self, record: &Record) -> Result<(), Error> {
        for stored in record.versions.iter().filter_map(|version| version.value) {
            self.remove_value(&stored)?;
        }
        self.rows.delete(Table::Secret, record.rid)?;
        self.state.secrets = self.state.secrets.saturating_sub(1);
        self.place(record, Presence::Present, None)
    }

    /// Seals and stores a value for the version `version_id` of the record in row `rid`.
    pub(crate) fn insert_value(
        &mut self,
        rid: u64,
        version_id: &str,
        value: &SecretValue,
    ) -> Result<StoredValue, Error> {
        let bytes = value.expose_bytes();
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if len > MAX_VALUE {
            return Err(Error::Limit(format!(
                "a value of {len} bytes is too large: at most {MAX_VALUE} are possible"
            )));
        }
        let kind = match value {
            SecretValue::Text(_) => ValueKind::Text,
            SecretValue::Binary(_) => ValueKind::Binary,
        };
        let mut data = Secret::new(Vec::with_capacity(bytes.len() + 1));
        data.expose_mut().push(kind.byte());
        data.expose_mut().extend_from_slice(bytes);

        let mut vid = self.random_row()?;
        while self.rows.value(vid)?.is_some() {
            vid = self.random_row()?;
        }
        let keyring = self.keyring;
        let address = ValueAddress { rid, vid, version_id };
        let sealed =
            keyring.keys.value.seal(keyring.vault_id(), address, data.expose(), self.entropy())?;
        self.rows.insert(Table::Value, vid, &sealed)?;
        self.state.values += 1;
        self.state.value_bytes += len;
        self.is_changed = true;
        Ok(StoredValue { vid, pin: pin(&sealed)?, kind, len })
    }

    /// Erases a value.
    pub(crate) fn remove_value(&mut self, stored: &StoredValue) -> Result<(), Error> {
        self.rows.delete(Table::Value, stored.vid).map_err(|error| {
            if matches!(error, store::Error::RowCount { .. }) {
                tampered("a value is missing")
            } else {
                Error::Store(error)
            }
        })?;
        self.state.values = self.state.values.saturating_sub(1);
        self.state.value_bytes = self.state.value_bytes.saturating_sub(stored.len);
        self.is_changed = true;
        Ok(())
    }

    /// Changes a setting of the vault.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.state.settings.set(name, value);
        self.is_changed = true;
    }

    /// Says what a peer has to be told once this is committed.
    pub(crate) fn owe(&mut self, owed: Owed) {
        self.owing.push(owed);
    }

    /// Changes what is known of the peer of an account, if there is one. What no state can have is not
    /// believed.
    pub(crate) fn change_peer(&mut self, account: &str, change: impl FnOnce(&mut Peer)) {
        if let Some(peer) = self.state.peers.iter_mut().find(|peer| peer.account == account) {
            let mut changed = peer.clone();
            change(&mut changed);
            if changed.is_within_limits() {
                *peer = changed;
                self.is_changed = true;
            }
        }
    }

    /// Makes a peer known in the place of the one of its account, if there is one.
    ///
    /// # Errors
    /// [`Error::Limit`] where there are as many as a vault can have, or this is none that it can have.
    pub(crate) fn put_peer(&mut self, peer: Peer) -> Result<(), Error> {
        if !peer.is_within_limits() {
            return Err(Error::Limit("no vault can have such a peer".to_owned()));
        }
        self.remove_peer(&peer.account);
        if self.state.peers.len() >= MAX_PEERS {
            return Err(Error::Limit(format!("a vault has at most {MAX_PEERS} peers")));
        }
        let place = self.state.peers.partition_point(|other| other.account < peer.account);
        self.state.peers.insert(place, peer);
        self.is_changed = true;
        Ok(())
    }

    /// Forgets the peer of an account.
    pub(crate) fn remove_peer(&mut self, account: &str) {
        self.state.peers.retain(|peer| peer.account != account);
        self.is_changed = true;
    }

    /// Draws the number of an edition.
    pub(crate) fn draw_edition(&self) -> Result<u64, Error> {
        self.random_row()
    }

    /// Returns the state that this transaction makes, as a peer remembers it.
    pub(crate) fn seen(&self) -> Seen {
        if self.is_changed {
            Seen { generation: self.next_generation(), commit_id: self.next_commit_id }
        } else {
            Seen { generation: self.state.generation, commit_id: self.state.commit_id }
        }
    }

    /// Makes the changes durable. A transaction that changed nothing only ends.
    pub(crate) fn commit(mut self) -> Result<(), Error> {
        if !self.is_changed {
            self.keep_noted();
            return Ok(self.rows.commit()?);
        }
        if self.access == Access::Read {
            return Err(Error::Store(store::Error::ReadOnly));
        }
        if self.state.log.next == self.beginning.log.next {
            // Forks and later states are recognized by the log, so every commit must be in it.
            self.record_own("Commit", "")?;
        }
        self.advance_state();
        let header = self.keyring.header_bytes();
        let sealed =
            self.keyring.keys.state.seal(header, &self.encoded_state()?, self.entropy())?;
        self.rows.put_vault(header, &sealed)?;
        let committed = self.rows.commit().map_err(Error::Store);
        if let Some(waiting) = self.waiting {
            match &committed {
                Ok(()) => waiting.clear(),
                Err(error) if error.may_be_done() => waiting.doubt(self.next_commit_id),
                Err(_) => {}
            }
        }
        committed?;
        if let Some(owed) = self.owed {
            owed.extend(self.owing);
        }
        self.guard.note(&self.state, &self.keyring.keys.anchor);
        Ok(())
    }

    /// Writes the state as it will be read.
    ///
    /// # Errors
    /// [`Error::Limit`] if nobody would read it.
    pub(super) fn encoded_state(&self) -> Result<Vec<u8>, Error> {
        let encoded = self.state.encode();
        match State::decode(&encoded) {
            Ok(Ok(_)) => Ok(encoded),
            Ok(Err(_)) | Err(Malformed) => Err(Error::Limit(
                "a number, a time or a label of the vault's state would be out of range".to_owned(),
            )),
        }
    }

    /// Moves the state on to the commit that is about to be made.
    pub(super) fn advance_state(&mut self) {
        self.state.time = self.date();
        self.state.generation = self.next_generation();
        self.state.previous_commit_id = self.state.commit_id;
        self.state.commit_id = self.next_commit_id;
    }

    /// Returns the generation that this transaction's commit gets.
    pub(super) fn next_generation(&self) -> u64 {
        self.state.generation.saturating_add(1).max(self.guard.floor())
    }

    /// Erases up to `most` secrets whose recovery window is over, and returns their names.
    pub(crate) fn erase_gone(&mut self, most: usize) -> Result<Vec<String>, Error> {
        let now = self.due_time();
        if self.state.next_purge.is_none_or(|next| next > now) {
            return Ok(Vec::new());
        }
        let mut gone = Vec::new();
        let mut next: Option<Timestamp> = None;
        self.each_stored(&mut |record| {
            let Some(deletion) = record.deletion else { return Ok(()) };
            if deletion.due <= now && gone.len() < most {
                gone.push(record);
            } else {
                next = Some(next.map_or(deletion.due, |earliest| earliest.min(deletion.due)));
            }
            Ok(())
        })?;
        for record in &gone {
            self.remove(record)?;
        }
        self.state.next_purge = next;
        self.is_changed = true;
        Ok(gone.into_iter().map(|record| record.name).collect())
    }

    /// Erases some of them, where anything may be written, and says so in the log.
    pub(crate) fn erase_on_the_way(&mut self) -> Result<(), Error> {
        if self.access == Access::Write {
            for name in self.erase_gone(MAX_ERASED)? {
                let subject = Subject { name, ..Subject::default() };
                self.record("Purge", Event::SUCCESS, subject)?;
            }
        }
        Ok(())
    }

    fn note_deletion(&mut self, record: &Record) {
        if let Some(deletion) = record.deletion {
            let next = self.state.next_purge.map_or(deletion.due, |next| next.min(deletion.due));
            self.state.next_purge = Some(next);
        }
    }

    /// Seals a record as it will be read.
    ///
    /// # Errors
    /// [`Error::Limit`] if nobody would read it.
    pub(super) fn seal_record(&self, record: &Record) -> Result<Vec<u8>, Error> {
        let keyring = self.keyring;
        let data = Secret::new(record.encode());
        let limit = |what: &str| {
            let name: String = record.name.chars().take(80).collect();
            Error::Limit(format!("the record of secret {name} would {what}"))
        };
        if Record::decode(record.rid, data.expose()).is_err() {
            return Err(limit(
                "have a name, a number or a time that is out of range, or too many tags",
            ));
        }
        let vault_id = keyring.vault_id();
        let sealed =
            keyring.keys.record.seal(vault_id, record.rid, data.expose(), self.entropy())?;
        if sealed.len() > MAX_ROW_BYTES {
            let bytes = sealed.len();
            return Err(limit(&format!(
                "take {bytes} bytes; at most {MAX_ROW_BYTES} are possible"
            )));
        }
        Ok(sealed)
    }

    /// Puts the record's pin into the tree, or takes the record out.
    pub(super) fn place(
        &mut self,
        record: &Record,
        place: Presence,
        pin: Option<Pin>,
    ) -> Result<(), Error> {
        let name_hash = self.name_hash(&record.namespace, &record.name);
        let bucket = tree::bucket_of(&name_hash);
        let mut node = self.node(bucket / FANOUT)?.unwrap_or_default();
        let mut entries = self.bucket_of_node(bucket, Some(&node))?;
        let found = entries.binary_search_by_key(&name_hash, |entry| entry.name_hash);
        let rid = found.ok().and_then(|index| entries.get(index)).map(|entry| entry.rid);
        let index = match (found, place) {
            (Err(index), Presence::Absent) => index,
            (Ok(index), Presence::Present) if rid == Some(record.rid) => {
                entries.remove(index);
                index
            }
            (Ok(_) | Err(_), _) => {
                return Err(tampered("a record is not in its place in the tree"));
            }
        };
        if let Some(pin) = pin {
            entries.insert(index, Entry { name_hash, rid: record.rid, pin });
        }
        let digest = self.write_bucket(bucket, &entries)?;
        node.set(bucket % FANOUT, digest);
        let digest = self.write_node(bucket / FANOUT, &node)?;
        self.state.root.set(bucket / FANOUT, digest);
        self.is_changed = true;
        Ok(())
    }

    pub(super) fn write_bucket(
        &mut self,
        bucket: u16,
        entries: &[Entry],
    ) -> Result<Option<[u8; 32]>, Error> {
        if entries.is_empty() {
            self.rows.discard(Table::Bucket, u64::from(bucket))?;
            return Ok(None);
        }
        let body = tree::encode_bucket(entries);
        self.rows.put(Table::Bucket, u64::from(bucket), &body)?;
        Ok(Some(self.keyring.keys.tree.bucket_digest(bucket, &body)))
    }

    pub(super) fn write_node(
        &mut self,
        node: u16,
        branch: &tree::Branch,
    ) -> Result<Option<[u8; 32]>, Error> {
        if branch.bitmap == 0 {
            self.rows.discard(Table::Node, u64::from(node))?;
            return Ok(None);
        }
        let body = branch.encode();
        self.rows.put(Table::Node, u64::from(node), &body)?;
        Ok(Some(self.keyring.keys.tree.node_digest(node, &body)))
    }

    /// Draws a row key: 62 random bits, so that order of rows says nothing; never zero.
    fn random_row(&self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        self.entropy().fill(&mut bytes).map_err(|none| Error::Crypto(none.into()))?;
        Ok((u64::from_be_bytes(bytes) >> 2).max(1))
    }

    /// Returns the region-bound namespace of the vault's own account.
    pub(crate) fn namespace(&self, region: &str) -> Namespace {
        let account = self.state.settings.account().to_owned();
        Namespace { account, region: region.to_owned() }
    }
}

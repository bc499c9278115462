//! The access keys of a vault: records in a namespace that no secret can be in, whose names the state
//! lists. What guards the records of secrets guards them too (docs/format.md, "Access keys").

use super::access_key::{AccessKey, MAX_ACCESS_KEYS, Status, is_id};
use super::change::Presence;
use super::error::{Error, tampered};
use super::record::{Namespace, Record};
use super::transaction::Transaction;
use crate::crypto::sealed::pin;
use crate::model::time::Timestamp;
use crate::store::Table;

impl Record {
    /// A record of an access key.
    pub(crate) fn of_access_key(id: String, key: AccessKey, now: Timestamp) -> Self {
        let mut record = Self::new(Namespace::of_access_keys(), id, String::new(), now);
        record.access_key = Some(key);
        record
    }

    /// Whether it has an id, dates and a revision, and nothing else that a secret could have.
    pub(super) fn has_nothing_of_a_secret(&self) -> bool {
        let bare = Self {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            created: self.created,
            changed: self.changed,
            accessed: self.accessed,
            revision: self.revision,
            access_key: self.access_key.clone(),
            unknown: self.unknown.clone(),
            ..Self::blank(self.rid)
        };
        is_id(&self.name) && *self == bare
    }

    /// Puts an access key out of use.
    pub(super) fn deactivate(&mut self) {
        if let Some(key) = &mut self.access_key {
            key.status = Status::Inactive;
        }
    }
}

impl Transaction<'_> {
    /// Finds an access key's record. `None` is proven by the state alone: an id that is not there costs
    /// no reading.
    pub(crate) fn access_key(&self, id: &str) -> Result<Option<Record>, Error> {
        if !self.state.has_access_key(id) {
            return Ok(None);
        }
        let found = self.find_stored(&Namespace::of_access_keys(), id)?;
        found.map(Some).ok_or_else(|| tampered(format!("access key {id} is missing")))
    }

    /// Returns the records of all access keys, by their ids.
    pub(crate) fn access_keys(&self) -> Result<Vec<Record>, Error> {
        let found = self.state.access_keys.iter().map(|id| self.access_key(id));
        Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// Whether there are as many access keys as a vault can have.
    pub(crate) fn is_full_of_access_keys(&self) -> bool {
        self.state.access_keys.len() >= MAX_ACCESS_KEYS
    }

    /// Stores a new access key. A changed one is stored by [`Transaction::update`].
    ///
    /// # Errors
    /// [`Error::NameTaken`] if the id is in use, [`Error::Limit`] if there are as many as there may be,
    /// or it is no id.
    pub(crate) fn insert_access_key(&mut self, record: &mut Record) -> Result<(), Error> {
        if self.is_full_of_access_keys() || !is_id(&record.name) {
            return Err(Error::Limit(format!("a vault has at most {MAX_ACCESS_KEYS} access keys")));
        }
        if self.state.has_access_key(&record.name) {
            return Err(Error::NameTaken(record.name.clone()));
        }
        self.assign_row(record)?;
        let sealed = self.seal_record(record)?;
        self.rows.insert(Table::Secret, record.rid, &sealed)?;
        self.state.add_access_key(&record.name);
        self.place(record, Presence::Absent, Some(pin(&sealed)?))
    }

    /// Erases an access key.
    pub(crate) fn remove_access_key(&mut self, record: &Record) -> Result<(), Error> {
        self.rows.delete(Table::Secret, record.rid)?;
        self.state.access_keys.retain(|id| *id != record.name);
        self.place(record, Presence::Present, None)
    }
}

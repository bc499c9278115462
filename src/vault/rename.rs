//! A secret under another name: its record keeps its row, so that its values and what the log says of it
//! stay with it, and moves to the name's place in the tree.

use super::change::Presence;
use super::error::{Error, decoded, opened};
use super::record::{Namespace, Record};
use super::transaction::Transaction;
use crate::crypto::sealed::pin;
use crate::store::Table;

impl Transaction<'_> {
    /// Gives a secret another name, in the record that is about to be stored too. Replaces one of that
    /// name that is past its recovery window.
    ///
    /// # Errors
    /// [`Error::NameTaken`] if the name is in use, [`Error::ClockJumped`] if only a clock that
    /// cannot be right says that it no longer is.
    pub(crate) fn rename(&mut self, record: &mut Record, name: &str) -> Result<(), Error> {
        self.vacate(&record.namespace, name)?;
        self.place(record, Presence::Present, None)?;
        name.clone_into(&mut record.name);
        record.revision += 1;
        let sealed = self.seal_record(record)?;
        self.rows.update(Table::Secret, record.rid, &sealed)?;
        self.place(record, Presence::Absent, Some(pin(&sealed)?))
    }

    /// Makes sure that no secret has a name, but for one past its recovery window, which goes.
    pub(super) fn vacate(&mut self, namespace: &Namespace, name: &str) -> Result<(), Error> {
        let Some(old) = self.find_stored(namespace, name)? else { return Ok(()) };
        if !old.is_gone(self.due_time()) {
            let is_gone = old.is_gone(self.now());
            let taken = || Error::NameTaken(name.to_owned());
            return Err(if is_gone { Error::ClockJumped } else { taken() });
        }
        self.remove(&old)
    }

    /// Finds a secret by its row, whatever it is called. One past its recovery window is not found.
    pub(crate) fn find_row(&self, rid: u64) -> Result<Option<Record>, Error> {
        let Some(sealed) = self.rows.secret(rid)? else { return Ok(None) };
        let what = || format!("record {rid:016x}");
        let keyring = self.keyring;
        let data = opened(keyring.keys.record.open(keyring.vault_id(), rid, &sealed), what)?;
        // An old record may stand there: it only says where to look.
        let said = decoded(Record::decode(rid, data.expose()), what)?;
        let found = self.find(&said.namespace, &said.name)?;
        Ok(found.filter(|record| record.rid == rid))
    }
}

//! Opening a vault whose file is damaged or was added to, and putting a sound file in its place. What
//! is found in it is taken out by `wreckage`.
//!
//! Does not decide what is missing or old: that is `check` and `repair`.

use std::path::Path;

use super::check::Finding;
use super::error::Error;
use super::unlock::{LockedVault, Vault};
use super::wreckage::slots_in;
use crate::crypto::header::Header;
use crate::crypto::slot::SlotBody;
use crate::store::{self, Mode, Store, Wreck};

impl LockedVault {
    /// Opens the container at `path`, or finds what is left of it.
    ///
    /// # Errors
    /// What is wrong with the file, if not even a vault's header is found in it.
    pub(crate) fn open_damaged(path: &Path) -> Result<Self, Error> {
        let reason = match Self::open(path, Mode::ReadWrite) {
            Ok(mut vault) => match vault.store.quick_check() {
                Ok(findings) => match findings.into_iter().next() {
                    Some(what) => store::Error::Damaged { what },
                    None => return Ok(Self { is_patient: true, ..vault }),
                },
                Err(error) => error,
            },
            Err(Error::Store(error)) => error,
            Err(other) => return Err(other),
        };
        if !reason.is_about_content() {
            return Err(Error::Store(reason));
        }
        let wreck = Wreck::find(path, reason)?;
        let Some(header) = header_in(&wreck)? else { return Err(Error::Store(wreck.reason)) };
        let mut slots = Vec::new();
        for (number, body) in slots_in(&wreck)? {
            slots.push((number, SlotBody::decode(&body)));
        }
        let store = Store::detached(path)?;
        Ok(Self { store, header, slots, wreck: Some(wreck), is_patient: true })
    }
}

impl Vault {
    /// Returns what is wrong with the file, if its rows had to be looked for.
    pub(crate) fn wreckage(&self) -> Option<Finding> {
        let wreck = self.wreck.as_ref()?;
        Some(Finding { place: "file".to_owned(), problem: wreck.reason.to_string() })
    }

    /// Refuses to write anew what a later version may have written.
    ///
    /// # Errors
    /// [`store::Error::NewerFormat`]: the file has tables that this program does not know.
    pub(crate) fn require_replaceable(&self) -> Result<(), Error> {
        match &self.wreck {
            Some(Wreck { reason: store::Error::NewerFormat { found }, has_our_tables, .. })
                if !has_our_tables =>
            {
                Err(Error::Store(store::Error::NewerFormat { found: *found }))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Puts a new file with the rows that were found, as they are now, in the place of the damaged
    /// one, which is kept as `kept`. A vault that is no wreck stays as it is.
    pub(crate) fn replace_wreck(&mut self, kept: &Path) -> Result<(), Error> {
        let Some(wreck) = self.wreck.take() else { return Ok(()) };
        self.store = wreck.replace(&mut self.store, kept)?;
        self.release()
    }
}

fn header_in(wreck: &Wreck) -> Result<Option<Header>, Error> {
    let header = |bytes: Vec<u8>| Header::decode(bytes.get(..Header::LENGTH)?).ok();
    for row in wreck.rows().iter().filter(|row| row.lengths.0 == Header::LENGTH) {
        if let Some(header) = wreck.read(row)?.and_then(header) {
            return Ok(Some(header));
        }
    }
    // The form of its row may be lost.
    Ok(wreck.marked(Header::MAGIC, Header::LENGTH)?.into_iter().find_map(header))
}

//! The container: one SQLite file of seven tables that hold opaque bytes under integer keys.
//! Gives atomicity and durability, and nothing else.
//!
//! Does not know what the bytes mean, and cannot name a key. `rusqlite` is named nowhere else.

mod copy;
mod error;
mod open;
mod transaction;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub(crate) use error::Error;
pub(crate) use transaction::{Table, Transaction};

/// An open container.
pub(crate) struct Store {
    connection: Connection,
    path: PathBuf,
    mode: Mode,
}

/// How a container is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Read only.
    ReadOnly,
    /// Read and write, where the file and its medium allow it.
    ReadWrite,
}

/// Whether a transaction may write pages to the file before it commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spill {
    /// It may: a transaction that touches everything does not fit into memory.
    On,
    /// It may not.
    Off,
}

impl Store {
    /// Makes an empty container. The first write transaction fills it.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        open::create(path)
    }

    /// Opens a container, and refuses what is not one or was added to.
    pub(crate) fn open(path: &Path, mode: Mode) -> Result<Self, Error> {
        open::open(path, mode)
    }

    /// Returns the container's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether the container can only be read.
    pub(crate) fn is_read_only(&self) -> bool {
        self.mode == Mode::ReadOnly
    }

    /// Begins to read: one snapshot for the whole transaction.
    pub(crate) fn read(&mut self) -> Result<Transaction<'_>, Error> {
        Transaction::begin(&self.connection, "BEGIN DEFERRED")
    }

    /// Begins to write: waits for other writers, and keeps them out until the end.
    pub(crate) fn write(&mut self) -> Result<Transaction<'_>, Error> {
        match self.mode {
            Mode::ReadOnly => Err(Error::ReadOnly),
            Mode::ReadWrite => Transaction::begin(&self.connection, "BEGIN IMMEDIATE"),
        }
    }

    /// Lets transactions from now on write to the file early, or not.
    pub(crate) fn set_spill(&mut self, spill: Spill) -> Result<(), Error> {
        let sql = match spill {
            Spill::On => "PRAGMA cache_spill = ON",
            Spill::Off => "PRAGMA cache_spill = OFF",
        };
        Ok(self.connection.execute_batch(sql)?)
    }
}

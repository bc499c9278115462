//! The container: one SQLite file of seven tables that hold opaque bytes under integer keys.
//! Gives atomicity and durability, and nothing else.
//!
//! Does not know what the bytes mean, and cannot name a key. `rusqlite` is named nowhere else.

mod connection;
mod copy;
mod create;
mod error;
mod schema;
mod table;
mod transaction;

use std::cell::Cell;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::sys::files::{self, FileFault};

pub(crate) use error::Error;
pub(crate) use table::Table;
pub(crate) use transaction::Transaction;

/// An open container.
pub(crate) struct Store {
    connection: Connection,
    path: PathBuf,
    mode: Mode,
    content: Cell<Content>,
    /// The change counter at which the schema was last compared.
    compared_at: i64,
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

/// What a container's file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// Nothing: the first write transaction begins with the tables.
    Nothing,
    /// The tables.
    Tables,
}

impl Store {
    /// Opens a container, and refuses what is not one, was added to, or is open to others.
    pub(crate) fn open(path: &Path, mode: Mode) -> Result<Self, Error> {
        let path = connection::resolve(path)?;
        match files::check_private(&path) {
            // On a read-only medium a mode can neither be set right nor be abused.
            Err(
                FileFault::WrongOwner { .. }
                | FileFault::TooOpen { .. }
                | FileFault::OpenDirectory { .. },
            ) if files::is_read_only_file_system(&path) => {}
            checked => checked?,
        }
        Self::open_resolved(path, mode)
    }

    /// Opens a copy for reading, whoever else may read it: sticks that are carried about know no
    /// modes. The caller verifies all of it before it believes any of it.
    pub(crate) fn open_copy(path: &Path) -> Result<Self, Error> {
        let path = connection::resolve(path)?;
        if !path.is_file() {
            return Err(FileFault::NotAFile(path).into());
        }
        Self::open_resolved(path, Mode::ReadOnly)
    }

    /// A container in memory, for tests of the layers above.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection::configure(&connection).unwrap();
        schema::lay_out(&connection).unwrap();
        Self {
            compared_at: schema::data_version(&connection).unwrap(),
            connection,
            path: PathBuf::from(":memory:"),
            mode: Mode::ReadWrite,
            content: Cell::new(Content::Tables),
        }
    }

    /// Waits this long for other processes.
    #[cfg(test)]
    pub(crate) fn set_patience(&self, patience: std::time::Duration) {
        self.connection.busy_timeout(patience).unwrap();
    }

    /// Begins to read: one snapshot for the whole transaction.
    pub(crate) fn read(&mut self) -> Result<Transaction<'_>, Error> {
        self.begin("BEGIN DEFERRED")
    }

    /// Begins to write: waits for other writers, and keeps them out until the end.
    pub(crate) fn write(&mut self) -> Result<Transaction<'_>, Error> {
        match self.mode {
            Mode::ReadOnly => Err(Error::ReadOnly),
            // Never by way of a read lock: two that tried would wait for each other.
            Mode::ReadWrite => self.begin("BEGIN IMMEDIATE"),
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

    /// Returns the container's path: absolute, without symbolic links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether the container can only be read.
    pub(crate) fn is_read_only(&self) -> bool {
        self.mode == Mode::ReadOnly
    }

    fn open_resolved(path: PathBuf, mode: Mode) -> Result<Self, Error> {
        let (connection, mode) = connection::open(&path, mode)?;
        let compared_at = schema::compare_now(&connection).map_err(|error| error.at(&path))?;
        if mode == Mode::ReadWrite {
            connection::leave_write_ahead_log(&connection)?;
        }
        Ok(Self { connection, path, mode, content: Cell::new(Content::Tables), compared_at })
    }

    fn begin(&mut self, begin: &str) -> Result<Transaction<'_>, Error> {
        let transaction = Transaction::begin(&self.connection, begin, &self.content)?;
        // Reading the counter takes the read lock too: the snapshot begins here. A counter that
        // moved may mean that a newer program changed the layout under a process that stayed.
        let version = schema::data_version(&self.connection)?;
        if self.content.get() == Content::Nothing {
            create::check_claim(&self.connection, &self.path)?;
            schema::lay_out(&self.connection)?;
        } else if version != self.compared_at {
            schema::compare(&self.connection).map_err(|error| error.at(&self.path))?;
        }
        self.compared_at = version;
        Ok(transaction)
    }
}

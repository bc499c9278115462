//! An open container: how it is opened, and where its transactions begin.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::connection::{self, Mode};
use super::error::Error;
use super::halt::Halt;
use super::transaction::Transaction;
use super::waiting::{self, OpenedFile, Patience};
use super::{recovered, schema};
use crate::sys::draft::Draft;
use crate::sys::files::{self, FileFault};
use crate::sys::process;

/// An open container.
pub(crate) struct Store {
    pub(super) connection: Connection,
    /// Where it is written until it appears. Goes after the connection to it.
    pub(super) draft: Option<Draft>,
    pub(super) path: PathBuf,
    pub(super) mode: Mode,
    /// Where the file was when it was opened, if there is one.
    pub(super) file: Option<OpenedFile>,
    /// The change counter at which the schema was last compared.
    pub(super) compared_at: i64,
    /// What calls its work off.
    pub(super) halt: Option<Halt>,
}

/// Whether a transaction may write pages to the file before it commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spill {
    /// It may: a transaction that touches everything does not fit into memory.
    On,
    /// It may when its pages take more than [`SPILLED_FROM`] bytes.
    Late,
    /// It may not.
    Off,
}

/// How much memory the pages of a transaction take before [`Spill::Late`] lets them go: as much as ten
/// thousand new secrets in a small vault.
const SPILLED_FROM: usize = 24 << 20;
/// The bytes of a page.
const PAGE: usize = 4096;

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
        Self::open_resolved(path, mode, Patience::Long)
    }

    /// Opens a copy for reading, whoever else may read it: USB sticks have no
    /// modes. The caller verifies all of it before it believes any of it.
    pub(crate) fn open_copy(path: &Path) -> Result<Self, Error> {
        let path = connection::resolve(path)?;
        if !path.is_file() {
            return Err(FileFault::NotAFile(path).into());
        }
        Self::open_resolved(path, Mode::ReadOnly, Patience::Long)
    }

    /// A container in memory, for tests of the layers above.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Self {
        Self::detached(Path::new(":memory:")).unwrap()
    }

    /// An empty container in memory, for what is left of the one at `path`.
    pub(crate) fn detached(path: &Path) -> Result<Self, Error> {
        let mut connection = Connection::open_in_memory()?;
        connection::configure(&mut connection, Patience::Long)?;
        schema::lay_out(&connection)?;
        Ok(Self {
            compared_at: schema::data_version(&connection)?,
            connection,
            draft: None,
            path: path.to_owned(),
            mode: Mode::ReadWrite,
            file: None,
            halt: None,
        })
    }

    /// Does to an open container what anyone with SQLite who may write its file can do.
    #[cfg(test)]
    pub(crate) fn tamper(&self, sql: &str) {
        self.connection.execute_batch(sql).unwrap();
    }

    /// Does so without this program's limit on what a row may hold.
    #[cfg(test)]
    pub(crate) fn tamper_hugely(&self, sql: &str) {
        use rusqlite::limits::Limit;
        let limit = self.connection.limit(Limit::SQLITE_LIMIT_LENGTH).unwrap();
        self.connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, 100 << 20).unwrap();
        self.tamper(sql);
        self.connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, limit).unwrap();
    }

    /// Waits this long for other processes.
    #[cfg(test)]
    pub(crate) fn set_patience(&self, patience: std::time::Duration) {
        self.connection.busy_timeout(patience).unwrap();
    }

    /// Begins to read: one snapshot for the whole transaction.
    pub(crate) fn read(&mut self) -> Result<Transaction<'_>, Error> {
        self.begin(Mode::ReadOnly)
    }

    /// Begins to write: waits for other writers, and keeps them out until the end.
    pub(crate) fn write(&mut self) -> Result<Transaction<'_>, Error> {
        match self.mode {
            Mode::ReadOnly => Err(Error::ReadOnly),
            Mode::ReadWrite => self.begin(Mode::ReadWrite),
        }
    }

    /// Lets somebody call off what is done with it and with copies in memory from now on.
    pub(crate) fn heed(&mut self, halt: Halt) -> Result<(), Error> {
        halt.heeded_by(&mut self.connection)?;
        self.halt = Some(halt);
        Ok(())
    }

    /// Lets transactions from now on write to the file early, or not.
    pub(crate) fn set_spill(&mut self, spill: Spill) -> Result<(), Error> {
        let sql = match spill {
            // A number is one of pages, and turns it on.
            Spill::On => "PRAGMA cache_spill = 1".to_owned(),
            Spill::Late => format!("PRAGMA cache_spill = {}", SPILLED_FROM / PAGE),
            Spill::Off => "PRAGMA cache_spill = OFF".to_owned(),
        };
        Ok(self.connection.execute_batch(&sql)?)
    }

    /// Lets a transaction that touches everything do so. Spilling shuts readers out from the first page
    /// on; where all of them fit into memory, readers are let in until the last moment.
    pub(crate) fn set_spill_for_all(&mut self) -> Result<(), Error> {
        let size = self.path.metadata().map_or(0, |metadata| metadata.len());
        self.set_spill(if size > Self::most_memory() { Spill::On } else { Spill::Off })
    }

    /// Returns how many bytes of memory a whole container may take.
    pub(super) fn most_memory() -> u64 {
        process::obtainable_memory_kib().unwrap_or(0).saturating_mul(1024) / SHARE
    }

    /// Returns the container's path: absolute, without symbolic links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether the container can only be read.
    pub(crate) fn is_read_only(&self) -> bool {
        self.mode == Mode::ReadOnly
    }

    fn open_resolved(path: PathBuf, mode: Mode, patience: Patience) -> Result<Self, Error> {
        // A change needs a journal beside the file. Without one it must fail before it begins, so
        // that reads, which are logged where they can be, are answered.
        let can_change = files::may_write_in(files::parent_of(&path));
        let mode = if can_change { mode } else { Mode::ReadOnly };
        match Self::open_file(&path, mode, patience) {
            Err(error) if recovered::may_help(&path, &error) => {
                let connection = recovered::open(&path)?;
                let compared_at =
                    schema::compare_now(&connection).map_err(|error| error.at(&path))?;
                let (mode, draft, file, halt) = (Mode::ReadOnly, None, None, None);
                Ok(Self { connection, draft, path, mode, file, compared_at, halt })
            }
            opened => opened,
        }
    }

    fn open_file(path: &Path, mode: Mode, patience: Patience) -> Result<Self, Error> {
        let (connection, mode) = connection::open_with(path, mode, patience)?;
        let file = waiting::watched();
        let compared_at = schema::compare_now(&connection).map_err(|error| error.at(path))?;
        if mode == Mode::ReadWrite {
            connection::leave_write_ahead_log(&connection)?;
        }
        let (path, draft, halt) = (path.to_owned(), None, None);
        Ok(Self { connection, draft, path, mode, file, compared_at, halt })
    }

    fn begin(&mut self, mode: Mode) -> Result<Transaction<'_>, Error> {
        let named = |error: Error| error.at(&self.path);
        let transaction =
            Transaction::begin(&self.connection, self.file.as_ref(), mode).map_err(named)?;
        // Reading the counter takes the read lock too: the snapshot begins here. A counter that
        // moved may mean that a newer program changed the layout under a process that stayed.
        let version = schema::data_version(&self.connection).map_err(named)?;
        if version != self.compared_at {
            schema::compare(&self.connection).map_err(named)?;
        }
        self.compared_at = version;
        Ok(transaction)
    }
}

/// The share of the unused memory that a transaction may take.
const SHARE: u64 = 4;

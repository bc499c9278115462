//! What can go wrong with a container, each kind with its own sentence.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ffi;
use rustix::io::Errno;

use super::layout::{LAYOUT, MAX_ROW_BYTES};
use super::waiting;
use crate::sys::files::FileFault;

/// Why a container could not be opened, read or written. Never holds a byte of a row.
#[derive(Debug)]
pub(crate) enum Error {
    /// Others held the container for as long as this process waited.
    Busy,
    /// Somebody called it off, from another thread.
    CalledOff,
    /// Somebody else changed the container between two looks at it.
    Changed,
    /// The change was made, and what came after that failed.
    Committed {
        /// How that leaves things.
        what: String,
    },
    /// Nobody can tell whether the change was made.
    InDoubt {
        /// What failed.
        what: String,
    },
    /// SQLite found a page that is not one, or read what it did not write.
    Damaged {
        /// What was found.
        what: String,
    },
    /// There is something at the path where a new one should be made.
    Exists(PathBuf),
    /// The file is not a vault.
    NotAVault { path: PathBuf, what: &'static str },
    /// A later program laid out the tables.
    NewerFormat {
        /// The layout's number.
        found: i64,
    },
    /// The file system has no locks to keep processes apart with.
    NoLocks {
        /// What the system said.
        what: String,
    },
    /// The medium is full.
    NoSpace,
    /// The file or its directory, not the content.
    File(FileFault),
    /// The container, its file or its medium can only be read.
    ReadOnly,
    /// A change by key did not change exactly one row.
    RowCount {
        table: &'static str,
        /// How many rows it changed.
        changed: usize,
    },
    /// There is a table, index, view or trigger that a vault does not have, or one that differs.
    SchemaAltered {
        /// Its name.
        what: String,
    },
    /// A row or file is larger than a vault's can be.
    TooBig,
    /// A change was interrupted, and the file can neither be repaired nor read as it was before.
    Unfinished,
    /// A row that was to be written is too large.
    RowLimit { bytes: usize },
    /// The operating system failed.
    Io {
        /// What SQLite said.
        what: String,
    },
}

impl Error {
    /// Returns the stable name of the kind (docs/compatibility.md, "Exit codes").
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Busy | Self::Changed => "VaultBusy",
            Self::CalledOff => "Interrupted",
            Self::Committed { .. } => "DoneError",
            Self::InDoubt { .. } => "InDoubt",
            Self::Damaged { .. } | Self::RowCount { .. } | Self::TooBig => "DamagedError",
            Self::Exists(_) => "VaultExists",
            Self::NotAVault { .. } | Self::File(FileFault::NotAFile(_)) => "NotAVault",
            Self::NewerFormat { .. } => "NewerFormat",
            Self::NoLocks { .. } => "NoLocks",
            Self::NoSpace => "NoSpace",
            Self::File(FileFault::Missing(_)) => "NoVault",
            Self::File(fault) => fault.name(),
            Self::ReadOnly => "ReadOnlyVault",
            Self::RowLimit { .. } => "LimitError",
            Self::SchemaAltered { .. } => "TamperError",
            Self::Io { .. } | Self::Unfinished => "IoError",
        }
    }

    /// Whether it is about the file's content, so that rows may still be found in it.
    pub(crate) fn is_about_content(&self) -> bool {
        match self {
            Self::Damaged { .. }
            | Self::NotAVault { .. }
            | Self::NewerFormat { .. }
            | Self::RowCount { .. }
            | Self::SchemaAltered { .. }
            | Self::TooBig => true,
            Self::Busy
            | Self::CalledOff
            | Self::Changed
            | Self::Committed { .. }
            | Self::InDoubt { .. }
            | Self::Exists(_)
            | Self::NoLocks { .. }
            | Self::NoSpace
            | Self::File(_)
            | Self::ReadOnly
            | Self::Unfinished
            | Self::RowLimit { .. }
            | Self::Io { .. } => false,
        }
    }

    /// Turns what a commit failed with into what that means for the change.
    ///
    /// SQLite commits by removing the journal. What fails before that undoes the change, then or when
    /// the file is next opened. `None`: the change is durable, and only a lock could not be given back,
    /// which ends with the process.
    pub(super) fn of_commit(error: rusqlite::Error) -> Option<Self> {
        let code = error.sqlite_error().map(|failure| failure.extended_code);
        match code {
            Some(ffi::SQLITE_IOERR_UNLOCK | ffi::SQLITE_IOERR_RDLOCK) => None,
            Some(ffi::SQLITE_IOERR_DIR_FSYNC | ffi::SQLITE_IOERR_DELETE_NOENT) => {
                let what = Self::from(error).what_failed();
                Some(Self::Committed { what: format!("a power cut may undo it: {what}") })
            }
            // The file is longer than its content: SQLite shortens it last.
            Some(ffi::SQLITE_IOERR_TRUNCATE) => {
                let what = Self::from(error).what_failed();
                Some(Self::Committed { what: format!("old bytes are left in the file: {what}") })
            }
            Some(ffi::SQLITE_IOERR_DELETE) => {
                Some(Self::InDoubt { what: Self::from(error).what_failed() })
            }
            Some(_) | None => Some(error.into()),
        }
    }

    /// Turns what failed after a commit into what that means.
    pub(crate) fn after_commit(self) -> Self {
        Self::Committed { what: self.what_failed() }
    }

    /// Whether the change is there, or may be.
    pub(crate) fn may_be_done(&self) -> bool {
        matches!(self, Self::Committed { .. } | Self::InDoubt { .. })
    }

    /// Reports a read whose log entry could not be made durable like any failure: there was no
    /// change that could have been made.
    pub(crate) fn of_read(self) -> Self {
        if let Self::Committed { what } | Self::InDoubt { what } = self {
            return Self::Io { what };
        }
        self
    }

    /// Says where there is no space left, if it is not where the vault is.
    pub(crate) fn for_want_of_space_at(self, path: &Path) -> Self {
        if matches!(self, Self::NoSpace | Self::File(FileFault::NoSpace(_))) {
            return Self::File(FileFault::NoSpace(path.to_owned()));
        }
        self
    }

    /// The file is not where it was.
    pub(super) fn moved() -> Self {
        Self::Io { what: "the file was moved or replaced while it was open".to_owned() }
    }

    /// The file lost its place while a change to it was made.
    pub(super) fn moved_in_commit() -> Self {
        Self::InDoubt { what: "the file was moved or replaced while it was changed".to_owned() }
    }

    fn what_failed(self) -> String {
        if let Self::Io { what } = self { what } else { self.to_string() }
    }

    /// Names the file in an error that came up where its name was not known.
    pub(super) fn at(mut self, file: &Path) -> Self {
        if let Self::NotAVault { path, .. } = &mut self {
            file.clone_into(path);
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str(
                "other processes kept the vault busy for 10 seconds; nothing was changed",
            ),
            Self::CalledOff => f.write_str("it was called off before it was done"),
            Self::Changed => f.write_str(
                "another process changed the vault meanwhile; nothing was changed here: try again",
            ),
            Self::Committed { what } => {
                write!(f, "what was asked for was done, but {what}")
            }
            Self::InDoubt { what } => {
                write!(
                    f,
                    "what was asked for may have been done; `strongroom status` tells: {what}"
                )
            }
            Self::Damaged { what } => write!(f, "the vault file is damaged: {what}"),
            Self::Exists(path) => write!(f, "{} exists already", path.display()),
            Self::NotAVault { path, what } if path.as_os_str().is_empty() => {
                write!(f, "the file is not a vault: {what}")
            }
            Self::NotAVault { path, what } => {
                write!(f, "{} is not a vault: {what}", path.display())
            }
            Self::NewerFormat { found } => write!(
                f,
                "the vault has layout {found} of a later version of strongroom; this one reads \
                 layout {LAYOUT}"
            ),
            Self::NoLocks { what } => write!(
                f,
                "the vault's file system supports no locks, without which processes would undo \
                 each other's changes: {what}"
            ),
            Self::NoSpace => {
                f.write_str("there is no space left where the vault is; nothing was changed")
            }
            Self::File(fault) => fault.fmt(f),
            Self::ReadOnly => f.write_str("the vault can only be read here"),
            Self::RowCount { table, changed } => write!(
                f,
                "the vault was altered or is damaged: a change to table {table} met {changed} rows \
                 instead of one"
            ),
            Self::RowLimit { bytes } => write!(
                f,
                "a row of {bytes} bytes is too large: at most {MAX_ROW_BYTES} are possible; \
                 nothing was changed"
            ),
            Self::SchemaAltered { what } => {
                write!(f, "the vault was altered: its schema is not a vault's ({what})")
            }
            Self::Unfinished => f.write_str(
                "an interrupted change must be undone first, and the vault can only be read here: \
                 copy it, with its journal, to where it can be written",
            ),
            Self::TooBig => f.write_str("the vault holds a row that is too large"),
            Self::Io { what } => write!(f, "the vault could not be read or written: {what}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<FileFault> for Error {
    fn from(fault: FileFault) -> Self {
        Self::File(fault)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(failure, message) = &error else {
            // A row of the wrong type or a missing one: STRICT tables forbid it, so the file lies.
            return Self::Damaged { what: "a row is not what its table says".to_owned() };
        };
        let what = || printable(message.as_deref().unwrap_or(&failure.to_string()));
        let code = failure.extended_code;
        if let Some(failed) = failed_read().filter(|_| code == ffi::SQLITE_CORRUPT) {
            return failed;
        }
        match code & 0xff {
            ffi::SQLITE_BUSY if waiting::has_no_locks() => {
                Self::NoLocks { what: io::Error::from(Errno::NOLCK).to_string() }
            }
            ffi::SQLITE_BUSY if waiting::is_moved() => Self::moved(),
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => Self::Busy,
            ffi::SQLITE_READONLY => match code {
                ffi::SQLITE_READONLY_ROLLBACK
                | ffi::SQLITE_READONLY_RECOVERY
                | ffi::SQLITE_READONLY_CANTINIT => Self::Unfinished,
                ffi::SQLITE_READONLY_DBMOVED => Self::moved(),
                _ => Self::ReadOnly,
            },
            ffi::SQLITE_INTERRUPT => Self::CalledOff,
            ffi::SQLITE_FULL => Self::NoSpace,
            ffi::SQLITE_NOTADB => Self::NotAVault {
                path: PathBuf::new(),
                what: "it is another kind of file, or its beginning is damaged",
            },
            // The statements are right. What SQLite cannot make sense of is the file: the number of
            // its schema's format, for one.
            ffi::SQLITE_CORRUPT | ffi::SQLITE_MISMATCH | ffi::SQLITE_ERROR => {
                Self::Damaged { what: what() }
            }
            ffi::SQLITE_CONSTRAINT => Self::Damaged {
                what: "a row is there already, or its number is out of range".to_owned(),
            },
            ffi::SQLITE_TOOBIG => Self::TooBig,
            ffi::SQLITE_IOERR if code == ffi::SQLITE_IOERR_SHORT_READ => {
                Self::Damaged { what: "the file is cut short".to_owned() }
            }
            ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN => system_failed(code, &what()),
            _ => Self::Io { what: what() },
        }
    }
}

/// Returns what the system said, if it failed to read: SQLite calls that damage of the
/// file.
pub(super) fn failed_read() -> Option<Error> {
    let system = io::Error::last_os_error();
    let errors = [Errno::IO, Errno::NXIO, Errno::RANGE].map(Errno::raw_os_error);
    let is_failed = system.raw_os_error().is_some_and(|error| errors.contains(&error));
    is_failed.then(|| Error::Io { what: system.to_string() })
}

/// Tells what SQLite was about, and what the system last said, where SQLite only knows that it
/// failed. After a failed write that is the reason; SQLite itself knows a full disk, but no quota.
fn system_failed(code: i32, what: &str) -> Error {
    let system = io::Error::last_os_error();
    let writing = matches!(
        code,
        ffi::SQLITE_IOERR_WRITE
            | ffi::SQLITE_IOERR_FSYNC
            | ffi::SQLITE_IOERR_TRUNCATE
            | ffi::SQLITE_CANTOPEN
    );
    let is_full = matches!(
        system.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    );
    if writing && is_full {
        return Error::NoSpace;
    }
    let has_no_locks = matches!(
        Errno::from_io_error(&system),
        Some(Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP)
    );
    if code == ffi::SQLITE_IOERR_LOCK && has_no_locks {
        return Error::NoLocks { what: system.to_string() };
    }
    // SQLite also looks for files that need not be there; that is no reason.
    if system.kind() == io::ErrorKind::NotFound || system.raw_os_error() == Some(0) {
        return Error::Io { what: what.to_owned() };
    }
    Error::Io { what: format!("{what}: {system}") }
}

/// Shortens and escapes a text that may hold somebody else's words, for a message.
pub(super) fn printable(text: &str) -> String {
    text.chars().take(MAX_CHARACTERS).flat_map(char::escape_debug).collect()
}

const MAX_CHARACTERS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors after the commit once read like those before it; a lock that could not be given back
    /// was one of them.
    #[test]
    fn a_failed_commit_says_what_became_of_the_change() {
        let outcome = |code| {
            Error::of_commit(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
                .map_or("done", |error| error.name())
        };
        for (code, expected) in [
            (ffi::SQLITE_BUSY, "VaultBusy"),
            (ffi::SQLITE_FULL, "NoSpace"),
            (ffi::SQLITE_IOERR_WRITE, "IoError"),
            (ffi::SQLITE_IOERR_FSYNC, "IoError"),
            (ffi::SQLITE_IOERR_DELETE, "InDoubt"),
            (ffi::SQLITE_IOERR_DELETE_NOENT, "DoneError"),
            (ffi::SQLITE_IOERR_DIR_FSYNC, "DoneError"),
            (ffi::SQLITE_IOERR_TRUNCATE, "DoneError"),
            (ffi::SQLITE_IOERR_UNLOCK, "done"),
            (ffi::SQLITE_IOERR_RDLOCK, "done"),
        ] {
            assert_eq!(outcome(code), expected, "{code}");
        }
        let read = |error: Error| error.of_read().name();
        assert_eq!(read(Error::InDoubt { what: String::new() }), "IoError");
        assert_eq!(read(Error::NoSpace), "NoSpace");
    }
}

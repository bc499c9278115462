//! What can go wrong with a container, each kind with its own sentence.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ffi;

use super::schema::LAYOUT;
use crate::sys::files::FileFault;

/// Why a container could not be opened, read or written. Never holds a byte of a row.
#[derive(Debug)]
pub(crate) enum Error {
    /// Others kept the container for the whole time that was waited.
    Busy,
    /// SQLite found a page that is not one, or read what it did not write.
    Damaged {
        /// What was found.
        what: String,
    },
    /// There is something at the path where a new one should be made.
    Exists(PathBuf),
    /// The file is not a vault.
    NotAVault {
        /// The path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// The layout of the tables is of a later program.
    NewerFormat {
        /// The layout's number.
        found: i64,
    },
    /// The medium is full.
    NoSpace,
    /// The file or its directory, not the content.
    File(FileFault),
    /// The container, its file or its medium can only be read.
    ReadOnly,
    /// A change by key did not change exactly one row.
    RowCount {
        /// The table.
        table: &'static str,
        /// How many rows it changed.
        changed: usize,
    },
    /// There is a table, index, view or trigger that is not ours, or one of ours is different.
    SchemaAltered {
        /// Its name.
        what: String,
    },
    /// A row or file is larger than a vault's can be.
    TooBig,
    /// A change was interrupted, and the file can neither be mended nor read as it was before.
    Unfinished,
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
            Self::Busy => "VaultBusy",
            Self::Damaged { .. } | Self::RowCount { .. } | Self::TooBig => "DamagedError",
            Self::Exists(_) => "VaultExists",
            Self::NotAVault { .. } | Self::File(FileFault::NotAFile(_)) => "NotAVault",
            Self::NewerFormat { .. } => "NewerFormat",
            Self::NoSpace => "NoSpace",
            Self::File(FileFault::Missing(_)) => "NoVault",
            Self::File(fault) => fault.name(),
            Self::ReadOnly => "ReadOnlyVault",
            Self::SchemaAltered { .. } => "TamperError",
            Self::Io { .. } | Self::Unfinished => "IoError",
        }
    }

    /// Whether it is about what stands in the file, so that rows may be found there all the same.
    pub(crate) fn is_about_content(&self) -> bool {
        match self {
            Self::Damaged { .. }
            | Self::NotAVault { .. }
            | Self::NewerFormat { .. }
            | Self::RowCount { .. }
            | Self::SchemaAltered { .. }
            | Self::TooBig => true,
            Self::Busy
            | Self::Exists(_)
            | Self::NoSpace
            | Self::File(_)
            | Self::ReadOnly
            | Self::Unfinished
            | Self::Io { .. } => false,
        }
    }

    /// Says where there is no space left, if it is not where the vault is.
    pub(crate) fn for_want_of_space_at(self, path: &Path) -> Self {
        if matches!(self, Self::NoSpace | Self::File(FileFault::NoSpace(_))) {
            return Self::File(FileFault::NoSpace(path.to_owned()));
        }
        self
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
            Self::Damaged { what } => write!(f, "the vault file is damaged: {what}"),
            Self::Exists(path) => write!(f, "{} exists already", path.display()),
            Self::NotAVault { path, what } => {
                write!(f, "{} is not a vault: {what}", path.display())
            }
            Self::NewerFormat { found } => write!(
                f,
                "the vault has layout {found} of a later version of strongroom; this one reads \
                 layout {LAYOUT}"
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
            Self::SchemaAltered { what } => {
                write!(f, "the vault was altered: its schema is not a vault's ({what})")
            }
            Self::Unfinished => f.write_str(
                "an interrupted change must be undone first, and the vault can only be read here: \
                 copy it, with its journal, to where it can be written",
            ),
            Self::TooBig => f.write_str("the vault holds a row that is larger than any can be"),
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
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => Self::Busy,
            ffi::SQLITE_READONLY => match code {
                ffi::SQLITE_READONLY_ROLLBACK
                | ffi::SQLITE_READONLY_RECOVERY
                | ffi::SQLITE_READONLY_CANTINIT => Self::Unfinished,
                ffi::SQLITE_READONLY_DBMOVED => {
                    Self::Io { what: "the file was moved or replaced while it was open".to_owned() }
                }
                _ => Self::ReadOnly,
            },
            ffi::SQLITE_FULL => Self::NoSpace,
            ffi::SQLITE_NOTADB => Self::NotAVault {
                path: PathBuf::new(),
                what: "it is another kind of file, or its beginning is damaged",
            },
            // Our statements are right. What SQLite cannot make sense of is the file: the number of
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

/// Returns what the system said, if that was that it failed to read: SQLite calls that damage of the
/// file.
pub(super) fn failed_read() -> Option<Error> {
    use rustix::io::Errno;
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
    // SQLite also looks for files that need not be there; that is no reason.
    if system.kind() == io::ErrorKind::NotFound || system.raw_os_error() == Some(0) {
        return Error::Io { what: what.to_owned() };
    }
    Error::Io { what: format!("{what}: {system}") }
}

/// Cuts a text in which somebody else's words may stand down to what a message can carry.
pub(super) fn printable(text: &str) -> String {
    text.chars().take(MOST_CHARACTERS).flat_map(char::escape_debug).collect()
}

const MOST_CHARACTERS: usize = 100;

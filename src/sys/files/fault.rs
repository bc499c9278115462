//! Why a file cannot be used, in a sentence and under a stable name.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a file cannot be used.
#[derive(Debug)]
pub(crate) enum FileFault {
    /// Its content is not what such a file holds.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
        /// What repairs it.
        remedy: &'static str,
    },
    /// Something is there already.
    Exists(PathBuf),
    /// Something that is not a regular file has the name of one that the database uses.
    InTheWay(PathBuf),
    /// Nothing is there.
    Missing(PathBuf),
    /// The system forbids it.
    NoAccess(PathBuf),
    /// No space is left.
    NoSpace(PathBuf),
    /// It is a directory, a device, a socket.
    NotAFile(PathBuf),
    /// The directory lets others replace this user's files.
    OpenDirectory {
        /// The directory.
        path: PathBuf,
        mode: u32,
    },
    /// The medium can only be read.
    ReadOnly(PathBuf),
    /// Larger than such a file can be.
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most it may have, in bytes.
        most: usize,
    },
    /// Others may read or write it.
    TooOpen {
        /// The file.
        path: PathBuf,
        mode: u32,
    },
    /// Another user owns it.
    WrongOwner {
        /// The file.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// Anything else that the system says.
    Io {
        /// The file.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
}

impl FileFault {
    /// Sorts what the system said about `path`.
    pub(crate) fn from_io(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match KINDS.iter().find(|(kind, _)| *kind == error.kind()) {
            Some((_, fault)) => fault(path),
            None => Self::Io { path, error },
        }
    }

    /// Returns the stable name of the kind.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => "DamagedFile",
            Self::Exists(_) => "FileExists",
            Self::Missing(_) => "NoFile",
            Self::NoSpace(_) => "NoSpace",
            Self::ReadOnly(_) => "ReadOnlyVault",
            Self::InTheWay(_) | Self::NotAFile(_) => "NotAFile",
            Self::NoAccess(_)
            | Self::OpenDirectory { .. }
            | Self::TooOpen { .. }
            | Self::WrongOwner { .. } => "UnsafePermissions",
            Self::TooLarge { .. } => "FileTooLarge",
            Self::Io { .. } => "IoError",
        }
    }

    /// Says the same about the path that the user knows.
    pub(in crate::sys) fn about(self, place: &Path) -> Self {
        let place = place.to_owned();
        match self {
            Self::Exists(_) => Self::Exists(place),
            Self::Missing(_) => Self::Missing(place),
            Self::NoAccess(_) => Self::NoAccess(place),
            Self::NoSpace(_) => Self::NoSpace(place),
            Self::ReadOnly(_) => Self::ReadOnly(place),
            Self::Io { error, .. } => Self::Io { path: place, error },
            Self::Damaged { .. }
            | Self::InTheWay(_)
            | Self::NotAFile(_)
            | Self::OpenDirectory { .. }
            | Self::TooLarge { .. }
            | Self::TooOpen { .. }
            | Self::WrongOwner { .. } => self,
        }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { path, what, .. } => write!(f, "{} is damaged: {what}", path.display()),
            Self::Exists(path) => write!(f, "{} exists already", path.display()),
            Self::InTheWay(path) => {
                write!(f, "{} is in the way: it is not a regular file", path.display())
            }
            Self::Missing(path) => write!(f, "there is no file {}", path.display()),
            Self::NoAccess(path) => write!(f, "no permission to open {}", path.display()),
            Self::NoSpace(path) => write!(f, "there is no space left for {}", path.display()),
            Self::NotAFile(path) => write!(f, "{} is not a regular file", path.display()),
            Self::OpenDirectory { path, mode } => write!(
                f,
                "others may replace files in the directory {} (mode {mode:04o})",
                path.display()
            ),
            Self::ReadOnly(path) => {
                write!(f, "{} is on a medium that can only be read", path.display())
            }
            Self::TooLarge { path, most } => {
                write!(f, "{} is larger than {most} bytes", path.display())
            }
            Self::TooOpen { path, mode } => write!(
                f,
                "{} may be read or written by others (mode {mode:04o}, must be 0600)",
                path.display()
            ),
            Self::WrongOwner { path, uid } => {
                write!(f, "{} belongs to another user (uid {uid})", path.display())
            }
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for FileFault {}

/// Makes a fault of the path it is about.
type OfPath = fn(PathBuf) -> FileFault;

/// What the system says in a word, and which fault that is.
const KINDS: [(io::ErrorKind, OfPath); 8] = [
    (io::ErrorKind::NotFound, FileFault::Missing),
    (io::ErrorKind::NotADirectory, FileFault::Missing),
    (io::ErrorKind::AlreadyExists, FileFault::Exists),
    (io::ErrorKind::PermissionDenied, FileFault::NoAccess),
    (io::ErrorKind::ReadOnlyFilesystem, FileFault::ReadOnly),
    (io::ErrorKind::StorageFull, FileFault::NoSpace),
    (io::ErrorKind::QuotaExceeded, FileFault::NoSpace),
    (io::ErrorKind::IsADirectory, FileFault::NotAFile),
];

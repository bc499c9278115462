//! Files and their modes: what is looked at before a vault is opened, and how private files are
//! made, read and replaced.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, StatVfs, StatVfsMountFlags};

use super::streams::Patient;
use super::{draft, left_overs, modes};

/// Why a file cannot be used.
#[derive(Debug)]
pub(crate) enum FileFault {
    /// Its content is not what such a file holds.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
        /// What mends it.
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
    /// The directory lets others put files in the place of ours.
    OpenDirectory {
        /// The directory.
        path: PathBuf,
        /// Its mode.
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
        /// Its mode.
        mode: u32,
    },
    /// It belongs to somebody else.
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

/// Requires a regular file of ours that nobody else may touch, in a directory where nobody else may
/// replace it. Looks, and opens nothing: closing any descriptor of a file drops all POSIX locks
/// that the process has on it.
pub(crate) fn check_private(path: &Path) -> Result<(), FileFault> {
    let metadata = fs::metadata(path).map_err(|error| FileFault::from_io(path, error))?;
    if !metadata.is_file() {
        return Err(FileFault::NotAFile(path.to_owned()));
    }
    if metadata.uid() != user_id() {
        return Err(FileFault::WrongOwner { path: path.to_owned(), uid: metadata.uid() });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & modes::refused(0o077) != 0 {
        return Err(FileFault::TooOpen { path: path.to_owned(), mode });
    }
    let resolved = path.canonicalize().map_err(|error| FileFault::from_io(path, error))?;
    check_directory(parent_of(&resolved))
}

/// Requires a directory in which others cannot replace our files.
fn check_directory(path: &Path) -> Result<(), FileFault> {
    let metadata = fs::metadata(path).map_err(|error| FileFault::from_io(path, error))?;
    let mode = metadata.mode() & 0o7777;
    let is_sticky = mode & 0o1000 != 0;
    if metadata.uid() != user_id() && metadata.uid() != 0 {
        return Err(FileFault::WrongOwner { path: path.to_owned(), uid: metadata.uid() });
    }
    if mode & 0o022 != 0 && !is_sticky {
        return Err(FileFault::OpenDirectory { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Makes an empty file that only its owner may read and write, and that was not there before.
pub(crate) fn create_private(path: &Path) -> Result<(), FileFault> {
    check_directory(parent_of(path))?;
    open_new(path).map(drop)
}

/// Makes a directory and those above it that are missing; only the owner may enter them. Their
/// names are on the disk when this returns: a vault must not go with its directory.
pub(crate) fn create_private_dir(path: &Path) -> Result<(), FileFault> {
    let is_there = |path: &Path| path.as_os_str().is_empty() || path.is_dir();
    let missing: Vec<&Path> = path.ancestors().take_while(|path| !is_there(path)).collect();
    for directory in missing.into_iter().rev() {
        match fs::DirBuilder::new().mode(0o700).create(directory) {
            Ok(()) => sync_directory(parent_of(directory))?,
            // Another process was faster.
            Err(_) if directory.is_dir() => {}
            Err(error) => return Err(FileFault::from_io(directory, error)),
        }
    }
    Ok(())
}

/// Reads a file of any mode, a pipe or a device, up to `most` bytes.
pub(crate) fn read_bounded(path: &Path, most: usize) -> Result<Vec<u8>, FileFault> {
    let file = File::open(path).map_err(|error| FileFault::from_io(path, error))?;
    read_at_most(file, path, most)
}

/// Puts `bytes` in the place of a file, whole or not at all: they are on the disk before the name is.
pub(crate) fn write_replacing(path: &Path, bytes: &[u8]) -> Result<(), FileFault> {
    let (temporary, mut file) = open_beside(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let written = written.and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        let fault = FileFault::from_io(path, error);
        drop(fs::remove_file(&temporary));
        fault
    })?;
    left_overs::remove(path);
    Ok(())
}

/// Writes a new private file, whole or not at all, and waits until it is on the disk.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FileFault> {
    check_directory(parent_of(path))?;
    let (temporary, mut file) = open_beside(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let written = written.and_then(|()| draft::rename_to_new(&temporary, path));
    written.map_err(|error| {
        let fault = FileFault::from_io(path, error);
        drop(fs::remove_file(&temporary));
        fault
    })?;
    left_overs::remove(path);
    sync_directory(parent_of(path))
}

/// Waits until the entries of a directory are on the disk.
pub(crate) fn sync_directory(path: &Path) -> Result<(), FileFault> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let synced = File::open(path).and_then(|directory| directory.sync_all());
    synced.map_err(|error| FileFault::from_io(path, error))
}

/// Returns the bytes that are free where `path` is.
pub(crate) fn free_space(path: &Path) -> Option<u64> {
    let statistics = rustix::fs::statvfs(parent_of(path)).ok()?;
    statistics.f_bavail.checked_mul(statistics.f_frsize)
}

/// Whether files can be made in a directory.
pub(crate) fn may_write_in(directory: &Path) -> bool {
    use rustix::fs::{Access, AtFlags, accessat};
    accessat(CWD, directory, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_ok()
}

/// Whether nobody can write where `path` is.
pub(crate) fn is_read_only_file_system(path: &Path) -> bool {
    let is_read_only = |system: StatVfs| system.f_flag.contains(StatVfsMountFlags::RDONLY);
    rustix::fs::statvfs(path).is_ok_and(is_read_only)
}

/// Whether `path` is on a file system whose locks other machines may not honour.
#[cfg(target_os = "linux")]
pub(crate) fn is_network_file_system(path: &Path) -> bool {
    // linux/magic.h: NFS, SMB, CIFS, SMB2, 9p, FUSE, Ceph, AFS.
    const NETWORK: [u64; 8] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x0102_1997,
        0x6573_5546,
        0x00c3_6400,
        0x5346_414f,
    ];
    let Ok(statistics) = rustix::fs::statfs(parent_of(path)) else { return false };
    // The kernel's numbers are of 32 bits, and signed on some machines.
    let kind = u64::from_ne_bytes(statistics.f_type.to_ne_bytes()) & 0xffff_ffff;
    NETWORK.contains(&kind)
}

/// Elsewhere nobody can tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_network_file_system(_path: &Path) -> bool {
    false
}

/// Makes a file that is in memory alone and has no name, to be read from its start.
#[cfg(target_os = "linux")]
pub(crate) fn in_memory(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("answer", rustix::fs::MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

/// Elsewhere there is none.
#[cfg(not(target_os = "linux"))]
pub(crate) fn in_memory(_bytes: &[u8]) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Reads a file to its end, which must come before `most` bytes are exceeded.
pub(super) fn read_at_most(file: File, path: &Path, most: usize) -> Result<Vec<u8>, FileFault> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let read = Patient(file).take(limit).read_to_end(&mut bytes);
    read.map_err(|error| FileFault::from_io(path, error))?;
    if bytes.len() > most {
        return Err(FileFault::TooLarge { path: path.to_owned(), most });
    }
    Ok(bytes)
}

/// Makes and opens a private file that was not there before.
fn open_new(path: &Path) -> Result<File, FileFault> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::WRONLY;
    let made = rustix::fs::openat(CWD, path, flags, Mode::RUSR | Mode::WUSR);
    made.map(File::from).map_err(|error| FileFault::from_io(path, error.into()))
}

/// Makes a file beside another, under a name of this process's. What a killed process of the same
/// number left is stepped over.
fn open_beside(path: &Path) -> Result<(PathBuf, File), FileFault> {
    let mut attempt = 0;
    loop {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}-{attempt}.new", std::process::id()));
        let beside = path.with_file_name(name);
        match open_new(&beside) {
            Ok(file) => return Ok((beside, file)),
            Err(FileFault::Exists(_)) if attempt < MAX_LEFT_OVERS => attempt += 1,
            // Named by where it was to be: nobody knows the other name.
            Err(fault) => return Err(draft::about(path, fault)),
        }
    }
}

/// Returns the directory a path is in, `.` for a bare name.
pub(crate) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

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

/// Files that a killed process may have left beside one.
const MAX_LEFT_OVERS: u32 = 16;

/// Returns the user that files must belong to.
pub(crate) fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests;

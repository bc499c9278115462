//! Files and their modes: what is looked at before a vault is opened, and how private files are
//! made, read and replaced.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, StatVfs, StatVfsMountFlags};

/// Why a file cannot be used.
#[derive(Debug)]
pub(crate) enum FileFault {
    /// Something is there already.
    Exists(PathBuf),
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
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing(path),
            io::ErrorKind::AlreadyExists => Self::Exists(path),
            io::ErrorKind::PermissionDenied => Self::NoAccess(path),
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(path),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace(path),
            io::ErrorKind::IsADirectory => Self::NotAFile(path),
            _ => Self::Io { path, error },
        }
    }

    /// Returns the stable name of the kind.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Exists(_) => "FileExists",
            Self::Missing(_) => "NoVault",
            Self::NoSpace(_) => "NoSpace",
            Self::ReadOnly(_) => "ReadOnlyVault",
            Self::NoAccess(_)
            | Self::NotAFile(_)
            | Self::OpenDirectory { .. }
            | Self::TooOpen { .. }
            | Self::WrongOwner { .. } => "UnsafePermissions",
            Self::TooLarge { .. } | Self::Io { .. } => "IoError",
        }
    }

    /// Returns the command that makes the file usable, where there is one.
    pub(crate) fn remedy(&self) -> Option<String> {
        match self {
            Self::TooOpen { path, .. } => Some(format!("chmod 600 {}", path.display())),
            Self::OpenDirectory { path, .. } => Some(format!("chmod go-w {}", path.display())),
            Self::Exists(_)
            | Self::Missing(_)
            | Self::NoAccess(_)
            | Self::NoSpace(_)
            | Self::NotAFile(_)
            | Self::ReadOnly(_)
            | Self::TooLarge { .. }
            | Self::WrongOwner { .. }
            | Self::Io { .. } => None,
        }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(path) => write!(f, "{} exists already", path.display()),
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
    if mode & 0o077 != 0 {
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
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::WRONLY;
    let made = rustix::fs::openat(CWD, path, flags, Mode::RUSR | Mode::WUSR);
    made.map(drop).map_err(|error| FileFault::from_io(path, error.into()))
}

/// Makes a directory and those above it that are missing; only the owner may enter them.
pub(crate) fn create_private_dir(path: &Path) -> Result<(), FileFault> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| FileFault::from_io(path, error))
}

/// Reads a file that holds a credential: a regular file of ours or of root's that nobody else may
/// read.
pub(crate) fn read_private(path: &Path, most: usize) -> Result<Vec<u8>, FileFault> {
    let file = open_regular(path)?;
    let metadata = file.metadata().map_err(|error| FileFault::from_io(path, error))?;
    if metadata.uid() != user_id() && metadata.uid() != 0 {
        return Err(FileFault::WrongOwner { path: path.to_owned(), uid: metadata.uid() });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(FileFault::TooOpen { path: path.to_owned(), mode });
    }
    read_at_most(file, path, most)
}

/// Reads a file of any mode, a pipe or a device, up to `most` bytes.
pub(crate) fn read_bounded(path: &Path, most: usize) -> Result<Vec<u8>, FileFault> {
    let file = File::open(path).map_err(|error| FileFault::from_io(path, error))?;
    read_at_most(file, path, most)
}

/// Puts `bytes` in the place of a file, whole or not at all. Does not wait for the disk.
pub(crate) fn write_replacing(path: &Path, bytes: &[u8]) -> Result<(), FileFault> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = path.with_file_name(name);
    let fault = |error| FileFault::from_io(path, error);
    let written = write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Nothing is lost if it cannot be removed: it is not the file anybody reads.
        drop(fs::remove_file(&temporary));
    }
    written.map_err(fault)
}

/// Writes a new private file and waits until it is on the disk.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FileFault> {
    create_private(path)?;
    let fault = |error| FileFault::from_io(path, error);
    let mut file = OpenOptions::new().write(true).open(path).map_err(fault)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fault)?;
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
    u64::try_from(statistics.f_type).is_ok_and(|kind| NETWORK.contains(&kind))
}

/// Elsewhere nobody can tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_network_file_system(_path: &Path) -> bool {
    false
}

fn open_regular(path: &Path) -> Result<File, FileFault> {
    // Not blocking: a pipe without a writer must be refused, not waited for.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = opened.map_err(|error| FileFault::from_io(path, error))?;
    let metadata = file.metadata().map_err(|error| FileFault::from_io(path, error))?;
    if metadata.is_file() { Ok(file) } else { Err(FileFault::NotAFile(path.to_owned())) }
}

fn read_at_most(file: File, path: &Path, most: usize) -> Result<Vec<u8>, FileFault> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let read = file.take(limit).read_to_end(&mut bytes);
    read.map_err(|error| FileFault::from_io(path, error))?;
    if bytes.len() > most {
        return Err(FileFault::TooLarge { path: path.to_owned(), most });
    }
    Ok(bytes)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}

/// Returns the directory a path is in, `.` for a bare name.
pub(crate) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Returns the user that files must belong to.
pub(crate) fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

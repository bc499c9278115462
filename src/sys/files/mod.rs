//! Files and their modes: what is looked at before a vault is opened, and how private files are
//! made, read and replaced.

mod fault;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, RenameFlags, StatVfs, StatVfsMountFlags};
use rustix::io::Errno;

pub(crate) use fault::FileFault;

use super::streams::Patient;
use super::{left_overs, modes};

/// Requires a regular file of this user that nobody else may touch, in a directory where nobody
/// else may replace it. Looks, and opens nothing: closing any descriptor of a file drops all POSIX
/// locks that the process has on it.
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
pub(super) fn check_directory(path: &Path) -> Result<(), FileFault> {
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

/// Opens a regular file of any mode for reading. What waits for somebody who writes to it, such as a pipe,
/// is refused at once.
pub(crate) fn open_regular(path: &Path) -> Result<File, FileFault> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = opened.map_err(|error| FileFault::from_io(path, error))?;
    let metadata = file.metadata().map_err(|error| FileFault::from_io(path, error))?;
    if metadata.is_file() { Ok(file) } else { Err(FileFault::NotAFile(path.to_owned())) }
}

/// Whether two paths lead to one file.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    identity(one).is_ok_and(|one| identity(other).is_ok_and(|other| one == other))
}

/// Requires that at a path there is nothing, or a file that another may replace: no link, whose file
/// would stay as it is, and no device.
pub(crate) fn check_replaceable(path: &Path) -> Result<(), FileFault> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(FileFault::NotAFile(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(FileFault::from_io(path, error)),
    }
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
    left_overs::remove(path, parent_of(path));
    Ok(())
}

/// Writes a new private file, whole or not at all, and waits until it is on the disk.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FileFault> {
    check_directory(parent_of(path))?;
    let (temporary, mut file) = open_beside(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let written = written.and_then(|()| rename_to_new(&temporary, path));
    written.map_err(|error| {
        let fault = FileFault::from_io(path, error);
        drop(fs::remove_file(&temporary));
        fault
    })?;
    left_overs::remove(path, parent_of(path));
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

/// Other systems do not tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_network_file_system(_path: &Path) -> bool {
    false
}

/// Whether what is in a directory is in memory alone.
#[cfg(target_os = "linux")]
pub(crate) fn is_in_memory(directory: &Path) -> bool {
    // linux/magic.h: tmpfs, ramfs.
    const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];
    let Ok(statistics) = rustix::fs::statfs(directory) else { return false };
    let kind = u64::from_ne_bytes(statistics.f_type.to_ne_bytes()) & 0xffff_ffff;
    IN_MEMORY.contains(&kind)
}

/// Other systems do not tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_in_memory(_directory: &Path) -> bool {
    false
}

/// Makes a file that is in memory alone and has no name, to be read from its start and never changed.
#[cfg(target_os = "linux")]
pub(crate) fn in_memory(bytes: &[u8]) -> io::Result<File> {
    use rustix::fs::{MemfdFlags, SealFlags};
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = File::from(rustix::fs::memfd_create("answer", flags)?);
    file.write_all(bytes)?;
    file.rewind()?;
    rustix::fs::fchmod(&file, Mode::RUSR)?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file)
}

/// Other systems have no such files.
#[cfg(not(target_os = "linux"))]
pub(crate) fn in_memory(_bytes: &[u8]) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Reads a file to its end, which must come before `most` bytes are exceeded.
pub(super) fn read_at_most(file: File, path: &Path, most: usize) -> Result<Vec<u8>, FileFault> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    // Most of what is read is short, and there with the first read.
    let mut bytes = Vec::with_capacity(most.min(SHORT));
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
            Err(fault) => return Err(fault.about(path)),
        }
    }
}

/// Gives a file a name that nothing has yet, where the file system knows how.
pub(super) fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // An old file system knows only links, which never replace anything either.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            fs::hard_link(from, to).and_then(|()| fs::remove_file(from))
        }
        renamed => Ok(renamed?),
    }
}

/// Returns the directory a path is in, `.` for a bare name.
pub(crate) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Files that a killed process may have left beside one.
const MAX_LEFT_OVERS: u32 = 16;
/// The length of most files that are read whole, in bytes.
const SHORT: usize = 2 << 10;

/// Returns the user that must own files.
pub(crate) fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests;

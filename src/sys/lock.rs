//! A lock that one process at a time holds, and that ends with the process however it ends.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;

use super::files::{self, FileFault};

/// A lock that is held until this is dropped. Programs started meanwhile do not inherit it.
pub(crate) struct Held {
    _file: File,
}

/// Takes the lock of this name; `None` if another process has it. The file stays where it is: one
/// that is removed could be locked twice.
pub(crate) fn take(path: &Path) -> Result<Option<Held>, FileFault> {
    let file = open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(Held { _file: file })),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(FileFault::from_io(path, error.into())),
    }
}

/// Waits for the lock of this name.
pub(crate) fn wait(path: &Path) -> Result<Held, FileFault> {
    let file = open(path)?;
    loop {
        match flock(&file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(Held { _file: file }),
            Err(Errno::INTR) => {}
            Err(error) => return Err(FileFault::from_io(path, error.into())),
        }
    }
}

/// Takes the lock of a directory, which goes with it; `None` if another process has it.
pub(crate) fn take_directory(path: &Path) -> Result<Option<Held>, FileFault> {
    let fault = |error| FileFault::from_io(path, error);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let file = File::from(opened.map_err(|error| fault(error.into()))?);
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(Held { _file: file })),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(fault(error.into())),
    }
}

fn open(path: &Path) -> Result<File, FileFault> {
    files::create_private_dir(files::parent_of(path))?;
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    opened.map_err(|error| FileFault::from_io(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch::Scratch;

    #[test]
    fn one_holds_it_at_a_time() {
        let scratch = Scratch::new();
        let path = scratch.join("locks/a");
        let held = take(&path).unwrap();
        assert!(held.is_some());
        assert!(take(&path).unwrap().is_none());
        assert!(take(&scratch.join("locks/b")).unwrap().is_some());
        drop(held);
        drop(wait(&path).unwrap());
        assert!(take(&path).unwrap().is_some());
    }
}

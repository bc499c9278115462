//! A lock that one process at a time holds, and that ends with the process however it ends.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;

use super::files::{self, FileFault};

/// A lock that is held until this is dropped. Programs started meanwhile do not inherit it.
pub(crate) struct Held {
    file: File,
    /// The file that was made for it, which goes with it.
    path: Option<PathBuf>,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Still under the lock: a process that waits for it sees that the file is gone, and makes
        // another.
        if let Some(path) = self.path.take().filter(|path| stands_at(&self.file, path)) {
            drop(fs::remove_file(path));
        }
    }
}

/// Takes the lock of this name; `None` if another process has it. There is a file of the name while
/// somebody has the lock, and after one was killed.
pub(crate) fn take(path: &Path) -> Result<Option<Held>, FileFault> {
    loop {
        let file = open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if stands_at(&file, path) => return Ok(Some(Held::of(file, path))),
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(FileFault::from_io(path, error.into())),
        }
    }
}

/// Waits for the lock of this name.
pub(crate) fn wait(path: &Path) -> Result<Held, FileFault> {
    loop {
        let file = open(path)?;
        match flock(&file, FlockOperation::LockExclusive) {
            Ok(()) if stands_at(&file, path) => return Ok(Held::of(file, path)),
            Ok(()) | Err(Errno::INTR) => {}
            Err(error) => return Err(FileFault::from_io(path, error.into())),
        }
    }
}

impl Held {
    fn of(file: File, path: &Path) -> Self {
        Self { file, path: Some(path.to_owned()) }
    }

    /// Writes into the file which process has the lock.
    pub(crate) fn sign(&self) -> io::Result<()> {
        self.file.set_len(0)?;
        (&self.file).write_all(std::process::id().to_string().as_bytes())
    }
}

/// Reads which process has signed the lock of this name.
pub(crate) fn signer(path: &Path) -> Option<u32> {
    std::str::from_utf8(&files::read_bounded(path, 16).ok()?).ok()?.parse().ok()
}

/// Whether a file still has its name: one without could be locked by nobody else, and another of the
/// name by anybody.
fn stands_at(file: &File, path: &Path) -> bool {
    let (Ok(held), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
    (held.dev(), held.ino()) == (named.dev(), named.ino())
}

/// Takes the lock of a directory, which goes with it; `None` if another process has it.
pub(crate) fn take_directory(path: &Path) -> Result<Option<Held>, FileFault> {
    let fault = |error| FileFault::from_io(path, error);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let file = File::from(opened.map_err(|error| fault(error.into()))?);
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(Held { file, path: None })),
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

    /// There was one for every secret that was ever rotated.
    #[test]
    fn no_file_is_left_of_it() {
        let scratch = Scratch::new();
        let path = scratch.join("a");
        drop(take(&path).unwrap());
        drop(wait(&path).unwrap());
        assert_eq!(scratch.names(), Vec::<String>::new());
    }

    /// A process that waits has opened the file that the holder removes.
    #[test]
    fn of_many_that_wait_one_at_a_time_holds_it() {
        let scratch = Scratch::new();
        let path = scratch.join("a");
        let inside = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let held = wait(&path).unwrap();
                        let before = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        assert_eq!(before, 0);
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        drop(held);
                    }
                });
            }
        });
    }
}

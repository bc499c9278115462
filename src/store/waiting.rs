//! How other processes are waited for, and how to tell that waiting is in vain.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rustix::io::Errno;

use crate::sys::clock::{self, Stopwatch};

/// How long other processes are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As long as a change may take.
    Long,
    /// Not so long that a test takes its time.
    #[cfg(test)]
    Short,
}

impl Patience {
    /// Returns what SQLite asks whether to try again.
    pub(super) fn handler(self) -> fn(i32) -> bool {
        match self {
            Self::Long => wait_long,
            #[cfg(test)]
            Self::Short => wait_briefly,
        }
    }
}

fn wait_long(attempt: i32) -> bool {
    wait_for_others(attempt, LONG)
}

#[cfg(test)]
fn wait_briefly(attempt: i32) -> bool {
    wait_for_others(attempt, SHORT)
}

/// Waits a moment for the `attempt`th time, and says whether to try again.
///
/// SQLite itself asks ever less often, down to ten times a second, so that of many processes
/// those that have waited longest are served last: with eight of them some waited for seconds
/// while others went by. Here everybody has the same chance all the time. What is measured is time:
/// where many processes wait, a moment takes several times as long as intended.
fn wait_for_others(attempt: i32, patience: Duration) -> bool {
    thread_local! {
        static SINCE: Cell<Option<Stopwatch>> = const { Cell::new(None) };
    }
    // SQLite mistakes a lock that does not exist for one that others hold.
    let has_no_locks = Errno::from_io_error(&io::Error::last_os_error()) == Some(Errno::NOLCK);
    HAS_NO_LOCKS.set(has_no_locks);
    if has_no_locks {
        return false;
    }
    let since = SINCE.get().filter(|_| attempt > 0).unwrap_or_else(Stopwatch::start);
    SINCE.set(Some(since));
    if since.elapsed() >= patience {
        return false;
    }
    clock::pause(PAUSE);
    !is_moved()
}

/// Where a database was when it was opened.
///
/// SQLite finds a journal by that name. Of a file that lost its place to another one it would take
/// the journal of a change to the new file for its own, play it, and remove it: a change that is
/// interrupted then could not be undone. It checks whether it is where it was only before it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OpenedFile {
    path: PathBuf,
    inode: u64,
}

impl OpenedFile {
    /// Returns the file of a database that was just opened; `None` for one in memory.
    fn of(connection: &Connection) -> Option<Self> {
        let path = connection.path().filter(|path| !path.is_empty()).map(PathBuf::from)?;
        let inode = inode_at(&path)?;
        Some(Self { path, inode })
    }

    /// Whether something else is there by now, or nothing.
    pub(super) fn is_gone(&self) -> bool {
        inode_at(&self.path) != Some(self.inode)
    }
}

fn inode_at(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|found| found.ino())
}

/// Sets the file whose lock is waited for from now on.
pub(super) fn watch(file: Option<OpenedFile>) {
    WATCHED.set(file);
}

/// Does so for a database that was just opened.
pub(super) fn watch_opened(connection: &Connection) {
    watch(OpenedFile::of(connection));
}

/// Returns the file whose lock is waited for.
pub(super) fn watched() -> Option<OpenedFile> {
    WATCHED.with_borrow(Clone::clone)
}

/// Whether that file is gone from its path.
pub(super) fn is_moved() -> bool {
    WATCHED.with_borrow(|file| file.as_ref().is_some_and(OpenedFile::is_gone))
}

/// Whether the last wait for others ended because there are no locks to wait for.
pub(super) fn has_no_locks() -> bool {
    HAS_NO_LOCKS.get()
}

thread_local! {
    static HAS_NO_LOCKS: Cell<bool> = const { Cell::new(false) };
    static WATCHED: RefCell<Option<OpenedFile>> = const { RefCell::new(None) };
}

/// How long to wait for other processes, and how often to ask.
const LONG: Duration = Duration::from_secs(10);
#[cfg(test)]
#[cfg(test)]
const SHORT: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(4);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::connection::{Mode, open, open_with};
    use crate::store::{Error, sample};

    /// Attempts were counted once, and ten seconds were twenty where many waited.
    #[test]
    fn others_are_waited_for_by_the_clock() {
        let watch = Stopwatch::start();
        let mut attempts = 0;
        while wait_for_others(attempts, Duration::from_millis(30)) {
            attempts += 1;
        }
        assert!(watch.elapsed() >= Duration::from_millis(30) && attempts > 0);
        assert!(!wait_for_others(attempts, Duration::from_millis(30)));
        // Another wait begins anew.
        assert!(wait_for_others(0, Duration::from_millis(30)));
        assert!(!wait_for_others(0, Duration::ZERO));
    }

    /// The next try would have met the new file's journal.
    #[test]
    fn nobody_waits_for_a_file_that_lost_its_place() {
        let (scratch, path) = sample::closed();
        let (connection, _mode) = open(&path, Mode::ReadWrite).unwrap();
        assert!(wait_for_others(0, LONG) && !is_moved());
        fs::copy(&path, scratch.join("new")).unwrap();
        fs::rename(scratch.join("new"), &path).unwrap();
        assert!(!wait_for_others(1, LONG) && is_moved());
        drop(connection);
    }

    /// The mistake was looked into with a second wait, as long as the first.
    #[test]
    fn who_waited_in_vain_does_not_wait_again() {
        let (_scratch, path) = sample::closed();
        let (other, _mode) = open(&path, Mode::ReadWrite).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let watch = Stopwatch::start();
        let refused = open_with(&path, Mode::ReadWrite, Patience::Short).err();
        assert!(matches!(refused, Some(Error::Busy)));
        assert!((SHORT..SHORT * 2).contains(&watch.elapsed()));
    }
}

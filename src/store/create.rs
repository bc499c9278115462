//! Making a container: all of it, or a file that the next attempt takes for its own.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::{Content, Error, Mode, Store, connection, schema};
use crate::sys::files::{self, FileFault};

impl Store {
    /// Makes the file of a container. The first write transaction makes the tables and fills them.
    ///
    /// Whatever is interrupted before that transaction has committed leaves nothing, or an empty
    /// file that the next call takes over. Of any number of processes that make the same container
    /// at once, one succeeds; the others' first transaction finds that it [exists](Error::Exists).
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        match files::create_private(path) {
            Ok(()) => {}
            Err(FileFault::Exists(_)) if is_left_over(path) => {}
            Err(FileFault::Exists(path)) => return Err(Error::Exists(path)),
            Err(fault) => return Err(fault.into()),
        }
        let path = connection::resolve(path)?;
        files::check_private(&path)?;
        let (connection, mode) = match connection::open(&path, Mode::ReadWrite) {
            Err(Error::NotAVault { .. }) => return Err(Error::Exists(path)),
            opened => opened?,
        };
        if mode == Mode::ReadOnly {
            return Err(Error::ReadOnly);
        }
        // By now SQLite has undone what a killed process had begun.
        if !is_empty(&path) {
            return Err(Error::Exists(path));
        }
        connection.execute_batch("PRAGMA page_size = 4096; PRAGMA auto_vacuum = NONE;")?;
        Ok(Self { connection, path, mode, content: Cell::new(Content::Nothing), compared_at: 0 })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.content.get() == Content::Nothing {
            remove_claim(&self.connection, &self.path);
        }
    }
}

/// Checks, under the write lock, that the file at the path is still the one that was opened, and
/// that nobody has filled it since.
pub(super) fn check_claim(connection: &Connection, path: &Path) -> Result<(), Error> {
    // Under this lock nobody else writes, and we have not yet: the length is what was there.
    if connection::has_moved(connection)? || !is_empty(path) {
        return Err(Error::Exists(path.to_owned()));
    }
    Ok(())
}

/// Removes the empty file, unless another process has taken it over.
///
/// The lock for that is taken with the journal in memory. One on the disk would be deleted after
/// the file, and by then its name might be that of the next container's journal.
fn remove_claim(connection: &Connection, path: &Path) {
    let is_ours = connection.busy_timeout(Duration::ZERO).is_ok()
        && connection.execute_batch("PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE").is_ok()
        && check_claim(connection, path).is_ok();
    if is_ours {
        // A file that cannot be removed is taken over by the next attempt.
        drop(fs::remove_file(path));
    }
}

/// Whether a file may be what a killed process left: nothing, or a part with the journal that
/// undoes it. Does not touch it: it may also be anything else.
fn is_left_over(path: &Path) -> bool {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    is_empty(path) || (path.is_file() && Path::new(&journal).is_file())
}

fn is_empty(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
}

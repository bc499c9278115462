//! Whole copies of a container, and the check of its pages. No key is needed: bytes stay sealed.

use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::limits::Limit;

use super::{Error, Mode, Store};
use crate::sys::files;

/// Findings after which `quick_check` stops.
const MOST_FINDINGS: usize = 100;

impl Store {
    /// Writes a consistent copy to `destination`, which must not exist, while others may read and
    /// write. The copy is durable when this returns.
    pub(crate) fn backup_to(&mut self, destination: &Path) -> Result<(), Error> {
        // VACUUM INTO would make the file readable by everybody; it fills an empty one.
        files::create_private(destination)?;
        let copied = self.vacuum_into(destination);
        if copied.is_err() {
            // What is there is our own unfinished copy.
            drop(std::fs::remove_file(destination));
            return copied;
        }
        Ok(files::sync_directory(destination.parent().unwrap_or(Path::new(".")))?)
    }

    fn vacuum_into(&mut self, destination: &Path) -> Result<(), Error> {
        let name = destination.to_str().ok_or_else(|| Error::Io {
            what: format!("the path {} is not UTF-8", destination.display()),
        })?;
        self.attaching(|store| {
            store.connection.execute("VACUUM INTO ?1", [name])?;
            Ok(())
        })
    }

    /// Replaces the content by that of another container, page by page under SQLite's locks. When
    /// interrupted, the old content is intact.
    pub(crate) fn restore_from(&mut self, source: &Store) -> Result<(), Error> {
        if self.mode == Mode::ReadOnly {
            return Err(Error::ReadOnly);
        }
        let backup = Backup::new(&source.connection, &mut self.connection)?;
        match backup.step(-1)? {
            StepResult::Done => Ok(()),
            _ => Err(Error::Busy),
        }
    }

    /// Returns what SQLite finds wrong with the file's pages.
    pub(crate) fn quick_check(&mut self) -> Result<Vec<String>, Error> {
        let sql = format!("PRAGMA quick_check({MOST_FINDINGS})");
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        let findings = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(findings.into_iter().filter(|finding| finding != "ok").collect())
    }

    /// Writes the file anew, without the free pages that old bytes were on.
    pub(crate) fn vacuum(&mut self) -> Result<(), Error> {
        self.attaching(|store| Ok(store.connection.execute_batch("VACUUM")?))
    }

    /// VACUUM attaches a database of its own, which is otherwise forbidden.
    fn attaching<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1)?;
        let done = work(self);
        self.connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        done
    }
}

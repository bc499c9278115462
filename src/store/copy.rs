//! Whole copies of a container, and the check of its pages. No key is needed: bytes stay sealed.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::limits::Limit;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use super::{Content, Error, Mode, Spill, Store, connection, create, schema};
use crate::sys::files;

impl Store {
    /// Writes a consistent copy to `destination`, which must not exist, while others may read and
    /// write. The copy is durable and was looked over when this returns.
    pub(crate) fn backup_to(&mut self, destination: &Path) -> Result<(), Error> {
        // VACUUM INTO would make the file readable by everybody; it fills an empty one.
        files::create_private(destination)?;
        let copied = self.vacuum_into(destination).and_then(|()| look_over(destination));
        if copied.is_err() {
            // What is there is our own unfinished copy.
            drop(fs::remove_file(destination));
        }
        copied
    }

    /// Replaces the content by that of another container, page by page under SQLite's locks. When
    /// interrupted, the old content is intact.
    pub(crate) fn restore_from(&mut self, source: &Self) -> Result<(), Error> {
        if self.mode == Mode::ReadOnly {
            return Err(Error::ReadOnly);
        }
        if self.path == source.path && self.path.is_absolute() {
            // Nothing would change, and each would wait for the other's lock.
            return Ok(());
        }
        if self.content.get() == Content::Nothing {
            create::check_claim(&self.connection, &self.path)?;
        }
        // Otherwise all of the new content would have to fit into memory.
        self.set_spill(Spill::On)?;
        let replaced = self.replace_pages(source);
        self.set_spill(Spill::Off)?;
        replaced?;
        self.content.set(Content::Tables);
        self.compared_at = schema::compare_now(&self.connection)?;
        // Which journal a file is written with stands in its pages, and came along with them.
        connection::leave_write_ahead_log(&self.connection)
    }

    /// Returns what SQLite finds wrong with the file's pages.
    pub(crate) fn quick_check(&mut self) -> Result<Vec<String>, Error> {
        let sql = format!("PRAGMA quick_check({MOST_FINDINGS})");
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        let findings = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(findings.into_iter().filter(|finding| finding != "ok").collect())
    }

    /// Writes the file anew, without the free pages that old bytes were on. Needs as much memory as
    /// the file has bytes: nothing of it is written anywhere else.
    pub(crate) fn vacuum(&mut self) -> Result<(), Error> {
        match self.mode {
            Mode::ReadOnly => Err(Error::ReadOnly),
            Mode::ReadWrite => {
                self.attaching(|store| Ok(store.connection.execute_batch("VACUUM")?))
            }
        }
    }

    fn vacuum_into(&mut self, destination: &Path) -> Result<(), Error> {
        self.attaching(|store| {
            store.connection.execute("VACUUM INTO ?1", [FileName(destination)])?;
            Ok(())
        })
    }

    /// In one step, so that the locks are waited for once and held to the end.
    fn replace_pages(&mut self, source: &Self) -> Result<(), Error> {
        let backup = Backup::new(&source.connection, &mut self.connection)?;
        if backup.step(-1)? == StepResult::Done { Ok(()) } else { Err(Error::Busy) }
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

/// Makes a new copy's name durable and reads the copy: a stick may take bytes and not give them
/// back.
fn look_over(copy: &Path) -> Result<(), Error> {
    files::sync_directory(files::parent_of(copy))?;
    match Store::open_copy(copy)?.quick_check()?.into_iter().next() {
        Some(finding) => Err(Error::Damaged { what: format!("the copy is broken: {finding}") }),
        None => Ok(()),
    }
}

/// A path as SQLite takes it: bytes, whether or not they spell anything.
struct FileName<'p>(&'p Path);

impl ToSql for FileName<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0.as_os_str().as_bytes())))
    }
}

/// Findings after which `quick_check` stops.
const MOST_FINDINGS: usize = 100;

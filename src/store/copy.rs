//! Whole copies of a container, and the check of its pages. No key is needed: bytes stay sealed.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::limits::Limit;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use super::error::printable;
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

    /// Writes a copy of every page, damaged or not, to `destination`, which must not exist.
    pub(crate) fn copy_pages_to(&mut self, destination: &Path) -> Result<(), Error> {
        files::create_private(destination)?;
        let copied = connection::resolve(destination).and_then(|path| {
            let (mut copy, _mode) = connection::open(&path, Mode::ReadWrite)?;
            copy_all(&self.connection, &mut copy)
        });
        if copied.is_err() {
            // What is there is our own unfinished copy.
            drop(fs::remove_file(destination));
        }
        copied?;
        Ok(files::sync_directory(files::parent_of(destination))?)
    }

    /// Returns a copy in memory if the file has at least `least` bytes and fits. Reading it keeps nobody
    /// from writing; making it takes a tenth of the time.
    pub(crate) fn copy_in_memory(&self, least: u64) -> Result<Option<Self>, Error> {
        let size = self.path.metadata().map_or(0, |metadata| metadata.len());
        if size < least || size > Self::most_memory() {
            return Ok(None);
        }
        let mut copy = Self::detached(&self.path)?;
        copy_all(&self.connection, &mut copy.connection)?;
        copy.compared_at = schema::compare_now(&copy.connection)?;
        Ok(Some(copy))
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
        let replaced = copy_all(&source.connection, &mut self.connection);
        let replaced = replaced.map_err(|error| error.at(&self.path));
        let settled = self.set_spill(Spill::Off).and(replaced);
        if settled.as_ref().err().is_none_or(Error::may_be_done) {
            self.content.set(Content::Tables);
        }
        settled?;
        self.settle().map_err(Error::after_commit)
    }

    /// Takes the content that is there now for this container's.
    fn settle(&mut self) -> Result<(), Error> {
        let compared_at = schema::compare_now(&self.connection);
        self.compared_at = compared_at.map_err(|error| error.at(&self.path))?;
        // Which journal a file is written with stands in its pages, and came along with them.
        connection::leave_write_ahead_log(&self.connection)
    }

    /// Returns what SQLite finds wrong with the file's pages.
    pub(crate) fn quick_check(&mut self) -> Result<Vec<String>, Error> {
        let sql = format!("PRAGMA quick_check({MOST_FINDINGS})");
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut findings = Vec::new();
        loop {
            match rows.next().map_err(Error::from) {
                Ok(Some(row)) => findings.push(printable(&row.get::<_, String>(0)?)),
                Ok(None) => break,
                // Where it cannot even go on, that is the last finding.
                Err(Error::Damaged { what }) => {
                    findings.push(what);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        findings.retain(|finding| finding != "ok");
        if self.is_cut_short()? {
            findings.push("the file is cut short".to_owned());
        }
        Ok(findings)
    }

    /// Whether the file ends within its last page: SQLite takes zeros for what is not there.
    fn is_cut_short(&self) -> Result<bool, Error> {
        let Some(path) = self.connection.path().filter(|path| !path.is_empty()) else {
            return Ok(false);
        };
        let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        let expected: i64 = self.connection.query_one(sql, [], |row| row.get(0))?;
        let length = fs::metadata(path).map(|metadata| metadata.len());
        Ok(length.is_ok_and(|length| i64::try_from(length).is_ok_and(|length| length < expected)))
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

/// Copies all pages in one step, so that the locks are waited for once and held to the end.
fn copy_all(from: &Connection, to: &mut Connection) -> Result<(), Error> {
    let backup = Backup::new(from, to)?;
    match backup.step(-1) {
        Ok(StepResult::Done) => Ok(()),
        Ok(_) => Err(Error::Busy),
        Err(error) => Error::of_commit(error).map_or(Ok(()), Err),
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

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::time::Duration;

    use super::*;
    use crate::store::Table;
    use crate::store::sample::{self, kill};

    #[test]
    fn a_backup_is_a_private_vault() {
        let (scratch, path) = sample::closed();
        let names =
            [OsStr::new("copy"), OsStr::new("file:copy?mode=ro"), OsStr::from_bytes(b"\xff")];
        for name in names {
            let copy = scratch.path().join(name);
            Store::open(&path, Mode::ReadOnly).unwrap().backup_to(&copy).unwrap();
            assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o7777, 0o600);
            let mut copy = Store::open(&copy, Mode::ReadWrite).unwrap();
            assert_eq!(sample::mark(&mut copy).unwrap(), 1);
        }
    }

    #[test]
    fn a_backup_replaces_nothing() {
        let (scratch, path) = sample::closed();
        let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
        for there in [&path, &scratch.join("empty"), scratch.path()] {
            if !there.exists() {
                files::create_private(there).unwrap();
            }
            let copied = store.backup_to(there);
            assert!(matches!(copied, Err(Error::File(files::FileFault::Exists(_)))), "{copied:?}");
        }
        assert_eq!(sample::mark(&mut store).unwrap(), 1);
        assert_eq!(fs::metadata(scratch.join("empty")).unwrap().len(), 0);
        assert!(store.backup_to(&scratch.join("none/copy")).is_err());
    }

    #[test]
    fn a_backup_that_fails_leaves_nothing() {
        let (scratch, path) = sample::closed();
        // A page in the middle of a value: noticed only when it is copied.
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 4096;
        bytes[last - 4096..last].fill(0xee);
        fs::remove_file(&path).unwrap();
        files::write_private(&path, &bytes).unwrap();
        let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
        assert!(!store.quick_check().unwrap().is_empty());
        let copied = store.backup_to(&scratch.join("copy"));
        assert!(matches!(copied, Err(Error::Damaged { .. })), "{copied:?}");
        assert_eq!(scratch.names(), ["vault"]);
    }

    #[test]
    fn a_restored_vault_is_the_other_and_stays_private() {
        for mark in [1, 2] {
            let (scratch, path) = sample::closed();
            let other = scratch.join("other");
            drop(sample::create(&other, 2).unwrap());
            sample::tamper(&other, "PRAGMA journal_mode = WAL");
            fs::set_permissions(&other, fs::Permissions::from_mode(0o644)).unwrap();

            let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
            let rows = store.write().unwrap();
            if mark == 1 {
                // Longer than what replaces it, or shorter.
                (0..100).for_each(|key| rows.insert(Table::Audit, key, &[7; 4000]).unwrap());
            }
            rows.commit().unwrap();
            store.restore_from(&Store::open_copy(&other).unwrap()).unwrap();
            assert_eq!(sample::mark(&mut store).unwrap(), 2);
            assert_eq!(store.read().unwrap().count(Table::Audit).unwrap(), 0);
            sample::write(&mut store, 3).unwrap();
            drop(store);

            let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
            assert_eq!(sample::mark(&mut store).unwrap(), 3);
            assert!(store.quick_check().unwrap().is_empty());
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
            assert_eq!(&fs::read(&path).unwrap()[18..20], [1, 1]);
        }
    }

    #[test]
    fn a_vault_is_restored_where_there_was_none() {
        let (scratch, path) = sample::closed();
        let source = Store::open_copy(&path).unwrap();
        let mut store = Store::create(&scratch.join("new")).unwrap();
        store.restore_from(&source).unwrap();
        drop(store);
        assert_eq!(sample::refusal(&scratch.join("new")), "opened");
    }

    #[test]
    fn a_restore_waits_for_others_and_spares_itself() {
        let (scratch, path) = sample::closed();
        let other = scratch.join("other");
        drop(sample::create(&other, 2).unwrap());
        let source = Store::open_copy(&other).unwrap();
        let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
        store.set_patience(Duration::from_millis(5));
        let mut reader = Store::open(&path, Mode::ReadOnly).unwrap();
        assert!(matches!(reader.restore_from(&source), Err(Error::ReadOnly)));

        let reading = reader.read().unwrap();
        assert!(matches!(store.restore_from(&source), Err(Error::Busy)));
        drop(reading);
        assert_eq!(sample::mark(&mut store).unwrap(), 1);
        store.restore_from(&Store::open_copy(&path).unwrap()).unwrap();
        assert_eq!(sample::mark(&mut store).unwrap(), 1);
        store.restore_from(&source).unwrap();
        assert_eq!(sample::mark(&mut reader).unwrap(), 2);
    }

    #[test]
    fn a_restore_killed_at_any_write_is_undone() {
        let (scratch, path) = sample::closed();
        let (longer, kept) = (scratch.join("longer"), scratch.join("kept"));
        let mut source = sample::create(&longer, 2).unwrap();
        let rows = source.write().unwrap();
        (0..10).for_each(|key| rows.insert(Table::Audit, key, &[7; 4000]).unwrap());
        rows.commit().unwrap();
        fs::copy(&path, &kept).unwrap();

        let test = "store::copy::tests::restores_until_killed";
        kill::at_each_write(test, &path, 1 << 20, |ended| {
            let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
            assert!(store.quick_check().unwrap().is_empty());
            assert_eq!(sample::mark(&mut store).unwrap(), if ended { 2 } else { 1 });
            drop(store);
            if !ended {
                assert!(fs::read(&path).unwrap() == fs::read(&kept).unwrap());
            }
        });
    }

    /// Apart, because it is killed.
    #[test]
    fn restores_until_killed() {
        let Some(path) = kill::arm() else { return };
        let source = Store::open_copy(&path.with_file_name("longer")).unwrap();
        let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
        store.restore_from(&source).unwrap();
    }

    #[test]
    fn a_vacuum_leaves_no_free_page() {
        let (scratch, path) = sample::closed();
        let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
        let before = fs::metadata(&path).unwrap().len();
        let rows = store.write().unwrap();
        (0..sample::ROWS).for_each(|key| rows.delete(Table::Value, key).unwrap());
        rows.commit().unwrap();
        store.vacuum().unwrap();
        assert!(fs::metadata(&path).unwrap().len() < before / 2);
        assert!(store.quick_check().unwrap().is_empty());
        assert!(store.write().is_ok());
        drop(store);
        assert_eq!(sample::refusal(&path), "opened");
        assert_eq!(scratch.names(), ["vault"]);
    }
}

//! Whole copies of a container, and the check of its pages. No key is needed: bytes stay sealed.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::limits::Limit;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use super::connection::{self, Mode};
use super::container::Store;
use super::create::is_taken;
use super::error::{Error, failed_read, printable};
use super::{beside, schema};
use crate::sys::draft::Draft;
use crate::sys::files::FileFault;

impl Store {
    /// Writes a consistent copy to `destination`, which must not exist, while others may read and
    /// write. The copy appears whole, is durable and was looked over when this returns.
    pub(crate) fn backup_to(&mut self, destination: &Path) -> Result<(), Error> {
        must_be_free(destination)?;
        Ok(self.draft_copy(destination)?.put_at(destination)?)
    }

    /// Makes a consistent copy that is nowhere yet, and will be at `path`.
    pub(crate) fn copy_to_be_at(&mut self, path: &Path) -> Result<Self, Error> {
        Self::in_draft(self.draft_copy(path)?, path)
    }

    pub(super) fn draft_copy(&mut self, destination: &Path) -> Result<Draft, Error> {
        // VACUUM INTO would make the file readable by everybody; it fills an empty one.
        let draft = Draft::beside(destination)?;
        beside::look_at(draft.path())?;
        // Others write meanwhile, where that would take long.
        let copied = match self.copy_in_memory(LARGE) {
            Ok(Some(mut copy)) => copy.vacuum_into(draft.path()),
            Ok(None) => self.vacuum_into(draft.path()),
            Err(error) => Err(error),
        };
        let copied = copied.and_then(|()| look_over(draft.path()));
        copied.map_err(|error| error.for_want_of_space_at(destination))?;
        Ok(draft)
    }

    /// Writes a copy of every page, damaged or not, to `destination`, which must not exist.
    pub(crate) fn copy_pages_to(&mut self, destination: &Path) -> Result<(), Error> {
        must_be_free(destination)?;
        let draft = Draft::beside(destination)?;
        let copied = connection::resolve(draft.path()).and_then(|path| {
            let (mut copy, _mode) = connection::open(&path, Mode::ReadWrite)?;
            copy_all(&self.connection, &mut copy)
        });
        // A draft that failed has changed nothing.
        copied.map_err(|error| error.of_read().for_want_of_space_at(destination))?;
        Ok(draft.put_at(destination)?)
    }

    /// Returns a copy in memory if the file has at least `least` bytes, all its pages, and fits. Reading it keeps nobody
    /// from writing; making it takes a tenth of the time.
    pub(crate) fn copy_in_memory(&self, least: u64) -> Result<Option<Self>, Error> {
        let size = self.path.metadata().map_or(0, |metadata| metadata.len());
        if size < least || size > Self::most_memory() || self.is_cut_short()? {
            return Ok(None);
        }
        let mut copy = Self::detached(&self.path)?;
        if let Some(halt) = &self.halt {
            copy.heed(halt.clone())?;
        }
        copy_all(&self.connection, &mut copy.connection)?;
        copy.compared_at = schema::compare_now(&copy.connection)?;
        Ok(Some(copy))
    }

    /// Returns what SQLite finds wrong with the file's pages.
    pub(crate) fn quick_check(&mut self) -> Result<Vec<String>, Error> {
        let sql = format!("PRAGMA quick_check({MAX_FINDINGS})");
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut findings = Vec::new();
        loop {
            match rows.next().map_err(Error::from) {
                Ok(Some(row)) => {
                    let finding: String = row.get(0)?;
                    if finding != "ok" {
                        // A disk that does not read says nothing about the file.
                        failed_read().map_or(Ok(()), Err)?;
                        findings.push(printable(&finding));
                    }
                }
                Ok(None) => break,
                // Where it cannot even go on, that is the last finding.
                Err(Error::Damaged { what }) => {
                    findings.push(what);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
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
            Mode::ReadWrite => self.attaching(|store| {
                let done = store.connection.execute_batch("VACUUM");
                done.map_err(|error| connection::explain(&store.connection, error))
            }),
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

/// Requires that nothing is where a copy is to be, nor a journal that would be played into it.
fn must_be_free(destination: &Path) -> Result<(), Error> {
    if is_taken(destination) {
        return Err(FileFault::Exists(destination.to_owned()).into());
    }
    beside::must_be_free(destination)
}

/// Reads a new copy: a USB stick may accept bytes and not return them.
fn look_over(copy: &Path) -> Result<(), Error> {
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

/// Reading all of a smaller file is over before anybody waits, in bytes.
pub(crate) const LARGE: u64 = if cfg!(test) { 16 << 20 } else { 128 << 20 };

/// Findings after which `quick_check` stops.
const MAX_FINDINGS: usize = 100;

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;
    use crate::store::Table;
    use crate::store::sample::{self, kill};
    use crate::sys::files;

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
            assert!(matches!(copied, Err(Error::File(FileFault::Exists(_)))), "{copied:?}");
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
    fn a_copy_takes_the_place_of_what_is_there_and_that_is_kept() {
        let (scratch, path) = sample::closed();
        let (other, kept) = (scratch.join("other"), scratch.join("kept"));
        drop(sample::create(&other, 2).unwrap());
        sample::tamper(&other, "PRAGMA journal_mode = WAL");
        fs::set_permissions(&other, fs::Permissions::from_mode(0o644)).unwrap();
        let mut copy = Store::open_copy(&other).unwrap().copy_to_be_at(&path).unwrap();
        sample::write(&mut copy, 3).unwrap();
        assert_eq!(sample::mark(&mut Store::open(&path, Mode::ReadWrite).unwrap()).unwrap(), 1);
        copy.take_the_place(&kept).unwrap();
        sample::write(&mut copy, 4).unwrap();
        drop(copy);

        let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
        assert_eq!(sample::mark(&mut store).unwrap(), 4);
        assert!(store.quick_check().unwrap().is_empty());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(&fs::read(&path).unwrap()[18..20], [1, 1]);
        assert_eq!(sample::mark(&mut Store::open(&kept, Mode::ReadWrite).unwrap()).unwrap(), 1);
        // SQLite's own files beside the one in WAL mode are not ours.
        let names: Vec<String> =
            scratch.names().into_iter().filter(|name| !name.starts_with("other-")).collect();
        assert_eq!(names, ["kept", "other", "vault"]);
    }

    #[test]
    fn whoever_had_the_replaced_vault_open_loses_nothing_unnoticed() {
        let (scratch, path) = sample::closed();
        let mut writer = Store::open(&path, Mode::ReadWrite).unwrap();
        let mut copy = writer.copy_to_be_at(&path).unwrap();
        copy.take_the_place(&scratch.join("kept")).unwrap();
        assert!(sample::write(&mut writer, 2).is_err(), "its file has another name");
    }

    #[test]
    fn a_copy_killed_at_any_write_is_not_there_and_blocks_nobody() {
        let (scratch, path) = sample::closed();
        let copy = scratch.join("copy");
        let test = "store::copy::tests::copies_until_killed";
        kill::at_each_write(test, &copy, 1 << 20, |ended| {
            assert_eq!(copy.exists(), ended);
            if !ended {
                Store::open(&path, Mode::ReadOnly).unwrap().backup_to(&copy).unwrap();
            }
            assert_eq!(sample::mark(&mut Store::open(&copy, Mode::ReadOnly).unwrap()).unwrap(), 1);
            assert_eq!(scratch.names(), ["copy", "vault"]);
            fs::remove_file(&copy).unwrap();
        });
    }

    /// Apart, because it is killed.
    #[test]
    fn copies_until_killed() {
        let Some(copy) = kill::arm() else { return };
        let vault = copy.with_file_name("vault");
        Store::open(&vault, Mode::ReadOnly).unwrap().backup_to(&copy).unwrap();
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

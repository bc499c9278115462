//! Rows in and out, inside one transaction. Bytes under integer keys, nothing more.

use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::connection::{self, Place};
use super::{Error, Mode, Table};

/// A transaction. Dropped without [`Transaction::commit`], it changes nothing.
pub(crate) struct Transaction<'s> {
    connection: &'s Connection,
    place: Option<&'s Place>,
}

impl<'s> Transaction<'s> {
    pub(super) fn begin(
        (connection, place): (&'s Connection, Option<&'s Place>),
        mode: Mode,
    ) -> Result<Self, Error> {
        if place.is_some_and(Place::is_left) {
            return Err(Error::moved());
        }
        connection::watch(place.cloned());
        let begin = match mode {
            Mode::ReadOnly => "BEGIN",
            // Never by way of a read lock: two that tried would wait for each other.
            Mode::ReadWrite => "BEGIN IMMEDIATE",
        };
        connection.prepare_cached(begin)?.execute([])?;
        Ok(Self { connection, place })
    }

    /// Makes the changes durable. Waits for readers to end; when they do not, nothing is changed
    /// and the error is [`Error::Busy`].
    ///
    /// # Errors
    /// After [`Error::Committed`] the change is there, after [`Error::InDoubt`] it may be; after any
    /// other it is not.
    pub(crate) fn commit(self) -> Result<(), Error> {
        self.check_running()?;
        let committed = self.connection.prepare_cached("COMMIT")?.execute([]);
        committed.map(drop).or_else(|error| Error::of_commit(error).map_or(Ok(()), Err))?;
        // Nobody who looks for the change will look into a file that lost its name meanwhile.
        let is_left = self.place.is_some_and(Place::is_left);
        if is_left { Err(Error::moved_in_commit()) } else { Ok(()) }
    }

    /// Reads the public header and the sealed state.
    pub(crate) fn vault(&self) -> Result<(Vec<u8>, Vec<u8>), Error> {
        self.check_running()?;
        let sql = "SELECT id, iif(length(public) <= 8388608, public, x''), \
                   iif(length(state) <= 8388608, state, x'') FROM vault ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, (row.get(1)?, row.get(2)?)));
        let mut rows = statement.query_map([], row)?;
        let damaged = |what: &str| Error::Damaged { what: what.to_owned() };
        // A row of another number is put in by hand: the table's own check does not allow it.
        match (rows.next().transpose()?, rows.next().transpose()?) {
            (Some((1, row)), None) => Ok(row),
            (None, _) => Err(damaged("the vault has no state")),
            (Some(_), _) => Err(damaged("the vault has more than one state")),
        }
    }

    /// Reads all slots, lowest number first. One whose number no slot can have is shown as
    /// [`STRAY_SLOT`].
    pub(crate) fn slots(&self) -> Result<Vec<(u8, Vec<u8>)>, Error> {
        let mut slots = Vec::new();
        self.each(Table::Slot, |number, body| {
            let known = u8::try_from(number).ok().filter(|number| *number < MOST_SLOTS);
            let number = known.unwrap_or(STRAY_SLOT);
            slots.push((number, body.to_vec()));
            Ok::<(), Error>(())
        })?;
        Ok(slots)
    }

    /// Reads a node of the tree.
    pub(crate) fn node(&self, number: u16) -> Result<Option<Vec<u8>>, Error> {
        self.get(Table::Node, u64::from(number))
    }

    /// Reads a bucket of the tree.
    pub(crate) fn bucket(&self, number: u16) -> Result<Option<Vec<u8>>, Error> {
        self.get(Table::Bucket, u64::from(number))
    }

    /// Reads a sealed record.
    pub(crate) fn secret(&self, rid: u64) -> Result<Option<Vec<u8>>, Error> {
        self.get(Table::Secret, rid)
    }

    /// Reads a sealed value.
    pub(crate) fn value(&self, vid: u64) -> Result<Option<Vec<u8>>, Error> {
        self.get(Table::Value, vid)
    }

    /// Reads a sealed audit entry.
    pub(crate) fn audit(&self, seq: u64) -> Result<Option<Vec<u8>>, Error> {
        self.get(Table::Audit, seq)
    }

    /// Calls `visit` with every row of a table in ascending order of key. Rows are not copied, and
    /// `visit` may change them.
    pub(crate) fn each<E: From<Error>>(
        &self,
        table: Table,
        mut visit: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.visit(table, table.statements().each, &mut visit)
    }

    /// Calls `visit` with the rows that can be reached from either end of a table whose pages are
    /// damaged; some of them twice, if none are.
    pub(crate) fn each_readable(&self, table: Table, mut visit: impl FnMut(u64, &[u8])) {
        let sql = table.statements();
        for sql in [sql.each, sql.each_backwards] {
            let visited = self.visit(table, sql, &mut |key, blob| {
                visit(key, blob);
                Ok::<(), Error>(())
            });
            if visited.is_ok() {
                return;
            }
        }
    }

    fn visit<E: From<Error>>(&self, table: Table, sql: &str, visit: Visit<'_, E>) -> Result<(), E> {
        self.check_running()?;
        let mut statement = self.connection.prepare_cached(sql).map_err(Error::from)?;
        let mut rows = statement.query([]).map_err(Error::from)?;
        while let Some(row) = rows.next().map_err(Error::from)? {
            let key = key_of(row.get(0).map_err(Error::from)?);
            let blob = row.get_ref(1).map_err(Error::from)?;
            let blob = blob.as_blob().map_err(|_type| Error::Damaged {
                what: format!("a row of table {} holds no bytes", table.statements().name),
            })?;
            visit(key, blob)?;
        }
        Ok(())
    }

    /// Counts the rows of a table.
    pub(crate) fn count(&self, table: Table) -> Result<u64, Error> {
        self.check_running()?;
        let mut statement = self.connection.prepare_cached(table.statements().count)?;
        let count: i64 = statement.query_one([], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Writes the public header and the sealed state.
    pub(crate) fn put_vault(&self, public: &[u8], state: &[u8]) -> Result<(), Error> {
        let sql = "REPLACE INTO vault (id, public, state) VALUES (1, ?1, ?2)";
        let (public, state) = (fitting(public)?, fitting(state)?);
        self.change(sql, params![public, state]).map(drop)
    }

    /// Writes a row, new or not.
    pub(crate) fn put(&self, table: Table, key: u64, blob: &[u8]) -> Result<(), Error> {
        let row = params![row_key(key)?, fitting(blob)?];
        self.change(table.statements().put, row).map(drop)
    }

    /// Writes a row that must be new.
    pub(crate) fn insert(&self, table: Table, key: u64, blob: &[u8]) -> Result<(), Error> {
        let row = params![row_key(key)?, fitting(blob)?];
        self.change(table.statements().insert, row).map(drop)
    }

    /// Writes a row that must be there.
    pub(crate) fn update(&self, table: Table, key: u64, blob: &[u8]) -> Result<(), Error> {
        let row = params![row_key(key)?, fitting(blob)?];
        let changed = self.change(table.statements().update, row)?;
        one_row(table, changed)
    }

    /// Deletes a row that must be there. Its bytes are overwritten.
    pub(crate) fn delete(&self, table: Table, key: u64) -> Result<(), Error> {
        one_row(table, self.remove(table, key)?)
    }

    /// Deletes a row if it is there.
    pub(crate) fn discard(&self, table: Table, key: u64) -> Result<(), Error> {
        self.remove(table, key).map(drop)
    }

    /// Deletes the slots whose number no slot can have.
    pub(crate) fn discard_stray_slots(&self) -> Result<(), Error> {
        self.change("DELETE FROM slot WHERE n NOT BETWEEN 0 AND 15", []).map(drop)
    }

    /// Deletes all audit entries in a range.
    pub(crate) fn delete_audit(&self, range: RangeInclusive<u64>) -> Result<(), Error> {
        let bounds = params![any_key(*range.start()), any_key(*range.end())];
        self.change(Table::Audit.statements().delete_range, bounds).map(drop)
    }

    /// Deletes all nodes and buckets.
    pub(crate) fn clear_tree(&self) -> Result<(), Error> {
        self.change("DELETE FROM node", [])?;
        self.change("DELETE FROM bucket", []).map(drop)
    }

    fn get(&self, table: Table, key: u64) -> Result<Option<Vec<u8>>, Error> {
        self.check_running()?;
        let mut statement = self.connection.prepare_cached(table.statements().get)?;
        Ok(statement.query_row(params![row_key(key)?], |row| row.get(0)).optional()?)
    }

    fn remove(&self, table: Table, key: u64) -> Result<usize, Error> {
        self.change(table.statements().delete, params![any_key(key)])
    }

    fn change(&self, sql: &str, parameters: impl Params) -> Result<usize, Error> {
        self.check_running()?;
        let changed = self.connection.prepare_cached(sql)?.execute(parameters);
        changed.map_err(|error| connection::explain(self.connection, error))
    }

    /// Refuses to go on after SQLite has undone the transaction by itself, as it does when the disk
    /// is full: what came next would each be committed alone.
    fn check_running(&self) -> Result<(), Error> {
        if self.connection.is_autocommit() {
            return Err(Error::Io { what: "an error before this one undid the change".to_owned() });
        }
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.connection.is_autocommit() {
            // Nothing to do about a failure: a connection that goes away rolls back.
            drop(self.connection.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([])));
        }
    }
}

/// What is called with each row.
type Visit<'v, E> = &'v mut dyn FnMut(u64, &[u8]) -> Result<(), E>;

fn one_row(table: Table, changed: usize) -> Result<(), Error> {
    let table = table.statements().name;
    if changed == 1 { Ok(()) } else { Err(Error::RowCount { table, changed }) }
}

/// The most bytes of a row's blob: what is larger is nobody's when it is read.
pub(crate) const MOST_ROW_BYTES: usize = 8 << 20;

/// Refuses to write what no reader would take for a row.
fn fitting(blob: &[u8]) -> Result<&[u8], Error> {
    if blob.len() <= MOST_ROW_BYTES { Ok(blob) } else { Err(Error::RowLimit { bytes: blob.len() }) }
}

/// Keys are at most 62 bits, so that every one is a positive integer of SQLite's.
fn row_key(key: u64) -> Result<i64, Error> {
    i64::try_from(key).map_err(|_large| Error::TooBig)
}

/// A negative key is nobody's. It is shown as one that is too large for anybody, by which it can be
/// deleted.
fn key_of(key: i64) -> u64 {
    u64::from_ne_bytes(key.to_ne_bytes())
}

fn any_key(key: u64) -> i64 {
    i64::from_ne_bytes(key.to_ne_bytes())
}

/// The most slots a vault has.
pub(crate) const MOST_SLOTS: u8 = 16;

/// Stands for the number of every slot that was put in by hand under a number that none can have.
pub(crate) const STRAY_SLOT: u8 = u8::MAX;

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::store::sample::kill;
    use crate::store::{Spill, Store, sample};
    use crate::sys::scratch::{self, Scratch};

    #[test]
    fn a_change_by_key_changes_one_row_or_fails() {
        let mut store = Store::in_memory();
        let rows = store.write().unwrap();
        rows.insert(Table::Secret, 7, b"sealed").unwrap();
        assert!(rows.insert(Table::Secret, 7, b"again").is_err());
        rows.update(Table::Secret, 7, b"new").unwrap();
        assert!(matches!(rows.update(Table::Secret, 8, b"x"), Err(Error::RowCount { .. })));
        assert!(matches!(rows.delete(Table::Secret, 8), Err(Error::RowCount { .. })));
        assert_eq!(rows.secret(7).unwrap().as_deref(), Some(&b"new"[..]));
        assert!(matches!(rows.insert(Table::Secret, u64::MAX, b""), Err(Error::TooBig)));
    }

    #[test]
    fn rows_that_no_program_of_ours_wrote_are_shown_and_can_be_deleted() {
        let mut store = Store::in_memory();
        store.tamper(
            "PRAGMA ignore_check_constraints = ON; \
             INSERT INTO slot VALUES (-1, x'01'), (3, x'02'), (16, x'03'), (300, x'04'); \
             INSERT INTO value VALUES (-9223372036854775808, x'05'), (-1, x'06'), (7, x'07'); \
             PRAGMA ignore_check_constraints = OFF;",
        );
        let rows = store.write().unwrap();
        let numbers = |rows: &Transaction<'_>| {
            rows.slots().unwrap().into_iter().map(|(number, _)| number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&rows), [STRAY_SLOT, 3, STRAY_SLOT, STRAY_SLOT]);
        rows.discard_stray_slots().unwrap();
        assert_eq!(numbers(&rows), [3]);

        let mut keys = Vec::new();
        rows.each(Table::Value, |key, _| {
            keys.push(key);
            Ok::<_, Error>(())
        })
        .unwrap();
        assert_eq!(keys, [1 << 63, u64::MAX, 7]);
        for key in keys {
            rows.delete(Table::Value, key).unwrap();
        }
        assert_eq!(rows.count(Table::Value).unwrap(), 0);
    }

    #[test]
    fn there_is_one_state() {
        let mut store = Store::in_memory();
        let rows = store.write().unwrap();
        rows.put_vault(b"public", b"state").unwrap();
        rows.commit().unwrap();
        for other in [0, 2] {
            store.tamper(&format!(
                "PRAGMA ignore_check_constraints = ON; \
                 INSERT INTO vault VALUES ({other}, x'', x'')"
            ));
            assert!(matches!(store.read().unwrap().vault(), Err(Error::Damaged { .. })), "{other}");
            store.tamper(&format!("DELETE FROM vault WHERE id = {other}"));
            assert!(store.read().unwrap().vault().is_ok());
        }
    }

    #[test]
    fn a_key_that_a_table_does_not_have_is_refused() {
        let mut store = Store::in_memory();
        let rows = store.write().unwrap();
        for (table, last) in [(Table::Slot, 15), (Table::Node, 63), (Table::Bucket, 4095)] {
            rows.put(table, last, b"body").unwrap();
            let beyond = rows.put(table, last + 1, b"body");
            assert!(matches!(beyond, Err(Error::Damaged { .. })), "{table:?}");
        }
        rows.insert(Table::Value, 1 << 62, b"sealed").unwrap();
        assert_eq!(rows.value(1 << 62).unwrap().as_deref(), Some(&b"sealed"[..]));
    }

    /// A record above the limit was written, and from then on refused by every reader.
    #[test]
    fn a_row_is_written_up_to_the_size_that_is_read() {
        let mut store = Store::in_memory();
        let rows = store.write().unwrap();
        for bytes in [MOST_ROW_BYTES - 1, MOST_ROW_BYTES] {
            let blob = vec![7; bytes];
            rows.put(Table::Value, 2, &blob).unwrap();
            rows.update(Table::Value, 2, &blob).unwrap();
            rows.delete(Table::Value, 2).unwrap();
            rows.insert(Table::Value, 2, &blob).unwrap();
            assert!(rows.value(2).unwrap() == Some(blob.clone()));
            rows.put_vault(b"public", &blob).unwrap();
            assert!(rows.vault().unwrap().1 == blob);
        }
        let blob = vec![8; MOST_ROW_BYTES + 1];
        for refused in [
            rows.put(Table::Value, 2, &blob),
            rows.update(Table::Value, 2, &blob),
            rows.insert(Table::Value, 3, &blob),
            rows.put_vault(b"public", &blob),
            rows.put_vault(&blob, b"state"),
        ] {
            assert!(matches!(refused, Err(Error::RowLimit { .. })), "{refused:?}");
        }
        assert_eq!(rows.value(2).unwrap().map(|blob| blob[0]), Some(7));
    }

    #[test]
    fn rows_are_visited_in_order_and_may_change_meanwhile() {
        let mut store = Store::in_memory();
        let rows = store.write().unwrap();
        for key in [1 << 62, 5, 1, 9, 1 << 40] {
            rows.insert(Table::Secret, key, &key.to_be_bytes()).unwrap();
        }
        let mut visited = Vec::new();
        rows.each(Table::Secret, |key, sealed| {
            assert_eq!(sealed, key.to_be_bytes());
            rows.update(Table::Secret, key, &vec![7; 9000])?;
            // The row before is out of the way; what is shown is what was read.
            assert_eq!(sealed, key.to_be_bytes());
            visited.push(key);
            Ok::<_, Error>(())
        })
        .unwrap();
        assert_eq!(visited, [1, 5, 9, 1 << 40, 1 << 62]);

        let stopped =
            rows.each(Table::Secret, |key, _| if key == 5 { Err(Error::TooBig) } else { Ok(()) });
        assert!(matches!(stopped, Err(Error::TooBig)));
        assert_eq!(rows.count(Table::Secret).unwrap(), 5);
    }

    #[test]
    fn a_row_that_holds_no_bytes_is_damage() {
        let (_scratch, path) = sample::closed();
        // A loose table takes what a strict one would not, and the schema is put back as it was.
        sample::tamper(
            &path,
            "PRAGMA writable_schema = ON; CREATE TEMP TABLE kept AS SELECT sql FROM sqlite_schema \
             WHERE name = 'value'; UPDATE sqlite_schema SET sql = 'CREATE TABLE value (vid INTEGER \
             PRIMARY KEY, box)' WHERE name = 'value'; PRAGMA writable_schema = RESET; \
             INSERT INTO value VALUES (-3, 'text'); UPDATE value SET box = 5 WHERE vid = 4; \
             PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = (SELECT sql FROM kept) \
             WHERE name = 'value'",
        );
        let mut store = Store::open(&path, Mode::ReadOnly).unwrap();
        let rows = store.read().unwrap();
        assert!(rows.value(3).unwrap().is_some());
        assert!(matches!(rows.value(4), Err(Error::Damaged { .. })));
        let walked = rows.each(Table::Value, |_, _| Ok::<_, Error>(()));
        assert!(matches!(walked, Err(Error::Damaged { .. })));
    }

    #[test]
    fn deleted_and_replaced_bytes_are_overwritten() {
        let (_scratch, path) = sample::closed();
        let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
        // One that fits a page and one that needs several; both forms of a change.
        for length in [200, 60_000] {
            for key in [100, 101] {
                let rows = store.write().unwrap();
                rows.insert(Table::Value, key, &b"canary!!".repeat(length / 8)).unwrap();
                rows.commit().unwrap();
                assert!(contains(&path, b"canary!!canary!!"));
                let rows = store.write().unwrap();
                if key == 100 {
                    rows.delete(Table::Value, key).unwrap();
                } else {
                    rows.put(Table::Value, key, b"short").unwrap();
                    rows.delete(Table::Value, key).unwrap();
                }
                rows.commit().unwrap();
                assert!(!contains(&path, b"canary"), "{length}, {key}");
            }
        }
    }

    fn contains(path: &Path, bytes: &[u8]) -> bool {
        std::fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes)
    }

    #[test]
    fn nothing_is_written_after_sqlite_undid_the_change() {
        let mut store = Store::in_memory();
        let rows = store.write().unwrap();
        rows.put(Table::Value, 1, b"sealed").unwrap();
        // As SQLite does by itself when a write fails for want of space.
        rows.connection.execute_batch("ROLLBACK").unwrap();
        assert!(matches!(rows.put(Table::Value, 2, b"sealed"), Err(Error::Io { .. })));
        assert!(matches!(rows.vault(), Err(Error::Io { .. })));
        assert!(matches!(rows.commit(), Err(Error::Io { .. })));
        assert_eq!(store.read().unwrap().count(Table::Value).unwrap(), 0);
    }

    #[test]
    fn a_vault_without_its_row_is_damaged() {
        let mut store = Store::in_memory();
        assert!(matches!(store.read().unwrap().vault(), Err(Error::Damaged { .. })));
    }

    #[test]
    fn a_full_disk_changes_nothing() {
        let scratch = Scratch::new();
        let path = scratch.join("disk");
        crate::sys::files::create_private_dir(&path).unwrap();
        let test = "store::transaction::tests::fills_the_disk";
        if let Some(output) = scratch::run_mounted(&path, "600k", test, path.to_str().unwrap()) {
            scratch::assert_passed(&output);
        }
    }

    /// Apart, on a file system of its own.
    #[test]
    fn fills_the_disk() {
        let Some(disk) = scratch::argument().map(PathBuf::from) else { return };
        let mut store = sample::create(&disk.join("vault"), 1).unwrap();
        for _ in 0..2 {
            let rows = store.write().unwrap();
            let failed = (0..1000).try_for_each(|key| rows.insert(Table::Audit, key, &[7; 4000]));
            // Pages go to the disk at the end, so that is where it turns out to be full.
            let ended = failed.and_then(|()| rows.commit());
            assert!(matches!(ended, Err(Error::NoSpace)), "{ended:?}");
            assert_eq!(sample::mark(&mut store).unwrap(), 1);
        }
        store.set_spill(Spill::On).unwrap();
        let rows = store.write().unwrap();
        let ended = (0..1000).try_for_each(|key| rows.insert(Table::Audit, key, &[7; 4000]));
        assert!(matches!(ended, Err(Error::NoSpace)), "{ended:?}");
        assert!(rows.insert(Table::Audit, 5000, b"alone").is_err());
        drop(rows);
        sample::write(&mut store, 2).unwrap();
        assert_eq!(sample::mark(&mut store).unwrap(), 2);
        assert_eq!(store.read().unwrap().count(Table::Audit).unwrap(), 0);
        assert!(store.quick_check().unwrap().is_empty());

        let copied = store.backup_to(&disk.join("copy"));
        assert!(copied.is_ok(), "{copied:?}");
        let copied = store.backup_to(&disk.join("another"));
        assert!(copied.is_ok() || matches!(copied, Err(Error::NoSpace)), "{copied:?}");
    }

    #[test]
    fn a_change_killed_at_any_write_is_undone() {
        let (scratch, path) = sample::closed();
        let test = "store::transaction::tests::changes_until_killed";
        kill::at_each_write(test, &path, 1 << 20, |ended| {
            // Who may only read cannot undo what was begun, and reads the vault as it was: on a
            // read-only medium every command used to refuse it.
            match Store::open(&path, Mode::ReadOnly) {
                Ok(mut store) => {
                    assert!(store.quick_check().unwrap().is_empty());
                    assert_eq!(sample::mark(&mut store).unwrap(), 1 + u8::from(ended));
                }
                Err(error) => panic!("{error:?}"),
            }
            let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
            assert!(store.quick_check().unwrap().is_empty());
            assert_eq!(sample::mark(&mut store).unwrap(), if ended { 2 } else { 1 });
            sample::write(&mut store, 1).unwrap();
            assert_eq!(scratch.names(), ["vault"]);
        });
    }

    /// Apart, because it is killed.
    #[test]
    fn changes_until_killed() {
        let Some(path) = kill::arm() else { return };
        let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
        sample::write(&mut store, 2).unwrap();
    }

    #[test]
    fn a_transaction_that_is_dropped_changes_nothing() {
        let mut store = Store::in_memory();
        let rows = store.write().unwrap();
        rows.insert(Table::Value, 1, b"sealed").unwrap();
        drop(rows);
        let rows = store.write().unwrap();
        assert_eq!(rows.value(1).unwrap(), None);
        rows.insert(Table::Value, 1, b"sealed").unwrap();
        rows.commit().unwrap();
        assert_eq!(store.read().unwrap().count(Table::Value).unwrap(), 1);
    }
}

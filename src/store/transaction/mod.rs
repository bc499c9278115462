//! Rows in and out, inside one transaction. Bytes under integer keys, nothing more.

use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::connection::{self, Mode};
use super::error::Error;
use super::layout::{MAX_ROW_BYTES, MAX_SLOTS, STRAY_SLOT};
use super::table::Table;
use super::waiting::{self, OpenedFile};

/// A transaction. Dropped without [`Transaction::commit`], it changes nothing.
pub(crate) struct Transaction<'s> {
    connection: &'s Connection,
    file: Option<&'s OpenedFile>,
}

impl<'s> Transaction<'s> {
    pub(super) fn begin(
        connection: &'s Connection,
        file: Option<&'s OpenedFile>,
        mode: Mode,
    ) -> Result<Self, Error> {
        if file.is_some_and(OpenedFile::is_gone) {
            return Err(Error::moved());
        }
        waiting::watch(file.cloned());
        let begin = match mode {
            Mode::ReadOnly => "BEGIN",
            // Never by way of a read lock: two that tried would wait for each other.
            Mode::ReadWrite => "BEGIN IMMEDIATE",
        };
        connection.prepare_cached(begin)?.execute([])?;
        Ok(Self { connection, file })
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
        let is_gone = self.file.is_some_and(OpenedFile::is_gone);
        if is_gone { Err(Error::moved_in_commit()) } else { Ok(()) }
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
        // A row of another number was put in by hand: the table's own check does not allow it.
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
            let known = u8::try_from(number).ok().filter(|number| *number < MAX_SLOTS);
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

/// Refuses to write what no reader would accept as a row.
fn fitting(blob: &[u8]) -> Result<&[u8], Error> {
    if blob.len() <= MAX_ROW_BYTES { Ok(blob) } else { Err(Error::RowLimit { bytes: blob.len() }) }
}

/// Keys are at most 62 bits, so that every one is a positive integer of SQLite's.
fn row_key(key: u64) -> Result<i64, Error> {
    i64::try_from(key).map_err(|_large| Error::TooBig)
}

/// A negative key is foreign. It is shown as one that is too large for a vault, by which it can be
/// deleted.
fn key_of(key: i64) -> u64 {
    u64::from_ne_bytes(key.to_ne_bytes())
}

fn any_key(key: u64) -> i64 {
    i64::from_ne_bytes(key.to_ne_bytes())
}

#[cfg(test)]
mod tests;

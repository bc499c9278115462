//! Rows in and out, inside one transaction. Bytes under integer keys, nothing more.

use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension, params};

use super::Error;

/// A transaction. Dropped without [`Transaction::commit`], it changes nothing.
pub(crate) struct Transaction<'s> {
    connection: &'s Connection,
    is_open: bool,
}

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// Audit entries by number.
    Audit,
    /// Buckets of the tree.
    Bucket,
    /// Nodes of the tree.
    Node,
    /// Records by row key.
    Secret,
    /// Key slots by number.
    Slot,
    /// Values by row key.
    Value,
}

impl Table {
    /// Returns the table's name, its key's and its blob's.
    const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Audit => ("audit", "seq", "box"),
            Self::Bucket => ("bucket", "n", "body"),
            Self::Node => ("node", "n", "body"),
            Self::Secret => ("secret", "rid", "box"),
            Self::Slot => ("slot", "n", "body"),
            Self::Value => ("value", "vid", "box"),
        }
    }
}

impl<'s> Transaction<'s> {
    pub(super) fn begin(connection: &'s Connection, begin: &str) -> Result<Self, Error> {
        connection.prepare_cached(begin)?.execute([])?;
        Ok(Self { connection, is_open: true })
    }

    /// Makes the changes durable.
    pub(crate) fn commit(mut self) -> Result<(), Error> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.is_open = false;
        Ok(())
    }

    /// Reads the public header and the sealed state.
    pub(crate) fn vault(&self) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let sql = "SELECT public, state FROM vault WHERE id = 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let row = statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        row.ok_or_else(|| Error::Damaged { what: "the vault has no state".to_owned() })
    }

    /// Reads all slots, lowest number first.
    pub(crate) fn slots(&self) -> Result<Vec<(u8, Vec<u8>)>, Error> {
        let mut slots = Vec::new();
        self.each(Table::Slot, |number, body| {
            let number = u8::try_from(number).unwrap_or(u8::MAX);
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

    /// Calls `visit` with every row of a table in ascending order of key. Rows are not copied.
    pub(crate) fn each<E: From<Error>>(
        &self,
        table: Table,
        mut visit: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (name, key, blob) = table.names();
        let sql = format!("SELECT {key}, {blob} FROM {name} ORDER BY {key}");
        let mut statement = self.connection.prepare_cached(&sql).map_err(Error::from)?;
        let mut rows = statement.query([]).map_err(Error::from)?;
        while let Some(row) = rows.next().map_err(Error::from)? {
            let key = key_of(row.get(0).map_err(Error::from)?);
            let blob = row.get_ref(1).map_err(Error::from)?;
            let blob = blob.as_blob().map_err(|_type| Error::Damaged {
                what: format!("a row of table {name} holds no bytes"),
            })?;
            visit(key, blob)?;
        }
        Ok(())
    }

    /// Counts the rows of a table.
    pub(crate) fn count(&self, table: Table) -> Result<u64, Error> {
        let (name, ..) = table.names();
        let sql = format!("SELECT count(*) FROM {name}");
        let count: i64 = self.connection.prepare_cached(&sql)?.query_one([], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Writes the public header and the sealed state.
    pub(crate) fn put_vault(&self, public: &[u8], state: &[u8]) -> Result<(), Error> {
        let sql = "INSERT OR REPLACE INTO vault (id, public, state) VALUES (1, ?1, ?2)";
        self.connection.prepare_cached(sql)?.execute(params![public, state])?;
        Ok(())
    }

    /// Writes a row, new or not.
    pub(crate) fn put(&self, table: Table, key: u64, blob: &[u8]) -> Result<(), Error> {
        let (name, key_name, blob_name) = table.names();
        let sql =
            format!("INSERT OR REPLACE INTO {name} ({key_name}, {blob_name}) VALUES (?1, ?2)");
        self.connection.prepare_cached(&sql)?.execute(params![row_key(key)?, blob])?;
        Ok(())
    }

    /// Writes a row that must be new.
    pub(crate) fn insert(&self, table: Table, key: u64, blob: &[u8]) -> Result<(), Error> {
        let (name, key_name, blob_name) = table.names();
        let sql = format!("INSERT INTO {name} ({key_name}, {blob_name}) VALUES (?1, ?2)");
        self.connection.prepare_cached(&sql)?.execute(params![row_key(key)?, blob])?;
        Ok(())
    }

    /// Writes a row that must be there.
    pub(crate) fn update(&self, table: Table, key: u64, blob: &[u8]) -> Result<(), Error> {
        let (name, key_name, blob_name) = table.names();
        let sql = format!("UPDATE {name} SET {blob_name} = ?2 WHERE {key_name} = ?1");
        let changed =
            self.connection.prepare_cached(&sql)?.execute(params![row_key(key)?, blob])?;
        one_row(name, changed)
    }

    /// Deletes a row that must be there. Its bytes are overwritten.
    pub(crate) fn delete(&self, table: Table, key: u64) -> Result<(), Error> {
        let (name, key_name, _) = table.names();
        let sql = format!("DELETE FROM {name} WHERE {key_name} = ?1");
        let changed = self.connection.prepare_cached(&sql)?.execute(params![row_key(key)?])?;
        one_row(name, changed)
    }

    /// Deletes a row if it is there.
    pub(crate) fn discard(&self, table: Table, key: u64) -> Result<(), Error> {
        match self.delete(table, key) {
            Ok(()) | Err(Error::RowCount { changed: 0, .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// Deletes all audit entries in a range.
    pub(crate) fn delete_audit(&self, range: RangeInclusive<u64>) -> Result<(), Error> {
        let sql = "DELETE FROM audit WHERE seq BETWEEN ?1 AND ?2";
        let bounds = params![row_key(*range.start())?, row_key(*range.end())?];
        self.connection.prepare_cached(sql)?.execute(bounds)?;
        Ok(())
    }

    /// Deletes all nodes and buckets.
    pub(crate) fn clear_tree(&self) -> Result<(), Error> {
        Ok(self.connection.execute_batch("DELETE FROM node; DELETE FROM bucket;")?)
    }

    fn get(&self, table: Table, key: u64) -> Result<Option<Vec<u8>>, Error> {
        let (name, key_name, blob) = table.names();
        let sql = format!("SELECT {blob} FROM {name} WHERE {key_name} = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row(params![row_key(key)?], |row| row.get(0)).optional()?)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.is_open && !self.connection.is_autocommit() {
            // Nothing to do about a failure: a connection that goes away rolls back.
            drop(self.connection.execute_batch("ROLLBACK"));
        }
    }
}

fn one_row(table: &'static str, changed: usize) -> Result<(), Error> {
    if changed == 1 { Ok(()) } else { Err(Error::RowCount { table, changed }) }
}

/// Keys are at most 62 bits, so that every one is a positive integer of SQLite's.
fn row_key(key: u64) -> Result<i64, Error> {
    i64::try_from(key).map_err(|_large| Error::TooBig)
}

/// A negative key is nobody's; it is shown as one that no record has.
fn key_of(key: i64) -> u64 {
    u64::try_from(key).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

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

//! The tables, and the comparison that a file passes before a row of it is read.

use std::path::PathBuf;

use rusqlite::Connection;

use super::Error;
use super::error::printable;

/// Writes the tables into an empty file, within the caller's transaction if there is one.
pub(super) fn lay_out(connection: &Connection) -> Result<(), Error> {
    let marks = format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {LAYOUT}; {SCHEMA}"
    );
    Ok(connection.execute_batch(&marks)?)
}

/// Compares a file with the schema under one lock, and returns the change counter of that moment.
pub(super) fn compare_now(connection: &Connection) -> Result<i64, Error> {
    let snapshot = connection.unchecked_transaction()?;
    let version = data_version(connection)?;
    compare(connection)?;
    snapshot.commit()?;
    Ok(version)
}

/// Requires the marks of a vault of a layout that we know, and exactly our tables.
pub(super) fn compare(connection: &Connection) -> Result<(), Error> {
    let not_a_vault = |what| Err(Error::NotAVault { path: PathBuf::new(), what });
    if pragma(connection, "PRAGMA application_id")? != APPLICATION_ID {
        return match pragma(connection, "PRAGMA page_count")? {
            0 => not_a_vault("it is empty"),
            _ => not_a_vault("it is a database of another program"),
        };
    }
    match pragma(connection, "PRAGMA user_version")? {
        LAYOUT => compare_tables(connection),
        found if found > LAYOUT => Err(Error::NewerFormat { found }),
        found => Err(Error::SchemaAltered { what: format!("its layout is {found}") }),
    }
}

/// Returns what is wrong with a file whose tables could not even be read: a later version of the
/// program may have tables that this one's SQLite does not understand.
pub(super) fn explain(connection: &Connection, error: Error) -> Error {
    match pragma(connection, "PRAGMA user_version") {
        Ok(found) if found > LAYOUT && matches!(error, Error::Damaged { .. }) => {
            Error::NewerFormat { found }
        }
        Ok(_) | Err(_) => error,
    }
}

/// Returns the number that changes when another connection has committed. Takes the read lock.
pub(super) fn data_version(connection: &Connection) -> Result<i64, Error> {
    pragma(connection, "PRAGMA data_version")
}

/// Requires exactly our tables: a view, trigger or index of somebody else's could answer for them.
fn compare_tables(connection: &Connection) -> Result<(), Error> {
    let mut expected = SCHEMA.lines().map(|line| line.trim_end_matches(';'));
    let mut statement = connection
        .prepare_cached("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let column = |index| row.get_ref(index).map(|value| value.as_str().unwrap_or_default());
        let (kind, name, table, sql) = (column(0)?, column(1)?, column(2)?, column(3)?);
        // A statement that is ours word for word names its table.
        if expected.next() != Some(sql) || kind != "table" || name != table {
            let what = format!("{} {}", printable(kind), printable(name));
            return Err(Error::SchemaAltered { what });
        }
    }
    match expected.next() {
        Some(_) => Err(Error::SchemaAltered { what: "a table is missing".to_owned() }),
        None => Ok(()),
    }
}

fn pragma(connection: &Connection, sql: &str) -> Result<i64, Error> {
    Ok(connection.prepare_cached(sql)?.query_one([], |row| row.get(0))?)
}

/// The tables, word for word as docs/format.md has them.
const SCHEMA: &str = include_str!("schema.sql");

/// `PRAGMA application_id`: "SRM1".
const APPLICATION_ID: i64 = 0x5352_4d31;

/// `PRAGMA user_version`: the layout of the tables.
pub(super) const LAYOUT: i64 = 1;

//! The tables, and the comparison that a file passes before a row of it is read.

use std::path::PathBuf;

use rusqlite::Connection;

use super::error::{Error, printable};
use super::layout::{APPLICATION_ID, LAYOUT, SCHEMA};

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

/// Requires the marks of a vault of a known layout, and exactly a vault's tables.
pub(super) fn compare(connection: &Connection) -> Result<(), Error> {
    let not_a_vault = |what| Err(Error::NotAVault { path: PathBuf::new(), what });
    if pragma(connection, "PRAGMA application_id")? != APPLICATION_ID {
        return match pragma(connection, "PRAGMA page_count")? {
            0 => not_a_vault("it is empty or cut short"),
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
    // A process that locks the file also keeps it from this question.
    if !matches!(error, Error::Damaged { .. }) {
        return error;
    }
    match pragma(connection, "PRAGMA user_version") {
        Ok(found) if found > LAYOUT => Error::NewerFormat { found },
        Ok(_) | Err(_) => error,
    }
}

/// Returns the number that changes when another connection has committed. Takes the read lock.
pub(super) fn data_version(connection: &Connection) -> Result<i64, Error> {
    pragma(connection, "PRAGMA data_version")
}

/// Requires exactly a vault's tables: a foreign view, trigger or index could answer for them.
pub(super) fn compare_tables(connection: &Connection) -> Result<(), Error> {
    let mut expected = SCHEMA.lines().map(|line| line.trim_end_matches(';'));
    let mut statement = connection
        .prepare_cached("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let column = |index| row.get_ref(index).map(|value| value.as_str().unwrap_or_default());
        let (kind, name, table, sql) = (column(0)?, column(1)?, column(2)?, column(3)?);
        // A statement that matches word for word names its table.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Mode, Store, sample};

    #[test]
    fn a_vault_has_our_tables_and_no_other_object() {
        for (tampering, named) in [
            ("CREATE TABLE extra (a INTEGER) STRICT", "(table extra)"),
            ("CREATE INDEX extra ON secret(box)", "(index extra)"),
            ("CREATE VIEW extra AS SELECT 1", "(view extra)"),
            ("CREATE TRIGGER extra AFTER INSERT ON audit BEGIN SELECT 1; END", "(trigger extra)"),
            ("CREATE TABLE extra (a INTEGER PRIMARY KEY AUTOINCREMENT)", "(table extra)"),
            ("ANALYZE", "(table sqlite_stat1)"),
            ("DROP TABLE audit", "(a table is missing)"),
            ("DROP TABLE slot", "(table node)"),
            ("ALTER TABLE value RENAME TO amount", "(table amount)"),
            ("ALTER TABLE value ADD COLUMN note TEXT", "(table value)"),
            (
                "DROP TABLE value; CREATE TABLE value (vid INTEGER PRIMARY KEY, box BLOB NOT NULL)",
                "(table audit)",
            ),
            (
                "DROP TABLE audit; CREATE TABLE audit(seq INTEGER PRIMARY KEY, box BLOB NOT NULL) STRICT",
                "(table audit)",
            ),
            (
                "DROP TABLE audit; CREATE VIEW audit AS SELECT vid AS seq, box FROM value",
                "(view audit)",
            ),
            ("DROP TABLE audit; CREATE TABLE \"a\x1b[2Jz\" (b)", "(table a\\u{1b}[2Jz)"),
            ("PRAGMA user_version = 0", "(its layout is 0)"),
            ("PRAGMA user_version = -5", "(its layout is -5)"),
        ] {
            let (_scratch, path) = sample::closed();
            sample::tamper(&path, tampering);
            let refusal = sample::refusal(&path);
            assert!(refusal.starts_with("the vault was altered"), "{tampering}: {refusal}");
            assert!(refusal.ends_with(named), "{tampering}: {refusal}");
        }
    }

    #[test]
    fn what_others_analyzed_or_vacuumed_stays_a_vault() {
        let (_scratch, path) = sample::closed();
        sample::tamper(&path, "VACUUM; PRAGMA optimize; REINDEX");
        assert_eq!(sample::refusal(&path), "opened");
    }

    #[test]
    fn a_file_of_a_later_version_is_refused_as_such() {
        // A table of a kind that this SQLite cannot read may come with the new layout.
        let unreadable = "PRAGMA writable_schema = ON; \
            UPDATE sqlite_schema SET sql = 'CREATE TABLE value (a) FROM 2099' WHERE name = 'value'";
        for tampering in [
            "PRAGMA user_version = 99".to_owned(),
            "PRAGMA user_version = 99; DROP TABLE slot".to_owned(),
            format!("PRAGMA user_version = 99; {unreadable}"),
        ] {
            let (_scratch, path) = sample::closed();
            sample::tamper(&path, &tampering);
            for mode in [Mode::ReadOnly, Mode::ReadWrite] {
                let error = Store::open(&path, mode).err();
                assert!(matches!(error, Some(Error::NewerFormat { found: 99 })), "{error:?}");
            }
        }
        let (_scratch, path) = sample::closed();
        sample::tamper(&path, unreadable);
        assert!(sample::refusal(&path).starts_with("the vault file is damaged"));
    }

    #[test]
    fn a_vault_of_another_program_is_not_ours() {
        let (_scratch, path) = sample::closed();
        sample::tamper(&path, "PRAGMA application_id = 7");
        assert!(sample::refusal(&path).ends_with("it is a database of another program"));
    }
}

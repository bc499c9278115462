//! How a container is opened: what is looked at before SQLite sees the file, how SQLite is told to
//! trust nothing in it, and what must hold before a row is read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::{Error, Mode, Store};
use crate::sys::files::{self, FileFault};

/// The tables, word for word as docs/format.md has them.
const SCHEMA: &str = include_str!("schema.sql");

/// `PRAGMA application_id`: "SRM1".
const APPLICATION_ID: i64 = 0x5352_4d31;

/// `PRAGMA user_version`: the layout of the tables.
pub(super) const LAYOUT: i64 = 1;

/// How long to wait for other processes.
const PATIENCE: Duration = Duration::from_secs(10);

/// The settings of every connection. EXTRA also syncs the directory after the journal is gone: a
/// power cut must not bring the journal back and undo a commit that was reported.
const PRAGMAS: &str = "\
    PRAGMA synchronous = EXTRA; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; \
    PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; \
    PRAGMA cell_size_check = ON; PRAGMA cache_spill = OFF;";

/// Makes the file and its tables. A file of ours that was left empty by a crash before the first
/// commit is no vault and holds nothing, so it is taken over.
pub(super) fn create(path: &Path) -> Result<Store, Error> {
    match files::create_private(path) {
        Ok(()) => {}
        Err(FileFault::Exists(_)) if is_left_over(path) => {}
        Err(FileFault::Exists(path)) => return Err(Error::Exists(path)),
        Err(fault) => return Err(fault.into()),
    }
    files::check_private(path)?;
    let path = resolve(path)?;
    let connection = connect(&path, Mode::ReadWrite)?;
    harden(&connection)?;
    connection.execute_batch("PRAGMA page_size = 4096; PRAGMA auto_vacuum = NONE;")?;
    lay_out(&connection)?;
    Ok(Store { connection, path, mode: Mode::ReadWrite })
}

/// Opens an existing container.
pub(super) fn open(path: &Path, mode: Mode) -> Result<Store, Error> {
    files::check_private(path)?;
    let path = resolve(path)?;
    let connection = match connect(&path, mode) {
        Err(Error::ReadOnly | Error::Io { .. }) if mode == Mode::ReadWrite => {
            connect(&path, Mode::ReadOnly)?
        }
        other => other?,
    };
    let mode = if connection.is_readonly("main")? { Mode::ReadOnly } else { Mode::ReadWrite };
    harden(&connection)?;
    recognise(&connection, &path)?;
    check_schema(&connection)?;
    Ok(Store { connection, path, mode })
}

impl Store {
    /// A container in memory, for tests of the layers above.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        harden(&connection).unwrap();
        lay_out(&connection).unwrap();
        Self { connection, path: PathBuf::from(":memory:"), mode: Mode::ReadWrite }
    }

    /// Waits this long for other processes.
    #[cfg(test)]
    pub(crate) fn set_patience(&self, patience: Duration) {
        self.connection.busy_timeout(patience).unwrap();
    }
}

/// Resolves links, so that the journal stands beside the file itself.
fn resolve(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize().map_err(|error| FileFault::from_io(path, error).into())
}

/// Whether an existing file is what a crash in `create` leaves: ours, and without a table.
fn is_left_over(path: &Path) -> bool {
    if files::check_private(path).is_err() {
        return false;
    }
    let Ok(connection) = connect(path, Mode::ReadOnly) else { return false };
    let sql = "SELECT count(*) FROM sqlite_schema";
    let tables: Result<i64, _> = connection.query_one(sql, [], |row| row.get(0));
    let layout: Result<i64, _> = pragma(&connection, "user_version");
    matches!((tables, layout), (Ok(0), Ok(0)))
}

fn connect(path: &Path, mode: Mode) -> Result<Connection, Error> {
    let access = match mode {
        Mode::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Mode::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = access
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    Ok(Connection::open_with_flags(path, flags)?)
}

/// Tells SQLite to trust nothing that stands in the file, and to do nothing that we never ask for.
fn harden(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(PATIENCE)?;
    for (option, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
    ] {
        connection.set_db_config(option, value)?;
    }
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, 16 << 20),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 64 << 10),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 16),
    ] {
        connection.set_limit(limit, value)?;
    }
    Ok(connection.execute_batch(PRAGMAS)?)
}

/// Writes the tables in one transaction, so that a crash leaves all of them or none.
fn lay_out(connection: &Connection) -> Result<(), Error> {
    let sql = format!(
        "PRAGMA journal_mode = DELETE; BEGIN IMMEDIATE; {SCHEMA} \
         PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {LAYOUT}; COMMIT;"
    );
    Ok(connection.execute_batch(&sql)?)
}

/// Requires the marks of a vault of a layout that we know.
fn recognise(connection: &Connection, path: &Path) -> Result<(), Error> {
    let not_a_vault = |what| Error::NotAVault { path: path.to_owned(), what };
    let application_id = match pragma(connection, "application_id") {
        Err(Error::Damaged { .. }) => return Err(not_a_vault("it is not an SQLite database")),
        other => other?,
    };
    let layout = pragma(connection, "user_version")?;
    let objects: i64 =
        connection.query_one("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application_id, layout) {
        (APPLICATION_ID, LAYOUT) => {}
        (APPLICATION_ID, found) if found > LAYOUT => return Err(Error::NewerFormat { found }),
        (0, 0) if objects == 0 => return Err(not_a_vault("it is empty")),
        _ => return Err(not_a_vault("it is a database of another program")),
    }
    // Somebody's tool may have switched it; a vault is one file that can be copied.
    let journal: String = connection.query_one("PRAGMA journal_mode", [], |row| row.get(0))?;
    if journal == "wal" {
        connection.execute_batch("PRAGMA journal_mode = DELETE")?;
    }
    Ok(())
}

/// Requires exactly our tables: a view, trigger or index of somebody else's could answer for them.
fn check_schema(connection: &Connection) -> Result<(), Error> {
    let altered = |what: &str| Error::SchemaAltered { what: what.to_owned() };
    let mut expected = SCHEMA.lines().map(|line| line.trim_end_matches(';'));
    let mut statement =
        connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (kind, name, table): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let sql: Option<String> = row.get(3)?;
        let is_ours = sql.as_deref().is_some_and(|sql| expected.next() == Some(sql));
        if kind != "table" || name != table || !is_ours {
            return Err(altered(&name));
        }
    }
    if expected.next().is_some() { Err(altered("a table is missing")) } else { Ok(()) }
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, Error> {
    Ok(connection.query_one(&format!("PRAGMA {name}"), [], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vault_has_our_tables_and_no_other_object() {
        for addition in [
            "CREATE TABLE extra (a INTEGER) STRICT",
            "CREATE INDEX extra ON secret(box)",
            "CREATE VIEW extra AS SELECT 1",
            "CREATE TRIGGER extra AFTER INSERT ON audit BEGIN SELECT 1; END",
            "DROP TABLE audit",
        ] {
            let store = Store::in_memory();
            check_schema(&store.connection).unwrap();
            store.connection.execute_batch(addition).unwrap();
            assert!(
                matches!(check_schema(&store.connection), Err(Error::SchemaAltered { .. })),
                "{addition}"
            );
        }
    }
}

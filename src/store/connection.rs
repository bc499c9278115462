//! How SQLite is told to trust nothing in a file, to do nothing that is never asked for,
//! and to lose nothing that it reported.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};

use super::error::Error;
use super::waiting::{self, Patience};
use super::{beside, schema};
use crate::sys::draft::Draft;
use crate::sys::files::FileFault;

/// How a container is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    ReadOnly,
    /// Read and write, where the file and its medium allow it.
    ReadWrite,
}

/// Resolves links: SQLite follows none, so that the journal is next to the file itself.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize().map_err(|error| FileFault::from_io(path, error).into())
}

/// Opens a database file that exists, and says what it can be used for: SQLite goes on reading
/// where the system forbids it to write.
pub(super) fn open(path: &Path, mode: Mode) -> Result<(Connection, Mode), Error> {
    open_with(path, mode, Patience::Long)
}

/// Opens one as [`open`] does, with this much patience for others.
pub(super) fn open_with(
    path: &Path,
    mode: Mode,
    patience: Patience,
) -> Result<(Connection, Mode), Error> {
    let access = match mode {
        Mode::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Mode::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    beside::look_at(path)?;
    let flags = access | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    waiting::watch_opened(&connection);
    let is_read_only = connection.is_readonly(MAIN_DB)?;
    configure(&mut connection, patience)
        .map_err(|error| schema::explain(&connection, error).at(path))?;
    Ok((connection, if is_read_only { Mode::ReadOnly } else { Mode::ReadWrite }))
}

/// Sets what must hold before a byte of the file is believed.
pub(super) fn configure(connection: &mut Connection, patience: Patience) -> Result<(), Error> {
    connection.busy_handler(Some(patience.handler()))?;
    for (option, value) in OPTIONS {
        connection.set_db_config(option, value)?;
    }
    for (limit, value) in LIMITS {
        connection.set_limit(limit, value)?;
    }
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    connection.execute_batch(PRAGMAS)?;
    if cfg!(target_os = "macos") {
        // There, fsync alone leaves the bytes in the drive.
        connection.execute_batch(FULL_SYNC)?;
    }
    Ok(())
}

/// Turns a file that somebody's tool left in WAL mode back into one that can be copied.
pub(super) fn leave_write_ahead_log(connection: &Connection) -> Result<(), Error> {
    let journal = |sql| connection.query_one(sql, [], |row| row.get::<_, String>(0));
    if journal("PRAGMA journal_mode")? != "wal" {
        return Ok(());
    }
    match journal("PRAGMA journal_mode = DELETE")?.as_str() {
        "delete" => Ok(()),
        _ => Err(Error::Busy),
    }
}

/// Says why a change failed. Where no journal could be made, SQLite has forgotten the reason by the
/// time it reports it: there may be no space or no inode for a new file.
pub(super) fn explain(connection: &Connection, error: rusqlite::Error) -> Error {
    let is_unopened = error.sqlite_error_code() == Some(ErrorCode::CannotOpen);
    // Depends on what the system last said, which the next line changes.
    let told = Error::from(error);
    let place = connection.path().filter(|path| is_unopened && !path.is_empty());
    match place.map(|place| Draft::beside(Path::new(place))) {
        Some(Err(FileFault::NoSpace(_))) => Error::NoSpace,
        Some(Ok(_) | Err(_)) | None => told,
    }
}

/// More than there are statements.
const CACHED_STATEMENTS: usize = 64;

const OPTIONS: [(DbConfig, bool); 9] = [
    (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
    (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
];

const LIMITS: [(Limit, i32); 4] = [
    (Limit::SQLITE_LIMIT_LENGTH, 16 << 20),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 64 << 10),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 16),
];

/// EXTRA also syncs the directory after the journal is gone: a power cut must not bring the journal
/// back and undo a commit that was reported.
const PRAGMAS: &str = "\
    PRAGMA synchronous = EXTRA; \
    PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; \
    PRAGMA cell_size_check = ON; PRAGMA cache_spill = OFF;";

const FULL_SYNC: &str = "PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;

    #[test]
    fn every_connection_is_told_what_the_design_asks() {
        let (_scratch, path) = sample::closed();
        for mode in [Mode::ReadOnly, Mode::ReadWrite] {
            let (connection, opened) = open(&path, mode).unwrap();
            assert_eq!(opened, mode);
            for (name, expected) in [
                ("journal_mode", "delete"),
                ("synchronous", "3"),
                ("secure_delete", "1"),
                ("temp_store", "2"),
                ("cell_size_check", "1"),
                ("cache_spill", "0"),
                ("page_size", "4096"),
                ("auto_vacuum", "0"),
                ("locking_mode", "normal"),
                ("trusted_schema", "0"),
                ("application_id", "1397902641"),
            ] {
                let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
                let found: String = connection.query_one(&sql, [], |row| row.get(0)).unwrap();
                assert_eq!(found, expected, "{name}");
            }
            for (option, expected) in OPTIONS {
                assert_eq!(connection.db_config(option).unwrap(), expected, "{option:?}");
            }
            for (limit, expected) in LIMITS {
                assert_eq!(connection.limit(limit).unwrap(), expected, "{limit:?}");
            }
        }
    }

    #[test]
    fn nothing_else_can_be_reached_from_a_connection() {
        let (scratch, path) = sample::closed();
        let (connection, _) = open(&path, Mode::ReadWrite).unwrap();
        let other = scratch.join("other").display().to_string();
        for sql in [
            format!("ATTACH '{other}' AS other"),
            format!("VACUUM INTO '{other}'"),
            "SELECT load_extension('x')".to_owned(),
            "UPDATE sqlite_schema SET sql = ''".to_owned(),
            "CREATE VIRTUAL TABLE a USING fts5(b)".to_owned(),
            "SELECT \"no such column\"".to_owned(),
        ] {
            assert!(connection.execute_batch(&sql).is_err(), "{sql}");
        }
        assert_eq!(scratch.names(), ["vault"]);
    }
}

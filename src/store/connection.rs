//! How SQLite is told to trust nothing that stands in a file, to do nothing that we never ask for,
//! and to lose nothing that it reported.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};
use rustix::io::Errno;

use super::{Error, Mode, Patience, beside, schema};
use crate::sys::clock::{self, Stopwatch};
use crate::sys::draft::Draft;
use crate::sys::files::FileFault;

/// Resolves links: SQLite follows none, so that the journal stands beside the file itself.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize().map_err(|error| FileFault::from_io(path, error).into())
}

/// Opens a database file that exists, and says what it can be used for: SQLite goes on reading
/// where the system forbids it to write.
pub(super) fn open(path: &Path, mode: Mode) -> Result<(Connection, Mode), Error> {
    open_with(path, mode, Patience::Long)
}

/// Opens one as [`open`] does, and waits for others as long as it is worth.
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
    watch(Place::of(&connection));
    let is_read_only = connection.is_readonly(MAIN_DB)?;
    configure(&mut connection, patience)
        .map_err(|error| schema::explain(&connection, error).at(path))?;
    Ok((connection, if is_read_only { Mode::ReadOnly } else { Mode::ReadWrite }))
}

/// Sets what must hold before a byte of the file is believed.
pub(super) fn configure(connection: &mut Connection, patience: Patience) -> Result<(), Error> {
    connection.busy_handler(Some(match patience {
        Patience::Long => wait_long,
        Patience::Short => wait_briefly,
    }))?;
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
/// time it tells: that no file can be made there at all, for want of space or of inodes, is one.
pub(super) fn explain(connection: &Connection, error: rusqlite::Error) -> Error {
    let is_unopened = error.sqlite_error_code() == Some(ErrorCode::CannotOpen);
    // Told from what the system last said, which the next line changes.
    let told = Error::from(error);
    let place = connection.path().filter(|path| is_unopened && !path.is_empty());
    match place.map(|place| Draft::beside(Path::new(place))) {
        Some(Err(FileFault::NoSpace(_))) => Error::NoSpace,
        Some(Ok(_) | Err(_)) | None => told,
    }
}

fn wait_long(attempt: i32) -> bool {
    wait_for_others(attempt, LONG)
}

fn wait_briefly(attempt: i32) -> bool {
    wait_for_others(attempt, SHORT)
}

/// Waits a moment for the `attempt`th time, and says whether to try again.
///
/// SQLite's own way asks ever less often, down to ten times a second, so that of many processes
/// those that have waited longest are served last: with eight of them some waited for seconds
/// while others went by. Here everybody has the same chance all the time. What is measured is time:
/// where many processes wait, a moment takes several times as long as it was to be.
fn wait_for_others(attempt: i32, patience: Duration) -> bool {
    thread_local! {
        static SINCE: Cell<Option<Stopwatch>> = const { Cell::new(None) };
    }
    // SQLite takes a lock that cannot be had for one that others have.
    let has_no_locks = Errno::from_io_error(&io::Error::last_os_error()) == Some(Errno::NOLCK);
    HAS_NO_LOCKS.set(has_no_locks);
    if has_no_locks {
        return false;
    }
    let since = SINCE.get().filter(|_| attempt > 0).unwrap_or_else(Stopwatch::start);
    SINCE.set(Some(since));
    if since.elapsed() >= patience {
        return false;
    }
    clock::pause(PAUSE);
    !is_moved()
}

/// Where a database was when it was opened.
///
/// SQLite finds a journal by that name. Of a file that lost its place to another one it would take
/// the journal of a change to the new file for its own, play it, and remove it: a change that is
/// interrupted then could not be undone. It looks whether it is where it was only before it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    path: PathBuf,
    inode: u64,
}

impl Place {
    /// Returns the place of a database that was just opened; none where it is in memory.
    fn of(connection: &Connection) -> Option<Self> {
        let path = connection.path().filter(|path| !path.is_empty()).map(PathBuf::from)?;
        let inode = inode_at(&path)?;
        Some(Self { path, inode })
    }

    /// Whether something else is there by now, or nothing.
    pub(super) fn is_left(&self) -> bool {
        inode_at(&self.path) != Some(self.inode)
    }
}

fn inode_at(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|found| found.ino())
}

/// Says which file others are waited for at from now on.
pub(super) fn watch(place: Option<Place>) {
    WATCHED.set(place);
}

/// Returns the file that others are waited for at.
pub(super) fn watched() -> Option<Place> {
    WATCHED.with_borrow(Clone::clone)
}

/// Whether that has lost its place.
pub(super) fn is_moved() -> bool {
    WATCHED.with_borrow(|place| place.as_ref().is_some_and(Place::is_left))
}

/// Whether the last wait for others ended because there are no locks to wait for.
pub(super) fn has_no_locks() -> bool {
    HAS_NO_LOCKS.get()
}

thread_local! {
    static HAS_NO_LOCKS: Cell<bool> = const { Cell::new(false) };
    static WATCHED: RefCell<Option<Place>> = const { RefCell::new(None) };
}

/// How long to wait for other processes, and how often to ask.
const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(4);

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

    /// Attempts were counted once, and ten seconds were twenty where many waited.
    #[test]
    fn others_are_waited_for_by_the_clock() {
        let watch = Stopwatch::start();
        let mut attempts = 0;
        while wait_for_others(attempts, Duration::from_millis(30)) {
            attempts += 1;
        }
        assert!(watch.elapsed() >= Duration::from_millis(30) && attempts > 0);
        assert!(!wait_for_others(attempts, Duration::from_millis(30)));
        // Another wait begins anew.
        assert!(wait_for_others(0, Duration::from_millis(30)));
        assert!(!wait_for_others(0, Duration::ZERO));
    }

    /// The next try would have met the new file's journal.
    #[test]
    fn nobody_waits_for_a_file_that_lost_its_place() {
        let (scratch, path) = sample::closed();
        let (connection, _mode) = open(&path, Mode::ReadWrite).unwrap();
        assert!(wait_for_others(0, LONG) && !is_moved());
        fs::copy(&path, scratch.join("new")).unwrap();
        fs::rename(scratch.join("new"), &path).unwrap();
        assert!(!wait_for_others(1, LONG) && is_moved());
        drop(connection);
    }

    /// The mistake was looked into with a second wait, as long as the first.
    #[test]
    fn who_waited_in_vain_does_not_wait_again() {
        let (_scratch, path) = sample::closed();
        let (other, _mode) = open(&path, Mode::ReadWrite).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let watch = Stopwatch::start();
        let refused = open_with(&path, Mode::ReadWrite, Patience::Short).err();
        assert!(matches!(refused, Some(Error::Busy)));
        assert!((SHORT..SHORT * 2).contains(&watch.elapsed()));
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

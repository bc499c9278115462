//! Making a container: all of it, or a file that the next attempt takes for its own.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::{Content, Error, Mode, Store, connection};
use crate::sys::files::{self, FileFault};

impl Store {
    /// Makes the file of a container. The first write transaction makes the tables and fills them.
    ///
    /// Whatever is interrupted before that transaction has committed leaves nothing, or an empty
    /// file that the next call takes over. Of any number of processes that make the same container
    /// at once, one succeeds; the others' first transaction finds that it [exists](Error::Exists).
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let is_new = match files::create_private(path) {
            Ok(()) => true,
            Err(FileFault::Exists(_)) if is_left_over(path) => false,
            Err(FileFault::Exists(path)) => return Err(Error::Exists(path)),
            Err(fault) => return Err(fault.into()),
        };
        let path = connection::resolve(path)?;
        if let Err(fault) = files::check_private(&path) {
            if is_new {
                // On a stick that knows no modes nobody can go on from here.
                drop(fs::remove_file(&path));
            }
            return Err(fault.into());
        }
        let (connection, mode) = match connection::open(&path, Mode::ReadWrite) {
            Err(Error::NotAVault { .. }) => return Err(Error::Exists(path)),
            opened => opened?,
        };
        if mode == Mode::ReadOnly {
            return Err(Error::ReadOnly);
        }
        // By now SQLite has undone what a killed process had begun.
        if !is_empty(&path) {
            return Err(Error::Exists(path));
        }
        connection.execute_batch("PRAGMA page_size = 4096; PRAGMA auto_vacuum = NONE;")?;
        Ok(Self {
            connection,
            path,
            mode,
            content: Cell::new(Content::Nothing),
            compared_at: NEVER,
        })
    }
}

/// Whether something is at the path that [`Store::create`] will surely not make a container of.
pub(crate) fn is_taken(path: &Path) -> bool {
    (path.exists() || path.is_symlink()) && !is_left_over(path)
}

/// A change counter that no file has.
const NEVER: i64 = -1;

impl Drop for Store {
    fn drop(&mut self) {
        if self.content.get() == Content::Nothing {
            remove_claim(&self.connection, &self.path);
        }
    }
}

/// Checks, under the write lock, that the file at the path is still the one that was opened, and
/// that nobody has filled it since.
pub(super) fn check_claim(connection: &Connection, path: &Path) -> Result<(), Error> {
    // Under this lock nobody else writes, and we have not yet: the length is what was there.
    if connection::has_moved(connection)? || !is_empty(path) {
        return Err(Error::Exists(path.to_owned()));
    }
    Ok(())
}

/// Removes the empty file, unless another process has taken it over.
///
/// The lock for that is taken with the journal in memory. One on the disk would be deleted after
/// the file, and by then its name might be that of the next container's journal.
fn remove_claim(connection: &Connection, path: &Path) {
    let is_ours = connection.busy_timeout(Duration::ZERO).is_ok()
        && connection.execute_batch("PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE").is_ok()
        && check_claim(connection, path).is_ok();
    if is_ours {
        // A file that cannot be removed is taken over by the next attempt.
        drop(fs::remove_file(path));
    }
}

/// Whether a file may be what a killed process left: nothing, or a part with the journal that
/// undoes it. Does not touch it: it may also be anything else.
fn is_left_over(path: &Path) -> bool {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    is_empty(path) || (path.is_file() && Path::new(&journal).is_file())
}

fn is_empty(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;
    use crate::store::sample::{self, kill};
    use crate::sys::scratch::Scratch;

    #[test]
    fn a_vault_appears_whole_and_private() {
        let scratch = Scratch::new();
        let path = scratch.join("vault");
        let mut store = Store::create(&path).unwrap();
        assert!(is_empty(&path));
        let rows = store.write().unwrap();
        rows.put_vault(b"public", b"state").unwrap();
        assert!(is_empty(&path), "nothing is there before the commit");
        rows.commit().unwrap();
        drop(store);
        assert_eq!(scratch.names(), ["vault"]);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(sample::refusal(&path), "opened");
    }

    #[test]
    fn what_is_never_committed_leaves_no_file() {
        let scratch = Scratch::new();
        let path = scratch.join("vault");
        drop(Store::create(&path).unwrap());
        assert!(scratch.names().is_empty());

        let mut store = Store::create(&path).unwrap();
        store.write().unwrap().put_vault(b"public", b"state").unwrap();
        drop(store);
        assert!(scratch.names().is_empty());

        let mut store = Store::create(&path).unwrap();
        assert!(matches!(store.read().err(), Some(Error::NotAVault { .. })));
        sample::write(&mut store, 1).unwrap();
        assert_eq!(sample::mark(&mut store).unwrap(), 1);
    }

    #[test]
    fn what_is_there_stays_as_it_is() {
        let (scratch, vault) = sample::closed();
        let before = fs::read(&vault).unwrap();
        let exists = |path: &Path| matches!(Store::create(path).err(), Some(Error::Exists(_)));
        assert!(exists(&vault));
        assert!(fs::read(&vault).unwrap() == before);

        let text = scratch.join("text");
        files::write_private(&text, b"notes").unwrap();
        // A journal beside it, as if a killed process of ours had left it half made.
        files::write_private(&scratch.join("text-journal"), b"more notes").unwrap();
        assert!(exists(&text));
        assert_eq!(fs::read(&text).unwrap(), b"notes");

        assert!(exists(scratch.path()));
        symlink(scratch.join("nowhere"), scratch.join("link")).unwrap();
        assert!(exists(&scratch.join("link")));
        let lost = Store::create(&scratch.join("none/vault")).err();
        assert!(matches!(lost, Some(Error::File(FileFault::Missing(_)))), "{lost:?}");
    }

    #[test]
    fn an_empty_file_is_taken_over_if_it_is_private() {
        let scratch = Scratch::new();
        let path = scratch.join("vault");
        files::create_private(&path).unwrap();
        drop(sample::create(&path, 1).unwrap());
        assert_eq!(sample::refusal(&path), "opened");

        let shared = scratch.join("shared");
        files::create_private(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o666)).unwrap();
        let refused = Store::create(&shared).err();
        assert!(matches!(refused, Some(Error::File(FileFault::TooOpen { .. }))), "{refused:?}");
    }

    #[test]
    fn of_two_that_make_a_vault_one_does() {
        let scratch = Scratch::new();
        let path = scratch.join("vault");
        let mut first = Store::create(&path).unwrap();
        let mut second = Store::create(&path).unwrap();
        sample::write(&mut second, 2).unwrap();
        assert!(matches!(sample::write(&mut first, 1), Err(Error::Exists(_))));
        // The loser must not take the winner's file with it.
        drop(first);
        assert_eq!(sample::mark(&mut second).unwrap(), 2);
        drop(second);
        assert_eq!(sample::refusal(&path), "opened");
    }

    #[test]
    fn a_file_that_was_removed_meanwhile_is_not_filled() {
        let scratch = Scratch::new();
        let path = scratch.join("vault");
        let first = Store::create(&path).unwrap();
        let mut second = Store::create(&path).unwrap();
        drop(first);
        assert!(scratch.names().is_empty());
        assert!(sample::write(&mut second, 2).is_err(), "its file has no name");
        let mut third = sample::create(&path, 3).unwrap();
        assert!(sample::write(&mut second, 2).is_err(), "its name has another file");
        drop(second);
        assert_eq!(sample::mark(&mut third).unwrap(), 3);
    }

    #[test]
    fn of_a_crowd_that_makes_a_vault_one_does() {
        let scratch = Scratch::new();
        let makers: Vec<_> = (1..=8)
            .map(|mark| {
                let path = scratch.join("vault");
                std::thread::spawn(move || sample::create(&path, mark).map(|_made| mark))
            })
            .collect();
        let ended = makers.into_iter().map(|maker| maker.join().unwrap());
        let made: Vec<u8> = ended.filter_map(Result::ok).collect();
        assert_eq!(made.len(), 1);
        let mut store = Store::open(&scratch.join("vault"), Mode::ReadOnly).unwrap();
        assert_eq!(sample::mark(&mut store).unwrap(), made[0]);
    }

    #[test]
    fn killed_at_any_write_it_can_be_made_again() {
        let test = "store::create::tests::creates_until_killed";
        let scratch = Scratch::new();
        let path = scratch.join("vault");
        for is_looked_at_first in [false, true] {
            kill::at_each_write(test, &path, 1 << 20, |ended| {
                if ended {
                    let mut store = Store::open(&path, Mode::ReadOnly).unwrap();
                    assert_eq!(sample::mark(&mut store).unwrap(), 1);
                } else {
                    if is_looked_at_first {
                        assert_ne!(sample::refusal(&path), "opened");
                    }
                    drop(sample::create(&path, 2).unwrap());
                    assert_eq!(sample::refusal(&path), "opened");
                    assert_eq!(scratch.names(), ["vault"]);
                }
                fs::remove_file(&path).unwrap();
            });
        }
    }

    /// Apart, because it is killed.
    #[test]
    fn creates_until_killed() {
        let Some(path) = kill::arm() else { return };
        drop(sample::create(&path, 1).unwrap());
    }
}

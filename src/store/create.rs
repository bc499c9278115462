//! Making a container: it appears at its path whole, or not at all.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::connection::{self, Mode};
use super::container::Store;
use super::error::Error;
use super::{beside, schema, waiting};
use crate::sys::draft::Draft;
use crate::sys::files::{self, FileFault};

impl Store {
    /// Makes an empty container that is nowhere yet: it is written under another name, and gets its
    /// path when it [appears](Self::appear). Of any number of processes that make the same container
    /// at once, the first to get that far succeeds.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        if is_taken(path) {
            return Err(Error::Exists(path.to_owned()));
        }
        beside::must_be_free(path)?;
        let store = Self::in_draft(Draft::beside(path)?, path)?;
        // On a file system without modes nothing can go on from here.
        files::check_private(&connection::resolve(store.draft_path())?)?;
        store.connection.execute_batch("PRAGMA page_size = 4096; PRAGMA auto_vacuum = NONE;")?;
        let whole = store.connection.unchecked_transaction()?;
        schema::lay_out(&store.connection)?;
        whole.commit()?;
        Ok(store)
    }

    /// Opens a container that will be at `path`, and is written in `draft` until then.
    pub(super) fn in_draft(draft: Draft, path: &Path) -> Result<Self, Error> {
        let at = connection::resolve(draft.path())?;
        let path = at.with_file_name(path.file_name().unwrap_or_default());
        let (connection, mode) = connection::open(&at, Mode::ReadWrite)?;
        let file = waiting::watched();
        if mode == Mode::ReadOnly {
            return Err(Error::ReadOnly);
        }
        let draft = Some(draft);
        Ok(Self { connection, draft, path, mode, file, compared_at: NEVER, halt: None })
    }

    /// Gives a container that was made its path.
    pub(crate) fn appear(&mut self) -> Result<(), Error> {
        let path = self.path.clone();
        self.settle(|draft| {
            beside::must_be_free(&path)?;
            draft.put_at(&path).map_err(|fault| {
                let is_taken = matches!(fault, FileFault::Exists(_));
                if is_taken { Error::Exists(path.clone()) } else { fault.into() }
            })
        })
    }

    /// Gives a container that was made the path of another one, which is kept as `kept`.
    pub(crate) fn take_the_place(&mut self, kept: &Path) -> Result<(), Error> {
        let path = self.path.clone();
        self.settle(|draft| beside::exchange(draft, &path, kept))
    }

    /// Whether it is nowhere yet.
    pub(crate) fn is_draft(&self) -> bool {
        self.draft.is_some()
    }

    fn settle(&mut self, place: impl FnOnce(Draft) -> Result<(), Error>) -> Result<(), Error> {
        let Some(draft) = self.draft.take() else { return Ok(()) };
        // SQLite refuses to write to a file that was renamed since it opened it.
        let drafted = std::mem::replace(&mut self.connection, Connection::open_in_memory()?);
        drafted.close().map_err(|(_, error)| Error::from(error))?;
        place(draft)?;
        self.reopen().map_err(Error::after_commit)
    }

    fn reopen(&mut self) -> Result<(), Error> {
        (self.connection, self.mode) = connection::open(&self.path, Mode::ReadWrite)?;
        self.file = waiting::watched();
        self.compared_at = schema::compare_now(&self.connection)?;
        Ok(())
    }

    fn draft_path(&self) -> &Path {
        self.draft.as_ref().map_or(&self.path, Draft::path)
    }
}

/// Whether something is at a path, even a dangling link.
pub(crate) fn is_taken(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// A change counter that no file has.
const NEVER: i64 = -1;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;
    use crate::store::sample::{self, kill};
    use crate::sys::scratch::Scratch;

    #[test]
    fn a_vault_appears_whole_and_private() {
        let scratch = Scratch::new();
        let path = scratch.join("vault");
        let mut store = Store::create(&path).unwrap();
        sample::write(&mut store, 1).unwrap();
        assert!(!path.exists(), "nothing is there before it appears");
        store.appear().unwrap();
        assert_eq!(scratch.names(), ["vault"]);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        sample::write(&mut store, 2).unwrap();
        assert_eq!(sample::mark(&mut store).unwrap(), 2);
        drop(store);
        assert_eq!(sample::refusal(&path), "opened");
        assert_eq!(scratch.names(), ["vault"]);
    }

    #[test]
    fn what_does_not_appear_leaves_no_file() {
        let scratch = Scratch::new();
        let path = scratch.join("vault");
        drop(Store::create(&path).unwrap());
        assert!(scratch.names().is_empty());

        let mut store = Store::create(&path).unwrap();
        store.write().unwrap().put_vault(b"public", b"state").unwrap();
        drop(store);
        assert!(scratch.names().is_empty());
    }

    #[test]
    fn what_is_there_stays_as_it_is() {
        let (scratch, vault) = sample::closed();
        let before = fs::read(&vault).unwrap();
        let exists = |path: &Path| matches!(Store::create(path).err(), Some(Error::Exists(_)));
        assert!(exists(&vault));
        assert!(fs::read(&vault).unwrap() == before);

        for (name, content) in [("text", &b"notes"[..]), ("empty", b"")] {
            let path = scratch.join(name);
            files::write_private(&path, content).unwrap();
            assert!(exists(&path));
            assert_eq!(fs::read(&path).unwrap(), content);
        }
        assert!(exists(scratch.path()));
        symlink(scratch.join("nowhere"), scratch.join("link")).unwrap();
        assert!(exists(&scratch.join("link")));
        let lost = Store::create(&scratch.join("none/vault")).err();
        assert!(matches!(lost, Some(Error::File(FileFault::Missing(_)))), "{lost:?}");
    }

    #[test]
    fn nothing_is_made_beside_the_journal_of_something_else() {
        // It would be played into the new container.
        let scratch = Scratch::new();
        let path = scratch.join("vault");
        let journal = scratch.join("vault-journal");
        let mut early = sample::draft(&path, 1).unwrap();
        files::write_private(&journal, b"somebody's").unwrap();
        for made in [Store::create(&path).map(drop), early.appear()] {
            let is_told =
                matches!(&made, Err(Error::File(FileFault::Exists(at))) if *at == journal);
            assert!(is_told, "{made:?}");
        }
        drop(early);
        assert_eq!(scratch.names(), ["vault-journal"]);
    }

    #[test]
    fn of_two_that_make_a_vault_one_does() {
        let scratch = Scratch::new();
        let path = scratch.join("vault");
        let mut first = sample::draft(&path, 1).unwrap();
        let mut second = sample::draft(&path, 2).unwrap();
        second.appear().unwrap();
        assert!(matches!(first.appear(), Err(Error::Exists(_))));
        // The loser must not take the winner's file with it.
        drop(first);
        assert_eq!(sample::mark(&mut second).unwrap(), 2);
        drop(second);
        assert_eq!(sample::refusal(&path), "opened");
        assert_eq!(scratch.names(), ["vault"]);
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
        assert_eq!(scratch.names(), ["vault"]);
    }

    #[test]
    fn killed_at_any_write_it_can_be_made_again() {
        // A killed process left an empty vault, or one that nobody could open, at the path.
        let test = "store::create::tests::creates_until_killed";
        let scratch = Scratch::new();
        let path = scratch.join("vault");
        kill::at_each_write(test, &path, 1 << 20, |ended| {
            if ended {
                let mut store = Store::open(&path, Mode::ReadOnly).unwrap();
                assert_eq!(sample::mark(&mut store).unwrap(), 1);
            } else {
                assert!(!path.exists());
                drop(sample::create(&path, 2).unwrap());
                assert_eq!(sample::refusal(&path), "opened");
            }
            assert_eq!(scratch.names(), ["vault"]);
            fs::remove_file(&path).unwrap();
        });
    }

    /// Apart, because it is killed.
    #[test]
    fn creates_until_killed() {
        let Some(path) = kill::arm() else { return };
        drop(sample::create(&path, 1).unwrap());
    }
}

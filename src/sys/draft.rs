//! A file that is written under a name of its own, and gets its place whole or not at all.
//!
//! Its writer holds a lock on it. So what a killed process left is distinguished from what is being
//! written, and the next one that writes in the directory removes it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, RenameFlags, flock};
use rustix::io::Errno;

use super::files::{self, FileFault};
use super::listing;

/// A private file without a place. Dropped before it has one, it is removed.
pub(crate) struct Draft {
    path: PathBuf,
    /// Says that it is being written, until it has its place: closed earlier, the file would be taken
    /// for left over, and later, it would end the locks of any process that opens the file.
    _lock: Option<File>,
    has_place: bool,
}

impl Draft {
    /// Makes an empty one in the directory of `place`, where it will be.
    pub(crate) fn beside(place: &Path) -> Result<Self, FileFault> {
        let directory = files::parent_of(place);
        remove_left_overs(directory);
        let mut attempt: u32 = 0;
        loop {
            let name = format!("{PREFIX}{}-{attempt}{SUFFIX}", std::process::id());
            let path = directory.join(name);
            attempt += 1;
            match files::create_private(&path).and_then(|()| lock(&path)) {
                Ok(Locked::Yes(file)) => return Ok(Self::new(path, Some(file))),
                // Where there are no locks nothing is taken for left over either.
                Ok(Locked::Never) => return Ok(Self::new(path, None)),
                Ok(Locked::No) | Err(FileFault::Exists(_)) if attempt < MAX_ATTEMPTS => {}
                Ok(Locked::No) => return Err(FileFault::Exists(path)),
                // Named by where it was to be: nobody knows the other name.
                Err(fault) => return Err(fault.about(place)),
            }
        }
    }

    fn new(path: PathBuf, lock: Option<File>) -> Self {
        Self { path, _lock: lock, has_place: false }
    }

    /// Returns its present path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its place, where nothing may be. It is on the disk when this returns; where it fails,
    /// nothing is there.
    pub(crate) fn put_at(mut self, place: &Path) -> Result<(), FileFault> {
        move_to_new(&self.path, place)?;
        self.has_place = true;
        let synced = files::sync_directory(files::parent_of(place));
        if synced.is_err() {
            drop(fs::remove_file(place));
        }
        synced
    }

    /// Gives it the place of another file, which is kept as `kept`, where nothing may be. Both are
    /// whole at every moment; where this fails, the other file has its place.
    pub(crate) fn exchange(mut self, place: &Path, kept: &Path) -> Result<(), FileFault> {
        let fault = |error: io::Error| FileFault::from_io(place, error);
        move_to_new(&self.path, kept)?;
        match rustix::fs::renameat_with(CWD, kept, CWD, place, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                fs::rename(kept, &self.path).map_err(fault)?;
                if fs::hard_link(place, kept).is_err() {
                    // Not every file system knows second names.
                    copy(place, kept)?;
                }
                fs::rename(&self.path, place).map_err(fault)?;
            }
            exchanged => {
                if let Err(error) = exchanged {
                    drop(fs::remove_file(kept));
                    return Err(fault(error.into()));
                }
            }
        }
        self.has_place = true;
        let synced = files::sync_directory(files::parent_of(place));
        if synced.is_err() {
            drop(fs::rename(kept, place));
        }
        synced
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.has_place {
            // What has this name by now is another process's: in containers their numbers are the same.
            return;
        }
        drop(fs::remove_file(journal_of(&self.path)));
        drop(fs::remove_file(&self.path));
    }
}

/// Whether a lock was taken.
enum Locked {
    Yes(File),
    /// Somebody else has it, or has removed the file.
    No,
    /// This file system has none.
    Never,
}

/// Locks a file, if it is still the one of that name.
fn lock(path: &Path) -> Result<Locked, FileFault> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(Locked::No),
        opened => File::from(opened.map_err(|error| FileFault::from_io(path, error.into()))?),
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(Locked::No),
        Err(_) => return Ok(Locked::Never),
    }
    let (named, opened) = (fs::symlink_metadata(path), file.metadata());
    let is_same = named.is_ok_and(|named| {
        opened.is_ok_and(|opened| (named.dev(), named.ino()) == (opened.dev(), opened.ino()))
    });
    Ok(if is_same { Locked::Yes(file) } else { Locked::No })
}

/// Removes what killed processes of this user left in a directory. What cannot be removed is in
/// nobody's way.
fn remove_left_overs(directory: &Path) {
    for path in listing::paths_in(directory) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_draft = name.starts_with(PREFIX) && name.ends_with(SUFFIX);
        let is_ours = || {
            fs::symlink_metadata(&path)
                .is_ok_and(|found| found.is_file() && found.uid() == files::user_id())
        };
        if !is_draft || !is_ours() {
            continue;
        }
        // The lock is kept to the end: a process that just made the file may not have locked it yet.
        if let Ok(Locked::Yes(_lock)) = lock(&path) {
            drop(fs::remove_file(journal_of(&path)));
            drop(fs::remove_file(&path));
        }
    }
}

/// Returns where SQLite keeps what undoes a change to a file.
fn journal_of(path: &Path) -> PathBuf {
    let mut journal = path.to_owned().into_os_string();
    journal.push("-journal");
    PathBuf::from(journal)
}

/// Copies a file, whole or not at all.
fn copy(from: &Path, to: &Path) -> Result<(), FileFault> {
    let draft = Draft::beside(to)?;
    let copied = fs::copy(from, draft.path())
        .and_then(|_length| File::options().write(true).open(draft.path())?.sync_all());
    copied.map_err(|error| FileFault::from_io(to, error))?;
    draft.put_at(to)
}

/// Gives a file a name that nothing has yet.
fn move_to_new(from: &Path, to: &Path) -> Result<(), FileFault> {
    let fault = |error: io::Error| FileFault::from_io(to, error);
    match files::rename_to_new(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(fault(error)),
        // Some file systems know neither such renaming nor links.
        Err(_) if fs::symlink_metadata(to).is_err() => fs::rename(from, to).map_err(fault),
        renamed => renamed.map_err(fault),
    }
}

/// How such files are named until they have their place.
const PREFIX: &str = ".strongroom-";
const SUFFIX: &str = ".new";

/// Files of this process's number that may be there already.
const MAX_ATTEMPTS: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch::Scratch;

    #[test]
    fn it_gets_its_place_or_leaves_nothing() {
        let scratch = Scratch::new();
        let place = scratch.join("place");
        drop(Draft::beside(&place).unwrap());
        assert!(scratch.names().is_empty());
        let draft = Draft::beside(&place).unwrap();
        assert!(!place.exists());
        let mode = fs::metadata(draft.path()).unwrap().mode();
        assert_eq!(mode & 0o7777, 0o600);
        draft.put_at(&place).unwrap();
        assert_eq!(scratch.names(), ["place"]);
        let taken = Draft::beside(&place).unwrap().put_at(&place);
        assert!(matches!(taken, Err(FileFault::Exists(at)) if at == place));
        assert_eq!(scratch.names(), ["place"]);
        let nowhere = Draft::beside(&scratch.join("none/place")).err();
        assert!(matches!(nowhere, Some(FileFault::Missing(_))), "{nowhere:?}");
    }

    #[test]
    fn what_was_in_its_place_is_kept() {
        let scratch = Scratch::new();
        let (place, kept) = (scratch.join("place"), scratch.join("kept"));
        files::write_private(&place, b"old").unwrap();
        let draft = Draft::beside(&place).unwrap();
        fs::copy(&place, scratch.join("new")).unwrap();
        fs::OpenOptions::new().write(true).open(draft.path()).unwrap().set_len(7).unwrap();
        draft.exchange(&place, &kept).unwrap();
        assert_eq!(fs::read(&place).unwrap(), [0; 7]);
        assert_eq!(fs::read(&kept).unwrap(), b"old");
        fs::remove_file(scratch.join("new")).unwrap();
        assert_eq!(scratch.names(), ["kept", "place"]);
        let again = Draft::beside(&place).unwrap().exchange(&place, &kept);
        assert!(matches!(again, Err(FileFault::Exists(_))), "{again:?}");
        assert_eq!(scratch.names(), ["kept", "place"]);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_is_written_is_not() {
        let scratch = Scratch::new();
        let place = scratch.join("place");
        let writing = Draft::beside(&place).unwrap();
        for name in [".strongroom-1-0.new", ".strongroom-1-0.new-journal", ".strongroom-other"] {
            files::write_private(&scratch.join(name), b"").unwrap();
        }
        let second = Draft::beside(&place).unwrap();
        assert!(writing.path().exists() && second.path().exists());
        drop((writing, second));
        assert_eq!(scratch.names(), [".strongroom-other"]);
    }

    /// One whose lock was given back before it had its place was taken for left over.
    #[test]
    fn what_is_about_to_get_its_place_is_not_taken_for_left_over() {
        let scratch = Scratch::new();
        let place = |number: u32| scratch.join(&format!("place-{number}"));
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let places = (0..200).map(|step| place(writer * 200 + step)).collect::<Vec<_>>();
                scope.spawn(move || {
                    for at in places {
                        Draft::beside(&at).unwrap().put_at(&at).unwrap();
                    }
                });
            }
        });
        assert_eq!(scratch.names().len(), 800);
    }

    /// The next one of that name would have had it played into itself.
    #[test]
    fn its_journal_goes_with_it() {
        let scratch = Scratch::new();
        let draft = Draft::beside(&scratch.join("place")).unwrap();
        files::write_private(&journal_of(draft.path()), b"").unwrap();
        drop(draft);
        assert!(scratch.names().is_empty());
    }

    #[test]
    fn many_at_once_each_have_their_own() {
        let scratch = Scratch::new();
        let writers: Vec<_> = (0..8)
            .map(|_| {
                let place = scratch.join("place");
                std::thread::spawn(move || Draft::beside(&place)?.put_at(&place))
            })
            .collect();
        let done = writers.into_iter().map(|writer| writer.join().unwrap());
        assert_eq!(done.flatten().count(), 1);
        assert_eq!(scratch.names(), ["place"]);
    }
}

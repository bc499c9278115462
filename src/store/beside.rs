//! What is next to a container under the names of SQLite's own files. It is looked at before
//! SQLite opens it: SQLite would wait at a pipe forever, and follow a link to wherever it leads.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::sys::draft::Draft;
use crate::sys::files::{self, FileFault};

/// Requires that each of SQLite's files beside a container, if it is there at all, is a regular file
/// of this user or of the container's owner.
pub(super) fn look_at(container: &Path) -> Result<(), Error> {
    for path in SUFFIXES.map(|suffix| with_suffix(container, suffix)) {
        let found = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            found => found.map_err(|error| FileFault::from_io(&path, error))?,
        };
        if !found.is_file() {
            return Err(FileFault::InTheWay(path).into());
        }
        let owner = fs::metadata(container).map(|container| container.uid());
        if found.uid() != files::user_id() && owner.ok() != Some(found.uid()) {
            return Err(FileFault::WrongOwner { path, uid: found.uid() }.into());
        }
    }
    Ok(())
}

/// Requires that none of SQLite's files is next to the path of a new container: a journal
/// there would be played into it.
pub(super) fn must_be_free(container: &Path) -> Result<(), Error> {
    let paths = SUFFIXES.map(|suffix| with_suffix(container, suffix));
    match paths.into_iter().find(|path| fs::symlink_metadata(path).is_ok()) {
        Some(path) => Err(FileFault::Exists(path).into()),
        None => Ok(()),
    }
}

/// Exchanges a container for a draft, which is kept as `kept`. Its journal, if it has one,
/// belongs to it and goes with it.
pub(super) fn exchange(draft: Draft, container: &Path, kept: &Path) -> Result<(), Error> {
    for suffix in SUFFIXES {
        let (from, to) = (with_suffix(container, suffix), with_suffix(kept, suffix));
        if fs::symlink_metadata(&from).is_ok() {
            fs::rename(&from, &to).map_err(|error| FileFault::from_io(&from, error))?;
        }
    }
    Ok(draft.exchange(container, kept)?)
}

/// Appends something to a path's file name.
pub(super) fn with_suffix(path: &Path, suffix: impl AsRef<OsStr>) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Returns the file that SQLite would take one of this name to belong to, if it is there.
pub(crate) fn owner_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.as_bytes();
    let stems = SUFFIXES.iter().filter_map(|suffix| name.strip_suffix(suffix.as_bytes()));
    let stems = stems.filter(|stem| !stem.is_empty()).map(OsStr::from_bytes);
    let mut owners = stems.map(|stem| path.with_file_name(stem));
    owners.find(|owner| owner.exists())
}

/// What SQLite appends to the name of a container.
const SUFFIXES: [&str; 3] = ["-journal", "-wal", "-shm"];

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType, Mode as Bits};

    use super::*;
    use crate::store::{Mode, Store, Wreck, sample};

    /// Puts something that is not a regular file at a path.
    type Plant = fn(&Path);

    const PLANTS: [(&str, Plant); 4] = [
        ("pipe", |path| {
            rustix::fs::mknodat(CWD, path, FileType::Fifo, Bits::RUSR | Bits::WUSR, 0).unwrap();
        }),
        ("socket", |path| drop(UnixListener::bind(path).unwrap())),
        ("directory", |path| files::create_private_dir(path).unwrap()),
        ("link", |path| symlink("/dev/null", path).unwrap()),
    ];

    /// The ways in which a container is opened.
    type Opens = fn(&Path) -> Result<(), Error>;

    const WAYS: [(&str, Opens); 4] = [
        ("to write", |path| Store::open(path, Mode::ReadWrite).map(drop)),
        ("to read", |path| Store::open(path, Mode::ReadOnly).map(drop)),
        ("as a copy", |path| Store::open_copy(path).map(drop)),
        ("as a wreck", |path| Wreck::find(path, Error::TooBig).map(drop)),
    ];

    #[test]
    fn what_is_no_file_beside_a_container_is_refused_at_once() {
        // A pipe that was named like the journal made every command wait for ever.
        let (_scratch, path) = sample::closed();
        for suffix in SUFFIXES {
            let planted = with_suffix(&path, suffix);
            for (kind, plant) in PLANTS {
                plant(&planted);
                for (way, open) in WAYS {
                    let error = open(&path).err();
                    let is_told = matches!(&error, Some(Error::File(FileFault::InTheWay(at)))
                        if *at == planted);
                    assert!(is_told, "a {kind} at {suffix} opened {way}: {error:?}");
                }
                drop(fs::remove_file(&planted));
                drop(fs::remove_dir(&planted));
            }
        }
        assert_eq!(sample::refusal(&path), "opened");
    }

    /// A name that is no text had no owner.
    #[test]
    fn what_is_named_like_a_journal_belongs_to_its_container() {
        let (scratch, _path) = sample::closed();
        let odd = scratch.path().join(OsStr::from_bytes(b"\xff"));
        files::create_private(&odd).unwrap();
        for path in [odd, scratch.join("vault")] {
            for suffix in SUFFIXES {
                assert_eq!(owner_of(&with_suffix(&path, suffix)).as_ref(), Some(&path));
            }
            assert_eq!(owner_of(&path), None);
        }
        assert_eq!(owner_of(&scratch.join("other-wal")), None);
        assert_eq!(owner_of(&scratch.join("-wal")), None);
    }

    #[test]
    fn a_journal_of_somebody_else_is_refused() {
        let (_scratch, path) = sample::closed();
        if files::user_id() != 0 {
            println!("skipped: only root can give files away");
            return;
        }
        let journal = with_suffix(&path, "-journal");
        files::write_private(&journal, b"").unwrap();
        std::os::unix::fs::chown(&journal, Some(12345), None).unwrap();
        for (way, open) in WAYS {
            let error = open(&path).err();
            let is_told = matches!(&error, Some(Error::File(FileFault::WrongOwner { .. })));
            assert!(is_told, "{way}: {error:?}");
        }
        // On a stick that somebody else wrote, the journal is theirs too.
        std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
        assert!(Store::open_copy(&path).is_ok());
    }
}

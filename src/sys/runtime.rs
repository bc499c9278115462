//! The directory in which the processes of one user find each other.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::files::{self, FileFault};

/// Finds the directory, and makes it if it is not there: in the user's runtime directory (the XDG base
/// directory specification), which `given` is, or else where systemd has it, or else in `/tmp`.
///
/// # Errors
/// It belongs to somebody else, or others may enter it.
pub(crate) fn directory(given: Option<&Path>) -> Result<PathBuf, FileFault> {
    let path = place(given);
    match DirBuilder::new().mode(0o700).create(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(FileFault::from_io(&path, error)),
    }
    check(&path)?;
    Ok(path)
}

/// Finds the directory, if it is there and private.
pub(crate) fn existing(given: Option<&Path>) -> Option<PathBuf> {
    let path = place(given);
    check(&path).is_ok().then_some(path)
}

fn place(given: Option<&Path>) -> PathBuf {
    let user = files::user_id();
    let run = PathBuf::from(format!("/run/user/{user}"));
    let given = given.filter(|path| path.is_absolute()).map(Path::to_owned);
    let mut bases = given.into_iter().chain([run]);
    let is_own = |base: &PathBuf| {
        fs::metadata(base).is_ok_and(|found| found.is_dir() && found.uid() == user)
    };
    match bases.find(is_own) {
        Some(base) => base.join("strongroom"),
        None => PathBuf::from(format!("/tmp/strongroom-{user}")),
    }
}

/// Requires a directory of this user, and no link, that nobody else may enter.
fn check(path: &Path) -> Result<(), FileFault> {
    let metadata = fs::symlink_metadata(path).map_err(|error| FileFault::from_io(path, error))?;
    if !metadata.is_dir() {
        return Err(FileFault::InTheWay(path.to_owned()));
    }
    if metadata.uid() != files::user_id() {
        return Err(FileFault::WrongOwner { path: path.to_owned(), uid: metadata.uid() });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(FileFault::TooOpen { path: path.to_owned(), mode });
    }
    Ok(())
}

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
    make(&path, files::user_id())?;
    Ok(path)
}

/// Finds the directory, if it is there and private.
pub(crate) fn existing(given: Option<&Path>) -> Option<PathBuf> {
    let path = place(given);
    check(&path, files::user_id()).is_ok().then_some(path)
}

fn place(given: Option<&Path>) -> PathBuf {
    let user = files::user_id();
    below(given, &PathBuf::from(format!("/run/user/{user}")), Path::new("/tmp"), user)
}

/// Chooses among the directory `given`, systemd's, and the one that is everybody's.
fn below(given: Option<&Path>, run: &Path, shared: &Path, user: u32) -> PathBuf {
    let mut bases = given.filter(|path| path.is_absolute()).into_iter().chain([run]);
    let is_ours =
        |base: &&Path| fs::metadata(base).is_ok_and(|base| base.is_dir() && base.uid() == user);
    match bases.find(is_ours) {
        Some(base) => base.join("strongroom"),
        None => shared.join(format!("strongroom-{user}")),
    }
}

fn make(path: &Path, user: u32) -> Result<(), FileFault> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(FileFault::from_io(path, error)),
    }
    check(path, user)
}

/// Whether this is a directory of this user, and no link, that nobody else may enter.
pub(crate) fn is_ours_alone(path: &Path) -> bool {
    check(path, files::user_id()).is_ok()
}

/// Requires a directory of this user, and no link, that nobody else may enter.
fn check(path: &Path, user: u32) -> Result<(), FileFault> {
    let metadata = fs::symlink_metadata(path).map_err(|error| FileFault::from_io(path, error))?;
    if !metadata.is_dir() {
        return Err(FileFault::InTheWay(path.to_owned()));
    }
    if metadata.uid() != user {
        return Err(FileFault::WrongOwner { path: path.to_owned(), uid: metadata.uid() });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(FileFault::TooOpen { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::sys::scratch::Scratch;

    #[test]
    fn the_first_directory_that_is_ours_is_taken() {
        let scratch = Scratch::new();
        let [given, run, shared] = ["given", "run", "shared"].map(|name| scratch.join(name));
        let (user, other) = (files::user_id(), files::user_id() + 1);
        let chosen = |given: Option<&Path>, user| below(given, &run, &shared, user);
        let in_shared = shared.join(format!("strongroom-{user}"));
        assert_eq!(chosen(Some(&given), user), in_shared, "neither is there");
        files::create_private_dir(&run).unwrap();
        assert_eq!(chosen(Some(&given), user), run.join("strongroom"));
        files::write_replacing(&given, b"").unwrap();
        assert_eq!(chosen(Some(&given), user), run.join("strongroom"), "it is a file");
        fs::remove_file(&given).unwrap();
        files::create_private_dir(&given).unwrap();
        assert_eq!(chosen(Some(&given), user), given.join("strongroom"));
        assert_eq!(chosen(None, user), run.join("strongroom"));
        assert_eq!(chosen(Some(Path::new(".")), user), run.join("strongroom"), "not absolute");
        let others = shared.join(format!("strongroom-{other}"));
        assert_eq!(chosen(Some(&given), other), others, "both are somebody else's");
    }

    #[test]
    fn the_directory_is_private_or_refused() {
        let scratch = Scratch::new();
        let user = files::user_id();
        let path = scratch.join("strongroom");
        for _ in 0..2 {
            make(&path, user).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        }
        let wrong = make(&path, user + 1).unwrap_err();
        assert!(matches!(wrong, FileFault::WrongOwner { uid, .. } if uid == user), "{wrong:?}");
        for mode in [0o710, 0o701, 0o750, 0o777, 0o1777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let wrong = make(&path, user).unwrap_err();
            assert!(
                matches!(wrong, FileFault::TooOpen { mode: found, .. } if found == mode),
                "{wrong:?}"
            );
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        let (link, file) = (scratch.join("link"), scratch.join("file"));
        symlink(&path, &link).unwrap();
        files::write_replacing(&file, b"").unwrap();
        for in_the_way in [&link, &file] {
            let wrong = make(in_the_way, user).unwrap_err();
            assert!(matches!(wrong, FileFault::InTheWay(_)), "{wrong:?}");
        }
        assert!(make(&scratch.join("none/strongroom"), user).is_err());
    }
}

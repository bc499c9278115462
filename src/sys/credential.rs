//! Files that hold a credential: who may read them besides us, and how they are read.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::files::{self, FileFault, user_id};
use super::{modes, streams};

/// Reads a file that holds a credential: a regular file of this user or root that nobody else may
/// read.
pub(crate) fn read_file(path: &Path, most: usize) -> Result<Vec<u8>, FileFault> {
    let file = files::open_regular(path)?;
    let metadata = file.metadata().map_err(|error| FileFault::from_io(path, error))?;
    check_reader(path, &metadata)?;
    files::read_at_most(file, path, most)
}

/// Reads a credential from where the user says: a pipe, a terminal or a device as it is, a regular
/// file under the rules of [`read_file`].
pub(crate) fn read(path: &Path, most: usize) -> Result<Vec<u8>, FileFault> {
    let file = match path.to_str().and_then(streams::named) {
        Some(number) => {
            let stream = streams::inherited(number);
            stream.map(File::from).map_err(|_closed| FileFault::Missing(path.to_owned()))?
        }
        None => File::open(path).map_err(|error| FileFault::from_io(path, error))?,
    };
    let metadata = file.metadata().map_err(|error| FileFault::from_io(path, error))?;
    if metadata.is_file() {
        check_reader(path, &metadata)?;
    }
    files::read_at_most(file, path, most)
}

/// Reads a credential from a stream that somebody opened for this process, whatever it is. `path` is
/// what a fault calls it.
pub(crate) fn read_stream(stream: OwnedFd, path: &Path, most: usize) -> Result<Vec<u8>, FileFault> {
    files::read_at_most(stream.into(), path, most)
}

/// Requires that nobody but its owner may read a credential, and that its owner is trusted.
fn check_reader(path: &Path, metadata: &fs::Metadata) -> Result<(), FileFault> {
    if metadata.uid() != user_id() && metadata.uid() != 0 {
        return Err(FileFault::WrongOwner { path: path.to_owned(), uid: metadata.uid() });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & modes::refused(too_open(metadata.uid() == user_id())) != 0 {
        return Err(FileFault::TooOpen { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Returns the bits of a mode that a credential must not have. In a file of root's, the group's
/// reading is how systemd hands a credential to a service: under an access list, 0440.
const fn too_open(is_ours: bool) -> u32 {
    if is_ours { 0o077 } else { 0o037 }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;
    use crate::sys::scratch::Scratch;

    fn kind(result: &Result<Vec<u8>, FileFault>) -> &'static str {
        result.as_ref().map_or_else(FileFault::name, |_| "ok")
    }

    /// What the two ways of reading say of a file, which must be the same.
    fn both(path: &Path) -> &'static str {
        let found = kind(&read_file(path, 5));
        assert_eq!(kind(&read(path, 5)), found);
        found
    }

    #[test]
    fn a_credential_is_read_where_nobody_else_can() {
        let scratch = Scratch::new();
        let file = scratch.join("key");
        files::write_private(&file, b"12345").unwrap();
        for (mode, expected) in [
            (0o600, "ok"),
            (0o400, "ok"),
            (0o640, "UnsafePermissions"),
            (0o620, "UnsafePermissions"),
            (0o604, "UnsafePermissions"),
            (0o644, "UnsafePermissions"),
        ] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(both(&file), expected, "{mode:o}");
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&file, 5).unwrap(), b"12345");
        assert_eq!(kind(&read(&file, 4)), "FileTooLarge");
        assert_eq!(kind(&read_file(&file, 4)), "FileTooLarge");
        symlink(&file, scratch.join("link")).unwrap();
        assert_eq!(both(&scratch.join("link")), "ok");
        assert_eq!(both(scratch.path()), "NotAFile");
        assert_eq!(both(&scratch.join("none")), "NoFile");
        // Only root can give a file away; for others the case cannot be made.
        if chown(&file, Some(12345), None).is_ok() {
            assert_eq!(both(&file), "UnsafePermissions");
        }
    }

    #[test]
    fn what_is_no_file_of_a_disk_has_no_mode_that_means_anything() {
        assert_eq!(read(Path::new("/dev/null"), 5).unwrap(), b"");
        assert_eq!(kind(&read(Path::new("/dev/zero"), 5)), "FileTooLarge");
        assert_eq!(kind(&read_file(Path::new("/dev/null"), 5)), "NotAFile");
        let scratch = Scratch::new();
        let pipe = scratch.join("pipe");
        let kind_of_file = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind_of_file, 0o700.into(), 0).unwrap();
        assert_eq!(kind(&read_file(&pipe, 5)), "NotAFile");
    }

    /// The file behind the path was opened anew, from its beginning.
    #[test]
    fn a_stream_is_read_from_where_it_is() {
        use std::io::{Seek, SeekFrom};
        use std::os::fd::AsRawFd;
        let scratch = Scratch::new();
        let path = scratch.join("key");
        files::write_private(&path, b"12345").unwrap();
        let mut file = File::open(&path).unwrap();
        file.seek(SeekFrom::Start(3)).unwrap();
        let named = format!("/dev/fd/{}", file.as_raw_fd());
        assert_eq!(read(Path::new(&named), 5).unwrap(), b"45");
        // Its mode counts all the same.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(kind(&read(Path::new(&named), 5)), "UnsafePermissions");
        assert_eq!(kind(&read(Path::new("/dev/fd/999999"), 5)), "NoFile");
    }

    #[test]
    fn the_group_may_read_what_root_hands_over() {
        for (mode, of_ours, of_root) in [
            (0o600, true, true),
            (0o440, false, true),
            (0o460, false, false),
            (0o444, false, false),
            (0o450, false, false),
        ] {
            assert_eq!(mode & too_open(true) == 0, of_ours, "{mode:o}");
            assert_eq!(mode & too_open(false) == 0, of_root, "{mode:o}");
        }
    }
}

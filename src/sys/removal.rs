//! Removing a directory with all that is in it, whatever its modes have become.
//!
//! Follows no link, and touches nothing that is not this user's: what is removed was open to programs
//! that may have left anything there, and is where others can put things of the same name.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags};

/// Removes a directory of this user's, as far as that is possible.
pub(crate) fn remove(root: &Path) {
    if let Ok(directory) = open_up(CWD, root) {
        open_up_beneath(&directory, DEEPEST);
        // The standard library follows no links here. What cannot be removed is in a directory that
        // nobody else may enter.
        drop(fs::remove_dir_all(root));
    }
}

fn open_up_beneath(directory: &File, depth: u32) {
    let Ok(entries) = Dir::read_from(directory) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let is_below = ![&b"."[..], b".."].contains(&name.to_bytes());
        let may_be = matches!(entry.file_type(), FileType::Directory | FileType::Unknown);
        if depth > 0
            && is_below
            && may_be
            && let Ok(below) = open_up(directory, name)
        {
            open_up_beneath(&below, depth.saturating_sub(1));
        }
    }
}

/// Opens a directory of this user's, and makes it one that its owner may change.
#[cfg(target_os = "linux")]
fn open_up(beneath: impl AsFd, name: impl rustix::path::Arg) -> io::Result<File> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let place = File::from(rustix::fs::openat(beneath, name, flags, Mode::empty())?);
    must_be_own(&place)?;
    // The very directory that was looked at, not what has its name by now.
    let itself = format!("/proc/self/fd/{}", place.as_raw_fd());
    fs::set_permissions(itself, Permissions::from_mode(0o700))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::openat(&place, ".", flags, Mode::empty())?))
}

/// Opens a directory of this user's, and makes it one that its owner may change.
#[cfg(not(target_os = "linux"))]
fn open_up(beneath: impl AsFd, name: impl rustix::path::Arg) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let place = File::from(rustix::fs::openat(beneath, name, flags, Mode::empty())?);
    must_be_own(&place)?;
    place.set_permissions(Permissions::from_mode(0o700))?;
    Ok(place)
}

fn must_be_own(place: &File) -> io::Result<()> {
    let is_own = rustix::fs::fstat(place)?.st_uid == super::files::user_id();
    if is_own { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

const DEEPEST: u32 = 64;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;
    use crate::sys::files;
    use crate::sys::scratch::Scratch;

    #[test]
    fn links_are_removed_and_not_followed() {
        let scratch = Scratch::new();
        for name in ["root/a/b", "victim/below"] {
            files::create_private_dir(&scratch.join(name)).unwrap();
        }
        let mode = |name: &str| fs::metadata(scratch.join(name)).unwrap().mode() & 0o777;
        for name in ["victim/below", "victim"] {
            fs::set_permissions(scratch.join(name), Permissions::from_mode(0o555)).unwrap();
        }
        symlink(scratch.join("victim"), scratch.join("root/a/link")).unwrap();
        symlink(scratch.join("victim"), scratch.join("link")).unwrap();
        for name in ["root/a/b", "root/a", "root"] {
            fs::set_permissions(scratch.join(name), Permissions::from_mode(0o0)).unwrap();
        }
        remove(&scratch.join("root"));
        remove(&scratch.join("link"));
        assert_eq!(scratch.names(), ["link", "victim"]);
        assert_eq!((mode("victim"), mode("victim/below")), (0o555, 0o555));
        fs::set_permissions(scratch.join("victim"), Permissions::from_mode(0o700)).unwrap();
    }
}

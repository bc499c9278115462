//! What makes a file usable that was refused, in words for the user.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::files::{self, FileFault};

impl FileFault {
    /// Returns what makes the file usable, where there is something: a command, if one can.
    pub(crate) fn remedy(&self) -> Option<String> {
        match self {
            Self::Damaged { remedy, .. } => Some((*remedy).to_owned()),
            Self::TooOpen { path, .. }
            | Self::OpenDirectory { path, .. }
            | Self::WrongOwner { path, .. }
                if are_unknown_at(path) =>
            {
                Some(UNKNOWN.to_owned())
            }
            Self::TooOpen { path, .. } if !can_be_changed(path) => Some(GIVEN.to_owned()),
            Self::TooOpen { path, .. } => Some(format!("chmod 600 {}", path.display())),
            Self::OpenDirectory { path, .. } => Some(format!("chmod go-w {}", path.display())),
            Self::WrongOwner { path, .. } => {
                Some(format!("as root: chown {} {}", files::user_id(), path.display()))
            }
            Self::InTheWay(path) => {
                Some(format!("find out what {} is, and move it away", path.display()))
            }
            Self::Exists(_)
            | Self::Missing(_)
            | Self::NoAccess(_)
            | Self::NoSpace(_)
            | Self::NotAFile(_)
            | Self::ReadOnly(_)
            | Self::TooLarge { .. }
            | Self::Io { .. } => None,
        }
    }
}

/// Whether we could change the mode of a file: it is ours, and not on a medium that can only be read.
fn can_be_changed(path: &Path) -> bool {
    let is_ours = fs::metadata(path).is_ok_and(|metadata| metadata.uid() == files::user_id());
    is_ours && !files::is_read_only_file_system(path)
}

/// Whether a file is where all files have the mode and the owner that the medium was mounted with.
#[cfg(target_os = "linux")]
fn are_unknown_at(path: &Path) -> bool {
    // A file that could not stay is gone again.
    let found =
        rustix::fs::statfs(path).or_else(|_gone| rustix::fs::statfs(files::parent_of(path)));
    let kind = found.map(|found| u64::from_ne_bytes(found.f_type.to_ne_bytes()));
    // The kernel's numbers are of 32 bits, and signed on some machines.
    kind.is_ok_and(|kind| is_modeless(kind & 0xffff_ffff))
}

/// Other systems do not tell.
#[cfg(not(target_os = "linux"))]
fn are_unknown_at(_path: &Path) -> bool {
    false
}

/// linux/magic.h and fs/ntfs3: FAT, exFAT, both drivers of NTFS.
fn is_modeless(kind: u64) -> bool {
    [0x4d44, 0x2011_bab0, 0x5346_544e, 0x7366_746e].contains(&kind)
}

/// What to do about a file on a medium without modes.
const UNKNOWN: &str = "this file system has no modes to change: mount it with \
     uid=YOURS,umask=077, or take the file although others may read it with --trust-file-modes";

/// What to do about a file that somebody else gave us.
pub(super) const GIVEN: &str = "whoever provides it can give it mode 0400 and your uid, or 0440 and \
     your group; --trust-file-modes takes it although others may read it";

#[cfg(test)]
mod tests {
    use super::*;

    /// The command was given as if anybody could take another user's file.
    #[test]
    fn only_root_gives_files_away() {
        let fault = FileFault::WrongOwner { path: "/vault".into(), uid: 12345 };
        let expected = format!("as root: chown {} /vault", files::user_id());
        assert_eq!(fault.remedy(), Some(expected));
    }

    #[test]
    fn media_without_modes_are_known() {
        assert!(is_modeless(0x4d44));
        assert!(!is_modeless(0xef53), "ext4");
        assert!(!are_unknown_at(Path::new("/")) && !are_unknown_at(Path::new("/nowhere")));
    }
}

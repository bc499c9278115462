//! What others may do with a file or a directory, for a person who can change that. Refuses nothing:
//! `files` does, of what is used.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::files::{self, FileFault};
use super::modes;

/// Whose eyes a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eyes {
    /// Only its owner's, who must be this user.
    Ours,
    /// Anybody's, if nobody but its owner may change it: this user, or root.
    All,
}

/// What others may do with it, the worst of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exposure {
    /// It is somebody else's.
    Foreign { path: PathBuf, uid: u32 },
    /// They may change it; or, of a directory, what is in it.
    Writable { path: PathBuf, mode: u32 },
    /// They may read it.
    Readable { path: PathBuf, mode: u32, is_directory: bool },
}

impl Exposure {
    /// Returns what ends it: a command, if one can.
    pub(crate) fn remedy(&self) -> Option<String> {
        let fault = match self.clone() {
            Self::Readable { path, is_directory: true, .. } => {
                return Some(format!("chmod 700 {}", path.display()));
            }
            Self::Readable { path, mode, is_directory: false } => FileFault::TooOpen { path, mode },
            Self::Writable { path, mode } => FileFault::OpenDirectory { path, mode },
            Self::Foreign { path, uid } => FileFault::WrongOwner { path, uid },
        };
        fault.remedy()
    }
}

/// Finds out what others may do with what is at a path, or with the directory that it is in.
///
/// # Errors
/// It cannot be looked at; [`io::ErrorKind::NotFound`] if nothing is there.
pub(crate) fn look(path: &Path, eyes: Eyes) -> io::Result<Option<Exposure>> {
    let path = path.canonicalize()?;
    let found = of_one(&path, eyes)?;
    // Whoever may change the directory may put something else in its place.
    let above = of_one(files::parent_of(&path), Eyes::All)?;
    Ok(match (found, above) {
        (Some(Exposure::Readable { .. }) | None, Some(above)) => Some(above),
        (found, _) => found,
    })
}

fn of_one(path: &Path, eyes: Eyes) -> io::Result<Option<Exposure>> {
    let metadata = fs::metadata(path)?;
    let (uid, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    let is_directory = metadata.is_dir();
    let path = path.to_owned();
    let is_known = uid == files::user_id() || uid == 0 && eyes == Eyes::All;
    // Where everybody may make files, nobody can replace those of others.
    let is_shared = is_directory && mode & 0o1000 != 0;
    Ok(if !is_known {
        Some(Exposure::Foreign { path, uid })
    } else if mode & 0o022 != 0 && !is_shared {
        Some(Exposure::Writable { path, mode })
    } else if eyes == Eyes::Ours && mode & modes::refused(0o077) != 0 {
        Some(Exposure::Readable { path, mode, is_directory })
    } else {
        None
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::sys::scratch::Scratch;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// What is found, in a word.
    fn word(path: &Path, eyes: Eyes) -> &'static str {
        match look(path, eyes).unwrap() {
            None => "nothing",
            Some(Exposure::Foreign { .. }) => "foreign",
            Some(Exposure::Writable { path, .. }) if path.is_dir() => "directory",
            Some(Exposure::Writable { .. }) => "writable",
            Some(Exposure::Readable { .. }) => "readable",
        }
    }

    #[test]
    fn what_others_may_do_with_a_file_is_found() {
        let scratch = Scratch::new();
        let file = scratch.join("file");
        files::create_private(&file).unwrap();
        for (mode, ours, of_all) in [
            (0o600, "nothing", "nothing"),
            (0o755, "readable", "nothing"),
            (0o604, "readable", "nothing"),
            (0o620, "writable", "writable"),
            (0o602, "writable", "writable"),
        ] {
            set_mode(&file, mode);
            assert_eq!(word(&file, Eyes::Ours), ours, "{mode:o}");
            assert_eq!(word(&file, Eyes::All), of_all, "{mode:o}");
        }
        set_mode(&file, 0o644);
        for (mode, expected) in
            [(0o755, "readable"), (0o775, "directory"), (0o777, "directory"), (0o1777, "readable")]
        {
            set_mode(scratch.path(), mode);
            assert_eq!(word(&file, Eyes::Ours), expected, "{mode:o}");
        }
        set_mode(scratch.path(), 0o700);
    }

    #[test]
    fn a_link_is_judged_by_where_it_leads() {
        let scratch = Scratch::new();
        let (file, link) = (scratch.join("file"), scratch.join("link"));
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let missing = look(&link, Eyes::Ours).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        files::create_private(&file).unwrap();
        assert_eq!(look(&link, Eyes::Ours).unwrap(), None);
        set_mode(&file, 0o640);
        let mode = 0o640;
        let advice = format!("chmod 600 {}", file.display());
        let found = Exposure::Readable { path: file, mode, is_directory: false };
        assert_eq!(look(&link, Eyes::Ours).unwrap().as_ref(), Some(&found));
        assert_eq!(found.remedy(), Some(advice));
    }
}

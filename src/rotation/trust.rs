//! Whether a program may be trusted not to be somebody else's: nobody but root and the user can
//! change it, nor any directory on the way to it.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::tree;
use crate::sys::files;
use crate::vault::rotation::Pin;

/// Why a path is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Distrust {
    path: PathBuf,
    why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    Unreadable(String),
    NotAbsolute,
    NotAFile,
    NotExecutable,
    SomebodyElses(u32),
    Writable(u32),
    SetId(u32),
}

/// Requires that a program is to be trusted: the file, and every directory that leads to it, by
/// the path given and by the path without links.
pub(crate) fn check(path: &Path) -> Result<(), Distrust> {
    let metadata = check_place(path)?;
    let distrust = |why| Err(Distrust { path: path.to_owned(), why });
    let mode = metadata.mode();
    if !metadata.is_file() {
        distrust(Why::NotAFile)
    } else if mode & 0o111 == 0 {
        distrust(Why::NotExecutable)
    } else if mode & 0o6000 != 0 {
        // It would run as somebody else, whom nobody here can stop.
        distrust(Why::SetId(mode & 0o7777))
    } else {
        Ok(())
    }
}

/// Requires that a command's program is to be trusted, and so is every file that its words or pins
/// name: an interpreter's script is worth as much as the interpreter. Of a directory that is pinned so
/// is all beneath it.
pub(crate) fn check_command(argv: &[String], pins: &[Pin]) -> Result<(), Distrust> {
    check(Path::new(argv.first().map(String::as_str).unwrap_or_default()))?;
    let words = argv.iter().map(Path::new).filter(|word| word.is_absolute() && word.is_file());
    let pinned = pins.iter().map(|pin| Path::new(&pin.path));
    words.chain(pinned).try_for_each(check_with_all_beneath)
}

fn check_with_all_beneath(path: &Path) -> Result<(), Distrust> {
    if !check_place(path)?.is_dir() {
        return Ok(());
    }
    let entries = tree::entries(path).map_err(|error| {
        let why = Why::Unreadable(error.to_string());
        Distrust { path: path.to_owned(), why }
    })?;
    entries.iter().try_for_each(|entry| check_step(&entry.path).map(drop))
}

/// Requires the same of a file or directory that is not itself run. Returns what it is.
pub(crate) fn check_place(path: &Path) -> Result<Metadata, Distrust> {
    let distrust = |why| Distrust { path: path.to_owned(), why };
    if !path.is_absolute() {
        return Err(distrust(Why::NotAbsolute));
    }
    let unreadable = |error: std::io::Error| distrust(Why::Unreadable(error.to_string()));
    // As the kernel goes: every directory on the way, those that links lead through included.
    let mut place = PathBuf::from("/");
    check_step(&place)?;
    let mut ahead = names(path);
    let mut links = 0_u32;
    while let Some(name) = ahead.pop() {
        if name == ".." {
            place.pop();
            continue;
        }
        place.push(&name);
        if check_step(&place)?.is_symlink() {
            links = links.saturating_add(1);
            if links > MAX_LINKS {
                return Err(distrust(Why::Unreadable("too many links".to_owned())));
            }
            let target = fs::read_link(&place).map_err(unreadable)?;
            place.pop();
            if target.is_absolute() {
                place = PathBuf::from("/");
            }
            ahead.extend(names(&target));
        }
    }
    fs::metadata(&place).map_err(unreadable)
}

/// Returns the names in a path, the last first.
fn names(path: &Path) -> Vec<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    });
    let mut names: Vec<OsString> = names.collect();
    names.reverse();
    names
}

/// Checks one component. A link's mode says nothing; what it leads to is checked in its place.
fn check_step(step: &Path) -> Result<Metadata, Distrust> {
    let distrust = |why| Err(Distrust { path: step.to_owned(), why });
    let metadata = match fs::symlink_metadata(step) {
        Ok(metadata) => metadata,
        Err(error) => return distrust(Why::Unreadable(error.to_string())),
    };
    if ![0, files::user_id()].contains(&metadata.uid()) {
        return distrust(Why::SomebodyElses(metadata.uid()));
    }
    let mode = metadata.mode() & 0o7777;
    // In a sticky directory only an entry's owner replaces it, and every entry's owner is checked.
    let is_sticky = metadata.is_dir() && mode & 0o1000 != 0;
    if !metadata.is_symlink() && mode & 0o022 != 0 && !is_sticky {
        return distrust(Why::Writable(mode));
    }
    Ok(metadata)
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.why {
            Why::Unreadable(what) => write!(f, "{path}: {what}"),
            Why::NotAbsolute => write!(f, "{path} is not an absolute path"),
            Why::NotAFile => write!(f, "{path} is not a regular file"),
            Why::NotExecutable => write!(f, "{path} is not executable"),
            Why::SomebodyElses(uid) => {
                write!(f, "{path} belongs to another user (uid {uid}), who could change it")
            }
            Why::Writable(mode) => write!(
                f,
                "{path} can be changed by others (mode {mode:04o}); `chmod go-w` ends that"
            ),
            Why::SetId(mode) => {
                write!(f, "{path} would run as another user or group (mode {mode:04o})")
            }
        }
    }
}

/// As Linux has it.
const MAX_LINKS: u32 = 40;

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::sys::scratch::Scratch;

    struct Ground(Scratch);

    impl Ground {
        fn new() -> Self {
            let ground = Self(Scratch::new());
            for directory in ["own", "open"] {
                files::create_private_dir(&ground.0.join(directory)).unwrap();
                files::write_private(&ground.0.join(&format!("{directory}/run")), b"").unwrap();
                ground.mode(&format!("{directory}/run"), 0o700);
            }
            ground.mode("open", 0o770);
            ground
        }

        fn mode(&self, name: &str, mode: u32) {
            fs::set_permissions(self.0.join(name), Permissions::from_mode(mode)).unwrap();
        }

        fn link(&self, from: &str, to: &str) {
            symlink(self.0.join(to), self.0.join(from)).unwrap();
        }

        fn why(&self, name: &str) -> Option<Why> {
            check(&self.0.join(name)).err().map(|distrust| distrust.why)
        }
    }

    #[test]
    fn only_root_and_the_user_may_reach_it() {
        let ground = Ground::new();
        assert_eq!(ground.why("own/run"), None);
        assert_eq!(ground.why("open/run"), Some(Why::Writable(0o770)));
        ground.link("good", "own/run");
        ground.link("bad", "open/run");
        ground.link("own/there", "own");
        assert_eq!(ground.why("good"), None);
        assert_eq!(ground.why("bad"), Some(Why::Writable(0o770)));
        assert_eq!(ground.why("own/there/run"), None);
        // The way to a link counts too, even when what it leads to is good.
        ground.link("open/link", "own/run");
        assert_eq!(ground.why("open/link"), Some(Why::Writable(0o770)));
        // And so does what is between two links.
        ground.link("through", "open/link");
        assert_eq!(ground.why("through"), Some(Why::Writable(0o770)));
        ground.link("own/back", "own/../open/../own");
        assert_eq!(ground.why("own/back/run"), Some(Why::Writable(0o770)));
        ground.link("round", "round");
        assert!(matches!(ground.why("round"), Some(Why::Unreadable(_))));
        ground.mode("open", 0o1777);
        assert_eq!(ground.why("open/link"), None, "a sticky directory");
        for path in ["/bin/sh", "/usr/bin/env"] {
            assert_eq!(check(Path::new(path)), Ok(()), "{path}");
        }
    }

    #[test]
    fn the_file_is_looked_at() {
        let ground = Ground::new();
        for (mode, expected) in [
            (0o755, None),
            (0o722, Some(Why::Writable(0o722))),
            (0o777, Some(Why::Writable(0o777))),
            (0o600, Some(Why::NotExecutable)),
            (0o4755, Some(Why::SetId(0o4755))),
            (0o2755, Some(Why::SetId(0o2755))),
        ] {
            ground.mode("own/run", mode);
            assert_eq!(ground.why("own/run"), expected, "{mode:o}");
        }
        assert_eq!(ground.why("own"), Some(Why::NotAFile));
        assert!(matches!(ground.why("own/none"), Some(Why::Unreadable(_))));
        assert_eq!(check(Path::new("bin/sh")).unwrap_err().why, Why::NotAbsolute);
    }

    #[test]
    fn names_may_hold_anything() {
        let ground = Ground::new();
        let name = "own/a b\né";
        fs::rename(ground.0.join("own/run"), ground.0.join(name)).unwrap();
        assert_eq!(ground.why(name), None);
    }
}

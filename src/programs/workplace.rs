//! The private directory of one run: the socket, and what the program may write. Gone afterwards.

use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::crypto::fingerprint;
use crate::sys::entropy::Entropy;
use crate::sys::lock::{self, Held};
use crate::sys::{files, removal};

/// A directory that only this user may enter. Removed when dropped.
pub(crate) struct Workplace {
    root: PathBuf,
    /// Says that somebody works here.
    _lock: Held,
}

impl Workplace {
    /// Makes one in the first of these directories where it can be made. Its name says what for.
    pub(crate) fn new(purpose: &str, bases: &[PathBuf], entropy: &dyn Entropy) -> io::Result<Self> {
        let mut random = [0; 8];
        entropy.fill(&mut random).map_err(io::Error::other)?;
        let beginning = beginning(purpose);
        let name = format!("{beginning}{}", fingerprint::hex(&random));
        let mut refusal = io::Error::from(io::ErrorKind::NotFound);
        for base in bases {
            sweep(base, &beginning);
            match Self::at(base.join(&name)) {
                Ok(workplace) => return Ok(workplace),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    fn at(root: PathBuf) -> io::Result<Self> {
        if root.join(SOCKET).as_os_str().len() > MAX_IN_ADDRESS {
            return Err(io::Error::other("the path is too long for a socket"));
        }
        let base = files::parent_of(&root);
        if !base.is_dir() {
            DirBuilder::new().mode(0o700).create(base)?;
        }
        // Fails if anything exists there already.
        DirBuilder::new().mode(0o700).create(&root)?;
        let lock = lock::take_directory(&root).map_err(io::Error::other)?;
        let lock = lock.ok_or(io::ErrorKind::ResourceBusy)?;
        let workplace = Self { root, _lock: lock };
        DirBuilder::new().mode(0o700).create(workplace.temporary())?;
        Ok(workplace)
    }

    /// Returns the path for the socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.root.join(SOCKET)
    }

    /// Returns where the program may write.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        removal::remove(&self.root);
    }
}

/// Removes what processes that were killed have left in these directories, of this purpose.
pub(crate) fn sweep_all(purpose: &str, bases: &[PathBuf]) {
    for base in bases {
        sweep(base, &beginning(purpose));
    }
}

fn beginning(purpose: &str) -> String {
    format!("strongroom-{purpose}-")
}

/// Removes what processes that were killed have left. Others of this user may be at work beside.
fn sweep(base: &Path, beginning: &str) {
    let entries = fs::read_dir(base).into_iter().flatten().filter_map(Result::ok);
    for entry in entries {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(beginning));
        let is_own = |found: Metadata| found.is_dir() && found.uid() == files::user_id();
        let is_left = is_ours && fs::symlink_metadata(entry.path()).is_ok_and(is_own);
        if is_left && matches!(lock::take_directory(&entry.path()), Ok(Some(_))) {
            removal::remove(&entry.path());
        }
    }
}

const SOCKET: &str = "s";
/// The least that systems allow for the address of a socket.
const MAX_IN_ADDRESS: usize = 103;

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::sys::entropy::{CountingEntropy, SystemEntropy};
    use crate::sys::scratch::Scratch;

    #[test]
    fn it_is_private_and_gone_afterwards() {
        let scratch = Scratch::new();
        let bases = [scratch.join(&"long".repeat(40)), scratch.join("run")];
        let workplace = Workplace::new("rotation", &bases, &SystemEntropy).unwrap();
        let temporary = workplace.temporary();
        assert_eq!(fs::metadata(&temporary).unwrap().mode() & 0o777, 0o700);
        assert!(workplace.socket().starts_with(scratch.join("run")));
        files::create_private_dir(&temporary.join("a/b")).unwrap();
        files::write_private(&temporary.join("a/b/c"), b"x").unwrap();
        for name in ["a/b", "a", ""] {
            fs::set_permissions(temporary.join(name), Permissions::from_mode(0o0)).unwrap();
        }
        drop(workplace);
        assert_eq!(fs::read_dir(scratch.join("run")).unwrap().count(), 0);
    }

    #[test]
    fn what_the_dead_left_is_removed_and_nothing_else() {
        let scratch = Scratch::new();
        let bases = [scratch.path().to_owned()];
        let left = scratch.join("strongroom-rotation-left/tmp");
        files::create_private_dir(&left).unwrap();
        files::create_private_dir(&scratch.join("other")).unwrap();
        let alive = Workplace::new("rotation", &bases, &SystemEntropy).unwrap();
        let second = Workplace::new("rotation", &bases, &SystemEntropy).unwrap();
        assert!(alive.temporary().exists() && !left.exists() && scratch.join("other").exists());
        drop((alive, second));
        assert_eq!(scratch.names(), ["other"]);
    }

    #[test]
    fn what_is_there_already_is_not_used() {
        let scratch = Scratch::new();
        let bases = [scratch.path().to_owned()];
        let first = Workplace::new("rotation", &bases, &CountingEntropy::default()).unwrap();
        assert!(Workplace::new("rotation", &bases, &CountingEntropy::default()).is_err());
        drop(first);
    }
}

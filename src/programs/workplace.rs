//! The private directory of one run: the socket, and what the program may write. Gone afterwards.

use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::crypto::fingerprint;
use crate::sys::entropy::Entropy;
use crate::sys::files::{self, FileFault};
use crate::sys::lock::{self, Held};
use crate::sys::{removal, runtime};

/// A directory that only this user may enter. Removed when dropped.
pub(crate) struct Workplace {
    root: PathBuf,
    /// What it is in, if that is for such directories alone.
    shelf: Option<PathBuf>,
    /// Says that somebody works here.
    _lock: Held,
}

impl Workplace {
    /// Makes one in the first of these directories where it can be made. Its name says what for.
    pub(crate) fn new(purpose: &str, bases: &[PathBuf], entropy: &dyn Entropy) -> io::Result<Self> {
        let bases: Vec<Base> = bases.iter().map(|base| Base::Any(base.clone())).collect();
        Self::in_first(purpose, &bases, entropy)
    }

    /// The same on a shelf, where [`sweep_shelves`] finds what was left without a look at everything
    /// else that is in these directories. Somebody else's shelf in our place is passed over.
    pub(crate) fn on_shelf(
        purpose: &str,
        bases: &[PathBuf],
        entropy: &dyn Entropy,
    ) -> io::Result<Self> {
        let both = |base: &PathBuf| [Base::Shelf(shelf(base)), Base::Any(base.clone())];
        let bases: Vec<Base> = bases.iter().flat_map(both).collect();
        Self::in_first(purpose, &bases, entropy)
    }

    fn in_first(purpose: &str, bases: &[Base], entropy: &dyn Entropy) -> io::Result<Self> {
        let beginning = beginning(purpose);
        let mut refusal = io::Error::from(io::ErrorKind::NotFound);
        for base in bases {
            base.sweep(std::slice::from_ref(&beginning));
            // Another process that sweeps may take one for left that is not locked yet.
            for _ in 0..TRIES {
                let mut random = [0; 8];
                entropy.fill(&mut random).map_err(io::Error::other)?;
                match Self::at(base, &format!("{beginning}{}", fingerprint::hex(&random))) {
                    Ok(workplace) => return Ok(workplace),
                    Err(error) => refusal = error,
                }
                if !SWEPT.contains(&refusal.kind()) {
                    break;
                }
            }
        }
        Err(refusal)
    }

    fn at(base: &Base, name: &str) -> io::Result<Self> {
        let root = base.path().join(name);
        if root.join(SOCKET).as_os_str().len() > MAX_IN_ADDRESS {
            return Err(io::Error::other("the path is too long for a socket"));
        }
        if !base.path().is_dir() {
            DirBuilder::new().mode(0o700).create(base.path())?;
        }
        // Fails if anything exists there already.
        DirBuilder::new().mode(0o700).create(&root)?;
        let lock = lock::take_directory(&root).map_err(|fault| {
            let is_gone = matches!(fault, FileFault::Missing(_));
            if is_gone { io::ErrorKind::NotFound.into() } else { io::Error::other(fault) }
        })?;
        let lock = lock.ok_or(io::ErrorKind::ResourceBusy)?;
        let workplace = Self { root, shelf: base.shelf().map(Path::to_owned), _lock: lock };
        // Now that there is something on it, a shelf stays whose it is.
        if base.shelf().is_some_and(|shelf| !runtime::is_ours_alone(shelf)) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
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
        if let Some(shelf) = &self.shelf {
            clear_away(shelf);
        }
    }
}

/// Where one is made.
enum Base {
    /// In a directory where anything may be.
    Any(PathBuf),
    /// In one that has such directories of this user's alone, and is there as long as one of them is.
    Shelf(PathBuf),
}

impl Base {
    fn path(&self) -> &Path {
        match self {
            Self::Any(path) | Self::Shelf(path) => path,
        }
    }

    fn shelf(&self) -> Option<&Path> {
        match self {
            Self::Any(_) => None,
            Self::Shelf(path) => Some(path),
        }
    }

    /// Removes what processes that were killed have left. Whether there was anything.
    fn sweep(&self, beginnings: &[String]) -> bool {
        match self {
            Self::Any(path) => sweep(path, beginnings),
            // As a rule there is none, and this is all that is looked at.
            Self::Shelf(path) if runtime::is_ours_alone(path) => {
                let has_removed = sweep(path, beginnings);
                clear_away(path);
                has_removed
            }
            Self::Shelf(_) => false,
        }
    }
}

/// Removes what processes that were killed have left on the shelves of these directories, of these
/// purposes. Whether there was anything.
pub(crate) fn sweep_shelves(purposes: &[&str], bases: &[PathBuf]) -> bool {
    let beginnings: Vec<String> = purposes.iter().map(|purpose| beginning(purpose)).collect();
    bases.iter().filter(|base| Base::Shelf(shelf(base)).sweep(&beginnings)).count() > 0
}

fn beginning(purpose: &str) -> String {
    format!("strongroom-{purpose}-")
}

fn shelf(base: &Path) -> PathBuf {
    base.join(format!("strongroom-files-{}", files::user_id()))
}

/// Removes a shelf that has nothing on it.
fn clear_away(shelf: &Path) {
    // It may have something.
    drop(fs::remove_dir(shelf));
}

/// Removes what processes that were killed have left. Others of this user may be at work beside.
fn sweep(base: &Path, beginnings: &[String]) -> bool {
    let mut has_removed = false;
    let entries = fs::read_dir(base).into_iter().flatten().filter_map(Result::ok);
    for entry in entries {
        let name = entry.file_name();
        let is_of = |name: &str| beginnings.iter().any(|beginning| name.starts_with(beginning));
        let is_own = |found: Metadata| found.is_dir() && found.uid() == files::user_id();
        let is_left = name.to_str().is_some_and(is_of)
            && fs::symlink_metadata(entry.path()).is_ok_and(is_own);
        if is_left && matches!(lock::take_directory(&entry.path()), Ok(Some(_))) {
            removal::remove(&entry.path());
            has_removed = true;
        }
    }
    has_removed
}

/// How often one is made where others sweep it away, and how that shows.
const TRIES: u32 = 50;
const SWEPT: [io::ErrorKind; 2] = [io::ErrorKind::ResourceBusy, io::ErrorKind::NotFound];
const SOCKET: &str = "s";
/// The least that systems allow for the address of a socket.
const MAX_IN_ADDRESS: usize = 103;

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicBool, Ordering};

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
    fn a_shelf_is_swept_and_goes_with_the_last_on_it() {
        let scratch = Scratch::new();
        let bases = [scratch.path().to_owned()];
        assert!(!sweep_shelves(&["run"], &bases));
        let alive = Workplace::on_shelf("run", &bases, &SystemEntropy).unwrap();
        let shelf = shelf(scratch.path());
        assert!(alive.temporary().starts_with(&shelf));
        let left = shelf.join("strongroom-run-left/tmp");
        files::create_private_dir(&left).unwrap();
        files::create_private_dir(&scratch.join("strongroom-run-beside")).unwrap();
        assert!(!sweep_shelves(&["edit"], &bases) && left.exists());
        assert!(sweep_shelves(&["edit", "run"], &bases));
        assert!(!left.exists() && alive.temporary().exists());
        drop(alive);
        assert_eq!(scratch.names(), ["strongroom-run-beside"]);
        // The last one was killed.
        files::create_private_dir(&left).unwrap();
        assert!(sweep_shelves(&["run"], &bases));
        assert_eq!(scratch.names(), ["strongroom-run-beside"]);
    }

    #[test]
    fn a_shelf_that_others_may_enter_is_passed_over() {
        let scratch = Scratch::new();
        let bases = [scratch.path().to_owned()];
        let shelf = shelf(scratch.path());
        files::create_private_dir(&shelf.join("strongroom-run-theirs")).unwrap();
        fs::set_permissions(&shelf, Permissions::from_mode(0o777)).unwrap();
        assert!(!sweep_shelves(&["run"], &bases));
        let workplace = Workplace::on_shelf("run", &bases, &SystemEntropy).unwrap();
        assert_eq!(workplace.temporary().parent().unwrap().parent(), Some(scratch.path()));
        assert_eq!(fs::read_dir(&shelf).unwrap().count(), 1);
    }

    /// What somebody else's sweep took away before it was locked was an error.
    #[test]
    fn they_are_made_while_others_sweep() {
        let scratch = Scratch::new();
        let bases = [scratch.path().to_owned()];
        let is_over = AtomicBool::new(false);
        let make = |_| Workplace::on_shelf("run", &bases, &SystemEntropy).map(drop);
        let make_many = || (0..300).map(make).filter_map(Result::err).collect::<Vec<_>>();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    sweep_shelves(&["run"], &bases);
                }
            });
            let makers = [(); 3].map(|()| scope.spawn(make_many));
            let failed: Vec<io::Error> =
                makers.into_iter().flat_map(|maker| maker.join().unwrap()).collect();
            is_over.store(true, Ordering::Relaxed);
            assert!(failed.is_empty(), "{failed:?}");
        });
        assert!(scratch.names().is_empty(), "{:?}", scratch.names());
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

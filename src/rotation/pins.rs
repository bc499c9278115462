//! Fingerprints of the files and directories that a command names, so that what runs later is what
//! was approved.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::system;
use super::tree::{self, EntryKind};
use crate::crypto::fingerprint;
use crate::vault::rotation::{Command, Pin, Pinning};

/// Why a command's files are not what they were.
#[derive(Debug)]
pub(crate) enum Mismatch {
    /// A file has another content than the one that was approved.
    Changed { path: String, pinned: [u8; 32], found: [u8; 32] },
    /// A file was not there when the command was approved.
    New(String),
    /// A file changed while it was looked at.
    Unsteady(String),
    /// A file cannot be read.
    Unreadable(String, io::Error),
}

/// Computes the pins of a command.
///
/// Pinned is every word that is the absolute path of a file, the interpreter's script as well as the
/// program itself; but not what comes with the system, which its updates change. `Paths` are pinned
/// besides: files, and directories with all that is beneath them.
pub(crate) fn compute(argv: &[String], pinning: &Pinning) -> Result<Vec<Pin>, Mismatch> {
    let more = match pinning {
        Pinning::None => return Ok(Vec::new()),
        Pinning::Paths(paths) => &**paths,
        Pinning::Auto => &[],
    };
    let paths = argv.iter().filter(|word| is_users(Path::new(word))).chain(more);
    let mut pins: Vec<Pin> = Vec::new();
    for path in paths {
        if !pins.iter().any(|pin| pin.path == *path) {
            let sha256 = read(path, &mut Vec::new())?;
            pins.push(Pin { path: path.clone(), sha256 });
        }
    }
    Ok(pins)
}

/// Requires that every word that is now the path of a file to be pinned has a pin: what was not
/// there when the command was approved was not approved.
pub(super) fn must_be_complete(command: &Command) -> Result<(), Mismatch> {
    let is_pinned = |word: &str| command.pins.iter().any(|pin| pin.path == word);
    let is_new = |word: &&String| is_users(Path::new(word)) && !is_pinned(word);
    match command.argv.iter().find(is_new) {
        Some(word) if command.pinning != Pinning::None => Err(Mismatch::New(word.clone())),
        Some(_) | None => Ok(()),
    }
}

/// What was found to be what it should be.
pub(super) struct Verified(Vec<Seen>);

/// A file, directory or link as it was when it was read.
struct Seen {
    path: PathBuf,
    identity: Identity,
    look: Look,
}

/// How something is looked at.
#[derive(Clone, Copy)]
enum Look {
    /// At what links lead to: the command names it that way.
    Through,
    /// At itself: it was found in a directory.
    Itself,
}

/// Reads all that is pinned again.
pub(super) fn verify(pins: &[Pin]) -> Result<Verified, Mismatch> {
    let mut seen = Vec::new();
    for pin in pins {
        let found = read(&pin.path, &mut seen)?;
        if found != pin.sha256 {
            let (path, pinned) = (pin.path.clone(), pin.sha256);
            return Err(Mismatch::Changed { path, pinned, found });
        }
    }
    Ok(Verified(seen))
}

impl Verified {
    /// Requires that the files are still the very ones that were read.
    pub(super) fn still(&self) -> Result<(), Mismatch> {
        for Seen { path, identity, look } in &self.0 {
            let now = match look {
                Look::Through => fs::metadata(path),
                Look::Itself => fs::symlink_metadata(path),
            };
            let name = || path.display().to_string();
            let now = now.map_err(|error| Mismatch::Unreadable(name(), error))?;
            if Identity::of(&now) != *identity {
                return Err(Mismatch::Unsteady(name()));
            }
        }
        Ok(())
    }
}

/// What tells a file from another, and from itself after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    place: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            place: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Returns the digest of a file or directory, and notes what was looked at for it.
fn read(path: &str, seen: &mut Vec<Seen>) -> Result<[u8; 32], Mismatch> {
    let unreadable = |error| Mismatch::Unreadable(path.to_owned(), error);
    let root = Path::new(path);
    let metadata = fs::metadata(root).map_err(unreadable)?;
    if !metadata.is_dir() {
        return read_file(root, seen, Look::Through);
    }
    let identity = Identity::of(&metadata);
    seen.push(Seen { path: root.to_owned(), identity, look: Look::Through });
    let mut digest = TREE.to_vec();
    for entry in tree::entries(root).map_err(unreadable)? {
        let (kind, sha256) = match entry.kind {
            EntryKind::Directory => (0, [0; 32]),
            EntryKind::File => (1, read_file(&entry.path, seen, Look::Itself)?),
            EntryKind::Link => {
                let target = fs::read_link(&entry.path).map_err(unreadable)?;
                let target = fingerprint::of(target.as_os_str().as_bytes());
                (2, target.map_err(unreadable)?.0)
            }
        };
        if entry.kind != EntryKind::File {
            let identity = Identity::of(&entry.metadata);
            seen.push(Seen { path: entry.path, identity, look: Look::Itself });
        }
        let length = u32::try_from(entry.name.len()).unwrap_or(u32::MAX);
        digest.push(kind);
        digest.extend(length.to_be_bytes());
        digest.extend(entry.name);
        digest.extend(sha256);
    }
    Ok(fingerprint::of(&*digest).map_err(unreadable)?.0)
}

fn read_file(path: &Path, seen: &mut Vec<Seen>, look: Look) -> Result<[u8; 32], Mismatch> {
    let unreadable = |error| Mismatch::Unreadable(path.display().to_string(), error);
    let file = File::open(path).map_err(unreadable)?;
    let before = file.metadata().map_err(unreadable)?;
    if !before.is_file() {
        return Err(unreadable(io::Error::other("not a regular file")));
    }
    let (hash, _) = fingerprint::of(&file).map_err(unreadable)?;
    let identity = Identity::of(&file.metadata().map_err(unreadable)?);
    if identity != Identity::of(&before) {
        return Err(Mismatch::Unsteady(path.display().to_string()));
    }
    seen.push(Seen { path: path.to_owned(), identity, look });
    Ok(hash)
}

/// Whether a word is the path of a file that does not come with the system.
fn is_users(path: &Path) -> bool {
    let is_file = path.is_absolute() && path.is_file();
    is_file && !system::brings(&path.canonicalize().unwrap_or_else(|_gone| path.to_owned()))
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { path, pinned, found } => {
                let (found, pinned) = (fingerprint::hex(found), fingerprint::hex(pinned));
                if Path::new(path).is_dir() {
                    write!(f, "what is beneath {path} is not what was approved: ")?;
                } else {
                    write!(f, "{path} is not the file that was approved: ")?;
                }
                write!(f, "its SHA-256 is {found}, not {pinned}")
            }
            Self::New(path) => write!(f, "{path} was not there when this was approved"),
            Self::Unsteady(path) => write!(f, "{path} changed while it was looked at"),
            Self::Unreadable(path, error) => write!(f, "{path}: {error}"),
        }
    }
}

/// What begins what the digest of a directory is made of.
const TREE: &[u8] = b"strongroom rotation tree\0";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::sys::files;
    use crate::sys::scratch::Scratch;

    fn write(scratch: &Scratch, name: &str, text: &str) -> String {
        let path = scratch.join(name);
        drop(fs::remove_file(&path));
        files::write_private(&path, text.as_bytes()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A module that was planted beside a handler ran, as only the handler was pinned.
    #[test]
    fn a_directory_is_pinned_with_all_beneath_it() {
        let scratch = Scratch::new();
        files::create_private_dir(&scratch.join("tree/sub")).unwrap();
        write(&scratch, "tree/handler.py", "one");
        write(&scratch, "tree/sub/module.py", "two");
        symlink("../handler.py", scratch.join("tree/sub/link")).unwrap();
        symlink("/usr", scratch.join("tree/system")).unwrap();
        let root = scratch.join("tree").to_str().unwrap().to_owned();
        let pin = || compute(&[], &Pinning::Paths(vec![root.clone()])).unwrap();
        let pins = pin();
        let sha = |text: &[u8]| fingerprint::of(text).unwrap().0;
        let entry = |kind: u8, name: &str, sha256: [u8; 32]| {
            let length = u32::try_from(name.len()).unwrap().to_be_bytes();
            [&[kind][..], &length, name.as_bytes(), &sha256].concat()
        };
        let tree = [
            b"strongroom rotation tree\0".to_vec(),
            entry(1, "handler.py", sha(b"one")),
            entry(0, "sub", [0; 32]),
            entry(2, "sub/link", sha(b"../handler.py")),
            entry(1, "sub/module.py", sha(b"two")),
            entry(2, "system", sha(b"/usr")),
        ];
        assert_eq!(pins[0].sha256, sha(&tree.concat()));
        let verified = verify(&pins).unwrap();
        verified.still().unwrap();

        let changes: [&dyn Fn(); 5] = [
            &|| drop(write(&scratch, "tree/sub/module.py", "2wo")),
            &|| drop(write(&scratch, "tree/sub/planted.pyc", "")),
            &|| files::create_private_dir(&scratch.join("tree/__pycache__")).unwrap(),
            &|| fs::rename(scratch.join("tree/sub"), scratch.join("tree/bus")).unwrap(),
            &|| {
                fs::remove_file(scratch.join("tree/bus/link")).unwrap();
                symlink("module.py", scratch.join("tree/bus/link")).unwrap();
            },
        ];
        let mut before = pins;
        for (number, change) in changes.iter().enumerate() {
            let verified = verify(&before).unwrap();
            change();
            assert!(verified.still().is_err(), "{number}");
            let told = verify(&before).err().unwrap().to_string();
            assert!(told.starts_with(&format!("what is beneath {root} is not")), "{told}");
            before = pin();
        }
    }

    #[test]
    fn what_leads_out_of_a_pinned_directory_is_refused() {
        let scratch = Scratch::new();
        files::create_private_dir(&scratch.join("tree")).unwrap();
        let root = scratch.join("tree").to_str().unwrap().to_owned();
        let refusal = || {
            let pins = compute(&[], &Pinning::Paths(vec![root.clone()]));
            pins.err().map(|mismatch| mismatch.to_string()).unwrap_or_default()
        };
        assert_eq!(refusal(), "");
        write(&scratch, "outside", "x");
        let link = scratch.join("tree/link");
        for (target, what) in [
            ("../outside", "leads to what is not pinned"),
            ("../nowhere", "leads nowhere"),
            ("/proc/self/fd", "leads to what is not pinned"),
        ] {
            symlink(target, &link).unwrap();
            assert!(refusal().contains(what), "{target}: {}", refusal());
            fs::remove_file(&link).unwrap();
        }
        drop(std::os::unix::net::UnixListener::bind(&link).unwrap());
        assert!(refusal().contains("neither a file nor a directory"), "{}", refusal());
    }

    #[test]
    fn every_file_of_the_users_is_pinned() {
        let scratch = Scratch::new();
        let script = write(&scratch, "script", "one");
        let module = write(&scratch, "module", "two");
        let argv = [String::from("/bin/sh"), script.clone(), "-x".to_owned(), script.clone()];
        let paths = |pinning: &Pinning| -> Vec<String> {
            compute(&argv, pinning).unwrap().into_iter().map(|pin| pin.path).collect()
        };
        assert_eq!(paths(&Pinning::Auto), std::slice::from_ref(&script));
        assert_eq!(paths(&Pinning::None), Vec::<String>::new());
        assert_eq!(paths(&Pinning::Paths(vec![module.clone()])), [script.clone(), module]);
        let none = Pinning::Paths(vec![scratch.join("none").to_str().unwrap().to_owned()]);
        assert!(matches!(compute(&argv, &none), Err(Mismatch::Unreadable(..))));
        let pins = compute(std::slice::from_ref(&script), &Pinning::Auto).unwrap();
        let verified = verify(&pins).unwrap();
        verified.still().unwrap();
        write(&scratch, "script", "one");
        assert!(matches!(verified.still(), Err(Mismatch::Unsteady(_))), "another file");
        verify(&pins).unwrap().still().unwrap();
        write(&scratch, "script", "0ne");
        let told = verify(&pins).err().unwrap().to_string();
        for hash in [
            "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
            fingerprint::hex(&fingerprint::of(&b"0ne"[..]).unwrap().0).as_str(),
        ] {
            assert!(told.contains(hash), "{told}");
        }
    }
}

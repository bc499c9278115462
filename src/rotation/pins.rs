//! Fingerprints of the files that a command names, so that what runs later is what was approved.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::crypto::fingerprint;
use crate::sys::files;
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
/// besides.
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
            let (sha256, _) = read(path)?;
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

/// Files that were found to be what they should be.
pub(super) struct Verified(Vec<(String, Identity)>);

/// Reads all pinned files again.
pub(super) fn verify(pins: &[Pin]) -> Result<Verified, Mismatch> {
    let mut verified = Vec::new();
    for pin in pins {
        let (found, identity) = read(&pin.path)?;
        if found != pin.sha256 {
            let (path, pinned) = (pin.path.clone(), pin.sha256);
            return Err(Mismatch::Changed { path, pinned, found });
        }
        verified.push((pin.path.clone(), identity));
    }
    Ok(Verified(verified))
}

impl Verified {
    /// Requires that the files are still the very ones that were read.
    pub(super) fn still(&self) -> Result<(), Mismatch> {
        for (path, identity) in &self.0 {
            let now =
                fs::metadata(path).map_err(|error| Mismatch::Unreadable(path.clone(), error))?;
            if Identity::of(&now) != *identity {
                return Err(Mismatch::Unsteady(path.clone()));
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

fn read(path: &str) -> Result<([u8; 32], Identity), Mismatch> {
    let unreadable = |error| Mismatch::Unreadable(path.to_owned(), error);
    let file = File::open(path).map_err(unreadable)?;
    let before = file.metadata().map_err(unreadable)?;
    if !before.is_file() {
        return Err(unreadable(io::Error::other("not a regular file")));
    }
    let (hash, _) = fingerprint::of(&file).map_err(unreadable)?;
    let after = Identity::of(&file.metadata().map_err(unreadable)?);
    if after == Identity::of(&before) {
        Ok((hash, after))
    } else {
        Err(Mismatch::Unsteady(path.to_owned()))
    }
}

/// Whether a word is the path of a file that does not come with the system.
fn is_users(path: &Path) -> bool {
    if !path.is_absolute() {
        return false;
    }
    let Ok(metadata) = fs::metadata(path) else { return false };
    let resolved: PathBuf = path.canonicalize().unwrap_or_else(|_gone| path.to_owned());
    // For root all files are its own; what its system brings stands in these places.
    let is_systems = metadata.uid() == 0
        && (files::user_id() != 0 || SYSTEM.iter().any(|place| resolved.starts_with(place)));
    metadata.is_file() && !is_systems
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { path, pinned, found } => write!(
                f,
                "{path} is not the file that was approved: its SHA-256 is {}, not {}",
                fingerprint::hex(found),
                fingerprint::hex(pinned)
            ),
            Self::New(path) => write!(f, "{path} was not there when this was approved"),
            Self::Unsteady(path) => write!(f, "{path} changed while it was looked at"),
            Self::Unreadable(path, error) => write!(f, "{path}: {error}"),
        }
    }
}

const SYSTEM: [&str; 6] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/nix"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch::Scratch;

    fn write(scratch: &Scratch, name: &str, text: &str) -> String {
        let path = scratch.join(name);
        drop(fs::remove_file(&path));
        files::write_private(&path, text.as_bytes()).unwrap();
        path.to_str().unwrap().to_owned()
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

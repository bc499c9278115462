//! What a rotation program may reach of files and processes: what it is made of, what it was
//! granted by name, and a directory of its own. Who sees to it is `programs::confine`.

use std::fs::{self, DirEntry, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::machine::Machine;
use crate::crypto::keyfile;
use crate::programs::confine::{self, Freedom};
use crate::vault::rotation::Command;

/// Lists what a command may do besides what every program may.
///
/// It reads the files and directories that its words and pins name, and what lies beside those
/// files; but not the surroundings of anything private, nor of any keyfile: whichever vault and
/// slot that is for, it has the power of the whole vault.
pub(crate) fn freedoms(command: &Command, machine: &Machine) -> Vec<Freedom> {
    let mut freedoms: Vec<Freedom> =
        command.grants.iter().filter_map(|grant| Freedom::parse(grant)).collect();
    let private = machine.private.iter().cloned().chain(machine.workplaces());
    let private: Vec<PathBuf> = private.map(|path| resolved(&path)).collect();
    let is_private = |directory: &Path| private.iter().any(|place| place.starts_with(directory));
    let mut read = |path: PathBuf| {
        let freedom = Freedom::Read(path);
        if !freedoms.contains(&freedom) {
            freedoms.push(freedom);
        }
    };
    let named = command.argv.iter().chain(command.pins.iter().map(|pin| &pin.path));
    for path in named.map(Path::new).filter(|path| path.is_absolute() && path.exists()) {
        let resolved = resolved(path);
        if resolved.is_file() {
            read(path.to_owned());
        }
        let beside = [path.parent(), resolved.parent()].into_iter().flatten();
        let itself = Some(path).filter(|_| resolved.is_dir());
        let directories = itself.into_iter().chain(beside.filter(|_| resolved.is_file()));
        let wanted = directories.filter(|path| !confine::is_systems(path));
        let wanted = wanted.filter(|path| {
            let resolved = self::resolved(path);
            !is_private(&resolved) && !may_hold_keyfile(&resolved, MAX_LOOKED_AT)
        });
        wanted.for_each(|path| read(path.to_owned()));
    }
    machine.program.iter().filter(|program| program.exists()).cloned().for_each(read);
    freedoms
}

/// Lists the directories which a program may read and of which no pin says how they were: what it
/// loads from there may be another thing tomorrow.
pub(crate) fn unpinned(command: &Command, freedoms: &[Freedom]) -> Vec<PathBuf> {
    let pinned: Vec<PathBuf> =
        command.pins.iter().map(|pin| resolved(Path::new(&pin.path))).collect();
    let read = freedoms.iter().filter_map(Freedom::path);
    let directories = read.map(|(path, _)| path).filter(|path| path.is_dir());
    let is_pinned = |path: &&Path| pinned.iter().any(|pin| resolved(path).starts_with(pin));
    directories.filter(|path| !is_pinned(path)).map(Path::to_owned).collect()
}

/// Whether a directory has a keyfile somewhere, or so much else that nobody looked at all of it.
fn may_hold_keyfile(directory: &Path, most: usize) -> bool {
    let mut ahead = vec![directory.to_owned()];
    let mut looked_at = 0_usize;
    while let Some(directory) = ahead.pop() {
        // What this process cannot list, the program cannot either.
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            looked_at = looked_at.saturating_add(1);
            if looked_at > most {
                return true;
            }
            let Ok(kind) = entry.file_type() else { continue };
            // A link leads nowhere that is not allowed by itself.
            if kind.is_dir() {
                ahead.push(entry.path());
            } else if kind.is_file() && is_keyfile(&entry) {
                return true;
            }
        }
    }
    false
}

fn is_keyfile(entry: &DirEntry) -> bool {
    if entry.metadata().is_ok_and(|metadata| metadata.len() > MAX_IN_KEYFILE) {
        return false;
    }
    let mut beginning = [0; keyfile::PREFIX.len()];
    let read = File::open(entry.path()).and_then(|mut file| file.read_exact(&mut beginning));
    read.is_ok() && beginning == *keyfile::PREFIX.as_bytes()
}

/// More than there is in any.
const MAX_IN_KEYFILE: u64 = 1024;

/// More than an environment of Python with its libraries has, as a rule.
const MAX_LOOKED_AT: usize = 20_000;

/// Whether somebody meant to grant something that there is.
pub(super) fn check_grant(grant: &str) -> Result<(), String> {
    if Freedom::parse(grant).is_some() {
        return Ok(());
    }
    let known = Freedom::NAMES.join(", ");
    Err(format!("there is no grant {grant:?}; there is: {known}, with absolute paths"))
}

fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_missing| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::crypto::keyfile::Keyfile;
    use crate::sys::entropy::CountingEntropy;
    use crate::sys::files;
    use crate::sys::scratch::Scratch;
    use crate::vault::rotation::Protocol;

    #[test]
    fn programs_see_their_own_directory_and_no_private_one() {
        let scratch = Scratch::new();
        let at = |name: &str| scratch.join(name).canonicalize().unwrap();
        for name in ["home/bin", "home/lib/deep", "home/conf"] {
            files::create_private_dir(&scratch.join(name)).unwrap();
        }
        for name in ["home/run", "home/bin/run", "home/lib/deep/vault", "home/lib/run", "own"] {
            files::write_private(&scratch.join(name), b"x").unwrap();
        }
        let machine = Machine {
            variables: BTreeMap::new(),
            state: scratch.join("state"),
            program: Some(at("own")),
            private: vec![at("home"), at("home/lib/deep/vault")],
        };
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let reads = |argv: &[&str]| {
            let argv = argv.iter().map(|word| word.replace('@', &text(scratch.path()))).collect();
            let found = freedoms(&Command::new(argv, Protocol::Lambda), &machine).into_iter();
            let found = found.map(|freedom| {
                let (path, _) = freedom.path().unwrap();
                text(path.strip_prefix(at("")).unwrap_or(path))
            });
            found.collect::<Vec<_>>()
        };
        for (argv, expected) in [
            (&["@/home/bin/run"][..], &["home/bin/run", "home/bin", "own"][..]),
            (&["@/home/run"], &["home/run", "own"]),
            (&["@/home/lib/run", "@/home/lib"], &["home/lib/run", "own"]),
            (
                &["/bin/sh", "@/home/bin/run", "@/home", "@/none", "x"],
                &["/bin/sh", "home/bin/run", "home/bin", "own"],
            ),
            (&["/bin/sh", "@/home/conf"], &["/bin/sh", "home/conf", "own"]),
        ] {
            assert_eq!(reads(argv), expected, "{argv:?}");
        }

        // A keyfile lay beside, and was left out only where it was the one that unlocked the vault.
        let keyfile = Keyfile::generate(&CountingEntropy::default()).unwrap().to_text();
        files::create_private_dir(&scratch.join("home/conf/deep")).unwrap();
        let key = scratch.join("home/conf/deep/key");
        files::write_private(&key, keyfile.expose().as_bytes()).unwrap();
        files::write_private(&scratch.join("home/conf/run"), b"x").unwrap();
        assert_eq!(reads(&["/bin/sh", "@/home/conf"]), ["/bin/sh", "own"]);
        assert_eq!(reads(&["@/home/conf/run"]), ["home/conf/run", "own"]);
        fs::remove_file(&key).unwrap();
        assert_eq!(reads(&["@/home/conf/run"]), ["home/conf/run", "home/conf", "own"]);
    }

    #[test]
    fn what_is_too_large_to_look_through_is_left_out() {
        let scratch = Scratch::new();
        for name in ["a", "b", "c"] {
            files::write_private(&scratch.join(name), b"x").unwrap();
        }
        assert!(!may_hold_keyfile(scratch.path(), 3));
        assert!(may_hold_keyfile(scratch.path(), 2));
    }
}

//! A password store: a directory with a `.gpg-id`, in which each secret is a file that `gpg` decrypts.
//! What it decrypts is never in a file.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::failure::Failure;
use super::super::terminal;
use super::super::unlock::CommandContext;
use super::found::{Found, MAX_BYTES};
use crate::model::order;
use crate::programs::gpg;
use crate::sys::files::FileFault;
use crate::sys::process;
use crate::sys::secret::Secret;
use crate::transfer::item::Origin;
use crate::transfer::reading::{Outcome, Remark, Source};

/// What a password store has in its top directory.
const SIGN: &str = ".gpg-id";
/// How deep directories are looked into.
const MAX_DEPTH: usize = 64;

/// Reads a store.
pub(super) fn read(root: &Path, context: &CommandContext<'_>) -> Result<Found, Failure> {
    if !root.join(SIGN).is_file() {
        let message = format!(
            "{} is a directory without a {SIGN}, so it is no password store",
            root.display()
        );
        return Err(Failure::environment("UnknownFormat", message)
            .hinted("name the file that the other program exported"));
    }
    let root = root.canonicalize().map_err(|error| FileFault::from_io(root, error))?;
    let mut walk = Walk { root: &root, files: Vec::new(), remarks: Vec::new() };
    walk.directory(&root, 0)?;
    let Walk { files, mut remarks, .. } = walk;
    let environment = environment(context);
    // What asks for a passphrase has the terminal for itself.
    terminal::end_silence();
    let (mut contents, mut left) = (Vec::new(), MAX_BYTES);
    let total = files.len();
    for (done, (name, path)) in files.into_iter().enumerate() {
        if terminal::is_watched() {
            terminal::update(&format!("decrypting: {done} of {total}"));
        }
        match gpg::decrypt(&path, &environment, left) {
            Ok(bytes) => {
                left = left.saturating_sub(bytes.expose().len());
                contents.push((name, bytes));
            }
            Err(error) => {
                terminal::finish();
                let Some(remark) = of_failure(&name, error, &contents)? else { continue };
                remarks.push(remark);
            }
        }
    }
    terminal::finish();
    Ok(Found { source: Source::Tree(contents), remarks, file: None })
}

/// Says that a file could not be decrypted. If that is the first of all, nothing else will be: somebody
/// changed his mind, or has no key.
fn of_failure(
    name: &str,
    error: gpg::Error,
    contents: &[(String, Secret<Vec<u8>>)],
) -> Result<Option<Remark>, Failure> {
    let said = match error {
        gpg::Error::Missing => {
            return Err(Failure::environment(
                "NoProgram",
                "gpg, which decrypts the store, is missing",
            )
            .hinted("install the package gnupg"));
        }
        gpg::Error::TooLong => {
            let path = PathBuf::from(name);
            return Err(FileFault::TooLarge { path, most: MAX_BYTES }.into());
        }
        gpg::Error::Failed(said) => said,
    };
    if contents.is_empty() {
        let message = format!("gpg could not decrypt {name}: {said}");
        return Err(Failure::environment("NoDecryption", message)
            .hinted(format!("try it by hand: gpg --decrypt {name}")));
    }
    Ok(Some(left_out(name, format!("gpg could not decrypt it: {said}"))))
}

fn left_out(name: &str, what: impl Into<String>) -> Remark {
    let name = name.strip_suffix(".gpg").unwrap_or(name);
    Remark { origin: Origin::Id(name.to_owned()), outcome: Outcome::LeftOut, what: what.into() }
}

/// The environment of `gpg`: this one's, without what opens the vault.
fn environment(context: &CommandContext<'_>) -> Vec<(String, String)> {
    let mut variables = context.environment.all_text();
    variables.retain(|name, _| !name.starts_with("STRONGROOM_") && name != "CREDENTIALS_DIRECTORY");
    let terminal = process::actor().tty;
    if !terminal.is_empty() {
        variables.entry("GPG_TTY".to_owned()).or_insert(terminal);
    }
    variables.into_iter().collect()
}

/// A walk through the directories of a store.
struct Walk<'w> {
    root: &'w Path,
    /// The files to decrypt: how each is called in the store, and where it is.
    files: Vec<(String, PathBuf)>,
    remarks: Vec<Remark>,
}

impl Walk<'_> {
    /// Looks into a directory; what begins with a dot is the store's own.
    fn directory(&mut self, directory: &Path, depth: usize) -> Result<(), Failure> {
        let fault = |error| FileFault::from_io(directory, error);
        let mut paths = Vec::new();
        for entry in fs::read_dir(directory).map_err(fault)? {
            paths.push(entry.map_err(fault)?.path());
        }
        order::sort_all(&mut paths);
        for path in paths {
            let is_own =
                path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if !is_own {
                self.entry(path, depth)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, depth: usize) -> Result<(), Failure> {
        let below = path.strip_prefix(self.root).unwrap_or(&path);
        let name = below.to_string_lossy().into_owned();
        let metadata =
            fs::symlink_metadata(&path).map_err(|error| FileFault::from_io(&path, error))?;
        let mut refuse = |what: &str| self.remarks.push(left_out(&name, what));
        if metadata.is_dir() {
            if depth < MAX_DEPTH {
                return self.directory(&path, depth + 1);
            }
            refuse("is deeper than anything that makes sense");
        } else if below.to_str().is_none() {
            refuse("has a name that is no UTF-8");
        } else if path.extension().is_none_or(|end| end != "gpg") {
            refuse("is not encrypted by gpg");
        } else if metadata.is_file() {
            self.files.push((name, path));
        } else if metadata.is_symlink() {
            let target = path.canonicalize().ok().filter(|target| target.starts_with(self.root));
            match target.filter(|target| target.is_file()) {
                Some(target) => self.files.push((name, target)),
                None => refuse("is a link to something that is no file of the store"),
            }
        } else {
            refuse("is no file");
        }
        Ok(())
    }
}

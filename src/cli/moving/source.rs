//! Where an export is read from: a file, a pipe, or a password store, which `gpg` decrypts.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::super::failure::Failure;
use super::super::unlock::CommandContext;
use super::found::{Found, MAX_BYTES};
use super::store;
use crate::sys::files::{self, FileFault};
use crate::sys::secret::Secret;
use crate::transfer::reading::Source;

/// Reads what the word names that `import` was given.
pub(crate) fn read(word: &str, context: &CommandContext<'_>) -> Result<Found, Failure> {
    if word == "-" {
        return read_stdin();
    }
    let path = Path::new(word);
    let metadata = fs::metadata(path).map_err(|error| FileFault::from_io(path, error))?;
    if metadata.is_dir() {
        return store::read(path, context);
    }
    // A pipe has a name where a shell makes one of `<(…)`.
    let is_pipe = metadata.file_type().is_fifo();
    if !metadata.is_file() && !is_pipe {
        return Err(FileFault::NotAFile(path.to_owned()).into());
    }
    let bytes = Secret::new(files::read_bounded(path, MAX_BYTES)?);
    let file = (!is_pipe).then(|| path.to_owned());
    Ok(Found { source: Source::Bytes(bytes), remarks: Vec::new(), file })
}

fn read_stdin() -> Result<Found, Failure> {
    if io::stdin().is_terminal() {
        return Err(Failure::environment(
            "NoAnswer",
            "an export is to come on stdin, which is a terminal",
        )
        .hinted(
            "have the other program write into it: keepassxc-cli export … | strongroom import -",
        ));
    }
    let mut bytes = Secret::new(Vec::new());
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let read = io::stdin().lock().take(limit).read_to_end(bytes.expose_mut());
    read.map_err(|error| {
        Failure::environment("IoError", format!("stdin could not be read: {error}"))
    })?;
    if bytes.expose().len() > MAX_BYTES {
        let path = PathBuf::from("stdin");
        return Err(FileFault::TooLarge { path, most: MAX_BYTES }.into());
    }
    Ok(Found { source: Source::Bytes(bytes), remarks: Vec::new(), file: None })
}

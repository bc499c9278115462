//! `gpg`, which decrypts what another program's store has. It asks for its passphrase itself.

use std::io::{self, Read};
use std::path::Path;
use std::process::Stdio;
use std::thread;

use super::output::last_lines;
use super::tied::{self, Bond};
use crate::sys::secret::Secret;

/// Why a file could not be decrypted.
#[derive(Debug)]
pub(crate) enum Error {
    /// There is no `gpg`.
    Missing,
    /// It failed, and said so.
    Failed(String),
    /// What it wrote is longer than was wanted.
    TooLong,
}

/// Decrypts a file, named by an absolute path, of which at most `most` bytes are wanted.
pub(crate) fn decrypt(
    file: &Path,
    environment: &[(String, String)],
    most: usize,
) -> Result<Secret<Vec<u8>>, Error> {
    let failed = |error: io::Error| Error::Failed(error.to_string());
    let path = file.to_str().ok_or_else(|| Error::Failed("its name is no UTF-8".to_owned()))?;
    let argv = ["gpg", "--batch", "--quiet", "--decrypt", "--", path];
    let mut command = tied::command(&argv, environment, Bond::Tied).map_err(failed)?;
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    let stderr = child.stderr.take();
    let complaint = thread::spawn(move || {
        let mut written = Vec::new();
        if let Some(stderr) = stderr {
            drop(stderr.take(MOST_SAID).read_to_end(&mut written));
        }
        written
    });
    let mut bytes = Secret::new(Vec::new());
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    if let Some(stdout) = child.stdout.take() {
        stdout.take(limit).read_to_end(bytes.expose_mut()).map_err(failed)?;
    }
    if bytes.expose().len() > most {
        drop(child.kill());
        drop(child.wait());
        return Err(Error::TooLong);
    }
    let status = child.wait().map_err(failed)?;
    let said = complaint.join().unwrap_or_default();
    if status.success() {
        return Ok(bytes);
    }
    if status.code() == Some(i32::from(tied::NOT_STARTED)) {
        return Err(Error::Missing);
    }
    Err(Error::Failed(last_lines(&said, 1).concat()))
}

/// How much of what it says is kept.
const MOST_SAID: u64 = 4096;

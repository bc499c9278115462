//! Where a passphrase is read from that nobody types: a file, a descriptor, a command.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::failure::Failure;
use crate::sys::credential;
use crate::sys::secret::Secret;

/// The longest file that can hold a passphrase or a keyfile, in bytes.
pub(super) const MAX_BYTES: usize = 4096;

/// Where a passphrase is read from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    File(PathBuf),
    Descriptor(i32, Option<Arc<OwnedFd>>),
    Command(String),
}

impl Source {
    /// Reads what is there.
    pub(super) fn read(&self) -> Result<Secret<Vec<u8>>, Failure> {
        match self {
            Self::File(path) => Ok(Secret::new(credential::read(path, MAX_BYTES)?)),
            Self::Descriptor(number, stream) => read_descriptor(*number, stream.as_deref()),
            Self::Command(text) => run_command(text),
        }
    }
}

fn read_descriptor(number: i32, stream: Option<&OwnedFd>) -> Result<Secret<Vec<u8>>, Failure> {
    let Some(stream) = stream.and_then(|stream| stream.try_clone().ok()) else {
        let message = format!("nothing is open as descriptor {number}");
        return Err(Failure::environment("NoFile", message));
    };
    let path = PathBuf::from(format!("/dev/fd/{number}"));
    Ok(Secret::new(credential::read_stream(stream, &path, MAX_BYTES)?))
}

/// Runs the user's own command, by the shell as the user would, and takes what it prints.
fn run_command(text: &str) -> Result<Secret<Vec<u8>>, Failure> {
    let failed = |what: String| {
        Failure::environment("BadCredential", format!("the passphrase command failed: {what}"))
    };
    let mut child = Command::new("/bin/sh")
        .args(["-c", text])
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let mut printed = Secret::new(Vec::with_capacity(MAX_BYTES));
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    if let Some(stdout) = child.stdout.take() {
        let read = stdout.take(limit).read_to_end(printed.expose_mut());
        read.map_err(|error| failed(error.to_string()))?;
    }
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(printed) } else { Err(failed(status.to_string())) }
}

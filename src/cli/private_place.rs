//! A directory in memory for what must never reach a disk: the file that a person edits, and files that
//! a program is given secrets in.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::unlock::CommandContext;
use crate::programs::workplace::{self, Workplace};
use crate::sys::entropy::SystemEntropy;
use crate::sys::files;

/// Makes a private directory in memory. It goes with everything that is left in it.
pub(crate) fn make(purpose: &str, context: &CommandContext<'_>) -> Result<Workplace, Failure> {
    let places = places(context);
    if places.is_empty() {
        let message = "there is no directory in memory for a file that holds a secret";
        return Err(Failure::environment("NoMemory", message)
            .hinted("XDG_RUNTIME_DIR or /dev/shm has to be a tmpfs"));
    }
    Workplace::new(purpose, &places, &SystemEntropy).map_err(|error| {
        let message = format!("no directory could be made for a file that holds a secret: {error}");
        Failure::environment("IoError", message)
    })
}

/// Removes what commands of this purpose have left that were killed.
pub(crate) fn sweep(purpose: &str, context: &CommandContext<'_>) {
    workplace::sweep_all(purpose, &places(context));
}

fn places(context: &CommandContext<'_>) -> Vec<PathBuf> {
    let runtime = context.environment.path("XDG_RUNTIME_DIR").map(Path::to_owned);
    let places = runtime.into_iter().chain([PathBuf::from("/dev/shm")]);
    places.filter(|place| files::is_in_memory(place)).collect()
}

//! A directory in memory for what must never reach a disk: the file that a person edits, and files that
//! a program is given secrets in.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::failure::Failure;
use super::terminal;
use super::unlock::CommandContext;
use crate::programs::workplace::{self, Workplace};
use crate::sys::entropy::SystemEntropy;
use crate::sys::files;

/// What one is for, which its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Edit,
    Run,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Run => "run",
        }
    }
}

/// Makes a private directory in memory. It goes with everything that is left in it.
pub(crate) fn make(purpose: Purpose, context: &CommandContext<'_>) -> Result<Workplace, Failure> {
    let mut places = places(context.environment);
    places.retain(|place| files::is_in_memory(place));
    if places.is_empty() {
        let message = "there is no directory in memory for a file that holds a secret";
        return Err(Failure::environment("NoMemory", message)
            .hinted("XDG_RUNTIME_DIR or /dev/shm has to be a tmpfs"));
    }
    Workplace::on_shelf(purpose.name(), &places, &SystemEntropy).map_err(|error| {
        let message = format!("no directory could be made for a file that holds a secret: {error}");
        Failure::environment("IoError", message)
    })
}

/// Removes what commands have left that were killed, and says so.
pub(crate) fn sweep(environment: &Environment) {
    let purposes = [Purpose::Edit, Purpose::Run].map(Purpose::name);
    if workplace::sweep_shelves(&purposes, &places(environment)) {
        terminal::note(
            "note: files with values in them were removed, which a command had left that was killed",
        );
    }
}

fn places(environment: &Environment) -> Vec<PathBuf> {
    let runtime = environment.path("XDG_RUNTIME_DIR").map(Path::to_owned);
    runtime.into_iter().chain([PathBuf::from("/dev/shm")]).collect()
}

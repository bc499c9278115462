//! A program that ends with the process that started it, however that ends; or one that outlives it.
//!
//! As in [`super::spawn`], this very program is started once more with [`FIRST_WORD`], sets itself up
//! and becomes the other.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::spawn;
use crate::sys::{detach, interrupts};

/// The first word of the command line by which this program starts another tied to it.
pub(crate) const FIRST_WORD: &str = "tied-program";

/// Says that a program is not tied.
const FREE: &str = "free";

/// What becomes of a program when whoever started it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bond {
    /// It ends as well.
    Tied,
    /// It goes on.
    Free,
}

/// Returns a command that becomes this program, found by `PATH`, in this environment, with all streams
/// to be said. Has to be started by a thread that lives as long as the process.
pub(crate) fn command(
    argv: &[&str],
    environment: &[(String, String)],
    bond: Bond,
) -> io::Result<Command> {
    let mut command = beside(argv, bond)?;
    command.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

/// Returns a command that becomes this program, with what this process has: environment, directory and
/// streams. It gets all signals, also those that this process holds back.
pub(crate) fn beside(argv: &[&str], bond: Bond) -> io::Result<Command> {
    let parent = match bond {
        Bond::Tied => std::process::id().to_string(),
        Bond::Free => FREE.to_owned(),
    };
    let mut command = Command::new(detach::own_program()?);
    command.args([FIRST_WORD, &parent]).args(argv);
    Ok(command)
}

/// Becomes the program that the words after [`FIRST_WORD`] say. Returns only if that fails, with the
/// exit code.
pub(crate) fn become_program(words: &[OsString]) -> u8 {
    let [parent, program, arguments @ ..] = words else { return NOT_STARTED };
    let set_up = || {
        if parent != FREE {
            spawn::die_with(parent, Signal::TERM)?;
        }
        interrupts::unblock()
    };
    let failure = match set_up() {
        Ok(()) => Command::new(program).args(arguments).exec(),
        Err(failure) => failure,
    };
    drop(io::stderr().write_all(failure.to_string().as_bytes()));
    NOT_STARTED
}

/// What shells say of a program that could not be started.
pub(super) const NOT_STARTED: u8 = 127;

//! The only layer with argv, the environment, the terminal and exit codes.

mod output;
mod query;

use std::process::ExitCode;

/// Runs the command line that the process was started with, and returns its exit code.
#[must_use]
pub fn start() -> ExitCode {
    ExitCode::SUCCESS
}

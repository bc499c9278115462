//! The only layer with argv, the environment, the terminal and exit codes.
//!
//! `request` turns words into a request; `run` obtains a vault and an answer; `output` and `query`
//! turn the answer into bytes; `failure` turns what went wrong into an exit code.

pub(crate) mod credentials;
pub(crate) mod environment;
pub(crate) mod failure;
pub(crate) mod request;
pub(crate) mod suggest;
pub(crate) mod terminal;
pub(crate) mod unlock;

use std::process::ExitCode;

/// Runs the command line that the process was started with, and returns its exit code.
#[must_use]
pub fn start() -> ExitCode {
    ExitCode::SUCCESS
}

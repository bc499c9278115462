//! What a command answers goes to stdout through here, and nothing else does.

use std::io::{self, IsTerminal};

use super::failure::Failure;
use super::output::visible::for_terminal;
use super::terminal;
use crate::sys::streams;

/// Writes what a terminal is to obey, such as colours, all of which is ours.
pub(super) fn draw(bytes: &[u8]) -> Result<(), Failure> {
    terminal::end_silence();
    streams::write_stdout(bytes).map_err(Failure::Output)
}

/// Writes to stdout in one go: nothing stays in a buffer of the library's.
pub(super) fn print(bytes: &[u8]) -> Result<(), Failure> {
    terminal::end_silence();
    if !bytes.is_empty() && streams::was_stdout_closed() {
        return Err(Failure::Output(rustix::io::Errno::BADF.into()));
    }
    let shown = if io::stdout().is_terminal() { for_terminal(bytes) } else { bytes.into() };
    streams::write_stdout(&shown).map_err(Failure::Output)
}

//! Other people's programs: starting one, feeding it, confining it, and keeping secrets out of what
//! is shown of it.
//!
//! The system calls are `sys`'s. Does not know vaults, nor what a program is for.

mod at_terminal;
pub(crate) mod clipboard;
pub(crate) mod confine;
pub(crate) mod gpg;
pub(crate) mod hush;
pub(crate) mod launch;
mod letters;
pub(crate) mod monitor;
mod needles;
pub(crate) mod output;
mod passage;
mod pty;
pub(crate) mod redact;
pub(crate) mod spawn;
mod spelling;
pub(crate) mod task;
pub(crate) mod tied;
pub(crate) mod workplace;

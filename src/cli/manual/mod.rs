//! What tells of all commands, made from their declarations: help, the tree that completions and
//! manual pages are made of, and `docs/commands.md`.

pub(crate) mod help;
mod operation;
#[cfg(test)]
mod reference;
mod tree;

use super::commands;
use super::commands::own::Manual;

/// What is known of all commands, for those that tell of them.
pub(crate) const MANUAL: Manual = Manual {
    names: commands::accepted,
    command: help::command,
    program: tree::program,
    help: help::rendered,
    takes: commands::takes,
};

//! What tells of all commands, made from their declarations: help, the tree that completions and
//! manual pages are made of, and `docs/commands.md`.

pub(crate) mod help;
#[cfg(test)]
mod reference;
pub(crate) mod tree;

//! Moving in and out: what other programs export, read as items, and items written as they want them.
//! One file a format, each a function from bytes to items or back. Nothing here knows vaults,
//! terminals or files.
//!
//! The way in: `formats`  says whose the bytes are, by their contents, and the format's file makes
//! `item`s of them, and a remark of everything that could not come along as it was;
//! `naming` gives each item the name of a secret, and `plan` says which secrets with which versions
//! come of it (docs/moving.md).

pub(crate) mod formats;
mod history;
mod inflate;
pub(crate) mod item;
pub(crate) mod login;
pub(crate) mod naming;
mod object;
pub(crate) mod plan;
pub(crate) mod reading;
pub(crate) mod settle;
pub(crate) mod shape;
mod table;
pub(crate) mod taken;
mod text;
mod totp;
pub(crate) mod write;
mod xml;
pub(crate) mod zip;

#[cfg(test)]
mod fixtures;

//! What AWS Secrets Manager does: one file an operation, its rules as pure functions.
//!
//! Does not know of command lines, streams or SQL. Access is decided in one place, `dispatch`.

pub(crate) mod access;
pub(crate) mod action;
pub(crate) mod caller;
mod conformance;
pub(crate) mod constraints;
pub(crate) mod context;
pub(crate) mod dispatch;
pub(crate) mod elsewhere;
pub(crate) mod explain;
pub(crate) mod export;
#[cfg(test)]
mod extremes;
pub(crate) mod failure;
pub(crate) mod fault;
pub(crate) mod grants;
pub(crate) mod history;
pub(crate) mod identity;
pub(crate) mod import;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod known_policies;
mod mentions;
pub(crate) mod names;
pub(crate) mod operation;
pub(crate) mod operations;
pub(crate) mod pages;
pub(crate) mod peers;
mod policies;
mod policy_request;
#[cfg(test)]
mod reference;
pub(crate) mod rename;
pub(crate) mod replication;
mod repository;
pub(crate) mod rotation;
pub(crate) mod rules;
#[cfg(test)]
mod surface;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod together;
pub(crate) mod undo;
mod versions;

//! The only place where keys meet rows: seals, opens, finds, lists, labels nothing and decides
//! nothing. Every answer is checked against the state of the whole vault (docs/format.md).
//!
//! Does not know what AWS allows, what a command line is, or where the clock comes from.

pub(crate) mod access_key;
mod access_keys;
pub(crate) mod across;
pub(crate) mod anchor;
pub(crate) mod archive;
pub(crate) mod audit;
mod bulk;
mod cbor;
mod chain;
mod change;
pub(crate) mod check;
pub(crate) mod checkpoint;
pub(crate) mod clock;
mod create;
mod error;
pub(crate) mod evidence;
#[cfg(any(test, feature = "workbench"))]
pub(crate) mod forge;
mod keyring;
pub(crate) mod log;
pub(crate) mod loss;
pub(crate) mod names;
pub(crate) mod peers;
pub(crate) mod progress;
mod reads;
pub(crate) mod record;
pub(crate) mod rekey;
mod rename;
pub(crate) mod repair;
pub(crate) mod replace;
mod replica;
mod rescue;
mod rollback;
pub(crate) mod rotation;
pub(crate) mod salvage;
pub(crate) mod slots;
pub(crate) mod state;
#[cfg(test)]
mod tests;
pub(crate) mod trace;
pub(crate) mod transaction;
mod tree;
mod unlock;
mod version;
mod waiting;
mod wreckage;

pub(crate) use audit::{Origin, Unlogged};
pub(crate) use create::NewVault;
pub(crate) use error::Error;
pub(crate) use unlock::{LockedVault, OnDamagedSlot, OnRollback, UnlockPolicy, Vault};

//! The container: one SQLite file of seven tables that hold opaque bytes under integer keys.
//! Gives atomicity and durability, and nothing else.
//!
//! Does not know what the bytes mean, and cannot name a key. `rusqlite` is named nowhere else.

mod beside;
mod connection;
mod container;
mod copy;
mod create;
mod error;
mod halt;
mod layout;
mod recovered;
#[cfg(test)]
pub(crate) mod sample;
mod schema;
mod table;
mod transaction;
mod waiting;
mod wreck;

pub(crate) use beside::owner_of;
pub(crate) use connection::Mode;
pub(crate) use container::{Spill, Store};
pub(crate) use copy::LARGE;
pub(crate) use create::is_taken;
pub(crate) use error::Error;
pub(crate) use halt::Halt;
pub(crate) use layout::{MAX_ROW_BYTES, MAX_SLOTS, STRAY_SLOT};
pub(crate) use table::Table;
pub(crate) use transaction::Transaction;
pub(crate) use wreck::{Found, Wreck};

#[cfg(test)]
mod tests;

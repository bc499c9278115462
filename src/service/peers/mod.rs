//! Other vaults as other accounts: how a replica in one becomes a copy of its primary in the other.
//!
//! Neither vault is open while the other is: each [`task::Task`] is one transaction in one of the two,
//! and whoever has both, a command, carries what one answers to the other ([`course`]). So no lock waits
//! for another, and what a crash leaves between two tasks is told by the next: the primary says that
//! the replica is not in sync until it heard so.

pub(crate) mod course;
mod held;
mod judge;
pub(crate) mod link;
mod parcel;
mod receive;
pub(crate) mod registry;
mod settle;
pub(crate) mod task;

#[cfg(test)]
mod tests;

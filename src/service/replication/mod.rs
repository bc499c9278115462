//! Replication: a secret that is in other regions too, and is the same there.
//!
//! A replica is a record of its own under the same name and ARN suffix. All that is in it comes
//! from its primary, in the transaction that changes the primary, so that it is never behind; only
//! the key it names and the days it was read are its own. [`mirror`] is what writes replicas.
//!
//! A replica in another account is in another vault: see [`across`].
//!
//! What AWS does not say is decided so: a name that another replica or a primary with replicas has
//! is not overwritten, even where that is asked for, and a region that has a replica keeps it as it
//! is.

pub(crate) mod across;
pub(crate) mod associate;
pub(super) mod change;
pub(super) mod mirror;
pub(super) mod replicas;

#[cfg(test)]
mod tests;

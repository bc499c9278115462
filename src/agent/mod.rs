//! A process that holds vaults open between commands: unlocked once, locked by time or on request.
//!
//! One for each user, with any number of vaults. It answers at a socket: it carries operations out, so
//! that no key crosses the socket but the one that it is given to hold. What is said there is in
//! `messages`; `door` answers it, `sessions` has the vaults, `client` is the other end. Does not know
//! what a command line is.

pub(crate) mod at;
mod checking;
pub(crate) mod chores;
pub(crate) mod client;
mod closing;
mod control;
mod door;
mod endpoint;
mod endpoints;
mod gone;
mod granting;
mod grants;
mod identity;
mod lasting;
pub(crate) mod limits;
mod listening;
pub(crate) mod long_work;
pub(crate) mod messages;
pub(crate) mod paths;
pub(crate) mod place;
pub(crate) mod process;
mod replies;
mod rotating;
mod rotations;
mod session;
mod sessions;
mod temporary;
#[cfg(test)]
mod testing;
#[cfg(any(test, feature = "workbench"))]
pub(crate) mod trial;
mod unlocking;

//! Rotation as operations see it: a request to rotate becomes a [`Job`], and the state of a rotation
//! is part of its secret.
//!
//! Does not know how a job goes on; that is `jobs`, above dispatch. Does not know how a program is
//! found, trusted or started either; [`Functions`] is what it asks.

pub(crate) mod builtin;
pub(crate) mod dates;
pub(crate) mod events;
pub(crate) mod function;
pub(crate) mod job;
pub(crate) mod lease;
pub(crate) mod progress;
pub(crate) mod refusals;

pub(crate) use builtin::BUILTIN;
pub(crate) use function::{FunctionSpec, Functions, Registered};
pub(crate) use job::{Job, Resume, StartRotation, Started};
pub(crate) use lease::{MAX_TIMEOUT_S, longest_lease};

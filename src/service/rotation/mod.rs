//! Rotation as operations see it: what `rotate-secret` asks for becomes a [`Job`], and what is under
//! way in a secret has its rules.
//!
//! Does not know what becomes of a job: `jobs` does, above dispatch. Nor how a program is found,
//! trusted, started or spoken to: whoever runs jobs tells by [`Functions`] what there is.

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

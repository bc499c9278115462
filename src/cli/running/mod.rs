//! What `run` gives a program: which values, in which form, and what else it finds in its environment.

pub(crate) mod confining;
pub(crate) mod endpoint;
pub(crate) mod given;
pub(crate) mod granting;
pub(crate) mod parting;

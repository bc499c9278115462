//! Requests from other processes: each becomes an ordinary call, under the rights of the caller that
//! it proves to be.
//!
//! A door (a rotation's socket is the first) says who has which token and how the others are turned
//! away. Does not know what the doors are for.

pub(crate) mod answers;
pub(crate) mod client;
pub(crate) mod crowd;
pub(crate) mod frames;
pub(crate) mod json;
pub(crate) mod refusal;
pub(crate) mod server;
pub(crate) mod wire;

//! AWS's rules as functions from values to values: no vault, no clock, no output.

pub(crate) mod arn;
mod calendar;
pub(crate) mod deletion;
pub(crate) mod dice;
pub(crate) mod filters;
pub(crate) mod idempotency;
pub(crate) mod name;
pub(crate) mod paging;
pub(crate) mod password;
pub(crate) mod policy;
pub(crate) mod schedule;
pub(crate) mod sort;
pub(crate) mod stages;
pub(crate) mod tags;
pub(crate) mod words;

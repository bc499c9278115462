//! AWS's rules as functions from values to values: no vault, no clock, no output.

pub(crate) mod policy;

//! The source obeys its rules. Each rule shows, beside the place where it is applied, that it can
//! fail.

mod circles;
mod layers;
mod paths;
pub(crate) mod source;
mod tree;
mod words;

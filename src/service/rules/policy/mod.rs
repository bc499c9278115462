//! Policies: IAM's language, for the one kind of resource there is, a secret, and for who asks.
//!
//! Text becomes a [`model::Policy`] in [`parse`], strictly; `evaluate` asks one policy about a
//! [`request::Request`], and [`verdict`] all that bear on it; [`findings`] says in AWS's words what is
//! wrong with one. Where AWS does not
//! publish what it does, the module that decides says so.
//!
//! Nothing here knows who may skip the policy, nor where it is stored. What a policy says of an
//! account holds for everybody in it.

mod address;
mod condition;
mod date;
mod document;
mod evaluate;
mod exposure;
pub(crate) mod findings;
pub(crate) mod model;
mod number;
pub(crate) mod parse;
pub(crate) mod pattern;
pub(crate) mod principal;
pub(crate) mod request;
pub(crate) mod verdict;

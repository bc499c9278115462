//! Rotations as jobs: `rotate-secret` hands one out, and every step of it begins and ends with one
//! transaction here. Between them no vault is held.
//!
//! Stands above dispatch, which nothing below it knows. Does not know how a program is found,
//! trusted, started or spoken to.

mod backoff;
mod begin;
mod builtin;
mod due;
mod finish;
#[cfg(test)]
pub(super) mod fixture;
pub(crate) mod settings;
mod steps;
mod transact;

pub(crate) use backoff::Retry;
pub(crate) use begin::{begin, probe};
pub(crate) use builtin::builtin_step;
pub(crate) use due::{CatchUp, Due, DueFault, DueState, due, due_still, is_known, unfinished};
pub(crate) use finish::{FailedStep, Left, fail, finish, interrupt, release};
pub(crate) use steps::{Known, StepFault, after_step, before_step, hand_over, known_values};

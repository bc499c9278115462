//! Rotations as jobs: `rotate-secret` creates one, and each of its steps begins and ends with one
//! transaction here. Between these the vault is free.
//!
//! Works above dispatch; nothing below dispatch knows it. Does not know how a program is found,
//! trusted or started.

mod backoff;
mod begin;
mod builtin;
mod due;
mod finish;
#[cfg(test)]
pub(super) mod fixture;
pub(crate) mod progress;
pub(crate) mod review;
pub(crate) mod settings;
mod steps;
mod transact;

pub(crate) use backoff::Retry;
pub(crate) use begin::{begin, probe};
pub(crate) use builtin::builtin_step;
pub(crate) use due::{
    CatchUp, Due, DueFault, DueState, Unfinished, due, due_still, is_known, unfinished,
};
pub(crate) use finish::{FailedStep, LeftBehind, fail, finish, interrupt, release};
pub(crate) use steps::{KnownValues, StepFault, after_step, before_step, hand_over, known_values};

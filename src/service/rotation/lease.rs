//! The lease that tells other machines sharing the vault who is running a rotation.

use crate::model::time::Timestamp;
use crate::service::caller::Step;
use crate::vault::progress::{Holder, Lease};
use crate::vault::rotation::Command;

/// A lease for the longest time that this command's rotation can take.
pub(crate) fn taken(holder: &Holder, command: &Command, now: Timestamp) -> Lease {
    let until = Timestamp(now.0.saturating_add(length(command.timeout_s)));
    Lease::new(holder.clone(), until)
}

/// Returns the longest possible lease in milliseconds. One that ends later was written by a clock
/// that was ahead.
pub(crate) fn longest_lease() -> i64 {
    length(MAX_TIMEOUT_S)
}

fn length(timeout_s: u64) -> i64 {
    let step = timeout_s.saturating_add(BETWEEN_STEPS_S);
    let seconds = step.saturating_mul(Step::ALL.len().try_into().unwrap_or(u64::MAX));
    i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

/// The highest timeout that a step's program may have.
pub(crate) const MAX_TIMEOUT_S: u64 = 900;
/// Time for each step besides its program's: to stop the program and to wait for the vault.
const BETWEEN_STEPS_S: u64 = 30;

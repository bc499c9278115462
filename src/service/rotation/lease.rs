//! Who is at work on a rotation, as it is noted for machines that share the vault.

use crate::model::time::Timestamp;
use crate::service::caller::Step;
use crate::vault::progress::{Holder, Lease};
use crate::vault::rotation::Command;

/// Who is at work from now on, and until when at the longest.
pub(crate) fn taken(holder: &Holder, command: &Command, now: Timestamp) -> Lease {
    let until = Timestamp(now.0.saturating_add(length(command.timeout_s)));
    Lease::new(holder.clone(), until)
}

/// Returns how many milliseconds a rotation takes at the longest. An end that is further away was
/// written by a clock that was ahead.
pub(crate) fn longest_lease() -> i64 {
    length(MAX_TIMEOUT_S)
}

fn length(timeout_s: u64) -> i64 {
    let step = timeout_s.saturating_add(BETWEEN_STEPS_S);
    let seconds = step.saturating_mul(Step::ALL.len().try_into().unwrap_or(u64::MAX));
    i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

/// The longest a step's program may be given.
pub(crate) const MAX_TIMEOUT_S: u64 = 900;
/// What a step may take besides its program's time: to end it, and to wait for the vault.
const BETWEEN_STEPS_S: u64 = 30;

//! Who is at work on a rotation, as it is noted for machines that share the vault.

use crate::model::time::Timestamp;
use crate::service::context::Context;
use crate::service::scope::Step;
use crate::vault::progress::Lease;
use crate::vault::rotation::Command;

/// Who is at work from now on, and until when at the longest.
pub(super) fn taken(cx: &Context<'_, '_>, command: &Command, now: Timestamp) -> Option<Lease> {
    let holder = cx.errand()?.holder.clone();
    let step = command.timeout_s.saturating_add(BETWEEN_STEPS_S);
    let seconds = step.saturating_mul(Step::ALL.len().try_into().unwrap_or(u64::MAX));
    let wait = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let until = Timestamp(now.0.saturating_add(wait));
    Some(Lease::new(holder, until))
}

/// What a step may take besides its program's time: to end it, and to wait for the vault.
const BETWEEN_STEPS_S: u64 = 30;

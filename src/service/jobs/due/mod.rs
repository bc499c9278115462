//! Which secrets `rotate-due` rotates now, and why not the others (docs/behaviour.md, "Rotation").

use super::backoff::longest_wait;
use super::transact::transact;
use crate::model::order;
use crate::model::time::{DAY_MS, Timestamp};
use crate::service::failure::Failure;
use crate::service::rotation::{dates, progress};
use crate::service::rules::arn::arn_of;
use crate::service::rules::schedule::Window;
use crate::vault::Vault;
use crate::vault::progress::{Outlook, Progress, Purpose};
use crate::vault::record::{Record, Replication};
use crate::vault::transaction::{Access, RequestContext};

/// A secret whose rotation is enabled, and whether it is due.
pub(crate) struct Due {
    /// The secret's row.
    pub(crate) rid: u64,
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) next_rotation: Option<Timestamp>,
    /// When the window for its rotation opens and closes.
    pub(crate) window: Option<(Timestamp, Timestamp)>,
    /// Whether it is due, or why not.
    pub(crate) state: DueState,
    /// When to retry, if an attempt failed.
    pub(crate) next_attempt: Option<Timestamp>,
    /// Whether the last attempt failed and nobody has approved it since.
    pub(crate) has_failed: bool,
}

impl Due {
    /// Whether it is to be rotated now.
    pub(crate) fn is_due(&self) -> bool {
        matches!(self.state, DueState::Unfinished | DueState::Open)
    }
}

/// Whether a secret is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DueState {
    /// Due: a rotation is not finished, and users of the secret may be locked out.
    Unfinished,
    /// Due: its window is open, or was missed and may be caught up on.
    Open,
    /// Waiting to retry after a failure.
    Waiting,
    NotYet,
    /// Left to a person: its settings are wrong.
    Misconfigured,
    /// Left to a person: it failed too often.
    Orphaned,
}

/// Whether to catch up on missed windows although somebody chose their hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CatchUp {
    /// Wait for the next window.
    NextWindow,
    /// Rotate at once.
    Always,
}

/// Why the due rotations cannot be listed.
pub(crate) enum DueFault {
    /// The clock is more than a day behind the vault's last change.
    ClockWentBack { last: Timestamp },
    /// The service refused, or the vault failed.
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for DueFault {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

/// Lists every secret whose rotation is enabled, in the order in which to rotate them.
///
/// Unfinished rotations come first, since users of their secrets may be locked out; then the
/// earliest dates.
///
/// # Errors
/// [`DueFault::ClockWentBack`], since such a clock cannot be trusted.
pub(crate) fn due(
    vault: &mut Vault,
    catch_up: CatchUp,
    context: RequestContext<'_>,
) -> Result<Vec<Due>, DueFault> {
    let now = context.now;
    let (last, mut all) = transact(vault, None, Access::Read, context, |cx| {
        let mut list = Vec::new();
        cx.vault()?.each(|record| {
            list.extend(judge(&record, catch_up, now));
            Ok(())
        })?;
        Ok::<_, Failure>((cx.vault()?.state().time, list))
    })?;
    if now.0 < last.0.saturating_sub(DAY_MS) {
        return Err(DueFault::ClockWentBack { last });
    }
    order::sort_by(&mut all, |a, b| {
        let place = |due: &Due| (due.state != DueState::Unfinished, due.next_rotation.is_none());
        let order = place(a).cmp(&place(b)).then(a.next_rotation.cmp(&b.next_rotation));
        order.then_with(|| (&a.name, &a.region).cmp(&(&b.name, &b.region)))
    });
    Ok(all)
}

/// Checks again whether a secret is due, after others were rotated: it may have been cancelled or
/// rotated meanwhile. `None` if it is gone, or its rotation is no longer enabled.
pub(crate) fn due_still(
    vault: &mut Vault,
    due: &Due,
    catch_up: CatchUp,
    context: RequestContext<'_>,
) -> Result<Option<Due>, Failure> {
    let now = context.now;
    transact(vault, Some(&due.region), Access::Read, context, |cx| {
        let namespace = cx.namespace()?;
        let found = cx.vault()?.find(&namespace, &due.name)?;
        let record = found.filter(|record| record.rid == due.rid);
        Ok(record.and_then(|record| judge(&record, catch_up, now)))
    })
}

/// A rotation that was begun and is not finished.
pub(crate) struct Unfinished {
    pub(crate) name: String,
    pub(crate) region: String,
    /// How far it got.
    pub(crate) progress: Progress,
}

/// Lists the rotations that were begun and are not finished, including those that were cancelled.
pub(crate) fn unfinished(
    vault: &mut Vault,
    context: RequestContext<'_>,
) -> Result<Vec<Unfinished>, Failure> {
    transact(vault, None, Access::Read, context, |cx| {
        let mut list = Vec::new();
        cx.vault()?.each(|record| {
            if record.deletion.is_none()
                && let Some(progress) = unfinished_of(&record).cloned()
            {
                let (name, region) = (record.name, record.namespace.region);
                list.push(Unfinished { name, region, progress });
            }
            Ok(())
        })?;
        order::sort_by(&mut list, |a, b| (&a.name, &a.region).cmp(&(&b.name, &b.region)));
        Ok(list)
    })
}

fn unfinished_of(record: &Record) -> Option<&Progress> {
    let progress = record.progress.as_ref();
    progress.filter(|progress| {
        progress.purpose == Purpose::Rotate && !progress::is_complete(record, progress)
    })
}

/// Whether any region has a secret of this name or ARN.
pub(crate) fn is_known(
    vault: &mut Vault,
    id: &str,
    context: RequestContext<'_>,
) -> Result<bool, Failure> {
    transact(vault, None, Access::Read, context, |cx| {
        let mut is_known = false;
        cx.vault()?.each(|record| {
            is_known |= record.name == id || arn_of(&record) == id;
            Ok(())
        })?;
        Ok(is_known)
    })
}

/// Judges one secret; `None` if its rotation is not enabled, or is its primary's.
fn judge(record: &Record, catch_up: CatchUp, now: Timestamp) -> Option<Due> {
    let rotation = record.rotation.as_ref().filter(|rotation| rotation.enabled)?;
    let is_replica = matches!(record.replication, Replication::Replica { .. });
    if is_replica || record.deletion.is_some() {
        return None;
    }
    let unfinished = unfinished_of(record);
    let (window, is_missed) = dates::read(rotation).map_or((None, false), |rules| {
        let (first, window) = if let Some(base) = dates::base_at(record, rotation, now) {
            (rules.next_window(base), rules.window_at(base, now))
        } else {
            let configured = dates::believed(rotation.configured, now);
            let first = rules.first_window(configured);
            let later = rules.window_at(configured, now);
            (first, if now < first.closes { first } else { later })
        };
        (Some(window), first.closes <= now)
    });
    let is_open = window.is_some_and(|window| window.is_open(now))
        || is_missed && catch_up == CatchUp::Always;
    let state = match unfinished {
        Some(progress) => state(record, progress, now),
        None if is_open => DueState::Open,
        None => DueState::NotYet,
    };
    Some(Due {
        rid: record.rid,
        arn: arn_of(record),
        name: record.name.clone(),
        region: record.namespace.region.clone(),
        next_rotation: dates::next_rotation(record),
        window: window.map(|Window { opens, closes }| (opens, closes)),
        state,
        next_attempt: unfinished
            .filter(|progress| progress.tried_again().is_some())
            .map(|progress| next_attempt(progress, now)),
        has_failed: unfinished.is_some_and(|progress| progress.failures > 0),
    })
}

/// Returns when a failed rotation may be retried. If the clock was ahead when it failed and was set
/// right since, the date is too late and is not believed.
fn next_attempt(progress: &Progress, now: Timestamp) -> Timestamp {
    let wait = progress.next_attempt.0.saturating_sub(now.0);
    if wait > longest_wait(progress.failures) { now } else { progress.next_attempt }
}

/// A rotation that was begun goes on outside its window: without the failure it would be complete.
/// One that has its value comes first, since that may be the only one that servers still accept.
fn state(record: &Record, progress: &Progress, now: Timestamp) -> DueState {
    let has_value = record.version(&progress.token).is_some_and(|version| version.value.is_some());
    match progress.outlook {
        Outlook::Misconfigured => DueState::Misconfigured,
        Outlook::Orphaned => DueState::Orphaned,
        Outlook::Cancelled => DueState::NotYet,
        Outlook::Open if now < next_attempt(progress, now) => DueState::Waiting,
        Outlook::Open if has_value => DueState::Unfinished,
        Outlook::Open => DueState::Open,
    }
}

#[cfg(test)]
mod tests;

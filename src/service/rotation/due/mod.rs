//! What is due: which secrets `rotate-due` rotates now, and why not the others (docs/behaviour.md,
//! "Rotation").

use super::end::longest_wait;
use super::{CatchUp, Due, DueFault, State, is_complete, schedule, transact};
use crate::model::time::{DAY_MS, Timestamp};
use crate::service::failure::Failure;
use crate::service::rules::arn::arn_of;
use crate::service::rules::schedule::Window;
use crate::vault::Vault;
use crate::vault::progress::{Kind, Outlook, Progress};
use crate::vault::record::{Record, Replication};
use crate::vault::transaction::{Access, RequestContext};

/// Lists every secret whose rotation is enabled, in the order in which to rotate those that are
/// due.
///
/// Those that are not finished come first, since whoever uses them may be locked out; then those
/// whose date came first.
///
/// # Errors
/// [`DueFault::ClockWentBack`], since nothing is due on the word of such a clock.
pub(crate) fn due(
    vault: &mut Vault,
    catch_up: CatchUp,
    context: RequestContext<'_>,
) -> Result<Vec<Due>, DueFault> {
    let now = context.now;
    let (last, mut all) = transact(vault, (None, Access::Read), context, |cx| {
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
    all.sort_by(|a, b| {
        let place = |due: &Due| (due.state != State::Unfinished, due.next_rotation.is_none());
        let order = place(a).cmp(&place(b)).then(a.next_rotation.cmp(&b.next_rotation));
        order.then_with(|| (&a.name, &a.region).cmp(&(&b.name, &b.region)))
    });
    Ok(all)
}

/// Looks again whether a secret is due, after others were rotated: somebody may have cancelled or
/// done it meanwhile. `None` where it is gone, or no longer to be rotated by itself.
pub(crate) fn due_still(
    vault: &mut Vault,
    due: &Due,
    catch_up: CatchUp,
    context: RequestContext<'_>,
) -> Result<Option<Due>, Failure> {
    let now = context.now;
    transact(vault, (Some(&due.region), Access::Read), context, |cx| {
        let namespace = cx.namespace()?;
        let found = cx.vault()?.find(&namespace, &due.name)?;
        let record = found.filter(|record| record.rid == due.rid);
        Ok(record.and_then(|record| judge(&record, catch_up, now)))
    })
}

/// Lists the rotations that were begun and are not finished, those too that were cancelled: the
/// names and regions of their secrets, and how they stand.
pub(crate) fn unfinished(
    vault: &mut Vault,
    context: RequestContext<'_>,
) -> Result<Vec<(String, String, Progress)>, Failure> {
    transact(vault, (None, Access::Read), context, |cx| {
        let mut list = Vec::new();
        cx.vault()?.each(|record| {
            if record.deletion.is_none()
                && let Some(progress) = unfinished_of(&record).cloned()
            {
                list.push((record.name, record.namespace.region, progress));
            }
            Ok(())
        })?;
        list.sort_by(|(a, in_a, _), (b, in_b, _)| (a, in_a).cmp(&(b, in_b)));
        Ok(list)
    })
}

fn unfinished_of(record: &Record) -> Option<&Progress> {
    let progress = record.progress.as_ref();
    progress.filter(|progress| progress.kind == Kind::Rotate && !is_complete(record, progress))
}

/// Whether any region has a secret of this name or ARN.
pub(crate) fn is_known(
    vault: &mut Vault,
    id: &str,
    context: RequestContext<'_>,
) -> Result<bool, Failure> {
    transact(vault, (None, Access::Read), context, |cx| {
        let mut is_known = false;
        cx.vault()?.each(|record| {
            is_known |= record.name == id || arn_of(&record) == id;
            Ok(())
        })?;
        Ok(is_known)
    })
}

/// Says how one secret stands; `None` where its rotation is not enabled, or not its own.
fn judge(record: &Record, catch_up: CatchUp, now: Timestamp) -> Option<Due> {
    let rotation = record.rotation.as_ref().filter(|rotation| rotation.enabled)?;
    let is_replica = matches!(record.replication, Replication::Replica { .. });
    if is_replica || record.deletion.is_some() {
        return None;
    }
    let unfinished = unfinished_of(record);
    let (window, is_missed) = schedule::read(rotation).map_or((None, false), |rules| {
        let (first, window) = if let Some(base) = schedule::base_at(record, rotation, now) {
            (rules.next_window(base), rules.window_at(base, now))
        } else {
            let configured = schedule::believed(rotation.configured, now);
            let first = rules.first_window(configured);
            let later = rules.window_at(configured, now);
            (first, if now < first.closes { first } else { later })
        };
        (Some(window), first.closes <= now)
    });
    let is_open = window.is_some_and(|window| window.is_open(now))
        || is_missed && catch_up == CatchUp::Always;
    let has_value = unfinished
        .and_then(|progress| record.version(&progress.token))
        .is_some_and(|version| version.value.is_some());
    Some(Due {
        rid: record.rid,
        arn: arn_of(record),
        name: record.name.clone(),
        region: record.namespace.region.clone(),
        next_rotation: schedule::next_rotation(record),
        window: window.map(|Window { opens, closes }| (opens, closes)),
        state: state(unfinished, (has_value, is_open), now),
        next_attempt: unfinished
            .filter(|progress| progress.tried_again().is_some())
            .map(|progress| next_attempt(progress, now)),
        has_failed: unfinished.is_some_and(|progress| progress.failures > 0),
    })
}

/// Returns when a rotation that failed may be tried again. A clock that was ahead when it failed,
/// and was set right, would have it wait for as long as that.
fn next_attempt(progress: &Progress, now: Timestamp) -> Timestamp {
    let wait = progress.next_attempt.0.saturating_sub(now.0);
    if wait > longest_wait(progress.failures) { now } else { progress.next_attempt }
}

/// A rotation that was begun goes on outside any window: it would be over by now if all had gone
/// well. One that has its value comes first, as that may be the only one that is still let in.
fn state(
    unfinished: Option<&Progress>,
    (has_value, is_open): (bool, bool),
    now: Timestamp,
) -> State {
    let Some(progress) = unfinished else {
        return if is_open { State::Open } else { State::NotYet };
    };
    match progress.outlook {
        Outlook::Misconfigured => State::Misconfigured,
        Outlook::Orphaned => State::Orphaned,
        Outlook::Cancelled => State::NotYet,
        Outlook::Open if now < next_attempt(progress, now) => State::Waiting,
        Outlook::Open if has_value => State::Unfinished,
        Outlook::Open => State::Open,
    }
}

#[cfg(test)]
mod tests;

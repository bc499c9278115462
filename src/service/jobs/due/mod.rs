//! What is due: which secrets `rotate-due` rotates now, and why not the others (docs/behaviour.md,
//! "Rotation").

use super::backoff::longest_wait;
use super::transact::transact;
use crate::model::time::{DAY_MS, Timestamp};
use crate::service::failure::Failure;
use crate::service::rotation::{dates, progress};
use crate::service::rules::arn::arn_of;
use crate::service::rules::schedule::Window;
use crate::vault::Vault;
use crate::vault::progress::{Kind, Outlook, Progress};
use crate::vault::record::{Record, Replication};
use crate::vault::transaction::{Access, RequestContext};

/// A secret whose rotation is enabled, and how it stands.
pub(crate) struct Due {
    /// The secret's row.
    pub(crate) rid: u64,
    /// Its ARN.
    pub(crate) arn: String,
    /// Its name.
    pub(crate) name: String,
    /// The region it is in.
    pub(crate) region: String,
    /// `NextRotationDate`.
    pub(crate) next_rotation: Option<Timestamp>,
    /// When the window opens in which it is rotated, and when that closes.
    pub(crate) window: Option<(Timestamp, Timestamp)>,
    /// Whether it is due, and why not.
    pub(crate) state: DueState,
    /// When to try again, where an attempt failed.
    pub(crate) next_attempt: Option<Timestamp>,
    /// Whether the last attempt failed, and nobody has looked after it since.
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
    /// It is: a rotation is not finished, and whoever uses the secret may be locked out.
    Unfinished,
    /// It is: its window is open, or was missed and may be made up for.
    Open,
    /// It will be when an attempt that failed may be made again.
    Waiting,
    /// Not yet.
    NotYet,
    /// A person has to run it: its settings are wrong.
    Misconfigured,
    /// A person has to run it: it failed too often.
    Orphaned,
}

/// Whether to make up for windows that were missed although somebody chose their hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CatchUp {
    /// Wait for the next.
    NextWindow,
    /// Rotate at once.
    Always,
}

/// Why nothing can be said about what is due.
pub(crate) enum DueFault {
    /// The clock is more than a day behind the vault's last change.
    ClockWentBack {
        /// When that was.
        last: Timestamp,
    },
    /// Something else.
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for DueFault {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

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
    all.sort_by(|a, b| {
        let place = |due: &Due| (due.state != DueState::Unfinished, due.next_rotation.is_none());
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
    transact(vault, Some(&due.region), Access::Read, context, |cx| {
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
    transact(vault, None, Access::Read, context, |cx| {
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
    progress.filter(|progress| {
        progress.kind == Kind::Rotate && !progress::is_complete(record, progress)
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

/// Says how one secret stands; `None` where its rotation is not enabled, or not its own.
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

/// Returns when a rotation that failed may be tried again. A clock that was ahead when it failed,
/// and was set right, would have it wait for as long as that.
fn next_attempt(progress: &Progress, now: Timestamp) -> Timestamp {
    let wait = progress.next_attempt.0.saturating_sub(now.0);
    if wait > longest_wait(progress.failures) { now } else { progress.next_attempt }
}

/// A rotation that was begun goes on outside any window: it would be over by now if all had gone
/// well. One that has its value comes first, as that may be the only one that is still let in.
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

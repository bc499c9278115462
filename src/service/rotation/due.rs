//! What is due: which secrets `rotate-due` rotates now, and why not the others (ROTATION.md §3).

use super::{CatchUp, Due, DueFault, State, is_complete, schedule, transact};
use crate::model::time::{DAY_MS, Timestamp};
use crate::service::context::{Failure, arn_of};
use crate::service::rules::schedule::Window;
use crate::vault::Vault;
use crate::vault::progress::{Kind, Outlook, Progress};
use crate::vault::record::{Record, Replication};
use crate::vault::transaction::{Access, Occasion};

/// Lists every secret whose rotation is enabled, in the order in which to rotate those that are due.
///
/// Those that are not finished come first, since whoever uses them may be locked out; then those
/// whose date came first.
///
/// # Errors
/// [`DueFault::ClockWentBack`], since nothing is due on the word of such a clock.
pub(crate) fn due(
    vault: &mut Vault,
    catch_up: CatchUp,
    occasion: Occasion<'_>,
) -> Result<Vec<Due>, DueFault> {
    let now = occasion.now;
    let (last, mut all) = transact(vault, (None, Access::Read), occasion, |cx| {
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

/// Says how one secret stands; `None` where its rotation is not enabled, or not its own.
fn judge(record: &Record, catch_up: CatchUp, now: Timestamp) -> Option<Due> {
    let rotation = record.rotation.as_ref().filter(|rotation| rotation.enabled)?;
    let is_replica = matches!(record.replication, Replication::Replica { .. });
    if is_replica || record.deletion.is_some() {
        return None;
    }
    let unfinished = record
        .progress
        .as_ref()
        .filter(|progress| progress.kind == Kind::Rotate && !is_complete(record, progress));
    let (window, is_missed) = schedule::read(rotation).map_or((None, false), |rules| {
        let base = schedule::base(record, rotation);
        let (first, window) = if let Some(base) = base {
            (rules.next_window(base), rules.window_at(base, now))
        } else {
            let first = rules.first_window(rotation.configured);
            let later = rules.window_at(rotation.configured, now);
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
        region: record.scope.region.clone(),
        next_rotation: schedule::next_rotation(record),
        window: window.map(|Window { opens, closes }| (opens, closes)),
        state: state(unfinished, (has_value, is_open), now),
        next_attempt: unfinished.map(|progress| progress.next_attempt),
    })
}

/// A rotation that is not finished and has its value goes on outside any window: the value may be
/// the only one that is still let in. One without a value has changed nothing yet.
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
        Outlook::Open if !has_value && !is_open => State::NotYet,
        Outlook::Open if now < progress.next_attempt => State::Waiting,
        Outlook::Open if has_value => State::Unfinished,
        Outlook::Open => State::Open,
    }
}

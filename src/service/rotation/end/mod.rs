//! The end of a rotation: done, failed, cancelled, or abandoned by whoever changes the secret
//! meanwhile (docs/behaviour.md, "Rotation").

use super::{
    FAILED, Failed, Job, Left, Retry, SUCCESS, at_work, find, is_complete, log, progress_of,
    refusals, transact,
};
use crate::model::shape::Shaped;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::caller::Step;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Fault;
use crate::service::operations::rotate_secret::Response;
use crate::service::repository;
use crate::service::rules::arn::arn_of;
use crate::service::rules::dice::Dice;
use crate::service::rules::stages::{self, Change};
use crate::vault::Vault;
use crate::vault::progress::{Kind, Outlook, Progress};
use crate::vault::record::{Record, Version};
use crate::vault::rotation::Rotation;
use crate::vault::transaction::{Access, RequestContext};

/// Ends a job whose steps are done, and returns the answer of `rotate-secret`.
///
/// `AWSCURRENT` is on the new version then, even if the program did not move it.
///
/// # Errors
/// As [`super::before_step`]; and `InvalidRequestException` where the new version has no value.
pub(crate) fn finish(
    vault: &mut Vault,
    job: &Job,
    context: RequestContext<'_>,
) -> Result<Value, Failure> {
    transact(vault, (Some(&job.region), Access::Write), context, |cx| {
        let (mut record, progress) = at_work(cx, job)?;
        let now = cx.date()?;
        configure(&mut record, job);
        let (event, version_id) = match job.kind {
            Kind::Rotate => {
                move_current(&mut record, &job.token)?;
                complete(&mut record, now);
                ("RotationSucceeded", Some(job.token.clone()))
            }
            Kind::TestOnly => {
                drop_test(cx, &mut record, &progress)?;
                ("TestRotationSucceeded", None)
            }
        };
        repository::store(cx, &mut record)?;
        log(cx, (event, SUCCESS), (&record, &job.token), "")?;
        let answer = Response { arn: arn_of(&record), name: record.name, version_id };
        Ok(answer.into_value().unwrap_or(Value::Null))
    })
}

/// Puts what was said with the request in the place of what is stored.
fn configure(record: &mut Record, job: &Job) {
    let Some(config) = &job.pending_config else { return };
    let stored = record.rotation.as_ref();
    let current = stored.map_or_else(|| config.current.clone(), |stored| stored.current.clone());
    // It may have been cancelled after the program made the new version current.
    let enabled = job.kind == Kind::TestOnly || stored.is_none_or(|stored| stored.enabled);
    record.rotation = Some(Rotation { enabled, current, ..config.clone() });
}

/// Tidies up when somebody asked to stop before or during a step: a test leaves nothing, and what
/// the program completed is complete.
pub(crate) fn interrupt(
    vault: &mut Vault,
    job: &Job,
    step: Step,
    context: RequestContext<'_>,
) -> Result<Left, Failure> {
    transact(vault, (Some(&job.region), Access::Write), context, |cx| {
        let mut record = find(cx, job)?;
        let Some(progress) = progress_of(&record, job).cloned() else { return Ok(Left::Nothing) };
        let (event, outcome, left) = if progress.kind == Kind::TestOnly {
            drop_test(cx, &mut record, &progress)?;
            ("TestRotationFailed", FAILED, Left::Nothing)
        } else if is_complete(&record, &progress) {
            let at = moved_to(&record).unwrap_or(cx.date()?);
            configure(&mut record, job);
            complete(&mut record, at);
            ("RotationSucceeded", SUCCESS, Left::Complete)
        } else {
            record.progress = Some(Progress { lease: None, ..progress });
            repository::store(cx, &mut record)?;
            return Ok(Left::Pending);
        };
        repository::store(cx, &mut record)?;
        let detail = format!("interrupted during {} step", step.name());
        log(cx, (event, outcome), (&record, &job.token), &detail)?;
        Ok(left)
    })
}

/// Notes that nobody is at work any more on a rotation that its owner has ended.
pub(crate) fn release(
    vault: &mut Vault,
    job: &Job,
    context: RequestContext<'_>,
) -> Result<(), Failure> {
    transact(vault, (Some(&job.region), Access::Write), context, |cx| {
        let mut record = find(cx, job)?;
        if let Some(progress) = progress_of(&record, job).cloned() {
            record.progress = Some(Progress { lease: None, ..progress });
            repository::store(cx, &mut record)?;
        }
        Ok(())
    })
}

/// Notes that a step failed.
pub(crate) fn fail(
    vault: &mut Vault,
    job: &Job,
    failed: &Failed<'_>,
    context: RequestContext<'_>,
) -> Result<Left, Failure> {
    transact(vault, (Some(&job.region), Access::Write), context, |cx| {
        let record = find(cx, job)?;
        let Some(progress) = progress_of(&record, job).cloned() else { return Ok(Left::Nothing) };
        note_failure(cx, record, progress, (job, failed))
    })
}

fn note_failure(
    cx: &mut Context<'_, '_>,
    mut record: Record,
    mut progress: Progress,
    (job, failed): (&Job, &Failed<'_>),
) -> Result<Left, Failure> {
    let now = cx.now()?;
    let step = failed.step.name();
    let detail =
        format!("Error when executing {} during {step} step: {}", job.function, failed.status);
    let (event, left) = if progress.kind == Kind::TestOnly {
        drop_test(cx, &mut record, &progress)?;
        ("TestRotationFailed", Left::Nothing)
    } else if is_complete(&record, &progress) {
        let at = moved_to(&record).unwrap_or(cx.date()?);
        configure(&mut record, job);
        complete(&mut record, at);
        ("RotationFailed", Left::Complete)
    } else {
        progress.last_error = Some(format!("{step}: {}", failed.status));
        progress.lease = None;
        put_off(&mut progress, failed.retry, (now, jitter(cx)?));
        record.progress = Some(progress);
        ("RotationFailed", Left::Pending)
    };
    repository::store(cx, &mut record)?;
    log(cx, (event, FAILED), (&record, &job.token), &detail)?;
    Ok(left)
}

/// Sets when a rotation is tried again. `percent` is how much of the usual time it waits.
fn put_off(progress: &mut Progress, retry: Retry, (now, percent): (Timestamp, i64)) {
    let minutes = match retry {
        Retry::Temporary => 1,
        Retry::Configuration | Retry::BackOff => {
            progress.failures = progress.failures.saturating_add(1);
            usual_minutes(progress.failures)
        }
    };
    progress.next_attempt = Timestamp(now.0.saturating_add(wait(minutes, percent)));
    if progress.outlook != Outlook::Cancelled {
        progress.outlook = match retry {
            Retry::Configuration => Outlook::Misconfigured,
            Retry::BackOff if progress.failures >= MAX_FAILURES => Outlook::Orphaned,
            Retry::Temporary | Retry::BackOff => Outlook::Open,
        };
    }
}

/// Returns how many minutes are waited after so many failures, give or take.
fn usual_minutes(failures: u64) -> i64 {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    1_i64.checked_shl(doublings.min(32)).unwrap_or(i64::MAX).min(MAX_WAIT_MINUTES)
}

fn wait(minutes: i64, percent: i64) -> i64 {
    minutes.saturating_mul(MINUTE_MS).saturating_mul(percent) / 100
}

/// Returns how many milliseconds are waited at the longest after so many failures.
pub(super) fn longest_wait(failures: u64) -> i64 {
    wait(usual_minutes(failures), MAX_PERCENT)
}

/// Draws from 80 to 120, so that secrets that failed together are not tried again together.
fn jitter(cx: &Context<'_, '_>) -> Result<i64, Failure> {
    let percents: Vec<i64> = (80..=MAX_PERCENT).collect();
    Ok(Dice::new(cx.entropy()).pick(&percents)?.copied().unwrap_or(100))
}

/// Turns rotation off, and returns the version that a rotation under way was making.
pub(crate) fn cancel(
    cx: &mut Context<'_, '_>,
    record: &mut Record,
) -> Result<Option<String>, Failure> {
    let before = record.clone();
    let rotation = record.rotation.as_mut().ok_or_else(refusals::no_function)?;
    rotation.enabled = false;
    let mut version_id = None;
    if let Some(mut progress) = record.progress.clone()
        && progress.outlook != Outlook::Cancelled
    {
        if progress.kind == Kind::TestOnly {
            drop_test(cx, record, &progress)?;
        } else if !is_complete(record, &progress) {
            progress.outlook = Outlook::Cancelled;
            version_id = Some(progress.token.clone());
            record.progress = Some(progress);
        }
    }
    if *record != before {
        repository::store(cx, record)?;
    }
    Ok(version_id)
}

/// Tidies up after a run that never came to its end: a test leaves nothing, and a rotation whose
/// version is current was done. The record is changed but not yet stored.
pub(super) fn settle(cx: &mut Context<'_, '_>, record: &mut Record) -> Result<(), Failure> {
    let Some(progress) = record.progress.clone() else { return Ok(()) };
    if progress.kind == Kind::TestOnly {
        drop_test(cx, record, &progress)
    } else if is_complete(record, &progress) {
        complete(record, moved_to(record).unwrap_or(cx.date()?));
        log(cx, ("RotationSucceeded", SUCCESS), (record, &progress.token), "")
    } else {
        Ok(())
    }
}

/// Takes `AWSPENDING` off the version of a rotation under way, when its owner makes another version
/// `written` by hand. [`follow`] does the rest.
pub(crate) fn abandon(cx: &Context<'_, '_>, record: &mut Record, written: &str) {
    let Some(Progress { token, .. }) = record.progress.clone() else { return };
    if !cx.is_step() && token != written {
        unpend(record, &token);
    }
}

/// Keeps up with a record that is about to be stored: since when its current version is current,
/// and whether its owner ended the rotation under way by moving its labels.
pub(crate) fn track_current(cx: &mut Context<'_, '_>, record: &mut Record) -> Result<(), Failure> {
    let moved = moved_to(record);
    note_current(record, cx.date()?);
    let Some(progress) = record.progress.clone() else { return Ok(()) };
    let is_on = |label| record.staged(label).is_some_and(|version| version.id == progress.token);
    let is_pending = is_on(stages::PENDING) && !is_on(stages::CURRENT);
    if cx.is_step() || is_pending || moved.is_some() && is_on(stages::CURRENT) {
        return Ok(());
    }
    let event = if let Some(at) = moved {
        // Done before this change, though nobody was left to say so.
        complete(record, at);
        "RotationSucceeded"
    } else if progress.kind == Kind::TestOnly {
        drop_test(cx, record, &progress)?;
        "RotationAbandoned"
    } else {
        record.progress = None;
        "RotationAbandoned"
    };
    log(cx, (event, SUCCESS), (record, &progress.token), "")
}

/// Returns when the function of a rotation under way moved `AWSCURRENT` to its version, if it did,
/// by what the record said before the change that is about to be stored.
fn moved_to(record: &Record) -> Option<Timestamp> {
    let progress = record.progress.as_ref().filter(|progress| progress.kind == Kind::Rotate)?;
    let (id, since) = record.rotation.as_ref()?.current.as_ref()?;
    (*id == progress.token).then_some(*since)
}

fn note_current(record: &mut Record, now: Timestamp) {
    let current = record.staged(stages::CURRENT).map(|version| version.id.clone());
    if let Some(rotation) = &mut record.rotation
        && rotation.current.as_ref().map(|(id, _)| id) != current.as_ref()
    {
        rotation.current = current.map(|id| (id, now));
    }
}

/// Makes the new version current, unless it is.
fn move_current(record: &mut Record, token: &str) -> Result<(), Fault> {
    stages::must_have_value(&record.versions, token)?;
    let holder = record.staged(stages::CURRENT).map(|version| version.id.clone());
    let remove_from = holder.as_deref().filter(|holder| *holder != token);
    let change = Change { label: stages::CURRENT, remove_from, move_to: Some(token) };
    stages::move_label(&mut record.versions, &change)
        .map_err(|fault| Fault::invalid_request(fault.message))
}

/// Notes that the version of the rotation under way became current `at`, and needs no other label.
fn complete(record: &mut Record, at: Timestamp) {
    if let Some(progress) = record.progress.take() {
        unpend(record, &progress.token);
    }
    record.rotated = Some(at);
}

fn unpend(record: &mut Record, token: &str) {
    if let Some(version) = record.version_mut(token) {
        version.stages.retain(|stage| stage != stages::PENDING);
    }
}

/// Erases the version that a test was made with.
fn drop_test(
    cx: &mut Context<'_, '_>,
    record: &mut Record,
    progress: &Progress,
) -> Result<(), Failure> {
    // Whoever gave it another label wants to keep it.
    let is_own = |version: &Version| version.stages.iter().all(|stage| stage == stages::PENDING);
    let is_test = |version: &Version| version.id == progress.token && is_own(version);
    let test = record.versions.iter().position(is_test);
    if let Some(position) = test
        && let Some(stored) = record.versions.remove(position).value
    {
        cx.vault()?.remove_value(&stored)?;
    }
    record.progress = None;
    Ok(())
}

const MINUTE_MS: i64 = 60_000;
/// The longest wait, as a part of the usual one.
const MAX_PERCENT: i64 = 120;
/// Six hours.
const MAX_WAIT_MINUTES: i64 = 360;
/// After so many failures nothing is tried again by itself.
const MAX_FAILURES: u64 = 10;

#[cfg(test)]
mod tests;

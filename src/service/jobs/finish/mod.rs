//! Finishes a job that is done, failed or interrupted (docs/behaviour.md, "Rotation").

use super::backoff::{Retry, jitter, put_off};
use super::transact::{at_work, find, progress_of, transact};
use crate::model::value::Value;
use crate::service::caller::Step;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Fault;
use crate::service::operations::rotate_secret;
use crate::service::repository;
use crate::service::rotation::events::{RotationEvent, log};
use crate::service::rotation::job::Job;
use crate::service::rotation::progress::{complete, drop_test, is_complete, moved_to};
use crate::service::rules::stages::{self, Change};
use crate::vault::Vault;
use crate::vault::progress::{Progress, Purpose};
use crate::vault::record::Record;
use crate::vault::rotation::Rotation;
use crate::vault::transaction::{Access, RequestContext};

/// What a failure left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftBehind {
    /// The version with `AWSPENDING`; running it again resumes.
    Pending,
    /// The new value is current: the rotation is complete.
    Complete,
    /// Nothing: it was a test, or was abandoned meanwhile.
    Nothing,
}

/// How a step failed.
pub(crate) struct FailedStep<'a> {
    pub(crate) step: Step,
    /// How its program ended, such as `exit status 1`; never its output.
    pub(crate) status: &'a str,
    pub(crate) retry: Retry,
}

/// Finishes a job whose steps are done, and returns the answer of `rotate-secret`.
///
/// Moves `AWSCURRENT` to the new version if the program did not.
///
/// # Errors
/// As [`super::steps::before_step`]; and `InvalidRequestException` if the new version has no value.
pub(crate) fn finish(
    vault: &mut Vault,
    job: &Job,
    context: RequestContext<'_>,
) -> Result<Value, Failure> {
    transact(vault, Some(&job.region), Access::Write, context, |cx| {
        let (mut record, progress) = at_work(cx, job)?;
        let now = cx.date()?;
        configure(&mut record, job);
        let (event, version_id) = match job.purpose {
            Purpose::Rotate => {
                move_current(&mut record, &job.token)?;
                complete(&mut record, now);
                (RotationEvent::Succeeded, Some(job.token.clone()))
            }
            Purpose::TestOnly => {
                drop_test(cx, &mut record, &progress)?;
                (RotationEvent::TestSucceeded, None)
            }
        };
        repository::store(cx, &mut record)?;
        log(cx, event, &record, &job.token, "")?;
        Ok(rotate_secret::answer(record, version_id))
    })
}

/// Stores the settings that came with the request.
fn configure(record: &mut Record, job: &Job) {
    let Some(config) = &job.pending_config else { return };
    let stored = record.rotation.as_ref();
    let current = stored.map_or_else(|| config.current.clone(), |stored| stored.current.clone());
    // It may have been cancelled after the program made the new version current.
    let enabled = job.purpose == Purpose::TestOnly || stored.is_none_or(|stored| stored.enabled);
    record.rotation = Some(Rotation { enabled, current, ..config.clone() });
}

/// Completes a rotation whose program moved the label itself, as of that moment.
fn conclude(cx: &mut Context<'_, '_>, record: &mut Record, job: &Job) -> Result<(), Failure> {
    let at = moved_to(record).unwrap_or(cx.date()?);
    configure(record, job);
    complete(record, at);
    Ok(())
}

/// Tidies up after an interruption before or during a step: a test leaves nothing, and a rotation
/// that the program completed is complete.
pub(crate) fn interrupt(
    vault: &mut Vault,
    job: &Job,
    step: Step,
    context: RequestContext<'_>,
) -> Result<LeftBehind, Failure> {
    transact(vault, Some(&job.region), Access::Write, context, |cx| {
        let mut record = find(cx, job)?;
        let Some(progress) = progress_of(&record, job).cloned() else {
            return Ok(LeftBehind::Nothing);
        };
        let (event, left) = if progress.purpose == Purpose::TestOnly {
            drop_test(cx, &mut record, &progress)?;
            (RotationEvent::TestFailed, LeftBehind::Nothing)
        } else if is_complete(&record, &progress) {
            conclude(cx, &mut record, job)?;
            (RotationEvent::Succeeded, LeftBehind::Complete)
        } else {
            record.progress = Some(Progress { lease: None, ..progress });
            repository::store(cx, &mut record)?;
            return Ok(LeftBehind::Pending);
        };
        repository::store(cx, &mut record)?;
        let detail = format!("interrupted during {} step", step.name());
        log(cx, event, &record, &job.token, &detail)?;
        Ok(left)
    })
}

/// Gives up the lease on a rotation that its owner has ended.
pub(crate) fn release(
    vault: &mut Vault,
    job: &Job,
    context: RequestContext<'_>,
) -> Result<(), Failure> {
    transact(vault, Some(&job.region), Access::Write, context, |cx| {
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
    failed: &FailedStep<'_>,
    context: RequestContext<'_>,
) -> Result<LeftBehind, Failure> {
    transact(vault, Some(&job.region), Access::Write, context, |cx| {
        let record = find(cx, job)?;
        let Some(progress) = progress_of(&record, job).cloned() else {
            return Ok(LeftBehind::Nothing);
        };
        note_failure(cx, record, progress, job, failed)
    })
}

fn note_failure(
    cx: &mut Context<'_, '_>,
    mut record: Record,
    mut progress: Progress,
    job: &Job,
    failed: &FailedStep<'_>,
) -> Result<LeftBehind, Failure> {
    let now = cx.now()?;
    let step = failed.step.name();
    let detail =
        format!("Error when executing {} during {step} step: {}", job.function, failed.status);
    let (event, left) = if progress.purpose == Purpose::TestOnly {
        drop_test(cx, &mut record, &progress)?;
        (RotationEvent::TestFailed, LeftBehind::Nothing)
    } else if is_complete(&record, &progress) {
        conclude(cx, &mut record, job)?;
        (RotationEvent::Failed, LeftBehind::Complete)
    } else {
        progress.last_error = Some(format!("{step}: {}", failed.status));
        progress.lease = None;
        put_off(&mut progress, failed.retry, now, jitter(cx)?);
        record.progress = Some(progress);
        (RotationEvent::Failed, LeftBehind::Pending)
    };
    repository::store(cx, &mut record)?;
    log(cx, event, &record, &job.token, &detail)?;
    Ok(left)
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

#[cfg(test)]
mod tests;

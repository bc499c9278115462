//! What the state of a rotation means for its secret, and what becomes of it when the secret is
//! changed by other ways (docs/behaviour.md, "Rotation").

use super::events::{RotationEvent, log};
use crate::model::time::Timestamp;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::rules::stages;
use crate::vault::progress::{Kind, Progress};
use crate::vault::record::{Record, Version};

/// Whether a rotation's version is the current one: then it has only to be tidied up after.
pub(crate) fn is_complete(record: &Record, progress: &Progress) -> bool {
    let current = record.staged(stages::CURRENT);
    progress.kind == Kind::Rotate && current.is_some_and(|version| version.id == progress.token)
}

/// Tidies up after a run that never came to its end: a test leaves nothing, and a rotation whose
/// version is current was done. The record is changed but not yet stored.
pub(crate) fn settle(cx: &mut Context<'_, '_>, record: &mut Record) -> Result<(), Failure> {
    let Some(progress) = record.progress.clone() else { return Ok(()) };
    if progress.kind == Kind::TestOnly {
        drop_test(cx, record, &progress)
    } else if is_complete(record, &progress) {
        complete(record, moved_to(record).unwrap_or(cx.date()?));
        log(cx, RotationEvent::Succeeded, record, &progress.token, "")
    } else {
        Ok(())
    }
}

/// Takes `AWSPENDING` off the version of a rotation under way, when its owner makes another version
/// `written` by hand. [`track_current`] does the rest.
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
        RotationEvent::Succeeded
    } else if progress.kind == Kind::TestOnly {
        drop_test(cx, record, &progress)?;
        RotationEvent::Abandoned
    } else {
        record.progress = None;
        RotationEvent::Abandoned
    };
    log(cx, event, record, &progress.token, "")
}

/// Returns when the function of a rotation under way moved `AWSCURRENT` to its version, if it did,
/// by what the record said before the change that is about to be stored.
pub(crate) fn moved_to(record: &Record) -> Option<Timestamp> {
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

/// Notes that the version of the rotation under way became current `at`, and needs no other label.
pub(crate) fn complete(record: &mut Record, at: Timestamp) {
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
pub(crate) fn drop_test(
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

#[cfg(test)]
mod tests;

//! What the state of a rotation means for its secret, and how it ends when the owner changes the
//! secret by hand (docs/behaviour.md, "Rotation").

use super::events::{RotationEvent, log};
use crate::model::time::Timestamp;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::rules::stages;
use crate::vault::progress::{Progress, Purpose};
use crate::vault::record::{Record, Version};

/// Whether a rotation's version is already current, so that only tidying up is left.
pub(crate) fn is_complete(record: &Record, progress: &Progress) -> bool {
    let current = record.staged(stages::CURRENT);
    progress.purpose == Purpose::Rotate
        && current.is_some_and(|version| version.id == progress.token)
}

/// Tidies up after a run that was killed: a test leaves nothing, and a rotation whose version is
/// current is complete. Changes the record without storing it.
pub(crate) fn settle(cx: &mut Context<'_, '_>, record: &mut Record) -> Result<(), Failure> {
    let Some(progress) = record.progress.clone() else { return Ok(()) };
    if progress.purpose == Purpose::TestOnly {
        drop_test(cx, record, &progress)
    } else if is_complete(record, &progress) {
        complete(record, moved_to(record).unwrap_or(cx.date()?));
        log(cx, RotationEvent::Succeeded, record, &progress.token, "")
    } else {
        Ok(())
    }
}

/// Removes `AWSPENDING` from the version of a rotation in progress when the owner writes another
/// version by hand. [`track_current`] does the rest.
pub(crate) fn abandon(cx: &Context<'_, '_>, record: &mut Record, written: &str) {
    let Some(Progress { token, .. }) = record.progress.clone() else { return };
    if !cx.is_step() && token != written {
        unpend(record, &token);
    }
}

/// Updates a record that is about to be stored: since when its current version is current, and
/// whether the owner ended the rotation in progress by moving its labels.
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
        // It was complete before this change, but its runner was gone.
        complete(record, at);
        RotationEvent::Succeeded
    } else if progress.purpose == Purpose::TestOnly {
        drop_test(cx, record, &progress)?;
        RotationEvent::Abandoned
    } else {
        record.progress = None;
        RotationEvent::Abandoned
    };
    log(cx, event, record, &progress.token, "")
}

/// Returns when the rotation in progress moved `AWSCURRENT` to its version, if it did: as recorded
/// before the change that is about to be stored.
pub(crate) fn moved_to(record: &Record) -> Option<Timestamp> {
    let progress =
        record.progress.as_ref().filter(|progress| progress.purpose == Purpose::Rotate)?;
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

/// Notes that the version of the rotation in progress became current `at` this time, and removes
/// its pending label.
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

/// Erases the version that a test used.
pub(crate) fn drop_test(
    cx: &mut Context<'_, '_>,
    record: &mut Record,
    progress: &Progress,
) -> Result<(), Failure> {
    // A version with another label is kept: somebody wants it.
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

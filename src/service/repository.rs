//! Finds secrets that may be changed, and stores them with what follows from the change: their
//! replicas, and the state of their rotation.

use super::context::Context;
use super::failure::Failure;
use super::fault::Fault;
use super::replication::{across, mirror, replicas};
use super::rotation::progress;
use crate::model::types::SecretId;
use crate::vault::record::Record;
use crate::vault::trace::Trace;

/// Finds a secret that may be changed: no replica, and not scheduled for deletion.
///
/// Everything that changes a secret finds it so, but for what also works on one that is
/// scheduled.
pub(crate) fn find_writable(cx: &mut Context<'_, '_>, id: &SecretId) -> Result<Record, Failure> {
    let record = cx.find(id)?;
    replicas::require_primary(&record)?;
    not_scheduled(record)
}

/// Finds a secret whose policies may be changed: a replica in another account has its own.
pub(crate) fn find_with_policies(
    cx: &mut Context<'_, '_>,
    id: &SecretId,
) -> Result<Record, Failure> {
    let record = cx.find(id)?;
    if record.cross_primary.is_none() {
        replicas::require_primary(&record)?;
    }
    not_scheduled(record)
}

fn not_scheduled(record: Record) -> Result<Record, Failure> {
    if record.deletion.is_some() { Err(Fault::marked_for_deletion().into()) } else { Ok(record) }
}

/// Stores a new secret. Its replicas are made at once.
pub(crate) fn insert(cx: &mut Context<'_, '_>, record: &mut Record) -> Result<(), Failure> {
    mirror::mirror_replicas(cx, record)?;
    cx.did(Trace::between(None, record));
    Ok(cx.vault()?.insert(record)?)
}

/// Stores a record that was changed, and dates the change. Its replicas follow at once.
///
/// AWS dates what "modified in any way" (docs/behaviour.md, "Dates"). Whether that is any call
/// or any change is not known; here a call that changes nothing stores nothing, so it must not
/// come here.
pub(crate) fn store(cx: &mut Context<'_, '_>, record: &mut Record) -> Result<(), Failure> {
    let before = cx.vault()?.find_row(record.rid)?;
    record.changed = cx.date()?;
    progress::track_current(cx, record)?;
    across::follow_change(cx, record)?;
    mirror::mirror_replicas(cx, record)?;
    // Where two are stored for one call, the last is the one that it is about.
    cx.did(Trace::between(before.as_ref(), record));
    Ok(cx.vault()?.update(record)?)
}

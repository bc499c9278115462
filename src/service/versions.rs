//! How a value becomes a version: the token's idempotency, the labels, and what falls off the end.
//! `create-secret`, `put-secret-value` and `update-secret` share it.

use super::context::Context;
use super::failure::Failure;
use super::rotation::progress;
use super::rules::arn::arn_of;
use super::rules::idempotency::{self, Earlier, Write};
use super::rules::stages;
use crate::model::secret_value::SecretValue;
use crate::model::types::ClientRequestToken;
use crate::vault::record::{Record, Version};

/// Whether a token made a version or had made it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// The version is new, or was empty.
    New,
    /// The same token had stored the same value: nothing changes, no label moves.
    Repeated,
}

/// Stores `value` as the version that `token` names, and moves the labels. The record is changed
/// but not yet stored.
///
/// # Errors `ResourceExistsException` when the token names a version with another value
/// (docs/behaviour.md, "Tokens").
pub(crate) fn write(
    cx: &mut Context<'_, '_>,
    record: &mut Record,
    token: &ClientRequestToken,
    value: &SecretValue,
    asked: Option<&[String]>,
) -> Result<Written, Failure> {
    let earlier = match record.version(&token.0) {
        None => Earlier::Absent,
        Some(version) => match cx.vault()?.value(record, version)? {
            None => Earlier::Empty,
            Some(stored) => Earlier::holding(&stored, Some(value)),
        },
    };
    if idempotency::write(earlier, &token.0, &arn_of(record))? == Write::Repeat {
        return Ok(Written::Repeated);
    }
    let now = cx.date()?;
    let kms_key_id = record.kms_key_id.clone();
    let stored = cx.vault()?.insert_value(record.rid, &token.0, value)?;
    if let Some(empty) = record.version_mut(&token.0) {
        empty.value = Some(stored);
    } else {
        let version = Version::new(token.0.clone(), Some(stored), now);
        record.versions.push(Version { kms_key_id, ..version });
    }
    stages::put(&mut record.versions, &token.0, asked)?;
    progress::abandon(cx, record, &token.0);
    drop_oldest(cx, record)?;
    Ok(Written::New)
}

/// Names the secret's key on the versions that AWS would encrypt anew: all others keep the old one.
pub(crate) fn follow_key(record: &mut Record) {
    let is_followed = |stage: &String| {
        [stages::CURRENT, stages::PENDING, stages::PREVIOUS].contains(&stage.as_str())
    };
    for version in &mut record.versions {
        if version.stages.iter().any(is_followed) {
            version.kms_key_id.clone_from(&record.kms_key_id);
        }
    }
}

/// Drops the versions that AWS would drop by now.
///
/// # Errors
/// `LimitExceededException` where too many are left.
pub(super) fn drop_oldest(cx: &mut Context<'_, '_>, record: &mut Record) -> Result<(), Failure> {
    let now = cx.date()?;
    for position in stages::droppable(&record.versions, now).into_iter().rev() {
        let version = record.versions.remove(position);
        if let Some(stored) = version.value {
            cx.vault()?.remove_value(&stored)?;
        }
    }
    Ok(stages::check_count(&record.versions)?)
}

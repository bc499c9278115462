//! How a secret's rotation is set up, for a person to inspect and approve, and the fingerprints of
//! its program's files.

use super::transact::transact;
use crate::model::time::Timestamp;
use crate::model::types::SecretId;
use crate::service::failure::Failure;
use crate::service::repository;
use crate::service::rotation::refusals;
use crate::service::rules::arn::arn_of;
use crate::vault::Vault;
use crate::vault::audit::Event;
use crate::vault::progress::{Outlook, Progress};
use crate::vault::rotation::{Pin, Rotation};
use crate::vault::transaction::{Access, RequestContext, Transaction};

/// A secret and its rotation.
pub(crate) struct RotationSettings {
    /// The secret's row.
    pub(crate) rid: u64,
    pub(crate) arn: String,
    pub(crate) name: String,
    /// How it rotates, if it does.
    pub(crate) rotation: Option<Rotation>,
    /// The rotation in progress.
    pub(crate) progress: Option<Progress>,
    /// When it was last rotated.
    pub(crate) rotated: Option<Timestamp>,
}

/// Reads how a secret rotates.
pub(crate) fn settings(
    vault: &mut Vault,
    id: &SecretId,
    region: Option<&str>,
    context: RequestContext<'_>,
) -> Result<RotationSettings, Failure> {
    transact(vault, region, Access::Read, context, |cx| {
        let record = cx.find(id)?;
        Ok(RotationSettings {
            rid: record.rid,
            arn: arn_of(&record),
            name: record.name,
            rotation: record.rotation,
            progress: record.progress,
            rotated: record.rotated,
        })
    })
}

/// Notes that a person approved a secret's command: what failed before may be retried at once. `pins`
/// replace the fingerprints of its files.
pub(crate) fn approve(
    vault: &mut Vault,
    id: &SecretId,
    region: Option<&str>,
    pins: Option<Vec<Pin>>,
    context: RequestContext<'_>,
) -> Result<(), Failure> {
    transact(vault, region, Access::Write, context, |cx| {
        let mut record = cx.find_active(id)?;
        let rotation = record.rotation.as_mut().ok_or_else(refusals::no_function)?;
        let event = if pins.is_some() { "RepinRotation" } else { "ApproveRotation" };
        rotation.command.pins = pins.unwrap_or(std::mem::take(&mut rotation.command.pins));
        if let Some(progress) = &mut record.progress {
            progress.failures = 0;
            progress.next_attempt = progress.next_attempt.min(context.now);
            if matches!(progress.outlook, Outlook::Misconfigured | Outlook::Orphaned) {
                progress.outlook = Outlook::Open;
            }
        }
        repository::store(cx, &mut record)?;
        let subject = Transaction::subject(&record);
        Ok(cx.vault()?.record(event, Event::SUCCESS, subject)?)
    })
}

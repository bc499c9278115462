//! How a secret's rotation is set up, for a person to look at, and the fingerprints of its program's
//! files, taken anew when that person says so.

use crate::model::time::Timestamp;
use crate::model::types::SecretId;
use crate::service::context::{Context, Failure, arn_of};
use crate::service::fault::Fault;
use crate::vault::Vault;
use crate::vault::audit::Event;
use crate::vault::progress::Progress;
use crate::vault::rotation::{Pin, Rotation};
use crate::vault::transaction::{Access, Occasion, Transaction};

/// A secret and its rotation.
pub(crate) struct Settings {
    /// The secret's row.
    pub(crate) rid: u64,
    /// Its ARN.
    pub(crate) arn: String,
    /// Its name.
    pub(crate) name: String,
    /// How it rotates, if it does.
    pub(crate) rotation: Option<Rotation>,
    /// What was begun and is not finished.
    pub(crate) progress: Option<Progress>,
    /// When it was last rotated.
    pub(crate) rotated: Option<Timestamp>,
}

/// Reads how a secret rotates.
pub(crate) fn settings(
    vault: &mut Vault,
    id: &SecretId,
    region: Option<&str>,
    occasion: Occasion<'_>,
) -> Result<Settings, Failure> {
    let mut transaction = vault.begin(Access::Read, occasion)?;
    let home = transaction.state().settings.region().to_owned();
    let record = Context::new(&mut transaction, region, &home).find(id)?;
    Ok(Settings {
        rid: record.rid,
        arn: arn_of(&record),
        name: record.name.clone(),
        rotation: record.rotation,
        progress: record.progress,
        rotated: record.rotated,
    })
}

/// Puts other fingerprints in the place of those that a secret's command has.
pub(crate) fn repin(
    vault: &mut Vault,
    id: &SecretId,
    region: Option<&str>,
    pins: Vec<Pin>,
    occasion: Occasion<'_>,
) -> Result<(), Failure> {
    let mut transaction = vault.begin(Access::Write, occasion)?;
    let home = transaction.state().settings.region().to_owned();
    let mut cx = Context::new(&mut transaction, region, &home);
    let mut record = cx.find_active(id)?;
    let rotation = record.rotation.as_mut().ok_or_else(no_function)?;
    rotation.command.pins = pins;
    cx.store(&mut record)?;
    let subject = Transaction::subject(&record);
    transaction.record("RepinRotation", Event::SUCCESS, subject)?;
    transaction.commit()?;
    Ok(())
}

/// The secret has no rotation function (ROTATION §1.1, check 8).
pub(crate) fn no_function() -> Fault {
    Fault::invalid_request("No Lambda rotation function ARN is associated with this secret.")
}

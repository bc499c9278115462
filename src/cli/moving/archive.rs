//! An archive: a vault of its own that has the secrets that were selected, with everything they are.

use std::path::Path;

use super::super::credentials::Offer;
use super::super::failure::Failure;
use super::super::progress::progress;
use super::super::terminal;
use super::super::unlock::CommandContext;
use crate::service::export::{self, Export, Exported, Purpose};
use crate::transfer::reading::Reading;
use crate::transfer::taken;
use crate::transfer::write::{Feature, Losses};
use crate::upkeep::copy;
use crate::upkeep::init::{self, Plan};
use crate::upkeep::slots::NewSlot;
use crate::vault::check::Finding;
use crate::vault::state::Settings;
use crate::vault::{self, LockedVault};

/// Makes an archive at a path where nothing is. It appears when all of it is there.
pub(crate) fn make(
    path: &Path,
    slot: NewSlot,
    export: Export,
    context: &CommandContext<'_>,
) -> Result<(), Failure> {
    let Export { secrets, settings, .. } = export;
    let settings = Settings::new(settings.account(), settings.region());
    // Nobody works in it, so that this machine need not remember it.
    let plan = Plan { slots: vec![slot], settings, anchors: None };
    let request_context = context.request_context();
    let made = init::prepare(path, plan, request_context).and_then(|mut archive| {
        export::settle(&mut archive, secrets, request_context)?;
        archive.appear()
    });
    made.map_err(|error| error.for_want_of_space_at(path).into())
}

/// Reads the secrets of an archive, or of any other vault: all of its home region, or of the one that is
/// asked for. All of it is verified first.
pub(crate) fn read(
    path: &Path,
    offer: &Offer,
    context: &CommandContext<'_>,
) -> Result<Reading, Failure> {
    let locked = LockedVault::open_copy(path)?;
    let opened = offer.open(&locked)?;
    drop(locked);
    let request_context = context.request_context();
    let verified = copy::verify(path, &opened.master, request_context, &mut progress());
    terminal::finish();
    let (mut archive, findings) = verified?;
    if let Some(Finding { place, problem }) = findings.first() {
        let message = format!("{}: {place}: {problem}", path.display());
        return Err(vault::Error::Tampered(message).into());
    }
    let purpose = Purpose::DryRun;
    let taken = export::take(&mut archive, context.region(), &[], purpose, request_context);
    let taken = taken.map_err(|failure| Failure::of_operation("Import", failure))?;
    Ok(taken::exact(taken.secrets))
}

/// Counts what an archive does not have of secrets: what is about others, or is not finished.
pub(crate) fn losses(secrets: &[Exported]) -> Losses {
    let mut losses = Losses::default();
    for Exported { record, .. } in secrets {
        losses.add(Feature::Replicas, u64::from(taken::is_followed(record)));
        losses.add(Feature::Pending, u64::from(record.progress.is_some()));
    }
    losses
}

//! `status`: tells what can be told of the vault, without asking for anything.

use clap::Command;

use super::super::failure::Failure;
use super::{Asked, Own, rotation, text};
use crate::model::value::Value;
use crate::service::jobs;
use crate::upkeep::status;

/// The command.
pub(super) const STATUS: Own = Own {
    name: "status",
    title: "Status",
    summary: "Show what the vault is and how it stands.",
    example: "strongroom status",
    options,
    run,
};

fn options(command: Command) -> Command {
    command
}

fn run(asked: &Asked<'_>) -> Result<(), Failure> {
    let context = asked.context;
    let locked = context.open_locked()?;
    let mut members = status::locked(&context.location.path, &locked);
    let offer = context.offer();
    let is_offered = offer.has_passphrase() || offer.keyfile_path().is_some();
    members.push(("Locked".to_owned(), Value::Boolean(!is_offered)));
    if is_offered {
        let opened = offer.open(&locked)?;
        let mut vault = context.unlock_with(locked, &opened, &context.unlock_policy())?;
        members.extend(status::unlocked(
            &mut vault,
            context.environment.anchors().as_deref(),
            context.request_context(),
        )?);
        let unfinished = jobs::unfinished(&mut vault, context.request_context());
        let unfinished = unfinished.map_err(|failure| Failure::of_operation("Status", failure))?;
        let rows = unfinished.into_iter().map(|(name, region, progress)| {
            let mut row = vec![text("Name", name), text("Region", region)];
            row.extend(rotation::unfinished(&progress));
            Value::Map(row)
        });
        members.push(("UnfinishedRotations".to_owned(), Value::List(rows.collect())));
    }
    asked.print(members)
}

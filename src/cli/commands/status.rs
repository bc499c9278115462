//! `status`: tells what can be told of the vault, without asking for anything.

use clap::Command;

use super::super::failure::Failure;
use super::{Asked, Own, rotation, text};
use crate::model::value::Value;
use crate::service::rotation as service;
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
    let surroundings = asked.surroundings;
    let locked = surroundings.open_locked()?;
    let mut members = status::locked(&surroundings.location.path, &locked);
    let offer = surroundings.offer();
    let is_offered = offer.has_passphrase() || offer.keyfile_path().is_some();
    members.push(("Locked".to_owned(), Value::Boolean(!is_offered)));
    if is_offered {
        let opened = offer.open(&locked)?;
        let mut vault = surroundings.unlock_with(locked, &opened, &surroundings.custody())?;
        members.extend(status::unlocked(
            &mut vault,
            surroundings.environment.anchors().as_deref(),
            surroundings.occasion(),
        )?);
        let unfinished = service::unfinished(&mut vault, surroundings.occasion());
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

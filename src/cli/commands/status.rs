//! `status`: tells what can be told of the vault, without asking for anything.

use clap::Command;

use super::super::failure::Failure;
use super::{Asked, Own};
use crate::model::value::Value;
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
    }
    asked.print(members)
}

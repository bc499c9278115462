//! `status`: tells what can be told of the vault, without asking for anything.

use super::super::failure::Failure;
use super::options::options;
use super::own::{Invocation, OwnCommand, text};
use super::rotation;
use crate::model::value::Value;
use crate::service::jobs::{self, Unfinished};
use crate::upkeep::status;

options! {
    /// The options of `status`.
    pub(super) struct Status;
}

impl OwnCommand for Status {
    const NAME: &'static str = "status";
    const TITLE: &'static str = "Status";
    const SUMMARY: &'static str = "Show what the vault is and how it stands.";
    const EXAMPLE: &'static str = "strongroom status";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
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
            let unfinished =
                unfinished.map_err(|failure| Failure::of_operation("Status", failure))?;
            let rows = unfinished.into_iter().map(|Unfinished { name, region, progress }| {
                let mut row = vec![text("Name", name), text("Region", region)];
                row.extend(rotation::unfinished(&progress));
                Value::Map(row)
            });
            members.push(("UnfinishedRotations".to_owned(), Value::List(rows.collect())));
        }
        invocation.print(members)
    }
}

//! `status`: tells what can be told of the vault, without asking for anything.

use super::super::agent::Session;
use super::super::chore;
use super::super::failure::Failure;
use super::super::held::Held;
use super::super::on_demand;
use super::options::options;
use super::own::{Invocation, OwnCommand};
use crate::agent::chores::Chore;
use crate::model::value::Value;
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
        let mut members = status::locked(&context.location()?.path, &locked);
        let anchors = context.environment.anchors();
        let chore = || Chore::Status { anchors: anchors.clone() };
        let held = Held::find(context);
        let offer = context.offer();
        let is_offered = offer.has_passphrase() || offer.keyfile_path().is_some();
        let is_held = held.as_ref().is_some_and(Held::is_for_us);
        let is_locked = !is_offered && !is_held;
        members.push(("Locked".to_owned(), Value::Boolean(is_locked)));
        let is_on_demand = on_demand::manner(context.environment).is_some();
        members.push(("OnDemand".to_owned(), Value::Boolean(is_on_demand)));
        if let Some(held) = held {
            members.extend(held.shown());
        }
        if let Some(session) = Session::find_for_control(context).filter(|_| is_held) {
            members.push(("Grants".to_owned(), session.grants()?));
        }
        if !is_locked && let Value::Map(more) = chore::have_done(chore, Self::TITLE, context)? {
            members.extend(more);
        }
        invocation.print(members)
    }
}

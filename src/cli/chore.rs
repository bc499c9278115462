//! Work of our own on a vault, wherever it is open: in the agent, or else in this process.

use super::agent::{Asked, Session};
use super::credentials;
use super::failure::Failure;
use super::peers;
use super::unlock::CommandContext;
use crate::agent::chores::Chore;
use crate::model::value::Value;
use crate::vault::Vault;

/// Where a command has chores done: it is asked for a credential once, and only if there is no agent.
pub(crate) struct Workplace<'a> {
    context: &'a CommandContext<'a>,
    /// The vault, once it had to be opened here.
    vault: Option<Vault>,
}

impl<'a> Workplace<'a> {
    /// Begins; nothing is asked yet.
    pub(crate) fn of(context: &'a CommandContext<'a>) -> Self {
        Self { context, vault: None }
    }

    /// Has a chore done, for the command of this name.
    pub(crate) fn have_done(
        &mut self,
        chore: impl Fn() -> Chore,
        name: &'static str,
    ) -> Result<Value, Failure> {
        let context = self.context;
        if self.vault.is_none()
            && let Some(session) = find(&chore(), context)
            && let Asked::Answered(answer) = session.chore(chore(), name)?
        {
            peers::tell_peers(&mut None, Some(&session), context);
            return Ok(answer);
        }
        let mut vault = match self.vault.take() {
            Some(vault) => vault,
            None => context.unlock().map_err(|failure| unlock_first(failure, context))?,
        };
        let done = chore().run(&mut vault, context.request_context());
        self.vault = Some(vault);
        if done.is_ok() {
            peers::tell_peers(&mut self.vault, None, context);
        }
        done.map_err(|failure| Failure::of_operation(name, failure))
    }
}

/// Finds the agent; what a person asks of it while others keep it busy has a way of its own.
fn find(chore: &Chore, context: &CommandContext<'_>) -> Option<Session> {
    if matches!(chore, Chore::Status { .. }) {
        return Session::find_for_control(context);
    }
    Session::find(context)
}

/// Has one chore done.
pub(crate) fn have_done(
    chore: impl Fn() -> Chore,
    name: &'static str,
    context: &CommandContext<'_>,
) -> Result<Value, Failure> {
    Workplace::of(context).have_done(chore, name)
}

/// Says of a vault that nothing opens that it could have been unlocked before: to a command that the
/// agent would have answered.
pub(crate) fn unlock_first(failure: Failure, context: &CommandContext<'_>) -> Failure {
    if let Failure::Environment { hint: Some(hint), .. } = &failure
        && hint == credentials::WAYS
        && context.globals.expect.is_none()
    {
        let hint = format!("run `strongroom unlock` first, or {hint}");
        return failure.hinted(hint);
    }
    failure
}

//! What each caller may do: the one place where that is decided.

mod asking;
#[cfg(test)]
mod cases;
pub(crate) mod explanation;
mod grant;
mod members;
mod needs;
mod step;

use super::action::Action;
use super::caller::{Caller, Capability};
use super::context::Context;
use super::failure::Failure;
use super::fault::{Code, Fault};
use super::operation::Entry;
use super::policy_request;
use crate::model::value::Value;
use crate::vault::record::Record;
use asking::Asking;
use explanation::Explanation;
use grant::AtWork;

/// Checks whether the caller may make this call.
///
/// # Errors
/// `AccessDeniedException`.
pub(super) fn check(
    cx: &mut Context<'_, '_>,
    entry: &Entry,
    request: &Value,
) -> Result<(), Failure> {
    if let Some(at_work) = AtWork::of(cx.caller()) {
        return at_work.check(cx, entry, request);
    }
    match refused_step(cx, entry, request)? {
        Some(message) => Err(Fault::new(Code::AccessDenied, message).into()),
        None => Ok(()),
    }
}

/// Says why the caller may make this call, or may not.
pub(super) fn explain(
    cx: &mut Context<'_, '_>,
    entry: &Entry,
    request: &Value,
) -> Result<Explanation, Failure> {
    if let Some(at_work) = AtWork::of(cx.caller()) {
        return at_work.explain(cx, entry, request);
    }
    let refused = refused_step(cx, entry, request)?;
    let caller = policy_request::identity(cx)?.user();
    Ok(Explanation::without_policies(caller, refused))
}

/// Returns the words by which a rotation's step is refused; `None` for what it may do, and for the
/// owner, who may do everything.
fn refused_step(
    cx: &mut Context<'_, '_>,
    entry: &Entry,
    request: &Value,
) -> Result<Option<String>, Failure> {
    let Caller::Step(capability) = cx.caller() else { return Ok(None) };
    if capability.allows(cx, entry.action, request)? {
        return Ok(None);
    }
    Ok(Some(format!(
        "The {} step of a rotation is not allowed to perform: secretsmanager:{} with these \
         parameters.",
        capability.step.name(),
        entry.name
    )))
}

/// Whether the caller may make a call that needs no vault.
pub(crate) fn allows_without_vault(caller: &Caller, action: Action) -> bool {
    match caller {
        Caller::Owner => true,
        Caller::Step(capability) => capability.allows_without_vault(action),
        // Whether its time is over is said by the vault.
        Caller::Grant(_) | Caller::Key(_) => false,
    }
}

/// Which secrets a caller may know of.
pub(super) struct Visible<'c>(Sight<'c>);

enum Sight<'c> {
    All,
    ToStep(&'c Capability),
    /// With what its policies are asked.
    ToGrant(AtWork<'c>, Asking),
}

impl<'c> Visible<'c> {
    /// Those that the caller of an operation may know of.
    pub(super) fn to_caller(cx: &mut Context<'c, '_>) -> Result<Self, Failure> {
        if let Some(at_work) = AtWork::of(cx.caller()) {
            let asking = Asking::about(cx, Action::ListSecrets)?;
            return Ok(Self(Sight::ToGrant(at_work, asking)));
        }
        Ok(Self(match cx.caller() {
            Caller::Step(capability) => Sight::ToStep(capability),
            Caller::Owner | Caller::Grant(_) | Caller::Key(_) => Sight::All,
        }))
    }

    /// Whether this is one of them.
    pub(super) fn includes(&self, record: &Record) -> bool {
        match &self.0 {
            Sight::All => true,
            Sight::ToStep(capability) => capability.may_know_of(record),
            Sight::ToGrant(at_work, asking) => at_work.may_know_of(record, asking),
        }
    }
}

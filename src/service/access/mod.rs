//! What each caller may do: the one place where that is decided.

mod grant;
mod members;
mod step;

use super::action::Action;
use super::caller::{Caller, Capability, Grant, Signed};
use super::context::Context;
use super::failure::Failure;
use super::fault::{Code, Fault};
use super::operation::Entry;
use crate::model::value::Value;
use crate::vault::record::Record;
use grant::Asking;

/// Checks whether the caller may make this call.
///
/// # Errors
/// `AccessDeniedException`.
pub(super) fn check(
    cx: &mut Context<'_, '_>,
    entry: &Entry,
    request: &Value,
) -> Result<(), Failure> {
    let message = match cx.caller() {
        Caller::Owner => return Ok(()),
        Caller::Grant(grant) => return grant.check(cx, entry, request),
        Caller::Key(Signed { grant, .. }) => return grant.check(cx, entry, request),
        Caller::Step(capability) if capability.allows(cx, entry.action, request)? => return Ok(()),
        Caller::Step(capability) => format!(
            "The {} step of a rotation is not allowed to perform: secretsmanager:{} with these \
             parameters.",
            capability.step.name(),
            entry.name
        ),
    };
    Err(Fault::new(Code::AccessDenied, message).into())
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
pub(super) enum Visible<'c> {
    All,
    ToStep(&'c Capability),
    /// With what its policies are asked.
    ToGrant(&'c Grant, Asking),
}

impl<'c> Visible<'c> {
    /// Those that the caller of an operation may know of.
    pub(super) fn to_caller(cx: &mut Context<'c, '_>) -> Result<Self, Failure> {
        Ok(match cx.caller() {
            Caller::Owner => Self::All,
            Caller::Step(capability) => Self::ToStep(capability),
            Caller::Grant(grant) => Self::ToGrant(grant, Asking::about(cx, Action::ListSecrets)?),
            Caller::Key(Signed { grant, .. }) => {
                Self::ToGrant(grant, Asking::about(cx, Action::ListSecrets)?)
            }
        })
    }

    /// Whether this is one of them.
    pub(super) fn includes(&self, record: &Record) -> bool {
        match self {
            Self::All => true,
            Self::ToStep(capability) => capability.may_know_of(record),
            Self::ToGrant(grant, asking) => grant.may_know_of(record, asking),
        }
    }
}

//! What each caller may do: the one place where that is decided.

use std::collections::BTreeSet;

use super::action::Action;
use super::caller::{Caller, Capability, Grant, Step};
use super::context::Context;
use super::failure::Failure;
use super::fault::{Code, Fault};
use super::operation::{Effect, Entry};
use super::policy_request;
use super::rules::arn::{self, Place, arn_of};
use super::rules::policy::evaluate::{self, Decision};
use super::rules::policy::pattern;
use super::rules::policy::principal::Identity;
use super::rules::policy::request::Request;
use super::rules::stages::{CURRENT, PENDING, PREVIOUS};
use crate::model::value::Value;
use crate::vault::progress::Outlook;
use crate::vault::record::Record;

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
        Caller::Grant(_) => false,
    }
}

/// Which secrets a caller may know of.
pub(super) struct Visible<'c> {
    caller: &'c Caller,
    asking: Request,
}

impl<'c> Visible<'c> {
    /// Those that the caller of an operation may know of.
    pub(super) fn to_caller(cx: &mut Context<'c, '_>) -> Result<Self, Failure> {
        let asking = policy_request::request(cx, Action::ListSecrets, None)?;
        Ok(Self { caller: cx.caller(), asking })
    }

    /// Whether this is one of them.
    pub(super) fn includes(&self, record: &Record) -> bool {
        match self.caller {
            Caller::Owner => true,
            Caller::Step(capability) => {
                record.rid == capability.rid || capability.may_see_other(record)
            }
            Caller::Grant(grant) => {
                let asking = policy_request::about(self.asking.clone(), record);
                grant.is_for(&record.name) && grant.decide(&asking) == Decision::Allow
            }
        }
    }
}

impl Grant {
    fn check(
        &self,
        cx: &mut Context<'_, '_>,
        entry: &Entry,
        request: &Value,
    ) -> Result<(), Failure> {
        let is_open = cx.now()? < self.until
            && !(self.read_only && entry.effect == Effect::Writes)
            // What is checked here must be what the operation reads.
            && !has_duplicates(request);
        let mut actions = vec![entry.action];
        if entry.action == Action::BatchGetSecretValue && request.get("Filters").is_some() {
            // As in AWS, filters need the right to list.
            actions.push(Action::ListSecrets);
        }
        for action in actions {
            let decision = self.judge(cx, action, request)?;
            if !is_open || decision != Decision::Allow {
                return Err(denied(cx, action, request, decision)?.into());
            }
        }
        Ok(())
    }

    /// Decides whether an operation may be called at all, and about the secret that a request names.
    fn judge(
        &self,
        cx: &mut Context<'_, '_>,
        action: Action,
        request: &Value,
    ) -> Result<Decision, Failure> {
        let asking = policy_request::request(cx, action, None)?.with_members(request);
        let found = named(request).map(|id| cx.look_up(cx.region(), id)).transpose()?.flatten();
        let (asking, is_for) = match (found, named(request)) {
            (Some(record), _) => {
                (policy_request::about(asking, &record), self.is_for(&record.name))
            }
            (None, Some(id)) => {
                let (name, here) = (arn::name_in(id), cx.namespace()?);
                (policy_request::about_missing(asking, &here, name), self.is_for(name))
            }
            (None, None) => (asking, true),
        };
        let decision = self.decide(&asking);
        let is_granted = self.actions.contains(&action) && is_for;
        Ok(if is_granted || decision == Decision::Deny { decision } else { Decision::NoOpinion })
    }

    fn is_for(&self, name: &str) -> bool {
        self.secrets.iter().any(|pattern| pattern::is_like(name, pattern))
    }

    fn decide(&self, asking: &Request) -> Decision {
        let decide = |policy| evaluate::decide(policy, asking);
        let decisions: Vec<Decision> = self.policies.iter().map(decide).collect();
        if decisions.contains(&Decision::Deny) {
            Decision::Deny
        } else if decisions.is_empty() || decisions.contains(&Decision::Allow) {
            Decision::Allow
        } else {
            Decision::NoOpinion
        }
    }
}

/// AWS's words for a session whose policy does not go as far. The secret is named as the caller
/// named it.
fn denied(
    cx: &mut Context<'_, '_>,
    action: Action,
    request: &Value,
    decision: Decision,
) -> Result<Fault, Failure> {
    let namespace = cx.namespace()?;
    let here = Place { account: &namespace.account, region: &namespace.region };
    let (user, operation) = (Identity::root(here).arn(), action.name());
    let resource = named(request).map(|id| format!(" on resource: {id}")).unwrap_or_default();
    let why = match decision {
        Decision::Deny => "with an explicit deny in a session policy".to_owned(),
        Decision::Allow | Decision::NoOpinion => {
            format!("because no session policy allows the secretsmanager:{operation} action")
        }
    };
    let what = format!("perform: secretsmanager:{operation}{resource} {why}");
    let message = format!("User: {user} is not authorized to {what}");
    Ok(Fault::new(Code::AccessDenied, message))
}

impl Capability {
    #[expect(clippy::wildcard_enum_match_arm, reason = "no step may use a new operation untold")]
    fn allows(
        &self,
        cx: &mut Context<'_, '_>,
        action: Action,
        request: &Value,
    ) -> Result<bool, Failure> {
        // What is checked here must be what the operation reads.
        if has_duplicates(request) {
            return Ok(false);
        }
        if self.allows_without_vault(action) {
            return Ok(true);
        }
        if action == Action::ListSecrets {
            // It is told only of those that it may describe.
            return Ok(true);
        }
        let Some(id) = text(request, "SecretId") else { return Ok(false) };
        let Some(record) = cx.look_up(cx.region(), id)? else { return Ok(false) };
        if record.rid != self.rid {
            return Ok(self.may_see_other(&record)
                && match action {
                    Action::DescribeSecret => true,
                    Action::GetSecretValue => is_of_current(request),
                    _ => false,
                });
        }
        // A rotation that its owner ended meanwhile has no rights left, one that was cancelled only
        // those to look.
        let progress = record.progress.as_ref();
        let Some(progress) = progress.filter(|progress| progress.token == self.token) else {
            return Ok(false);
        };
        let may_write = !self.read_only && progress.outlook != Outlook::Cancelled;
        Ok(match action {
            Action::DescribeSecret | Action::ListSecretVersionIds => true,
            Action::GetSecretValue => self.may_read(&record, request),
            Action::PutSecretValue => may_write && self.may_put(&record, request),
            Action::TagResource => may_write,
            Action::UpdateSecretVersionStage => may_write && self.may_move(&record, request),
            _ => false,
        })
    }

    fn allows_without_vault(&self, action: Action) -> bool {
        action == Action::GetRandomPassword && matches!(self.step, Step::Create | Step::Set)
    }

    /// Of its own secret: the current value and the one it makes; the one before only where it gives
    /// the new one to whoever checks it, who may know no other yet, and where it tries the new one.
    fn may_read(&self, record: &Record, request: &Value) -> bool {
        let is_on = |label, id| record.staged(label).is_some_and(|version| version.id == id);
        let sees_previous = matches!(self.step, Step::Set | Step::Test);
        match (text(request, "VersionId"), text(request, "VersionStage")) {
            (Some(id), _) => {
                id == self.token || is_on(CURRENT, id) || sees_previous && is_on(PREVIOUS, id)
            }
            (None, None | Some(CURRENT | PENDING)) => true,
            (None, Some(PREVIOUS)) => sees_previous,
            (None, Some(_)) => false,
        }
    }

    /// Of another secret: what its owner said may be read, while there is work to do.
    fn may_see_other(&self, other: &Record) -> bool {
        self.step != Step::Finish && self.reads.contains(&arn_of(other))
    }

    /// The value of the version it makes, which stays pending; at the end the same once more as the
    /// current one, which is how some functions finish.
    fn may_put(&self, record: &Record, request: &Value) -> bool {
        let is_for = |label: &str| match request.get("VersionStages") {
            Some(Value::List(stages)) => *stages == [Value::Text(label.to_owned())],
            Some(_) | None => false,
        };
        let has_value = record.version(&self.token).is_some_and(|version| version.value.is_some());
        let is_allowed = match self.step {
            Step::Create => is_for(PENDING),
            // Nothing is written then: another value is refused, and the same stays as it is.
            Step::Finish => is_for(CURRENT) && has_value,
            Step::Set | Step::Test => false,
        };
        is_allowed && text(request, "ClientRequestToken") == Some(&self.token)
    }

    /// `AWSCURRENT` to the version it makes; then `AWSPENDING` off that.
    fn may_move(&self, record: &Record, request: &Value) -> bool {
        let own = Some(self.token.as_str());
        let to = text(request, "MoveToVersionId");
        let from = text(request, "RemoveFromVersionId");
        let is_current = record.staged(CURRENT).is_some_and(|version| version.id == self.token);
        let is_allowed = match text(request, "VersionStage") {
            Some(CURRENT) => to == own,
            Some(PENDING) => to.is_none() && from == own && is_current,
            Some(_) | None => false,
        };
        self.step == Step::Finish && is_allowed
    }
}

/// Whether a request is for the current value.
fn is_of_current(request: &Value) -> bool {
    text(request, "VersionId").is_none()
        && matches!(text(request, "VersionStage"), None | Some(CURRENT))
}

/// Returns the id or name of the one secret that a request is about.
fn named(request: &Value) -> Option<&str> {
    text(request, "SecretId").or_else(|| text(request, "Name"))
}

/// Returns a member that is text.
fn text<'v>(request: &'v Value, member: &str) -> Option<&'v str> {
    match request.get(member) {
        Some(Value::Text(text)) => Some(text),
        Some(_) | None => None,
    }
}

fn has_duplicates(request: &Value) -> bool {
    let Value::Map(members) = request else { return true };
    let names: BTreeSet<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.len() != members.len()
}

#[cfg(test)]
mod tests;

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
use super::rules::policy::parse::parse;
use super::rules::policy::pattern;
use super::rules::policy::principal::Identity;
use super::rules::policy::request::Request;
use super::rules::stages::{CURRENT, PENDING, PREVIOUS};
use crate::model::shape::Shape;
use crate::model::time::Timestamp;
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
        let now = latest(cx)?;
        let asking = policy_request::request(cx, Action::ListSecrets, None, now)?;
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
                grant.is_for(&record.name)
                    && grant.decide(&asking, Some(record)) == Verdict::Allowed
            }
        }
    }
}

/// What all that there is to say of a grant's call comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Allowed,
    /// A policy of this kind denies it.
    Denied(&'static str),
    /// Nothing allows it.
    NotAllowed,
}

impl Grant {
    fn check(
        &self,
        cx: &mut Context<'_, '_>,
        entry: &Entry,
        request: &Value,
    ) -> Result<(), Failure> {
        let is_open = latest(cx)? < self.until
            && !(self.read_only && entry.effect == Effect::Writes)
            // What is checked here must be what the operation reads.
            && is_plain(entry.input, request);
        for action in needed(entry.action, request) {
            let verdict = self.judge(cx, action, request)?;
            if !is_open || verdict != Verdict::Allowed {
                return Err(denied(cx, action, request, verdict)?.into());
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
    ) -> Result<Verdict, Failure> {
        let now = latest(cx)?;
        let asking = policy_request::request(cx, action, None, now)?.with_members(request);
        let found = named(request).map(|id| cx.look_up(cx.region(), id)).transpose()?.flatten();
        let (asking, is_for) = match (&found, named(request)) {
            (Some(record), _) => (policy_request::about(asking, record), self.is_for(&record.name)),
            (None, Some(id)) => {
                let (name, here) = (arn::name_in(id), cx.namespace()?);
                (policy_request::about_missing(asking, &here, name), self.is_for(name))
            }
            (None, None) => (asking, true),
        };
        if !is_for {
            // Not even the words may tell whether there is such a secret.
            return Ok(Verdict::NotAllowed);
        }
        let verdict = self.decide(&asking, found.as_ref());
        let is_allowed = self.actions.contains(&action) || verdict != Verdict::Allowed;
        Ok(if is_allowed { verdict } else { Verdict::NotAllowed })
    }

    fn is_for(&self, name: &str) -> bool {
        self.secrets.iter().any(|pattern| pattern::is_like(name, pattern))
    }

    /// Asks the policies: the secret's own, which can only deny here, then the grant's.
    fn decide(&self, asking: &Request, record: Option<&Record>) -> Verdict {
        if record.and_then(|record| record.policy.as_deref()).is_some_and(|own| denies(own, asking))
        {
            return Verdict::Denied("a resource-based policy");
        }
        let decide = |policy| evaluate::decide(policy, asking);
        let decisions: Vec<Decision> = self.policies.iter().map(decide).collect();
        if decisions.contains(&Decision::Deny) {
            Verdict::Denied("a session policy")
        } else if decisions.is_empty() || decisions.contains(&Decision::Allow) {
            Verdict::Allowed
        } else {
            Verdict::NotAllowed
        }
    }
}

/// The time for a grant and its policies: a clock that was set back brings no time back.
fn latest(cx: &mut Context<'_, '_>) -> Result<Timestamp, Failure> {
    Ok(cx.now()?.max(cx.date()?))
}

/// The operations that a grant must have for a call: as in AWS, some need the right to another.
fn needed(action: Action, request: &Value) -> Vec<Action> {
    let others: &[(Action, Option<&str>, Action)] = &[
        (Action::BatchGetSecretValue, Some("Filters"), Action::ListSecrets),
        (Action::CreateSecret, Some("Tags"), Action::TagResource),
        (Action::CreateSecret, Some("AddReplicaRegions"), Action::ReplicateSecretToRegions),
        (Action::ValidateResourcePolicy, None, Action::PutResourcePolicy),
    ];
    let others = others.iter().filter(|(of, member, _)| {
        *of == action && member.is_none_or(|member| request.get(member).is_some())
    });
    std::iter::once(action).chain(others.map(|(_, _, other)| *other)).collect()
}

/// Whether a secret's own policy denies a request. One that cannot be read denies all, as in AWS.
fn denies(policy: &str, asking: &Request) -> bool {
    parse(policy).map_or(true, |policy| evaluate::decide(&policy, asking) == Decision::Deny)
}

/// AWS's words for a session whose policy does not go as far. The secret is named as the caller
/// named it, in the log too.
fn denied(
    cx: &mut Context<'_, '_>,
    action: Action,
    request: &Value,
    verdict: Verdict,
) -> Result<Fault, Failure> {
    if let Some(id) = named(request) {
        cx.about_name(id);
    }
    let namespace = cx.namespace()?;
    let here = Place { account: &namespace.account, region: &namespace.region };
    let (user, operation) = (Identity::root(here).arn(), action.name());
    let resource = named(request).map(|id| format!(" on resource: {id}")).unwrap_or_default();
    let why = match verdict {
        Verdict::Denied(by) => format!("with an explicit deny in {by}"),
        Verdict::Allowed | Verdict::NotAllowed => {
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

/// Whether a request has only members that its shape declares, each of them once, at every depth.
fn is_plain(shape: &Shape, request: &Value) -> bool {
    match (shape, request) {
        (Shape::Structure(members), Value::Map(given)) => {
            let is_declared = |(name, value): &(String, Value)| {
                let member = members.iter().find(|member| member.name == name);
                member.is_some_and(|member| is_plain(member.shape, value))
            };
            !has_duplicates(request) && given.iter().all(is_declared)
        }
        (Shape::List(list), Value::List(elements)) => {
            elements.iter().all(|element| is_plain(list.element, element))
        }
        (Shape::Map(_), _) => !has_duplicates(request),
        _ => true,
    }
}

fn has_duplicates(request: &Value) -> bool {
    let Value::Map(members) = request else { return true };
    let names: BTreeSet<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.len() != members.len()
}

#[cfg(test)]
mod tests;

//! What a grant lets its holder do.

use super::members::{has_duplicates, text};
use crate::model::shape::Shape;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::caller::Grant;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::operation::{Effect, Entry};
use crate::service::policy_request;
use crate::service::rules::arn::{self, Place};
use crate::service::rules::policy::evaluate::{self, Decision};
use crate::service::rules::policy::parse::parse;
use crate::service::rules::policy::pattern;
use crate::service::rules::policy::principal::Identity;
use crate::service::rules::policy::request::Request;
use crate::vault::record::Record;

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
    pub(super) fn check(
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
        let asking = asking(cx, action)?.with_members(request);
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

    /// Whether it may know that there is such a secret.
    pub(super) fn may_know_of(&self, record: &Record, asking: Request) -> bool {
        let asking = policy_request::about(asking, record);
        self.is_for(&record.name) && self.decide(&asking, Some(record)) == Verdict::Allowed
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

/// Returns what its policies are asked about an operation, before a secret is named.
pub(super) fn asking(cx: &mut Context<'_, '_>, action: Action) -> Result<Request, Failure> {
    let now = latest(cx)?;
    policy_request::request(cx, action, None, now)
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

/// Returns the id or name of the one secret that a request is about.
fn named(request: &Value) -> Option<&str> {
    text(request, "SecretId").or_else(|| text(request, "Name"))
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

#[cfg(test)]
mod tests;

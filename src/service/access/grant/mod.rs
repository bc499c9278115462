//! What a grant lets its holder do.

mod selection;

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
use crate::service::rules::policy::model::Policy;
use crate::service::rules::policy::parse::parse;
use crate::service::rules::policy::request::Request;
use crate::vault::record::Record;
use selection::Target;

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
        for need in needs(cx, entry.action, request)? {
            let verdict = self.judge(cx, &need, request)?;
            if !is_open || verdict != Verdict::Allowed {
                return Err(denied(cx, &need, request, verdict)?.into());
            }
        }
        Ok(())
    }

    /// Decides whether an operation may be called at all, and about the secret that it is needed for.
    fn judge(
        &self,
        cx: &mut Context<'_, '_>,
        need: &Need,
        request: &Value,
    ) -> Result<Verdict, Failure> {
        let asking = Asking::about(cx, need.action)?;
        let asking = asking.map(|asking| asking.with_members(request));
        let region = need.region.as_deref().unwrap_or(cx.region());
        let id = need.id.as_deref();
        let found = id.map(|id| cx.look_up(region, id)).transpose()?.flatten();
        let here = cx.vault()?.namespace(region);
        let (asking, is_for) = match (&found, id.map(arn::name_in)) {
            (Some(record), _) => (
                asking.map(|asking| policy_request::about(asking, record)),
                self.secrets.includes(&Target::of(record)),
            ),
            (None, Some(name)) => (
                asking.map(|asking| policy_request::about_missing(asking, &here, name)),
                self.secrets.includes(&Target::missing(&here, name)),
            ),
            (None, None) => (asking, true),
        };
        if !is_for {
            // Not even the words may tell whether there is such a secret.
            return Ok(Verdict::NotAllowed);
        }
        let verdict = self.decide(&asking, found.as_ref());
        let is_allowed = self.actions.contains(&need.action)
            && !self.depends_on_tags(need.action, request, found.as_ref());
        let is_allowed = is_allowed || verdict != Verdict::Allowed;
        Ok(if is_allowed { verdict } else { Verdict::NotAllowed })
    }

    /// Whether it may know that there is such a secret.
    pub(super) fn may_know_of(&self, record: &Record, asking: &Asking) -> bool {
        let asking = asking.clone().map(|asking| policy_request::about(asking, record));
        self.secrets.includes(&Target::of(record))
            && self.decide(&asking, Some(record)) == Verdict::Allowed
    }

    /// Whether a request changes tags on which it depends what the grant may do: by these it could
    /// be made wider.
    fn depends_on_tags(&self, action: Action, request: &Value, record: Option<&Record>) -> bool {
        if ![Action::TagResource, Action::UntagResource].contains(&action) {
            return false;
        }
        let own = record.and_then(|record| record.policy.as_deref());
        let own = own.and_then(|own| parse(own).ok());
        let is_minded = |tag: &str| {
            let is_it = |(key, _): &(String, _)| key.to_lowercase() == tag.to_lowercase();
            self.secrets.tags.iter().any(is_it)
                || self.policies.iter().chain(&own).any(|policy| policy.minds_tag(tag))
        };
        changed_tags(request).any(is_minded)
    }

    /// Asks the policies: the secret's own, which can only deny here, then the grant's.
    fn decide(&self, asking: &Asking, record: Option<&Record>) -> Verdict {
        if record.and_then(|record| record.policy.as_deref()).is_some_and(|own| denies(own, asking))
        {
            return Verdict::Denied("a resource-based policy");
        }
        let decisions: Vec<Decision> =
            self.policies.iter().map(|policy| asking.decide(policy)).collect();
        if decisions.contains(&Decision::Deny) {
            Verdict::Denied("an identity-based policy")
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

/// What policies are asked, at the latest time that it can be and, where a clock is not believed, at
/// the earliest too: what is allowed from a time on must be allowed by both, and what either denies
/// is denied.
#[derive(Clone)]
pub(in crate::service) struct Asking(Vec<Request>);

impl Asking {
    /// Asks about an operation, before a secret is named.
    pub(super) fn about(cx: &mut Context<'_, '_>, action: Action) -> Result<Self, Failure> {
        let latest = latest(cx)?;
        let earliest = cx.now()?.min(cx.date()?);
        let mut requests = vec![policy_request::request(cx, action, None, latest)?];
        if earliest < latest {
            requests.push(policy_request::request(cx, action, None, earliest)?);
        }
        Ok(Self(requests))
    }

    fn map(self, tell: impl Fn(Request) -> Request) -> Self {
        Self(self.0.into_iter().map(tell).collect())
    }

    fn decide(&self, policy: &Policy) -> Decision {
        let decide = |asking| evaluate::decide(policy, asking);
        let decisions: Vec<Decision> = self.0.iter().map(decide).collect();
        let denies = decisions.contains(&Decision::Deny);
        let has_none = decisions.contains(&Decision::NoOpinion);
        match (denies, has_none) {
            (true, _) => Decision::Deny,
            (false, true) => Decision::NoOpinion,
            (false, false) => Decision::Allow,
        }
    }
}

/// A right that a call needs.
struct Need {
    action: Action,
    /// The secret it is about, as the request names it.
    id: Option<String>,
    /// Where that is not the call's: its region.
    region: Option<String>,
    /// How a refusal names the secret.
    shown: Option<String>,
}

/// The rights that a grant must have for a call: as in AWS, some need the right to another operation.
fn needs(cx: &mut Context<'_, '_>, action: Action, request: &Value) -> Result<Vec<Need>, Failure> {
    let others: &[(Action, Option<&str>, Action)] = &[
        (Action::BatchGetSecretValue, Some("Filters"), Action::ListSecrets),
        (Action::CreateSecret, Some("Tags"), Action::TagResource),
        (Action::CreateSecret, Some("AddReplicaRegions"), Action::ReplicateSecretToRegions),
        (Action::ValidateResourcePolicy, None, Action::PutResourcePolicy),
        (Action::AssociateCrossAccountReplica, None, Action::GetSecretValue),
        // AWS lets the primary's account in by a policy on the replica.
        (Action::CreateSecret, Some("CrossAccountPrimaryARN"), Action::PutResourcePolicy),
    ];
    let others = others.iter().filter(|(of, member, _)| {
        *of == action && member.is_none_or(|member| request.get(member).is_some())
    });
    let mut others: Vec<Action> = others.map(|(_, _, other)| *other).collect();
    let here = cx.namespace()?;
    let id = named(request).map(str::to_owned);
    if action == Action::StopReplicationToReplica && is_cross_replica(cx, id.as_deref())? {
        others.push(Action::DeleteResourcePolicy);
    }
    let need = |action, shown| Need { action, id: id.clone(), region: None, shown };
    let mut needs = vec![need(action, id.clone())];
    // By then AWS has made the secret, and names it by its ARN.
    let arn = |name: &str| {
        let place = Place { account: &here.account, region: &here.region };
        arn::arn_without_suffix(place, name)
    };
    let is_new = action == Action::CreateSecret;
    let shown = if is_new { id.as_deref().map(arn) } else { id.clone() };
    needs.extend(others.into_iter().map(|other| need(other, shown.clone())));
    if let Some(Value::Boolean(true)) = request.get("ForceOverwriteReplicaSecret") {
        let name = named(request).map(arn::name_in).unwrap_or_default();
        let regions = elements(request, "AddReplicaRegions");
        needs.extend(regions.filter_map(|replica| text(replica, "Region")).map(|region| {
            let place = Place { account: &here.account, region };
            Need {
                // What is in the replica's place is erased.
                action: Action::DeleteSecret,
                id: Some(name.to_owned()),
                region: Some(region.to_owned()),
                shown: Some(arn::arn_without_suffix(place, name)),
            }
        }));
    }
    Ok(needs)
}

/// Whether a secret is a replica of one in another account.
fn is_cross_replica(cx: &mut Context<'_, '_>, id: Option<&str>) -> Result<bool, Failure> {
    let found = id.map(|id| cx.look_up(cx.region(), id)).transpose()?.flatten();
    Ok(found.is_some_and(|record| record.cross_primary.is_some()))
}

/// The keys of the tags that a request sets or removes.
fn changed_tags(request: &Value) -> impl Iterator<Item = &str> {
    let removed = elements(request, "TagKeys").filter_map(|key| {
        let Value::Text(key) = key else { return None };
        Some(key.as_str())
    });
    removed.chain(elements(request, "Tags").filter_map(|tag| text(tag, "Key")))
}

fn elements<'v>(request: &'v Value, member: &str) -> std::slice::Iter<'v, Value> {
    match request.get(member) {
        Some(Value::List(elements)) => elements.iter(),
        Some(_) | None => [].iter(),
    }
}

/// Whether a secret's own policy denies a request. One that cannot be read denies all, as in AWS.
fn denies(policy: &str, asking: &Asking) -> bool {
    parse(policy).map_or(true, |policy| asking.decide(&policy) == Decision::Deny)
}

/// AWS's words for an identity whose policies do not go as far. The secret is named as the caller
/// named it, in the log too.
fn denied(
    cx: &mut Context<'_, '_>,
    need: &Need,
    request: &Value,
    verdict: Verdict,
) -> Result<Fault, Failure> {
    if let Some(id) = named(request) {
        cx.about_name(id);
    }
    let (user, operation) = (policy_request::identity(cx)?.user(), need.action.name());
    let resource = need.shown.as_ref().map(|id| format!(" on resource: {id}"));
    let resource = resource.unwrap_or_default();
    let why = match verdict {
        Verdict::Denied(by) => format!("with an explicit deny in {by}"),
        Verdict::Allowed | Verdict::NotAllowed => {
            let whose = "because no identity-based policy allows the";
            format!("{whose} secretsmanager:{operation} action")
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

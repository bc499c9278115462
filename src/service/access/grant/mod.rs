//! What a grant lets its holder do, whether he has its token or signed with its key.
//!
//! What the owner narrowed it to (operations, secrets, tags, reading, a time) is a limit that no policy
//! moves. Within that the policies decide: those of a key as AWS has it, where the policy on a secret
//! can let in whom no other does; those of a token so that all of them must allow a call, and the policy
//! on a secret can only deny.

mod selection;

use super::asking::{Asking, latest};
use super::explanation::{Explanation, Narrowing, Outcome, Ruling};
use super::members::is_plain;
use super::needs::{Need, changed_tags, named, needs};
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::caller::{Caller, Grant, Signed};
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::operation::{Effect, Entry};
use crate::service::policy_request;
use crate::service::rules::arn;
use crate::service::rules::policy::model::Policy;
use crate::service::rules::policy::verdict::{self, Attached, Bearing, Verdict};
use crate::vault::access_key::ID_PREFIX;
use crate::vault::record::{Namespace, Record};
use selection::Target;

/// A grant at work.
#[derive(Clone, Copy)]
pub(super) struct AtWork<'g> {
    grant: &'g Grant,
    /// Whether it is an access key, which AWS's rules are for.
    is_signed: bool,
    /// Whether to find out, too, what kept statements from applying.
    explains: bool,
}

impl<'g> AtWork<'g> {
    /// Returns that of a caller who has one.
    pub(super) fn of(caller: &'g Caller) -> Option<Self> {
        match caller {
            Caller::Owner | Caller::Step(_) => None,
            Caller::Grant(grant) => Some(Self { grant, is_signed: false, explains: false }),
            Caller::Key(Signed { grant, .. }) => {
                Some(Self { grant, is_signed: true, explains: false })
            }
        }
    }

    pub(super) fn check(
        &self,
        cx: &mut Context<'_, '_>,
        entry: &Entry,
        request: &Value,
    ) -> Result<(), Failure> {
        let closed = self.closed(cx, entry, request)?;
        for need in needs(cx, entry.action, request)? {
            let outcome = self.rule(cx, &need, request)?.outcome.within(closed);
            if !outcome.is_allowed() {
                return Err(self.denied(cx, entry, request, &(need, outcome))?.into());
            }
        }
        Ok(())
    }

    /// Says of every right that a call needs why it is there, or is not.
    pub(super) fn explain(
        &self,
        cx: &mut Context<'_, '_>,
        entry: &Entry,
        request: &Value,
    ) -> Result<Explanation, Failure> {
        let closed = self.closed(cx, entry, request)?;
        let (at_work, mut rulings, mut refusal) =
            (Self { explains: true, ..*self }, Vec::new(), None);
        for need in needs(cx, entry.action, request)? {
            let ruling = at_work.rule(cx, &need, request)?;
            let ruling = Ruling { outcome: ruling.outcome.within(closed), ..ruling };
            if refusal.is_none() && !ruling.outcome.is_allowed() {
                refusal = Some(words(cx, &need, &ruling.outcome)?);
            }
            rulings.push(ruling);
        }
        let who = policy_request::identity(cx)?.user();
        Ok(Explanation::of(who, refusal, rulings))
    }

    /// Returns why a call is not for this grant at all, whatever it is about.
    fn closed(
        &self,
        cx: &mut Context<'_, '_>,
        entry: &Entry,
        request: &Value,
    ) -> Result<Option<Narrowing>, Failure> {
        let grant = self.grant;
        Ok(if latest(cx)? >= grant.until {
            Some(Narrowing::Over)
        } else if grant.read_only && entry.effect == Effect::Writes {
            Some(Narrowing::ReadOnly)
        } else if !is_plain(entry.input, request) {
            // What is checked here must be what the operation reads.
            Some(Narrowing::Unclear)
        } else {
            None
        })
    }

    /// Decides whether an operation may be called at all, and about the secret that it is needed for.
    fn rule(
        &self,
        cx: &mut Context<'_, '_>,
        need: &Need,
        request: &Value,
    ) -> Result<Ruling, Failure> {
        let asking = Asking::about(cx, need.action)?;
        let asking = asking.map(|asking| asking.with_members(request));
        let region = need.region.as_deref().unwrap_or(cx.region());
        let id = need.id.as_deref();
        let found = id.map(|id| cx.look_up(region, id)).transpose()?.flatten();
        let here = cx.vault()?.namespace(region);
        let target = match (&found, id) {
            (Some(record), _) => Some(Target::of(record)),
            (None, Some(id)) => Some(self.missing(&here, id)),
            (None, None) => None,
        };
        let asking = match (&found, id) {
            (_, Some(id)) if need.is_new => {
                asking.map(|asking| policy_request::about_new(asking, &here, id))
            }
            (Some(record), _) => asking.map(|asking| policy_request::about(asking, record)),
            (None, Some(id)) if self.is_elsewhere(&here, id) => {
                asking.map(|asking| policy_request::about_other(asking, id))
            }
            (None, Some(id)) => {
                asking.map(|asking| policy_request::about_missing(asking, &here, arn::name_in(id)))
            }
            (None, None) => asking,
        };
        let resource = asking.requests().first().map_or("*", |first| first.resource()).to_owned();
        let ruled = |outcome, misses| Ruling { action: need.action, resource, outcome, misses };
        if !target.is_none_or(|target| self.grant.secrets.includes(&target)) {
            // Not even the words may tell whether there is such a secret.
            return Ok(ruled(Outcome::Narrowed(Narrowing::Secrets), Vec::new()));
        }
        let (verdict, misses) = self.weigh(&asking, found.as_ref().filter(|_| !need.is_new));
        let narrowing = if !self.grant.actions.contains(&need.action) {
            Some(Narrowing::Operations)
        } else if self.depends_on_tags(need.action, request, found.as_ref()) {
            Some(Narrowing::Tags)
        } else {
            None
        };
        Ok(ruled(Outcome::Judged(verdict).within(narrowing), misses))
    }

    /// Whether an id names a secret of another account, which no vault here has. A grant's token is
    /// for its vault alone, in which it takes a name from it.
    fn is_elsewhere(&self, here: &Namespace, id: &str) -> bool {
        self.is_signed && arn::account_in(id).is_some_and(|account| account != here.account)
    }

    fn missing<'t>(&self, here: &'t Namespace, id: &'t str) -> Target<'t> {
        let other = if self.is_elsewhere(here, id) { Target::elsewhere(id) } else { None };
        other.unwrap_or_else(|| Target::missing(here, arn::name_in(id)))
    }

    /// Whether its holder may know that there is such a secret. To a key lists are all or nothing, as in
    /// AWS, within what it is for.
    pub(super) fn may_know_of(&self, record: &Record, asking: &Asking) -> bool {
        if !self.grant.secrets.includes(&Target::of(record)) {
            return false;
        }
        let asking = asking.clone().map(|asking| policy_request::about(asking, record));
        self.is_signed || matches!(self.weigh(&asking, Some(record)).0, Verdict::Allowed(_))
    }

    /// Whether a request changes tags on which it depends what the grant may do: by these it could
    /// be made wider. What policies say of tags is, for a key, left to who wrote them, as in AWS.
    fn depends_on_tags(&self, action: Action, request: &Value, record: Option<&Record>) -> bool {
        if ![Action::TagResource, Action::UntagResource].contains(&action) {
            return false;
        }
        let Grant { secrets, policies, boundary, session, .. } = self.grant;
        let own = record.and_then(|record| record.policy.as_deref());
        let own = own.and_then(|own| self.grant.known.read(own));
        let own = own.as_deref();
        let is_minded = |tag: &str| {
            let is_it = |(key, _): &(String, _)| key.to_lowercase() == tag.to_lowercase();
            let mut all = policies.iter().chain(boundary).chain(session).chain(own);
            secrets.tags.iter().any(is_it)
                || !self.is_signed && all.any(|policy| policy.minds_tag(tag))
        };
        changed_tags(request).any(is_minded)
    }

    /// Asks the policies; the secret's own has to be one that can be read.
    fn weigh(&self, asking: &Asking, record: Option<&Record>) -> (Verdict, Vec<String>) {
        let Grant { policies, boundary, session, .. } = self.grant;
        let own = record.and_then(|record| record.policy.as_deref());
        let own = own.map(|own| self.grant.known.read(own));
        let resource = match &own {
            None => Attached::Nothing,
            Some(Some(policy)) => Attached::Policy(policy),
            Some(None) => Attached::Unreadable,
        };
        let identity: Option<&[Policy]> = (!policies.is_empty()).then_some(policies);
        let (boundary, lets_in) = (boundary.as_ref(), self.is_signed);
        let bearing = Bearing { resource, lets_in, identity, boundary, session };
        let verdict = verdict::judge(asking.requests(), &bearing);
        let misses = match &verdict {
            Verdict::NotAllowed(kind) if self.explains => {
                verdict::misses(asking.requests(), &bearing, *kind)
            }
            Verdict::NotAllowed(_) | Verdict::Allowed(_) | Verdict::Denied(_) => Vec::new(),
        };
        (verdict, misses)
    }

    /// Refuses a call for want of a right. The secret is named as the caller named it, in the log too.
    fn denied(
        &self,
        cx: &mut Context<'_, '_>,
        entry: &Entry,
        request: &Value,
        (need, outcome): &(Need, Outcome),
    ) -> Result<Fault, Failure> {
        if let Some(id) = named(request) {
            cx.about_name(id);
        }
        let fault = Fault::new(Code::AccessDenied, words(cx, need, outcome)?);
        let id = named(request).map(|id| format!(" --secret-id {id}")).unwrap_or_default();
        // Those that are not kept in the vault cannot be asked about.
        let key = Some(&self.grant.id).filter(|key| self.is_signed && key.starts_with(ID_PREFIX));
        let hint = key.map(|key| {
            let place = format!("{id} --region {}", cx.region());
            format!("`strongroom access-key explain {key} --action {}{place}` says why", entry.name)
        });
        Ok(Fault { hint, ..fault })
    }
}

/// AWS's words for an identity whose policies do not go as far.
fn words(cx: &mut Context<'_, '_>, need: &Need, outcome: &Outcome) -> Result<String, Failure> {
    let (user, operation) = (policy_request::identity(cx)?.user(), need.action.name());
    let resource = need.shown.as_ref().map(|id| format!(" on resource: {id}"));
    let resource = resource.unwrap_or_default();
    let why = outcome.words(operation);
    let what = format!("perform: secretsmanager:{operation}{resource} {why}");
    Ok(format!("User: {user} is not authorized to {what}"))
}

#[cfg(test)]
mod tests;

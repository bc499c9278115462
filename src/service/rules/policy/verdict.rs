//! Asks all policies that bear on a request, as IAM does within an account and between two
//! (docs/iam.md).
//!
//! An explicit Deny in any of them decides. Within an account the identity's policies or the resource's
//! must allow; between two accounts both must. The permissions boundary and the session's policies, where
//! there are any, must allow too, unless the resource's policy lets in whoever asks by himself
//! ([`Reach`]).

use std::fmt;

use super::evaluate::{self, Decision, Miss};
use super::model::{Policy, StatementName};
use super::principal::Reach;
use super::request::Request;

/// What a policy is attached to, in the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Resource,
    Identity,
    Boundary,
    Session,
}

/// All policies that bear on a request.
pub(crate) struct Bearing<'p> {
    pub(crate) resource: Attached<'p>,
    /// Whether an Allow of the resource's policy counts.
    pub(crate) lets_in: bool,
    /// `None`: the identity may do everything, as an account's root may.
    pub(crate) identity: Option<&'p [Policy]>,
    pub(crate) boundary: Option<&'p Policy>,
    pub(crate) session: &'p [Policy],
}

/// The policy on a secret.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Attached<'p> {
    Nothing,
    Policy(&'p Policy),
    /// What cannot be read denies everything, as in AWS.
    Unreadable,
}

/// A statement of one of the policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) kind: Kind,
    /// Which of its kind, from 1.
    pub(crate) number: usize,
    /// `None`: the policy cannot be read.
    pub(crate) statement: Option<StatementName>,
}

/// What they come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// By these; by none where the identity may do everything.
    Allowed(Vec<Source>),
    Denied(Source),
    /// None of this kind allows it.
    NotAllowed(Kind),
}

/// Decides on a request, which is asked at one time or at several: what is allowed must be allowed at
/// each, and what is denied at any is denied.
pub(crate) fn judge(requests: &[Request], bearing: &Bearing<'_>) -> Verdict {
    if let Some(source) = bearing.denial(requests) {
        return Verdict::Denied(source);
    }
    let is_across = requests.iter().any(Request::is_across);
    let let_in = bearing.allowing(Kind::Resource, requests).filter(|_| bearing.lets_in);
    if is_across && let_in.is_none() {
        return Verdict::NotAllowed(Kind::Resource);
    }
    let mut sources = Vec::new();
    let reach = let_in.map(|(reach, source)| {
        sources.push(source);
        if is_across { Reach::Delegated } else { reach }
    });
    if reach == Some(Reach::Suffices) {
        return Verdict::Allowed(sources);
    }
    if reach != Some(Reach::Bounded) {
        // A policy on the secret that only delegates to its own account adds nothing.
        sources.retain(|_| is_across);
        match bearing.allowing(Kind::Identity, requests) {
            Some((_, source)) => sources.push(source),
            None if bearing.identity.is_none() => {}
            None => return Verdict::NotAllowed(Kind::Identity),
        }
    }
    for kind in [Kind::Boundary, Kind::Session] {
        match bearing.allowing(kind, requests) {
            Some((_, source)) => sources.push(source),
            None if bearing.of(kind).is_empty() => {}
            None => return Verdict::NotAllowed(kind),
        }
    }
    Verdict::Allowed(sources)
}

/// Says of each statement that could have allowed a request what kept it from doing so.
pub(crate) fn misses(requests: &[Request], bearing: &Bearing<'_>, kind: Kind) -> Vec<String> {
    let policies = bearing.of(kind).iter().enumerate();
    let texts = policies.flat_map(|(index, policy)| {
        requests.first().into_iter().flat_map(move |request| {
            evaluate::misses(policy, request)
                .map(move |(name, miss)| kind.placed(index + 1, name) + &told(miss, request))
        })
    });
    texts.collect()
}

impl<'p> Bearing<'p> {
    /// Finds what denies a request explicitly.
    fn denial(&self, requests: &[Request]) -> Option<Source> {
        if let Attached::Unreadable = self.resource {
            return Some(Source { kind: Kind::Resource, number: 1, statement: None });
        }
        Kind::ALL.iter().find_map(|kind| {
            self.of(*kind).iter().enumerate().find_map(|(index, policy)| {
                requests.iter().find_map(|request| match evaluate::decide(policy, request) {
                    Decision::Deny(name) => Some(kind.source(index, name)),
                    Decision::Allow(..) | Decision::NoOpinion => None,
                })
            })
        })
    }

    /// Finds the policy of a kind that allows a request, and how far it reaches.
    fn allowing(&self, kind: Kind, requests: &[Request]) -> Option<(Reach, Source)> {
        self.of(kind).iter().enumerate().find_map(|(index, policy)| {
            let mut found: Option<(Reach, &StatementName)> = None;
            for request in requests {
                let Decision::Allow(reach, name) = evaluate::decide(policy, request) else {
                    return None;
                };
                found =
                    Some(found.map_or((reach, name), |(before, name)| (before.max(reach), name)));
            }
            found.map(|(reach, name)| (reach, kind.source(index, name)))
        })
    }

    fn of(&self, kind: Kind) -> &'p [Policy] {
        let one = |policy: Option<&'p Policy>| policy.map_or(&[][..], std::slice::from_ref);
        match (kind, self.resource) {
            (Kind::Resource, Attached::Policy(policy)) => one(Some(policy)),
            (Kind::Resource, Attached::Nothing | Attached::Unreadable) => &[],
            (Kind::Identity, _) => self.identity.unwrap_or_default(),
            (Kind::Boundary, _) => one(self.boundary),
            (Kind::Session, _) => self.session,
        }
    }
}

impl Kind {
    const ALL: &[Self] = &[Self::Resource, Self::Identity, Self::Boundary, Self::Session];

    /// Returns AWS's name for such a policy.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource-based policy",
            Self::Identity => "identity-based policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
        }
    }

    /// Returns it as a refusal names where a Deny is.
    pub(crate) const fn with_article(self) -> &'static str {
        match self {
            Self::Resource => "a resource-based policy",
            Self::Identity => "an identity-based policy",
            Self::Boundary => "a permissions boundary",
            Self::Session => "a session policy",
        }
    }

    fn source(self, index: usize, name: &StatementName) -> Source {
        Source { kind: self, number: index + 1, statement: Some(name.clone()) }
    }

    /// Names a statement of one of its policies.
    fn placed(self, number: usize, name: &StatementName) -> String {
        Source { kind: self, number, statement: Some(name.clone()) }.to_string()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, number, statement } = self;
        match statement {
            Some(statement) => write!(f, "{statement} of ")?,
            None => f.write_str("all of ")?,
        }
        match kind {
            Kind::Resource => f.write_str("the secret's own policy"),
            Kind::Boundary => f.write_str("the permissions boundary"),
            Kind::Identity | Kind::Session => write!(f, "{} {number}", kind.name()),
        }
    }
}

/// Says what keeps a statement from applying.
fn told(miss: Miss<'_>, request: &Request) -> String {
    match miss {
        Miss::Principal => format!(" does not name {}", request.caller().user()),
        Miss::Action => format!(" is not about {}", request.action),
        Miss::Resource => format!(" is not about {}", request.resource()),
        Miss::Condition(condition) => {
            let key = &condition.key;
            let is = request
                .context
                .values(key)
                .map(|values| values.join(", ").escape_debug().to_string());
            let is = is.map_or_else(
                || "the request does not have".to_owned(),
                |is| format!("is \"{is}\""),
            );
            format!(" has a condition on {key}, which {is}")
        }
    }
}

//! Asks a policy about a request.

use super::model::{Effect, Policy, Statement};
use super::pattern::Case;
use super::request::Request;

/// What a policy says about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// A statement allows it, and none denies it.
    Allow,
    /// A statement denies it, whatever others allow.
    Deny,
    /// No statement speaks of it.
    NoOpinion,
}

/// Decides on a request by one policy alone.
pub(crate) fn decide(policy: &Policy, request: &Request) -> Decision {
    let mut decision = Decision::NoOpinion;
    for statement in policy.statements.iter().filter(|statement| statement.applies(request)) {
        match statement.effect {
            Effect::Deny => return Decision::Deny,
            Effect::Allow => decision = Decision::Allow,
        }
    }
    decision
}

/// Whether the policy denies the request even if the keys that are not known had any value: a
/// statement for callers outside a VPC, say, denies nothing for certain.
pub(super) fn denies_for_certain(policy: &Policy, request: &Request) -> bool {
    policy.statements.iter().any(|statement| {
        let is_known = |key: &str| request.context.values(key).is_some();
        statement.effect == Effect::Deny
            && statement.applies(request)
            && statement.conditions.iter().all(|condition| is_known(&condition.key))
    })
}

impl Statement {
    fn applies(&self, request: &Request) -> bool {
        let context = &request.context;
        self.principals.admits(|principal| principal.covers(&request.caller))
            && self.actions.admits(|action| action.matches(&request.action, Case::Ignored, context))
            // A wildcard in a resource may run over colons.
            && self.resources.admits(|resource| {
                resource.matches(&request.resource, Case::Sensitive, context)
            })
            && self.conditions.iter().all(|condition| condition.holds(context))
    }
}

#[cfg(test)]
mod tests;

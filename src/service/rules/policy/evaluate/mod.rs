//! Asks a policy about a request.

use super::condition::Condition;
use super::model::{Effect, Policy, Scope, Statement, StatementName};
use super::pattern::{Case, Pattern};
use super::principal::{Identity, Principal, Reach};
use super::request::{Context, Request};

/// What a policy says about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision<'p> {
    /// A statement allows it, and none denies it. Of several it is the one that reaches farthest.
    Allow(Reach, &'p StatementName),
    /// A statement denies it, whatever others allow.
    Deny(&'p StatementName),
    /// No statement speaks of it.
    NoOpinion,
}

/// The first part of a statement that is not about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Miss<'p> {
    Principal,
    Action,
    Resource,
    Condition(&'p Condition),
}

/// Decides on a request by one policy alone.
pub(super) fn decide<'p>(policy: &'p Policy, request: &Request) -> Decision<'p> {
    let mut decision = Decision::NoOpinion;
    for statement in &policy.statements {
        let Ok(reach) = statement.applies(request) else { continue };
        match (statement.effect, decision) {
            (Effect::Deny, _) => return Decision::Deny(&statement.name),
            (Effect::Allow, Decision::Allow(before, _)) if before <= reach => {}
            (Effect::Allow, _) => decision = Decision::Allow(reach, &statement.name),
        }
    }
    decision
}

/// Returns what keeps each statement that allows anything from allowing this request.
pub(super) fn misses<'p>(
    policy: &'p Policy,
    request: &Request,
) -> impl Iterator<Item = (&'p StatementName, Miss<'p>)> {
    let allows = policy.statements.iter().filter(|statement| statement.effect == Effect::Allow);
    allows.filter_map(|statement| Some((&statement.name, statement.applies(request).err()?)))
}

/// Whether the policy denies the request even if the keys that are not known had any value: a
/// statement for callers outside a VPC, say, denies nothing for certain.
pub(super) fn denies_for_certain(policy: &Policy, request: &Request) -> bool {
    policy.statements.iter().any(|statement| {
        let is_known = |key: &str| request.context.values(key).is_some();
        statement.effect == Effect::Deny
            && statement.applies(request).is_ok()
            && statement.conditions.iter().all(|condition| is_known(&condition.key))
    })
}

impl Statement {
    /// Returns how far it reaches where all of its parts are about a request.
    fn applies(&self, request: &Request) -> Result<Reach, Miss<'_>> {
        let context = &request.context;
        let reach = self.principals.reach(&request.caller, self.effect).ok_or(Miss::Principal)?;
        let is_it = |action: &Pattern| action.matches(&request.action, Case::Ignored, context);
        if !self.actions.admits(is_it) {
            return Err(Miss::Action);
        }
        // A wildcard in a resource may run over colons.
        let is_it =
            |resource: &Pattern| resource.matches(&request.resource, Case::Sensitive, context);
        if !self.resources.admits(is_it) {
            return Err(Miss::Resource);
        }
        match self.conditions.iter().find(|condition| !self.is_met(condition, context)) {
            Some(condition) => Err(Miss::Condition(condition)),
            None => Ok(reach),
        }
    }

    /// Whether a condition holds. Where two tags differ in capitals alone, so that it is open which of
    /// them is meant, it lets nobody in and keeps everybody out: whoever may tag could choose otherwise.
    fn is_met(&self, condition: &Condition, context: &Context) -> bool {
        if condition.keys().any(|key| context.is_in_doubt(key)) {
            return self.effect == Effect::Deny;
        }
        condition.holds(context)
    }
}

impl Scope<Principal> {
    /// How far an Allow to these reaches; `None` where the caller is not meant.
    fn reach(&self, caller: &Identity, effect: Effect) -> Option<Reach> {
        match self {
            Self::Only(some) => some.iter().filter_map(|principal| principal.reach(caller)).min(),
            // Everybody else is meant. An account beside a user lets a Deny spare the user, and not
            // all others in the account.
            Self::Except(some) => {
                let is_named = some.iter().any(|principal| match effect {
                    Effect::Allow => principal.reach(caller).is_some(),
                    Effect::Deny => principal.is_spared(caller),
                });
                (!is_named).then_some(Reach::Suffices)
            }
        }
    }
}

#[cfg(test)]
mod tests;

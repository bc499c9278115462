//! The rights that a call needs: as in AWS, some need the right to another operation.

use super::members::text;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::rules::arn::{self, Place};

/// A right that a call needs.
pub(super) struct Need {
    pub(super) action: Action,
    /// The secret it is about, as the request names it.
    pub(super) id: Option<String>,
    /// Where that is not the call's: its region.
    pub(super) region: Option<String>,
    /// Whether it is about a secret that is to be made.
    pub(super) is_new: bool,
    /// How a refusal names the secret.
    pub(super) shown: Option<String>,
}

/// Returns the rights that a grant must have for a call, that to the operation itself first.
pub(super) fn needs(
    cx: &mut Context<'_, '_>,
    action: Action,
    request: &Value,
) -> Result<Vec<Need>, Failure> {
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
    let is_new = action == Action::CreateSecret;
    let need = |action, shown| Need { action, id: id.clone(), region: None, is_new, shown };
    let mut needs = vec![need(action, id.clone())];
    // By then AWS has made the secret, and names it by its ARN.
    let arn = |name: &str| {
        let place = Place { account: &here.account, region: &here.region };
        arn::arn_without_suffix(place, name)
    };
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
                is_new: false,
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
pub(super) fn changed_tags(request: &Value) -> impl Iterator<Item = &str> {
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

/// Returns the id or name of the one secret that a request is about.
pub(super) fn named(request: &Value) -> Option<&str> {
    text(request, "SecretId").or_else(|| text(request, "Name"))
}

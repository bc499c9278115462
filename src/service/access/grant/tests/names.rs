//! Which secrets a grant is for, by their names and regions, and what lists and batches show of others.

use super::*;
use crate::service::dispatch::{Call, dispatch};
use crate::service::testing::{entry, from_json, to_json, told};

#[test]
fn a_grant_is_for_its_secrets() {
    let whole = |name: &str| format!("{ARN}{name}");
    for (id, pattern, is_allowed) in [
        ("app/db", "app/*", true),
        ("app/db", "app/d?", true),
        ("app/db", "*", true),
        ("app/db", "app/d", false),
        ("app/db", "APP/*", false),
        ("web/key", "app/*", false),
        (&whole("web/key"), "app/*", false),
        (&whole("web/key"), "web/key", true),
        ("app/db", "${a}", false),
    ] {
        let (mut service, mut grant) = granted();
        grant.secrets = named_like(&[pattern]);
        let outcome = under(&mut service, grant, "GetSecretValue", &json!({"SecretId": id}));
        let refused = implicit("GetSecretValue", &format!(" on resource: {id}"));
        assert_eq!(outcome == "allowed", is_allowed, "{id} {pattern}");
        assert!(is_allowed || outcome == refused, "{outcome}");
    }
    // Whether there is such a secret is told only to those who may know it, as in AWS.
    let (mut service, grant) = granted();
    let (caller, gone) = (Caller::Grant(grant), r#"{"SecretId":"app/gone"}"#);
    let refused = service.call_as(&caller, "GetSecretValue", gone).unwrap_err();
    assert_eq!(refused.0, "ResourceNotFoundException");
    let gone = gone.replace("app", "web");
    let refused = service.call_as(&caller, "GetSecretValue", &gone).unwrap_err();
    assert_eq!(refused.0, DENIED);
    // A new secret is judged by its name.
    for (name, expected) in [("app/new", true), ("web/new", false)] {
        let (mut service, grant) = granted();
        let create = json!({"Name": name, "ClientRequestToken": token(2)});
        let outcome = under(&mut service, grant, "CreateSecret", &create);
        assert_eq!(outcome == "allowed", expected, "{outcome}");
    }
}

#[test]
fn lists_tell_a_grant_only_of_what_it_may_see() {
    let names = |service: &mut ServiceFixture, grant: Grant| {
        let listed = service.call_as(&Caller::Grant(grant), "ListSecrets", "{}").unwrap();
        let listed = listed["SecretList"].as_array().unwrap().clone();
        let mut names: Vec<String> =
            listed.iter().map(|one| one["Name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let (mut service, grant) = granted();
    assert_eq!(names(&mut service, grant), ["app/cache", "app/db"]);
    let (_, grant) = granted();
    let hidden = policy("Deny", "*", &format!("{ARN}app/db-*"));
    let policies = vec![policy("Allow", "*", "*"), hidden];
    assert_eq!(names(&mut service, Grant { policies, ..grant }), ["app/cache"]);
    assert_eq!(service.call("ListSecrets", "{}").unwrap().matches(r#""Name""#).count(), 3);
}

#[test]
fn a_batch_is_judged_secret_by_secret() {
    let (mut service, grant) = granted();
    let ids = r#"{"SecretIdList":["app/db","web/key","web/gone"]}"#;
    let answer = service.call_as(&Caller::Grant(grant), "BatchGetSecretValue", ids).unwrap();
    assert_eq!(answer["SecretValues"].as_array().unwrap().len(), 1);
    assert_eq!(answer["SecretValues"][0]["Name"], "app/db");
    for (index, id) in [(0, "web/key"), (1, "web/gone")] {
        let expected = json!({
            "SecretId": id, "ErrorCode": DENIED,
            "Message": implicit("GetSecretValue", &format!(" on resource: {id}")),
        });
        assert_eq!(answer["Errors"][index], expected);
    }
    // What filters find is only what may be listed, and filters need the right to list.
    let filters = r#"{"Filters":[{"Key":"name","Values":["app","web"]}]}"#;
    let (_, grant) = granted();
    let answer = service.call_as(&Caller::Grant(grant), "BatchGetSecretValue", filters).unwrap();
    assert_eq!(answer["SecretValues"].as_array().unwrap().len(), 2);
    assert_eq!(answer["Errors"], json!([]));
    let (_, mut grant) = granted();
    grant.actions.remove(&Action::ListSecrets);
    let refused = service.call_as(&Caller::Grant(grant), "BatchGetSecretValue", filters);
    assert_eq!(refused.unwrap_err().1, implicit("ListSecrets", ""));
    // Each value needs the right to read it.
    let (_, mut grant) = granted();
    grant.actions.remove(&Action::GetSecretValue);
    let answer = service.call_as(&Caller::Grant(grant), "BatchGetSecretValue", ids).unwrap();
    assert_eq!(answer["SecretValues"], json!([]));
}

const REPLICA: &str = "arn:aws:secretsmanager:local-1:222222222222:secret:copy-a1B2c3";

/// What a call that is about another account's secret needs besides the right to it.
#[test]
fn what_is_linked_to_another_account_needs_more() {
    use Action::{
        AssociateCrossAccountReplica as Associate, CreateSecret as Create, DeleteResourcePolicy,
        DisassociateCrossAccountReplica as Disassociate, GetSecretValue, PutResourcePolicy,
        StopReplicationToReplica as Stop,
    };
    let of_replica = |id| of(id, &json!({"CrossAccountReplicaARN": REPLICA}));
    let copy = json!({
        "Name": "app/copy", "ClientRequestToken": token(3), "KmsKeyId": "alias/one",
        "CrossAccountPrimaryARN": REPLICA,
    });
    let plain = json!({"Name": "app/plain", "ClientRequestToken": token(3)});
    for (action, request, more) in [
        (Associate, of_replica("app/db"), Some((GetSecretValue, "app/db".to_owned()))),
        (Disassociate, of_replica("app/db"), None),
        (Create, copy, Some((PutResourcePolicy, format!("{ARN}app/copy")))),
        (Create, plain, None),
        (Stop, of("app/waits", &json!({})), Some((DeleteResourcePolicy, "app/waits".to_owned()))),
    ] {
        let (mut service, mut grant) = granted();
        let waits = json!({
            "Name": "app/waits", "ClientRequestToken": token(4), "KmsKeyId": "alias/one",
            "CrossAccountPrimaryARN": REPLICA,
        });
        service.call("CreateSecret", &waits.to_string()).unwrap();
        service.call("AssociateCrossAccountReplica", &of_replica("app/db").to_string()).unwrap();
        grant.actions = [action].into();
        if let Some((other, shown)) = more {
            let narrow = Grant { actions: [action].into(), ..granted().1 };
            let refused = under(&mut service, narrow, action.name(), &request);
            assert_eq!(refused, implicit(other.name(), &format!(" on resource: {shown}")));
            grant.actions.insert(other);
        }
        assert_eq!(under(&mut service, grant, action.name(), &request), "allowed");
    }
}

/// Every operation that names a secret, with all that it needs.
fn about(id: &str) -> Vec<(&'static str, Json)> {
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let of = |more: Json| of(id, &more);
    vec![
        ("AssociateCrossAccountReplica", of(json!({"CrossAccountReplicaARN": REPLICA}))),
        ("CancelRotateSecret", of(json!({}))),
        ("DeleteResourcePolicy", of(json!({}))),
        ("DeleteSecret", of(json!({"ForceDeleteWithoutRecovery": true}))),
        ("DescribeSecret", of(json!({}))),
        ("DisassociateCrossAccountReplica", of(json!({"CrossAccountReplicaARN": REPLICA}))),
        ("GetResourcePolicy", of(json!({}))),
        ("GetSecretValue", of(json!({}))),
        ("ListResourcePolicies", of(json!({}))),
        ("ListSecretVersionIds", of(json!({}))),
        ("PutResourcePolicy", of(json!({"ResourcePolicy": policy}))),
        ("PutSecretValue", of(json!({"ClientRequestToken": token(2), "SecretString": "s"}))),
        ("RemoveRegionsFromReplication", of(json!({"RemoveReplicaRegions": ["local-2"]}))),
        ("ReplicateSecretToRegions", of(json!({"AddReplicaRegions": [{"Region": "local-2"}]}))),
        ("RestoreSecret", of(json!({}))),
        ("RotateSecret", of(json!({"ClientRequestToken": token(2)}))),
        ("StopReplicationToReplica", of(json!({}))),
        ("TagResource", of(json!({"Tags": [{"Key": "a", "Value": "b"}]}))),
        ("UntagResource", of(json!({"TagKeys": ["a"]}))),
        ("UpdateSecret", of(json!({"Description": "d"}))),
        ("UpdateSecretVersionStage", of(json!({"VersionStage": "a", "MoveToVersionId": token(1)}))),
        ("ValidateResourcePolicy", of(json!({"ResourcePolicy": policy}))),
    ]
}

#[test]
fn no_operation_reaches_what_a_grant_is_not_for() {
    let (mut service, _) = granted();
    let suffix = service.record("web/key").unwrap().arn_suffix;
    let all = |read_only| {
        let (_, grant) = granted();
        Grant { actions: Action::ALL.iter().copied().collect(), read_only, ..grant }
    };
    let before = service.snapshot();
    let elsewhere = format!("{ARN}web/key").replace("local-1", "local-2");
    let whole = format!("{ARN}web/key-{suffix}");
    for id in ["web/key", &whole, &format!("{ARN}web/key"), &elsewhere, "web/gone"] {
        for (operation, request) in about(id) {
            let refused = under(&mut service, all(false), operation, &request);
            let on = format!(" on resource: {id}");
            assert_eq!(refused, implicit(operation, &on));
            let event = service.events().pop().unwrap();
            let logged = (event.operation.as_str(), event.outcome.as_str(), event.subject.name);
            assert_eq!(logged, (operation, DENIED, id.to_owned()));
        }
    }
    // What may be read only is not changed either.
    for (operation, request) in about("app/db") {
        if entry(operation).effect == Effect::Writes {
            let refused = under(&mut service, all(true), operation, &request);
            assert_eq!(refused, implicit(operation, " on resource: app/db"));
        }
    }
    assert_eq!(service.snapshot(), before);
    assert_eq!(about("").len() + 4, Action::ALL.len());
}

/// A token of the owner's leads a grant to nothing more.
#[test]
fn pages_of_others_show_a_grant_only_its_own() {
    let (mut service, _) = granted();
    let first = service.call("ListSecrets", r#"{"MaxResults":1}"#).unwrap();
    let first: Json = serde_json::from_str(&first).unwrap();
    let (mut seen, mut next) = (Vec::new(), first["NextToken"].clone());
    while next != Json::Null {
        let (_, grant) = granted();
        let request = json!({"MaxResults": 1, "NextToken": next}).to_string();
        let page = service.call_as(&Caller::Grant(grant), "ListSecrets", &request).unwrap();
        let names = page["SecretList"].as_array().unwrap().clone();
        seen.extend(names.into_iter().map(|one| one["Name"].as_str().unwrap().to_owned()));
        next = page.get("NextToken").cloned().unwrap_or(Json::Null);
    }
    assert!(!seen.is_empty() && seen.iter().all(|name| name.starts_with("app/")), "{seen:?}");
}

/// A name was for whichever region a call was about.
#[test]
fn a_grant_is_for_its_region() {
    let (mut service, _) = granted();
    let create = json!({"Name": "app/db", "ClientRequestToken": token(1), "SecretString": "far"});
    service.call_in(Some("eu-west-1"), "CreateSecret", &create.to_string()).unwrap();
    let suffix = service.record("app/db").unwrap().arn_suffix;
    let far = ARN.replace("local-1", "eu-west-1");
    let here = format!("{ARN}app/db-{suffix}");
    let other = format!("{ARN}app/db-??????").replace("000000000000", "123456789012");
    for (pattern, near_is_allowed, far_is_allowed) in [
        ("app/*", true, false),
        ("*", true, false),
        (&*here, true, false),
        (&format!("{ARN}app/db"), true, false),
        (&format!("{ARN}app/d"), false, false),
        (&format!("{ARN}app/*"), true, false),
        (&format!("{ARN}app/db-??????"), true, false),
        (&format!("{far}app/*"), false, true),
        (&far.replace("eu-west-1", "*").replace("secret:", "secret:app/*"), true, true),
        (&other, false, false),
    ] {
        for (region, expected) in [(None, near_is_allowed), (Some("eu-west-1"), far_is_allowed)] {
            let (_, grant) = granted();
            let caller = Caller::Grant(Grant { secrets: named_like(&[pattern]), ..grant });
            let mut call = |operation: &str, request: &Json| {
                let entry = entry(operation);
                let request = from_json(entry.input, request);
                let call = Call { entry, request, region, caller: &caller, boundaries: None };
                service.with(|vault, context| dispatch(vault, call, context)).map_err(told)
            };
            let read = call("GetSecretValue", &json!({"SecretId": "app/db"}));
            assert_eq!(read.is_ok(), expected, "{pattern} {region:?}");
            let listed = to_json(&call("ListSecrets", &json!({})).ok().unwrap()).to_string();
            assert_eq!(listed.contains("app/db"), expected, "{pattern} {region:?}");
        }
    }
}

/// A replica could put a secret out of its place that the grant was not for, or that its own policy
/// kept.
#[test]
fn what_a_replica_displaces_is_asked_about() {
    let (far, on) = (ARN.replace("local-1", "eu-west-1"), " on resource: ");
    let replicate = json!({
        "SecretId": "app/db", "AddReplicaRegions": [{"Region": "eu-west-1"}],
        "ForceOverwriteReplicaSecret": true,
    });
    let refused = implicit("DeleteSecret", &format!("{on}{far}app/db"));
    let everywhere = [ARN.replace("local-1", "*") + "app/*"];
    let everywhere = everywhere.each_ref().map(String::as_str);
    for (names, has_delete, own, expected) in [
        (&["app/*"][..], true, "Allow", refused.clone()),
        (&everywhere[..], false, "Allow", refused.clone()),
        (
            &everywhere[..],
            true,
            "Deny",
            explicit("DeleteSecret", &format!("{on}{far}app/db"))
                .replace("an identity-based policy", "a resource-based policy"),
        ),
        (&everywhere[..], true, "Allow", "allowed".to_owned()),
    ] {
        let (mut service, mut grant) = granted();
        let create =
            json!({"Name": "app/db", "ClientRequestToken": token(1), "SecretString": "far"});
        service.call_in(Some("eu-west-1"), "CreateSecret", &create.to_string()).unwrap();
        service.meddle(|transaction| {
            let namespace = transaction.namespace("eu-west-1");
            let mut record = transaction.find(&namespace, "app/db").unwrap().unwrap();
            let statement = json!({
                "Effect": own, "Principal": "*", "Action": "secretsmanager:DeleteSecret",
                "Resource": "*",
            });
            let policy = json!({"Version": "2012-10-17", "Statement": statement});
            record.policy = Some(policy.to_string());
            transaction.update(&mut record).unwrap();
        });
        grant.actions.insert(Action::ReplicateSecretToRegions);
        grant.actions.extend(has_delete.then_some(Action::DeleteSecret));
        grant.secrets = named_like(names);
        let outcome = under(&mut service, grant, "ReplicateSecretToRegions", &replicate);
        assert_eq!(outcome, expected);
    }
    // What is not forced displaces nothing.
    let (mut service, mut grant) = granted();
    grant.actions.insert(Action::ReplicateSecretToRegions);
    let mut unforced = replicate.clone();
    unforced["ForceOverwriteReplicaSecret"] = false.into();
    assert_eq!(under(&mut service, grant, "ReplicateSecretToRegions", &unforced), "allowed");
}

use serde_json::{Value as Json, json};

use super::*;
use crate::service::access::allows_without_vault;
use crate::service::caller::{Caller, Selection};
use crate::service::dispatch::{Call, dispatch};
use crate::service::jobs::fixture::token;
use crate::service::rules::policy::parse::parse_of_identity;
use crate::service::testing::{ARN, ServiceFixture, entry, from_json, to_json, told};

const DENIED: &str = "AccessDeniedException";
const USER: &str = "arn:aws:sts::000000000000:assumed-role/strongroom-grant/g1";

fn of(id: &str, more: &Json) -> Json {
    let mut request = more.clone();
    request["SecretId"] = id.into();
    request
}

/// A service with three secrets, and a grant for all that tests do with two of them, for a minute.
fn granted() -> (ServiceFixture, Grant) {
    let mut service = ServiceFixture::new();
    for name in ["app/db", "app/cache", "web/key"] {
        let request = json!({"Name": name, "ClientRequestToken": token(1), "SecretString": name});
        service.call("CreateSecret", &request.to_string()).unwrap();
    }
    let actions = [
        Action::BatchGetSecretValue,
        Action::CreateSecret,
        Action::DescribeSecret,
        Action::GetRandomPassword,
        Action::GetSecretValue,
        Action::ListSecrets,
        Action::PutSecretValue,
    ];
    let until = Timestamp(service.now().0 + 60_000);
    let (id, secrets) = ("g1".to_owned(), named_like(&["app/*"]));
    let (actions, policies) = (actions.into_iter().collect(), Vec::new());
    (service, Grant { id, label: None, actions, secrets, until, read_only: false, policies })
}

fn named_like(names: &[&str]) -> Selection {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Selection { region: "local-1".to_owned(), names, tags: Vec::new() }
}

fn policy(effect: &str, action: &str, resource: &str) -> Policy {
    let statement =
        json!({"Effect": effect, "Principal": "*", "Action": action, "Resource": resource});
    parse(&json!({"Version": "2012-10-17", "Statement": statement}).to_string()).unwrap()
}

/// Calls under a grant; a refusal for want of rights is told by its text.
#[track_caller]
fn under(service: &mut ServiceFixture, grant: Grant, operation: &str, request: &Json) -> String {
    match service.call_as(&Caller::Grant(grant), operation, &request.to_string()) {
        Ok(_) => "allowed".to_owned(),
        Err((code, message)) if code == DENIED => message,
        Err((code, message)) => panic!("{code}: {message}"),
    }
}

fn implicit(operation: &str, resource: &str) -> String {
    format!(
        "User: {USER} is not authorized to perform: \
         secretsmanager:{operation}{resource} because no identity-based policy allows the \
         secretsmanager:{operation} action"
    )
}

fn explicit(operation: &str, resource: &str) -> String {
    format!(
        "User: {USER} is not authorized to perform: \
         secretsmanager:{operation}{resource} with an explicit deny in an identity-based policy"
    )
}

#[test]
fn a_grant_is_for_its_operations() {
    let (mut service, mut grant) = granted();
    let read = json!({"SecretId": "app/db"});
    let (_, whole) = granted();
    assert_eq!(under(&mut service, whole, "GetSecretValue", &read), "allowed");
    grant.actions.remove(&Action::GetSecretValue);
    let refused = under(&mut service, grant, "GetSecretValue", &read);
    assert_eq!(refused, implicit("GetSecretValue", " on resource: app/db"));
    // It is logged, and by whom it was tried.
    let event = service.events().pop().unwrap();
    assert_eq!((event.outcome.as_str(), event.via.as_str()), (DENIED, "grant:g1"));
}

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
fn a_grant_is_over_when_its_time_is() {
    let (mut service, _) = granted();
    service.advance(59_999);
    for (operation, request, resource) in [
        ("GetSecretValue", json!({"SecretId": "app/db"}), " on resource: app/db"),
        ("ListSecrets", json!({}), ""),
        ("GetRandomPassword", json!({}), ""),
    ] {
        let (_, grant) = granted();
        assert!(!allows_without_vault(&Caller::Grant(grant), Action::GetRandomPassword));
        let (_, grant) = granted();
        assert_eq!(under(&mut service, grant, operation, &request), "allowed");
        let (_, mut grant) = granted();
        grant.until = service.now();
        assert_eq!(under(&mut service, grant, operation, &request), implicit(operation, resource));
    }
}

#[test]
fn a_grant_to_read_changes_nothing() {
    let put = json!({
        "SecretId": "app/db", "ClientRequestToken": token(2), "SecretString": "new",
    });
    for (read_only, expected) in
        [(false, "allowed".to_owned()), (true, implicit("PutSecretValue", " on resource: app/db"))]
    {
        let (mut service, grant) = granted();
        let grant = Grant { read_only, ..grant };
        assert_eq!(under(&mut service, grant, "PutSecretValue", &put), expected);
        let (_, grant) = granted();
        let read = json!({"SecretId": "app/db"});
        let grant = Grant { read_only, ..grant };
        assert_eq!(under(&mut service, grant, "GetSecretValue", &read), "allowed");
    }
}

#[test]
fn a_grants_policies_narrow_it() {
    let db = format!("{ARN}app/db-*");
    let allow = |resource: &str| policy("Allow", "secretsmanager:*", resource);
    let deny = |action: &str| policy("Deny", action, &db);
    let on = " on resource: app/db";
    for (policies, expected) in [
        (vec![allow("*")], "allowed".to_owned()),
        (vec![allow(&db)], "allowed".to_owned()),
        (vec![allow(&format!("{ARN}app/cache-*")), allow(&db)], "allowed".to_owned()),
        (vec![allow(&format!("{ARN}app/cache-*"))], implicit("GetSecretValue", on)),
        (vec![allow("*"), deny("secretsmanager:Get*")], explicit("GetSecretValue", on)),
        (vec![deny("secretsmanager:Get*"), allow("*")], explicit("GetSecretValue", on)),
        (vec![allow("*"), deny("secretsmanager:Put*")], "allowed".to_owned()),
        // A policy widens nothing: see the next.
        (vec![deny("secretsmanager:Put*")], implicit("GetSecretValue", on)),
    ] {
        let (mut service, grant) = granted();
        let grant = Grant { policies, ..grant };
        let read = json!({"SecretId": "app/db"});
        assert_eq!(under(&mut service, grant, "GetSecretValue", &read), expected);
    }
    let (mut service, grant) = granted();
    let grant = Grant { policies: vec![allow("*")], ..grant };
    let read = json!({"SecretId": "web/key"});
    let refused = under(&mut service, grant, "GetSecretValue", &read);
    assert_eq!(refused, implicit("GetSecretValue", " on resource: web/key"));
    // What the request says counts, too.
    let (mut service, grant) = granted();
    let stage = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",
        "Action":"*","Resource":"*","Condition":{"StringEquals":
        {"secretsmanager:VersionStage":"AWSCURRENT"}}}]}"#;
    let grant = Grant { policies: vec![parse(stage).unwrap()], ..grant };
    let read = json!({"SecretId": "app/db", "VersionStage": "AWSCURRENT"});
    assert_eq!(under(&mut service, grant, "GetSecretValue", &read), "allowed");
}

/// A secret that is not there yet is held to the policies by its name.
#[test]
fn a_grants_policies_judge_new_names() {
    let (db, on) = (format!("{ARN}app/db*"), " on resource: app/db2");
    for (policies, expected) in [
        (vec![policy("Allow", "*", &db)], "allowed".to_owned()),
        (vec![policy("Allow", "*", &format!("{ARN}app/cache*"))], implicit("CreateSecret", on)),
        (vec![policy("Allow", "*", "*"), policy("Deny", "*", &db)], explicit("CreateSecret", on)),
    ] {
        let (mut service, grant) = granted();
        let grant = Grant { policies, ..grant };
        let create = json!({"Name": "app/db2", "ClientRequestToken": token(2)});
        assert_eq!(under(&mut service, grant, "CreateSecret", &create), expected);
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

#[test]
fn no_member_counts_twice_for_a_grant() {
    let (mut service, grant) = granted();
    let member = |id: &str| ("SecretId".to_owned(), Value::Text(id.to_owned()));
    let request = Value::Map(vec![member("app/db"), member("web/key")]);
    let (entry, caller) = (entry("GetSecretValue"), Caller::Grant(grant));
    let call = Call { entry, request, region: None, caller: &caller, boundaries: None };
    let refused = service.with(|vault, context| dispatch(vault, call, context));
    assert_eq!(refused.map_err(told).err().unwrap().0, DENIED);
}

/// Some operations need the right to another, as in AWS: a new secret's tags, its replicas, which may
/// put another secret out of its place, and what is said about a policy.
#[test]
fn some_operations_need_another() {
    let create = |member: &str, value: &Json| {
        let mut request = json!({"Name": "app/new", "ClientRequestToken": token(2)});
        request[member] = value.clone();
        ("CreateSecret", request)
    };
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    for ((operation, request), other, on) in [
        (
            create("Tags", &json!([{"Key": "a", "Value": "b"}])),
            Action::TagResource,
            format!(" on resource: {ARN}app/new"),
        ),
        (
            create("AddReplicaRegions", &json!([{"Region": "local-2"}])),
            Action::ReplicateSecretToRegions,
            format!(" on resource: {ARN}app/new"),
        ),
        (
            ("ValidateResourcePolicy", json!({"SecretId": "app/db", "ResourcePolicy": policy})),
            Action::PutResourcePolicy,
            " on resource: app/db".to_owned(),
        ),
    ] {
        let (mut service, mut grant) = granted();
        grant.actions.insert(Action::ValidateResourcePolicy);
        let refused = under(&mut service, grant, operation, &request);
        assert_eq!(refused, implicit(other.name(), &on));
        let (_, mut grant) = granted();
        grant.actions.extend([Action::ValidateResourcePolicy, other]);
        assert_ne!(under(&mut service, grant, operation, &request), refused);
    }
}

#[test]
fn a_secrets_own_policy_denies_a_grant() {
    let (mut service, grant) = granted();
    let on = |resource: &str, policy: &str| {
        let statement = json!({
            "Effect": policy, "Principal": "*", "Action": "secretsmanager:*", "Resource": "*",
        });
        let policy = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
        (resource.to_owned(), policy)
    };
    for (name, policy) in [on("app/db", "Deny"), on("app/cache", "Allow"), on("web/key", "Deny")] {
        service.meddle(|transaction| {
            let namespace = transaction.namespace("local-1");
            let mut record = transaction.find(&namespace, &name).unwrap().unwrap();
            record.policy = Some(policy);
            transaction.update(&mut record).unwrap();
        });
    }
    let read = json!({"SecretId": "app/db"});
    let refused = under(&mut service, grant, "GetSecretValue", &read);
    assert_eq!(
        refused,
        explicit("GetSecretValue", " on resource: app/db")
            .replace("an identity-based policy", "a resource-based policy")
    );
    let (_, grant) = granted();
    let read = json!({"SecretId": "app/cache"});
    assert_eq!(under(&mut service, grant, "GetSecretValue", &read), "allowed");
    let (_, grant) = granted();
    let listed = service.call_as(&Caller::Grant(grant), "ListSecrets", "{}").unwrap();
    assert_eq!(listed["SecretList"].as_array().unwrap().len(), 1);
    // One that cannot be read denies all.
    service.meddle(|transaction| {
        let namespace = transaction.namespace("local-1");
        let mut record = transaction.find(&namespace, "app/cache").unwrap().unwrap();
        record.policy = Some("{}".to_owned());
        transaction.update(&mut record).unwrap();
    });
    let (_, grant) = granted();
    assert_ne!(under(&mut service, grant, "GetSecretValue", &read), "allowed");
    // It gives no rights beyond the grant, and its owner is not bound by it.
    let (_, grant) = granted();
    let read = json!({"SecretId": "web/key"});
    let refused = under(&mut service, grant, "GetSecretValue", &read);
    assert_eq!(refused, implicit("GetSecretValue", " on resource: web/key"));
    service.call("GetSecretValue", &read.to_string()).unwrap();
}

#[test]
fn a_refusal_does_not_tell_whether_there_is_such_a_secret() {
    for id in ["web/key", "web/gone"] {
        let (mut service, grant) = granted();
        let policies = vec![policy("Deny", "*", &format!("{ARN}web/*-??????"))];
        let grant = Grant { policies, ..grant };
        let refused = under(&mut service, grant, "GetSecretValue", &json!({"SecretId": id}));
        assert_eq!(refused, implicit("GetSecretValue", &format!(" on resource: {id}")));
    }
}

#[test]
fn a_clock_that_was_set_back_gives_a_grant_no_time() {
    let (mut service, grant) = granted();
    service.advance(60_000);
    let put = json!({"SecretId": "web/key", "ClientRequestToken": token(3), "SecretString": "s"});
    service.call("PutSecretValue", &put.to_string()).unwrap();
    service.advance(-59_000);
    let read = json!({"SecretId": "app/db"});
    let refused = under(&mut service, grant, "GetSecretValue", &read);
    assert_eq!(refused, implicit("GetSecretValue", " on resource: app/db"));
}

/// The same for a time in a policy: it was compared with the clock as it is.
#[test]
fn a_clock_that_was_set_back_gives_a_policy_no_time() {
    let (mut service, grant) = granted();
    let end = service.now().0 / 1000 + 30;
    let statement = json!({
        "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
        "Condition": {"NumericLessThan": {"aws:EpochTime": end.to_string()}},
    });
    let until = parse(&json!({"Version": "2012-10-17", "Statement": statement}).to_string());
    let mut caller = Caller::Grant(Grant { policies: vec![until.unwrap()], ..grant });
    let read = r#"{"SecretId":"app/db"}"#;
    service.call_as(&caller, "GetSecretValue", read).unwrap();
    service.advance(30_000);
    let put = json!({"SecretId": "web/key", "ClientRequestToken": token(3), "SecretString": "s"});
    service.call("PutSecretValue", &put.to_string()).unwrap();
    service.advance(-29_000);
    let refused = service.call_as(&caller, "GetSecretValue", read).unwrap_err();
    assert_eq!(refused.1, implicit("GetSecretValue", " on resource: app/db"));
    // Nor are lists told of more: here the policy only denies, until then.
    if let Caller::Grant(grant) = &mut caller {
        let statement = json!([
            {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
            {
                "Effect": "Deny", "Principal": "*", "Action": "*",
                "Resource": format!("{ARN}app/db-*"),
                "Condition": {"NumericGreaterThanEquals": {"aws:EpochTime": end.to_string()}},
            },
        ]);
        let from = parse(&json!({"Version": "2012-10-17", "Statement": statement}).to_string());
        grant.policies = vec![from.unwrap()];
    }
    let listed = service.call_as(&caller, "ListSecrets", "{}").unwrap();
    assert_eq!(listed["SecretList"].as_array().unwrap().len(), 1);
}

/// What an operation does not read must not speak for it, at any depth.
#[test]
fn only_what_an_operation_reads_counts_for_a_grant() {
    let text = |name: &str, value: &str| (name.to_owned(), Value::Text(value.to_owned()));
    let tag = Value::Map(vec![text("Key", "a"), text("Value", "b"), text("Value", "c")]);
    let new = |more: (String, Value)| {
        Value::Map(vec![text("Name", "app/new"), text("ClientRequestToken", &token(2)), more])
    };
    for (operation, request) in [
        ("CreateSecret", new(("Tags".to_owned(), Value::List(vec![tag])))),
        ("CreateSecret", new(text("SecretId", "app/db"))),
        (
            "CreateSecret",
            Value::Map(vec![
                text("Name", "web/new"),
                text("ClientRequestToken", &token(2)),
                text("SecretId", "app/db"),
            ]),
        ),
        (
            "PutSecretValue",
            Value::Map(vec![
                text("SecretId", "app/db"),
                text("ClientRequestToken", &token(2)),
                text("SecretString", "s"),
                text("VersionStage", "AWSCURRENT"),
            ]),
        ),
    ] {
        let (mut service, mut grant) = granted();
        grant.actions.insert(Action::TagResource);
        let before = service.snapshot();
        let caller = Caller::Grant(grant);
        let entry = entry(operation);
        let call = Call { entry, request, region: None, caller: &caller, boundaries: None };
        let refused = service.with(|vault, context| dispatch(vault, call, context));
        assert_eq!(refused.map_err(told).err().map(|(code, _)| code).as_deref(), Some(DENIED));
        assert_eq!(service.snapshot(), before);
    }
}

#[test]
fn a_refused_name_stands_in_the_log() {
    let (mut service, grant) = granted();
    let create = json!({"Name": "web/new", "ClientRequestToken": token(2)});
    let refused = under(&mut service, grant, "CreateSecret", &create);
    assert_eq!(refused, implicit("CreateSecret", " on resource: web/new"));
    let event = service.events().pop().unwrap();
    assert_eq!((event.outcome.as_str(), event.subject.name.as_str()), (DENIED, "web/new"));
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

/// A service whose secrets have tags: app/db of team blue, app/cache of team red, web/key of none.
fn tagged() -> (ServiceFixture, Grant) {
    let (mut service, mut grant) = granted();
    for (name, team) in [("app/db", "blue"), ("app/cache", "red")] {
        let tags = json!([{"Key": "team", "Value": team}]);
        service.call("TagResource", &of(name, &json!({"Tags": tags})).to_string()).unwrap();
    }
    grant.actions = Action::ALL.iter().copied().collect();
    (service, grant)
}

fn by_tags(names: &[&str], tags: &[(&str, Option<&str>)]) -> Selection {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned)));
    Selection { tags: tags.collect(), ..named_like(names) }
}

#[test]
fn a_grant_by_tags_is_for_what_carries_them_now() {
    let read = |id: &str| json!({"SecretId": id});
    for (names, tags, seen) in [
        (&[][..], &[("team", Some("blue"))][..], &["app/db"][..]),
        (&[], &[("team", None)], &["app/cache", "app/db"]),
        (&[], &[("Team", None)], &[]),
        (&[], &[("team", Some("blue")), ("team", Some("red"))], &[]),
        (&["app/*"], &[("team", Some("red"))], &["app/cache"]),
        (&["web/*"], &[("team", Some("red"))], &[]),
        (&[], &[], &["app/cache", "app/db", "web/key"]),
    ] {
        let (mut service, grant) = tagged();
        let grant = Grant { secrets: by_tags(names, tags), ..grant };
        let caller = Caller::Grant(grant);
        for id in ["app/cache", "app/db", "web/key"] {
            let outcome = service.call_as(&caller, "GetSecretValue", &read(id).to_string());
            assert_eq!(outcome.is_ok(), seen.contains(&id), "{id} {names:?} {tags:?}");
        }
        let listed = service.call_as(&caller, "ListSecrets", "{}").unwrap();
        assert_eq!(listed["SecretList"].as_array().unwrap().len(), seen.len());
        let filters = r#"{"Filters":[{"Key":"tag-key","Values":["team"]}]}"#;
        let found = service.call_as(&caller, "BatchGetSecretValue", filters).unwrap();
        let tagged = seen.iter().filter(|name| name.starts_with("app")).count();
        assert_eq!(found["SecretValues"].as_array().unwrap().len(), tagged);
    }
    // The tag is looked at in every call.
    let (mut service, grant) = tagged();
    let caller = Caller::Grant(Grant { secrets: by_tags(&[], &[("team", Some("blue"))]), ..grant });
    let id = read("app/db").to_string();
    service.call_as(&caller, "GetSecretValue", &id).unwrap();
    service
        .call("UntagResource", &of("app/db", &json!({"TagKeys": ["team"]})).to_string())
        .unwrap();
    let refused = service.call_as(&caller, "GetSecretValue", &id).unwrap_err();
    assert_eq!(refused.1, implicit("GetSecretValue", " on resource: app/db"));
}

/// A holder that sets and removes tags makes its grant no wider by them.
#[test]
fn a_grant_by_tags_cannot_widen_itself() {
    let blue = || by_tags(&[], &[("team", Some("blue"))]);
    let tag = |key: &str| json!([{"Key": key, "Value": "blue"}]);
    let create = |name: &str, tags: &Json| json!({"Name": name, "ClientRequestToken": token(2), "Tags": tags});
    let of_app = |json: Json| of("app/db", &json);
    for (operation, request, needs) in [
        ("TagResource", of("web/key", &json!({"Tags": tag("team")})), Some("TagResource")),
        ("TagResource", of_app(json!({"Tags": tag("team")})), Some("TagResource")),
        ("TagResource", of_app(json!({"Tags": tag("TEAM")})), Some("TagResource")),
        ("TagResource", of_app(json!({"Tags": tag("other")})), None),
        ("UntagResource", of_app(json!({"TagKeys": ["other", "team"]})), Some("UntagResource")),
        ("UntagResource", of_app(json!({"TagKeys": ["other"]})), None),
        ("CreateSecret", create("app/new", &tag("team")), Some("CreateSecret")),
        ("CreateSecret", create("app/new", &tag("other")), Some("CreateSecret")),
    ] {
        let (mut service, grant) = tagged();
        let on = request.get("SecretId").or(request.get("Name")).unwrap().as_str().unwrap();
        let on = format!(" on resource: {on}");
        let outcome = under(&mut service, Grant { secrets: blue(), ..grant }, operation, &request);
        let expected = needs.map_or("allowed".to_owned(), |operation| implicit(operation, &on));
        assert_eq!(outcome, expected);
    }
    // The same for tags that a policy of the grant, or of the secret, depends on.
    let deny = |principal: bool, part: &(&str, Json)| {
        let mut statement = json!({
            "Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": "*",
        });
        statement[part.0] = part.1.clone();
        if principal {
            statement["Principal"] = "*".into();
        }
        let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"});
        let statements = if principal { json!([statement]) } else { json!([all, statement]) };
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        if principal { text } else { text.replace(r#","Principal":"*""#, "") }
    };
    let untag = |keys: &[&str]| of("app/db", &json!({"TagKeys": keys}));
    for part in [
        ("Condition", json!({"StringEquals": {"aws:ResourceTag/Team": "blue"}})),
        ("Condition", json!({"Null": {"secretsmanager:ResourceTag/team": "false"}})),
        ("Condition", json!({"StringEquals": {"aws:PrincipalArn": "${aws:ResourceTag/team}"}})),
        ("Resource", json!("arn:aws:secretsmanager:*:*:secret:${aws:ResourceTag/team}/*")),
    ] {
        for (keys, is_allowed) in
            [(&["team"][..], false), (&["TEAM"], false), (&["a", "team"], false), (&["a"], true)]
        {
            let refused = implicit("UntagResource", " on resource: app/db");
            let expected = if is_allowed { "allowed".to_owned() } else { refused };
            let (mut service, grant) = tagged();
            let policies = vec![parse_of_identity(&deny(false, &part)).unwrap()];
            let narrowed = Grant { policies, ..grant };
            assert_eq!(under(&mut service, narrowed, "UntagResource", &untag(keys)), expected);
            let (mut service, grant) = tagged();
            attach(&mut service, "app/db", deny(true, &part));
            assert_eq!(under(&mut service, grant, "UntagResource", &untag(keys)), expected);
        }
    }
}

/// Gives a secret of the home region this policy.
fn attach(service: &mut ServiceFixture, name: &str, policy: String) {
    service.meddle(|transaction| {
        let namespace = transaction.namespace("local-1");
        let mut record = transaction.find(&namespace, name).unwrap().unwrap();
        record.policy = Some(policy);
        transaction.update(&mut record).unwrap();
    });
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

#[test]
fn a_grant_by_tags_is_for_its_region() {
    let (mut service, grant) = granted();
    let tags = json!([{"Key": "team", "Value": "blue"}]);
    let create = json!({
        "Name": "far", "ClientRequestToken": token(1), "SecretString": "far", "Tags": tags,
    });
    service.call_in(Some("eu-west-1"), "CreateSecret", &create.to_string()).unwrap();
    for (region, expected) in [("local-1", false), ("eu-west-1", true)] {
        let (_, grant) = granted();
        let secrets = Selection { region: region.to_owned(), ..by_tags(&[], &[("team", None)]) };
        let caller = Caller::Grant(Grant { secrets, ..grant });
        let entry = entry("GetSecretValue");
        let request = from_json(entry.input, &json!({"SecretId": "far"}));
        let (region, boundaries) = (Some("eu-west-1"), None);
        let call = Call { entry, request, region, caller: &caller, boundaries };
        let read = service.with(|vault, context| dispatch(vault, call, context));
        assert_eq!(read.is_ok(), expected);
    }
    // An ARN is of one secret: one that takes its name when it is gone has another.
    let gone =
        Caller::Grant(Grant { secrets: named_like(&[&format!("{ARN}web/gone-a1b2c3")]), ..grant });
    let create = json!({"Name": "web/gone", "ClientRequestToken": token(2)});
    let refused = service.call_as(&gone, "CreateSecret", &create.to_string()).unwrap_err();
    assert_eq!(refused.1, implicit("CreateSecret", " on resource: web/gone"));
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

/// A clock set far ahead opened what a policy allows from a time on.
#[test]
fn a_clock_that_was_set_ahead_opens_no_policy_early() {
    let (mut service, _) = granted();
    let start = service.now().0 / 1000 + 86_400;
    let policy = |effect: &str, operator: &str| {
        let condition = json!({operator: {"aws:EpochTime": start.to_string()}});
        let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        let mut one = all.clone();
        one["Effect"] = effect.into();
        one["Condition"] = condition;
        let statements = if effect == "Deny" { json!([all, one]) } else { json!([one]) };
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        parse_of_identity(&text).unwrap()
    };
    service.advance(500 * 86_400_000);
    let until = Timestamp(service.now().0 + 60_000);
    for (effect, operator, is_allowed) in [
        ("Allow", "NumericGreaterThan", false),
        ("Deny", "NumericLessThan", false),
        ("Allow", "NumericLessThan", false),
        ("Deny", "NumericGreaterThan", false),
    ] {
        let (_, grant) = granted();
        let grant = Grant { policies: vec![policy(effect, operator)], until, ..grant };
        let read = json!({"SecretId": "app/db"});
        let outcome = under(&mut service, grant, "GetSecretValue", &read);
        assert_eq!(outcome == "allowed", is_allowed, "{effect} {operator}: {outcome}");
    }
}

/// A policy on a secret speaks of all grants by their role, of one by its session.
#[test]
fn a_policy_can_name_a_grant() {
    let role = "arn:aws:iam::000000000000:role/strongroom-grant";
    let session = |name: &str| USER.replace("/g1", &format!("/{name}"));
    for (label, principal, condition, is_denied) in [
        (None, json!({"AWS": role}), json!({}), true),
        (None, json!({"AWS": session("g1")}), json!({}), true),
        (None, json!({"AWS": session("g2")}), json!({}), false),
        (None, json!({"AWS": "000000000000"}), json!({}), true),
        (Some("ci"), json!({"AWS": session("ci")}), json!({}), true),
        (Some("ci"), json!({"AWS": session("g1")}), json!({}), false),
        (None, json!("*"), json!({"ArnEquals": {"aws:PrincipalArn": role}}), true),
        (None, json!("*"), json!({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}), true),
        (None, json!("*"), json!({"StringEquals": {"aws:PrincipalType": "Account"}}), false),
    ] {
        let (mut service, grant) = granted();
        let statement = json!({
            "Effect": "Deny", "Principal": principal, "Action": "*", "Resource": "*",
            "Condition": condition,
        });
        let policy = json!({"Version": "2012-10-17", "Statement": statement});
        attach(&mut service, "app/db", policy.to_string());
        let caller = Caller::Grant(Grant { label: label.map(str::to_owned), ..grant });
        let read = r#"{"SecretId":"app/db"}"#;
        let outcome = service.call_as(&caller, "GetSecretValue", read);
        assert_eq!(outcome.is_err(), is_denied, "{label:?} {statement}");
        if let (Some(label), Err((_, message))) = (label, outcome) {
            assert!(message.contains(&format!("User: {} is not", session(label))), "{message}");
        }
        let via = service.events().pop().unwrap().via;
        assert_eq!(via, label.map_or("grant:g1".to_owned(), |label| format!("grant:g1/{label}")));
    }
}

use serde_json::{Value as Json, json};

use super::*;
use crate::service::access::allows_without_vault;
use crate::service::caller::Caller;
use crate::service::dispatch::{Call, dispatch};
use crate::service::jobs::fixture::token;
use crate::service::rules::policy::model::Policy;
use crate::service::testing::{ARN, ServiceFixture, entry, told};

const DENIED: &str = "AccessDeniedException";

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
    let secrets = vec!["app/*".to_owned()];
    let until = Timestamp(service.now().0 + 60_000);
    let (actions, policies) = (actions.into_iter().collect(), Vec::new());
    (service, Grant { actions, secrets, until, read_only: false, policies })
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
        "User: arn:aws:iam::000000000000:root is not authorized to perform: \
         secretsmanager:{operation}{resource} because no session policy allows the \
         secretsmanager:{operation} action"
    )
}

fn explicit(operation: &str, resource: &str) -> String {
    format!(
        "User: arn:aws:iam::000000000000:root is not authorized to perform: \
         secretsmanager:{operation}{resource} with an explicit deny in a session policy"
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
    assert_eq!((event.outcome.as_str(), event.via.as_str()), (DENIED, "grant"));
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
        grant.secrets = vec![pattern.to_owned()];
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
            " on resource: app/new",
        ),
        (
            create("AddReplicaRegions", &json!([{"Region": "local-2"}])),
            Action::ReplicateSecretToRegions,
            " on resource: app/new",
        ),
        (
            ("ValidateResourcePolicy", json!({"SecretId": "app/db", "ResourcePolicy": policy})),
            Action::PutResourcePolicy,
            " on resource: app/db",
        ),
    ] {
        let (mut service, mut grant) = granted();
        grant.actions.insert(Action::ValidateResourcePolicy);
        let refused = under(&mut service, grant, operation, &request);
        assert_eq!(refused, implicit(other.name(), on));
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
            .replace("a session policy", "a resource-based policy")
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

/// Every operation that names a secret, with all that it needs.
fn about(id: &str) -> Vec<(&'static str, Json)> {
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let of = |more: Json| of(id, &more);
    vec![
        ("CancelRotateSecret", of(json!({}))),
        ("DeleteResourcePolicy", of(json!({}))),
        ("DeleteSecret", of(json!({"ForceDeleteWithoutRecovery": true}))),
        ("DescribeSecret", of(json!({}))),
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

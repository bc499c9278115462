//! What grants allow, and what they refuse in which words.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::time::Timestamp;
use crate::service::caller::{Caller, Holder, Selection};
use crate::service::jobs::fixture::token;
use crate::service::known_policies::KnownPolicies;
use crate::service::rules::policy::parse::parse;
use crate::service::testing::{ARN, ServiceFixture};

mod clocks;
mod keys;
mod names;
mod policies;
mod tags;
mod words;

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
    let grant = Grant {
        id,
        label: None,
        actions,
        secrets,
        until,
        read_only: false,
        policies,
        boundary: None,
        session: Vec::new(),
        holder: Holder::Session,
        principal_tags: Vec::new(),
        known: KnownPolicies::default(),
    };
    (service, grant)
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

/// Gives a secret of the home region this policy.
fn attach(service: &mut ServiceFixture, name: &str, policy: String) {
    service.meddle(|transaction| {
        let namespace = transaction.namespace("local-1");
        let mut record = transaction.find(&namespace, name).unwrap().unwrap();
        record.policy = Some(policy);
        transaction.update(&mut record).unwrap();
    });
}

//! What a request's words count for, and what those of a refusal tell.

use super::*;
use crate::service::dispatch::{Call, dispatch};
use crate::service::testing::{entry, told};

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
fn a_refused_name_stands_in_the_log() {
    let (mut service, grant) = granted();
    let create = json!({"Name": "web/new", "ClientRequestToken": token(2)});
    let refused = under(&mut service, grant, "CreateSecret", &create);
    assert_eq!(refused, implicit("CreateSecret", " on resource: web/new"));
    let event = service.events().pop().unwrap();
    assert_eq!((event.outcome.as_str(), event.subject.name.as_str()), (DENIED, "web/new"));
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

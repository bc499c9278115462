//! Access keys: what AWS's rules are for, within what the owner narrowed them to.
//! `tests/conformance/policies.json` has the rules of IAM.

use std::sync::Arc;

use super::*;
use crate::service::caller::Presented;
use crate::service::dispatch::Call;
use crate::service::explain::explain;
use crate::service::rules::policy::parse::parse_of_identity;
use crate::service::testing::{entry, from_json, to_json};

const BOB: &str = "arn:aws:iam::000000000000:user/Bob";

fn key(grant: Grant) -> Caller {
    let holder = Holder::User { path: "/".to_owned(), name: "Bob".to_owned() };
    let grant = Grant { id: "AKIAIOSFODNN7EXAMPLE".to_owned(), holder, ..grant };
    let presented = Presented { is_secure: true, ..Presented::default() };
    Caller::Key(Signed { grant: Arc::new(grant), presented })
}

fn identity_policy(statements: &Json) -> Policy {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    parse_of_identity(&text).unwrap()
}

/// Lets everybody in.
fn open_to_all() -> String {
    let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
    json!({"Version": "2012-10-17", "Statement": statement}).to_string()
}

fn outcome(service: &mut ServiceFixture, caller: &Caller, operation: &str, id: &str) -> String {
    let request = json!({"SecretId": id}).to_string();
    match service.call_as(caller, operation, &request) {
        Ok(_) => "allowed".to_owned(),
        Err((_, message)) => message,
    }
}

/// The policy on a secret lets a key in, and not the holder of a grant's token.
#[test]
fn a_secrets_own_policy_lets_a_key_in() {
    let nothing =
        || identity_policy(&json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}));
    let (mut service, grant) = granted();
    attach(&mut service, "app/db", open_to_all());
    let refused = under(
        &mut service,
        Grant { policies: vec![nothing()], ..grant },
        "GetSecretValue",
        &json!({"SecretId": "app/db"}),
    );
    assert_eq!(refused, implicit("GetSecretValue", " on resource: app/db"));
    let caller = key(Grant { policies: vec![nothing()], ..granted().1 });
    assert_eq!(outcome(&mut service, &caller, "GetSecretValue", "app/db"), "allowed");
    assert_eq!(
        outcome(&mut service, &caller, "GetSecretValue", "app/cache"),
        implicit("GetSecretValue", " on resource: app/cache").replace(USER, BOB)
    );
}

/// What the owner narrowed a key to is a limit that no policy on a secret moves.
#[test]
fn no_policy_widens_a_key_beyond_what_it_is_for() {
    let (mut service, _) = granted();
    for name in ["app/db", "web/key"] {
        attach(&mut service, name, open_to_all());
    }
    let until = service.now();
    for (operation, id, read_only, until) in [
        ("GetSecretValue", "web/key", false, i64::MAX),
        ("DeleteSecret", "app/db", false, i64::MAX),
        ("PutSecretValue", "app/db", true, i64::MAX),
        ("GetSecretValue", "app/db", false, 0),
    ] {
        let caller = key(Grant { read_only, until: Timestamp(until), ..granted().1 });
        let refused = implicit(operation, &format!(" on resource: {id}")).replace(USER, BOB);
        assert_eq!(outcome(&mut service, &caller, operation, id), refused);
    }
    let caller = key(Grant { until, ..granted().1 });
    assert_ne!(outcome(&mut service, &caller, "GetSecretValue", "app/db"), "allowed");
}

/// Lists are all or nothing to a key, as in AWS, of what it is for.
#[test]
fn lists_do_not_ask_a_keys_policies_about_each_secret() {
    let policies = || {
        vec![identity_policy(&json!([
            {"Effect": "Allow", "Action": "secretsmanager:ListSecrets", "Resource": "*"},
            {"Effect": "Deny", "Action": "*", "Resource": format!("{ARN}app/db-*")},
        ]))]
    };
    let listed = |service: &mut ServiceFixture, caller: &Caller| {
        let listed = service.call_as(caller, "ListSecrets", "{}").unwrap();
        listed["SecretList"].as_array().unwrap().len()
    };
    let (mut service, grant) = granted();
    let caller = Caller::Grant(Grant { policies: policies(), ..grant });
    assert_eq!(listed(&mut service, &caller), 1);
    let caller = key(Grant { policies: policies(), ..granted().1 });
    assert_eq!(listed(&mut service, &caller), 2);
    let secrets = named_like(&[]);
    let caller = key(Grant { policies: policies(), secrets, ..granted().1 });
    assert_eq!(listed(&mut service, &caller), 3);
}

/// A batch is allowed for all, then each secret by itself: one that is denied is an error in the answer.
#[test]
fn a_batch_of_a_keys_has_errors_for_what_is_denied() {
    let allow = |actions: &[&str], resource: &str| {
        identity_policy(&json!({"Effect": "Allow", "Action": actions, "Resource": resource}))
    };
    let batch = allow(&["secretsmanager:BatchGetSecretValue", "secretsmanager:ListSecrets"], "*");
    let read = allow(&["secretsmanager:GetSecretValue"], &format!("{ARN}app/db-??????"));
    let caller = key(Grant { policies: vec![batch, read], ..granted().1 });
    let (mut service, _) = granted();
    let cache = service.record("app/cache").unwrap().arn_suffix;
    for (request, denied) in [
        (json!({"SecretIdList": ["app/db", "app/cache"]}), "app/cache".to_owned()),
        (
            json!({"Filters": [{"Key": "name", "Values": ["app"]}]}),
            format!("{ARN}app/cache-{cache}"),
        ),
    ] {
        let answer = service.call_as(&caller, "BatchGetSecretValue", &request.to_string()).unwrap();
        assert_eq!(answer["SecretValues"].as_array().unwrap().len(), 1);
        let on = format!(" on resource: {denied}");
        let expected = json!([{
            "SecretId": denied, "ErrorCode": DENIED,
            "Message": implicit("GetSecretValue", &on).replace(USER, BOB),
        }]);
        assert_eq!(answer["Errors"], expected);
    }
}

/// What policies say of tags is left to who wrote them; what the owner selects by tags is not.
#[test]
fn a_key_may_change_tags_that_policies_depend_on() {
    let (mut service, mut grant) = granted();
    grant.actions.insert(Action::UntagResource);
    let condition = json!({"StringNotEquals": {"aws:ResourceTag/team": "red"}});
    let policy = identity_policy(
        &json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}),
    );
    let untag = json!({"SecretId": "app/db", "TagKeys": ["team"]}).to_string();
    let caller = key(Grant { policies: vec![policy], ..grant });
    assert!(service.call_as(&caller, "UntagResource", &untag).is_ok());
    let (mut service, mut grant) = granted();
    let tag = json!({"SecretId": "app/db", "Tags": [{"Key": "team", "Value": "blue"}]});
    service.call("TagResource", &tag.to_string()).unwrap();
    grant.actions.insert(Action::UntagResource);
    grant.secrets.tags = vec![("team".to_owned(), None)];
    assert!(service.call_as(&key(grant), "UntagResource", &untag).is_err());
}

/// No vault here has the policy on a secret of another account.
#[test]
fn a_secret_of_another_account_lets_no_key_in() {
    let arn = "arn:aws:secretsmanager:local-1:111122223333:secret:app/db-a1B2c3";
    let (mut service, grant) = granted();
    let caller = key(Grant { secrets: named_like(&[]), ..grant });
    let refused = implicit("GetSecretValue", &format!(" on resource: {arn}")).replace(USER, BOB);
    let refused = refused.replace("no identity-based policy", "no resource-based policy");
    assert_eq!(outcome(&mut service, &caller, "GetSecretValue", arn), refused);
    // What is for other secrets is not for this one either.
    let caller = key(Grant { secrets: named_like(&["web/*"]), ..granted().1 });
    let refused = refused.replace("no resource-based policy", "no identity-based policy");
    assert_eq!(outcome(&mut service, &caller, "GetSecretValue", arn), refused);
}

#[test]
fn a_key_is_in_the_log_and_its_refusal_has_a_hint() {
    let (mut service, mut grant) = granted();
    grant.actions.remove(&Action::GetSecretValue);
    let caller = key(grant);
    let read = entry("GetSecretValue");
    let request = from_json(read.input, &json!({"SecretId": "app/db"}));
    let call = Call { entry: read, request, region: None, caller: &caller, boundaries: None };
    let refused =
        service.with(|vault, context| crate::service::dispatch::dispatch(vault, call, context));
    let Err(Failure::Fault(fault)) = refused else { panic!("not refused") };
    let hint = "`strongroom access-key explain AKIAIOSFODNN7EXAMPLE --action GetSecretValue \
                --secret-id app/db --region local-1` says why";
    assert_eq!(fault.hint.as_deref(), Some(hint));
    let event = service.events().pop().unwrap();
    assert_eq!(event.via, "key:AKIAIOSFODNN7EXAMPLE/Bob");
}

/// It says which statement decides, or what kept each that could have.
#[test]
fn a_decision_is_explained() {
    let (mut service, grant) = granted();
    attach(&mut service, "app/cache", open_to_all().replace("Allow", "Deny"));
    let policies = vec![
        identity_policy(&json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})),
        identity_policy(&json!([
            {"Effect": "Allow", "Action": "secretsmanager:Put*", "Resource": "*"},
            {
                "Sid": "ReadDb", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue",
                "Resource": format!("{ARN}app/db-*"),
            },
            {
                "Sid": "ListNow", "Effect": "Allow", "Action": "secretsmanager:ListSecrets",
                "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ])),
    ];
    let caller = key(Grant { policies, ..grant });
    let mut told = |operation: &str, request: Json| {
        let entry = entry(operation);
        let request = from_json(entry.input, &request);
        let call = Call { entry, request, region: None, caller: &caller, boundaries: None };
        let told = service.with(|vault, context| explain(vault, &call, context).unwrap());
        to_json(&crate::model::shape::Shaped::into_value(told).unwrap())
    };
    let found = told("GetSecretValue", json!({"SecretId": "app/db"}));
    let check = &found["Checks"][0];
    assert_eq!((&found["Caller"], &found["Decision"]), (&json!(BOB), &json!("allowed")));
    assert_eq!(check["Reason"], "it is allowed by statement 2 (ReadDb) of identity-based policy 2");
    let statement = json!({
        "PolicyType": "identity-based policy", "Policy": 2, "Statement": 2, "Sid": "ReadDb",
    });
    assert_eq!(check["Statements"], json!([statement]));
    let found = told("GetSecretValue", json!({"SecretId": "app/cache"}));
    assert_eq!(found["Decision"], "explicitDeny");
    assert_eq!(
        found["Checks"][0]["Reason"],
        "it is denied by statement 1 of the secret's own policy"
    );
    let found = told("ListSecrets", json!({}));
    assert_eq!(found["Decision"], "implicitDeny");
    let missed = [
        "statement 1 of identity-based policy 1 is not about secretsmanager:ListSecrets",
        "statement 1 of identity-based policy 2 is not about secretsmanager:ListSecrets",
        "statement 2 (ReadDb) of identity-based policy 2 is not about secretsmanager:ListSecrets",
        "statement 3 (ListNow) of identity-based policy 2 has a condition on aws:securetransport, \
         which is \"true\"",
    ];
    assert_eq!(found["Checks"][0]["Missed"], json!(missed));
    let found = told("GetSecretValue", json!({"SecretId": "web/key"}));
    assert_eq!(found["Checks"][0]["Reason"], "it is for other secrets");
    assert_eq!(
        found["Message"],
        implicit("GetSecretValue", " on resource: web/key").replace(USER, BOB)
    );
}

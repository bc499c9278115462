//! Until when a grant is good, whatever is done to the clock.

use super::*;
use crate::service::access::allows_without_vault;
use crate::service::rules::policy::parse::parse_of_identity;

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

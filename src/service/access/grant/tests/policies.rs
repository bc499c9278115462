//! What policies say of a grant: its own, and a secret's.

use super::*;

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

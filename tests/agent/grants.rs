//! Whoever holds a grant asks for more than it gives, by the socket itself.

use std::fs;

use serde_json::{Value, json};

use super::{
    GET, ask, done, get, keyfile, must_be_sound, run_with, token, unlocked, value_through_agent,
    vault,
};
use crate::harness::Sandbox;

/// Grants reading `app/*`. Returns the token for it, and its id.
fn granted(sandbox: &Sandbox, owner: &str) -> (String, String) {
    let spec = spec("Get*", "app/*");
    let answer = ask(sandbox, json!({ "do": "grant", "token": owner, "spec": spec }));
    assert!(answer["refused"].is_null(), "{answer}");
    let id = done(sandbox, "grant list --query Grants[0].Id --output text");
    (answer["ok"]["token"].as_str().unwrap().to_owned(), id.trim_end().to_owned())
}

fn spec(operations: &str, secrets: &str) -> Value {
    json!({
        "Operations": [operations], "Secrets": [secrets], "Tags": [], "ReadOnly": false, "Policies": [],
        "SessionPolicies": [], "PrincipalTags": [],
    })
}

fn call(token: &str, operation: &str, parameters: &Value) -> Value {
    json!({ "do": "call", "token": token, "op": operation, "params": parameters })
}

/// A region that looks like the rest of an ARN would make of any secret one that was granted.
#[test]
fn a_region_is_nothing_else() {
    let sandbox = unlocked();
    let owner = token(&sandbox);
    let mut spec = spec("*", "app/*");
    let all = "arn:aws:secretsmanager:*:000000000000:secret:app/*";
    spec["Secrets"] = json!([all]);
    let answer = ask(&sandbox, json!({ "do": "grant", "token": owner, "spec": spec }));
    let grant = answer["ok"]["token"].as_str().unwrap();
    let request = json!({
        "Name": "bank", "SecretString": "x", "ClientRequestToken": "00000000-0000-0000-0000-000000000000",
    });
    for region in ["x:000000000000:secret:app/", "", "../x", "*", "a\nb"] {
        for token in [grant, &owner] {
            let mut message = call(token, "CreateSecret", &request);
            message["region"] = region.into();
            let answer = ask(&sandbox, message);
            assert_eq!(answer["refused"]["kind"], "malformed", "{region:?}: {answer}");
        }
    }
    must_be_sound(&sandbox);
}

#[test]
fn a_grant_is_good_for_nothing_else() {
    let sandbox = unlocked();
    done(&sandbox, "create-secret --name home/bank --secret-string 1234");
    let owner = token(&sandbox);
    let (grant, id) = granted(&sandbox, &owner);
    assert_eq!(ask(&sandbox, get(&grant, "app/db"))["ok"]["answer"]["SecretString"], "hunter2");

    let secret = json!({ "SecretId": "app/db" });
    for message in [
        get(&grant, "home/bank"),
        get(&grant, "nothing"),
        call(&grant, "PutSecretValue", &json!({ "SecretId": "app/db", "SecretString": "x" })),
        call(&grant, "DeleteSecret", &secret),
        call(&grant, "DescribeSecret", &secret),
        call(&grant, "RotateSecret", &secret),
        call(&grant, "ListSecrets", &json!({})),
        call(&grant, "CreateSecret", &json!({ "Name": "app/new", "SecretString": "x" })),
        call(&grant, "PutResourcePolicy", &json!({ "SecretId": "app/db", "ResourcePolicy": "{}" })),
    ] {
        let answer = ask(&sandbox, message.clone());
        let code = answer["refused"]["fault"]["code"].as_str();
        assert_eq!(code, Some("AccessDeniedException"), "{message}: {answer}");
    }
    // In another region there is nothing for it.
    let mut elsewhere = get(&grant, "app/db");
    elsewhere["region"] = "local-2".into();
    assert!(ask(&sandbox, elsewhere)["ok"].is_null());
    let batch = call(&grant, "BatchGetSecretValue", &json!({ "SecretIdList": ["home/bank"] }));
    assert!(!ask(&sandbox, batch).to_string().contains("1234"));

    // What is the owner's alone it is not known for.
    let spec = spec("*", "*");
    for message in [
        json!({ "do": "grant", "token": grant, "spec": spec }),
        json!({ "do": "grants", "token": grant }),
        json!({ "do": "revoke", "token": grant, "id": id }),
        json!({ "do": "elsewhere", "token": grant, "name": "app/db" }),
        json!({ "do": "chore", "token": grant, "chore": { "name": "checkpoint" } }),
        json!({ "do": "chore", "token": grant, "chore": { "name": "configure", "changes": {} } }),
        json!({ "do": "chore", "token": grant, "chore": { "name": "events" } }),
        json!({ "do": "chore", "token": grant, "chore": { "name": "offer", "prefix": "", "what": "active" } }),
        json!({ "do": "chore", "token": grant, "chore": { "name": "purge" } }),
        json!({ "do": "chore", "token": grant, "chore": { "name": "status" } }),
    ] {
        let answer = ask(&sandbox, message.clone());
        assert_eq!(answer["refused"]["kind"], "locked", "{message}: {answer}");
    }
    // That did not lock it.
    assert_eq!(ask(&sandbox, get(&grant, "app/db"))["ok"]["answer"]["SecretString"], "hunter2");
    assert_eq!(value_through_agent(&sandbox).as_deref(), Some("hunter2"));
    must_be_sound(&sandbox);
}

#[test]
fn a_grant_of_one_vault_says_nothing_of_another() {
    let sandbox = unlocked();
    let owner = token(&sandbox);
    let (grant, _) = granted(&sandbox, &owner);
    let (path, key) = (sandbox.work().join("other"), sandbox.work().join("other-key"));
    let other = format!("--vault {} --keyfile {}", path.display(), key.display());
    done(&sandbox, &format!("init --keyfile-only {other}"));
    done(&sandbox, &format!("create-secret --name app/db --secret-string other {other}"));
    done(&sandbox, &format!("unlock {other}"));
    for _ in 0..2 {
        let answer = ask(&sandbox, get(&grant, "app/db"));
        assert_eq!(answer["ok"]["answer"]["SecretString"], "hunter2");
    }
    // The program with the grant cannot choose the vault either.
    let variables = [("STRONGROOM_GRANT", grant.as_str()), ("STRONGROOM_KEYFILE", "")];
    let read = run_with(&sandbox, &variables, &format!("{GET} --vault {}", path.display()));
    assert!(!read.stdout_text().contains("other"), "{}", read.stdout_text());
    done(&sandbox, "lock");
    assert_eq!(ask(&sandbox, get(&grant, "app/db"))["refused"]["kind"], "locked");
}

#[test]
fn a_grant_ends_with_what_it_is_of() {
    type End = fn(&Sandbox, &str, &str);
    let ends: [(&str, End); 7] = [
        ("revoked", |sandbox, owner, id| {
            let answer = ask(sandbox, json!({ "do": "revoke", "token": owner, "id": id }));
            assert_eq!(answer["ok"]["revoked"], true);
        }),
        ("locked", |sandbox, _, _| drop(done(sandbox, "lock"))),
        ("unlocked anew", |sandbox, _, _| {
            done(sandbox, "lock");
            sandbox.unlock();
        }),
        ("rekeyed", |sandbox, _, _| {
            done(sandbox, &format!("rekey --keyfile {}", keyfile(sandbox)));
        }),
        ("rekeyed and unlocked", |sandbox, _, _| {
            done(sandbox, &format!("rekey --keyfile {}", keyfile(sandbox)));
            sandbox.unlock();
        }),
        ("replaced", |sandbox, _, _| {
            let copy = sandbox.work().join("copy");
            fs::copy(vault(sandbox), &copy).unwrap();
            fs::rename(&copy, vault(sandbox)).unwrap();
        }),
        ("replaced and unlocked", |sandbox, _, _| {
            let copy = sandbox.work().join("copy");
            fs::copy(vault(sandbox), &copy).unwrap();
            fs::rename(&copy, vault(sandbox)).unwrap();
            sandbox.unlock();
        }),
    ];
    for (what, end) in ends {
        let sandbox = unlocked();
        // Another vault keeps the agent from ending.
        let (path, key) = (sandbox.work().join("other"), sandbox.work().join("other-key"));
        let other = format!("--vault {} --keyfile {}", path.display(), key.display());
        done(&sandbox, &format!("init --keyfile-only {other}"));
        done(&sandbox, &format!("unlock {other}"));
        let owner = token(&sandbox);
        let (grant, id) = granted(&sandbox, &owner);
        assert_eq!(ask(&sandbox, get(&grant, "app/db"))["ok"]["answer"]["SecretString"], "hunter2");
        end(&sandbox, &owner, &id);
        for _ in 0..2 {
            let answer = ask(&sandbox, get(&grant, "app/db"));
            assert_eq!(answer["refused"]["kind"], "locked", "{what}: {answer}");
        }
        let variables = [("STRONGROOM_GRANT", grant.as_str())];
        let outcome = run_with(&sandbox, &variables, GET);
        assert_eq!(outcome.code, 253, "{what}");
        assert!(outcome.stderr_text().contains("(GrantError)"), "{}", outcome.stderr_text());
        must_be_sound(&sandbox);
    }
}

#[test]
fn a_grant_is_over_in_time() {
    let sandbox = unlocked();
    let owner = token(&sandbox);
    let mut spec = spec("Get*", "app/*");
    spec["LifetimeSeconds"] = 1.into();
    let answer = ask(&sandbox, json!({ "do": "grant", "token": owner, "spec": spec }));
    let grant = answer["ok"]["token"].as_str().unwrap().to_owned();
    let over = json!({ "refused": { "kind": "locked", "message": "the vault is locked" } });
    let begun = std::time::Instant::now();
    while ask(&sandbox, get(&grant, "app/db")) != over {
        assert!(begun.elapsed() < super::PATIENCE, "it is not over");
    }
    assert_eq!(value_through_agent(&sandbox).as_deref(), Some("hunter2"));
    assert_eq!(ask(&sandbox, json!({ "do": "grants", "token": owner })), json!({ "ok": [] }));
}

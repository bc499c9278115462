use serde_json::Value as Json;

use super::*;
use crate::service::elsewhere;
use crate::service::testing::{ARN, ServiceFixture, to_json, told};

fn one(id: &str, to: &str) -> Renaming {
    Renaming::One { id: id.to_owned(), to: to.to_owned() }
}

fn all(prefix: &str, to: &str) -> Renaming {
    Renaming::All { prefix: prefix.to_owned(), to: to.to_owned() }
}

fn run(service: &mut ServiceFixture, renaming: &Renaming) -> Result<Json, (String, String)> {
    service.advance(1_000);
    let answer = service.with(|vault, context| rename(vault, None, renaming, context));
    answer.map(|answer| to_json(&answer)).map_err(told)
}

fn create(service: &mut ServiceFixture, name: &str, number: usize, more: &str) {
    let request = format!(
        r#"{{"Name":"{name}","ClientRequestToken":"{number:032}","SecretString":"v{number}"{more}}}"#
    );
    service.call("CreateSecret", &request).unwrap();
}

fn value(service: &mut ServiceFixture, region: Option<&str>, id: &str) -> Option<String> {
    let answer = service.call_in(region, "GetSecretValue", &format!(r#"{{"SecretId":"{id}"}}"#));
    let answer: Json = serde_json::from_str(&answer.ok()?).unwrap();
    answer["SecretString"].as_str().map(str::to_owned)
}

#[test]
fn all_that_is_of_a_secret_stays_with_it() {
    let mut service = ServiceFixture::new();
    create(&mut service, "old", 1, r#","Description":"d","Tags":[{"Key":"k","Value":"v"}]"#);
    let put =
        format!(r#"{{"SecretId":"old","ClientRequestToken":"{:032}","SecretString":"new"}}"#, 2);
    service.call("PutSecretValue", &put).unwrap();
    let before = service.record("old").unwrap();
    run(&mut service, &one("old", "app/new")).unwrap();
    let after = service.record("app/new").unwrap();
    assert!(service.record("old").is_none());
    assert_eq!(after.former_names, ["old"]);
    assert_eq!(after.changed, service.now());
    let same = Record {
        name: before.name.clone(),
        changed: before.changed,
        revision: before.revision,
        former_names: Vec::new(),
        ..after
    };
    assert!(same == before);
    assert_eq!(value(&mut service, None, "app/new").as_deref(), Some("new"));
    let arn = format!("{ARN}app/new-{}", before.arn_suffix);
    assert_eq!(value(&mut service, None, &arn).as_deref(), Some("new"));
    service.require_sound();
    let event = service.events().pop().unwrap();
    let logged = service.events().into_iter().rev().find(|event| event.operation == RENAME);
    let logged = logged.unwrap_or(event);
    assert_eq!((logged.subject.name.as_str(), logged.subject.rid), ("app/new", before.rid));
    assert_eq!(logged.trace.unwrap().renamed_from.as_deref(), Some("old"));
    // The old name is found out.
    let found = service.with(|vault, context| elsewhere::find(vault, "old", context)).unwrap();
    assert_eq!(found.renamed, [("local-1".to_owned(), "app/new".to_owned())]);
    // A secret that is called so again is no former one.
    run(&mut service, &one("app/new", "old")).unwrap();
    assert_eq!(service.record("old").unwrap().former_names, ["app/new"]);
}

#[test]
fn ten_names_of_before_are_kept() {
    let mut service = ServiceFixture::new();
    create(&mut service, "n0", 1, "");
    for number in 0..12 {
        run(&mut service, &one(&format!("n{number}"), &format!("n{}", number + 1))).unwrap();
    }
    let former = service.record("n12").unwrap().former_names;
    assert_eq!(former.len(), MAX_FORMER_NAMES);
    assert_eq!((former[0].as_str(), former[9].as_str()), ("n2", "n11"));
    service.require_sound();
}

#[test]
fn replicas_are_renamed_with_their_primary() {
    let mut service = ServiceFixture::new();
    create(&mut service, "db", 1, r#","AddReplicaRegions":[{"Region":"eu-west-1"}]"#);
    run(&mut service, &one("db", "app/db")).unwrap();
    assert_eq!(value(&mut service, Some("eu-west-1"), "app/db").as_deref(), Some("v1"));
    assert_eq!(value(&mut service, Some("eu-west-1"), "db"), None);
    // A name that is taken there is taken.
    service
        .call_in(
            Some("eu-west-1"),
            "CreateSecret",
            &format!(r#"{{"Name":"web","ClientRequestToken":"{:032}","SecretString":"w"}}"#, 5),
        )
        .unwrap();
    let snapshot = service.snapshot();
    let (code, message) = run(&mut service, &one("app/db", "web")).unwrap_err();
    assert_eq!(code, "ResourceExistsException");
    assert_eq!(message, "The name web is taken in region eu-west-1; choose another.");
    assert!(service.snapshot() == snapshot);
    // Nor is a replica renamed.
    let there = service.with(|vault, context| {
        rename(vault, Some("eu-west-1"), &one("app/db", "x"), context).map(drop).map_err(told)
    });
    assert!(there.unwrap_err().1.contains("rename that: --region local-1"));
    service.require_sound();
}

#[test]
fn what_cannot_be_renamed_is_refused_with_what_to_do() {
    let mut service = ServiceFixture::new();
    for (number, name) in ["a", "b", "gone", "busy"].into_iter().enumerate() {
        create(&mut service, name, number, "");
    }
    service.call("DeleteSecret", r#"{"SecretId":"gone"}"#).unwrap();
    service.begin_rotation("busy", &"9".repeat(32));
    let until = crate::model::time::Timestamp(service.now().0 + 60_000);
    service.meddle(|transaction| {
        use crate::vault::progress::{Holder, Lease, Progress, Purpose};
        let namespace = transaction.namespace("local-1");
        let mut record = transaction.find(&namespace, "busy").unwrap().unwrap();
        let mut progress = Progress::new("9".repeat(32), Purpose::Rotate, until);
        progress.lease = Some(Lease::new(Holder::default(), until));
        record.progress = Some(progress);
        transaction.update(&mut record).unwrap();
    });
    let snapshot = service.snapshot();
    for (from, to, code, expected) in [
        ("a", "b", "ResourceExistsException", "The name b is taken; choose another."),
        ("a", "gone", "ResourceExistsException", "is scheduled for deletion; choose another"),
        ("a", "a", "InvalidRequestException", "called a already"),
        ("a", "no name", "ValidationException", "Invalid name."),
        ("a", "", "ValidationException", "Invalid name."),
        ("nobody", "c", "ResourceNotFoundException", "can't find"),
        ("gone", "c", "InvalidRequestException", "`strongroom restore gone`"),
        ("busy", "c", "InvalidRequestException", "cancel-rotate-secret --secret-id busy"),
    ] {
        let (found, message) = run(&mut service, &one(from, to)).unwrap_err();
        assert_eq!(found, code, "{from} to {to}: {message}");
        assert!(message.contains(expected), "{message}");
    }
    let long = run(&mut service, &one("a", &"n".repeat(513))).unwrap_err().1;
    assert!(long.contains("at most 512 characters"), "{long}");
    assert!(service.snapshot() == snapshot);
    // A rotation whose process must be gone is no reason.
    service.advance(120_000);
    run(&mut service, &one("busy", "c")).unwrap();
}

#[test]
fn secrets_across_accounts_keep_their_names() {
    let mut service = ServiceFixture::new();
    let arn = "arn:aws:secretsmanager:local-1:111111111111:secret:x-a1B2c3".to_owned();
    for name in ["primary", "replica"] {
        create(&mut service, name, 1, "");
        service.meddle(|transaction| {
            use crate::vault::across::{CrossPrimary, CrossReplica};
            let namespace = transaction.namespace("local-1");
            let mut record = transaction.find(&namespace, name).unwrap().unwrap();
            match name {
                "primary" => record.cross_replica = Some(CrossReplica::new(arn.clone(), 1)),
                _ => record.cross_primary = Some(CrossPrimary::new(arn.clone())),
            }
            transaction.update(&mut record).unwrap();
        });
        let (_, message) = run(&mut service, &one(name, "new")).unwrap_err();
        assert!(message.contains("in another account"), "{message}");
    }
}

#[test]
fn a_whole_prefix_is_renamed_or_nothing() {
    let mut service = ServiceFixture::new();
    for (number, name) in ["a/x", "a/y", "a/a/x", "a/gone", "b/y"].into_iter().enumerate() {
        create(&mut service, name, number, "");
    }
    service.call("DeleteSecret", r#"{"SecretId":"a/gone"}"#).unwrap();
    let snapshot = service.snapshot();
    let (code, _) = run(&mut service, &all("a/", "b/")).unwrap_err();
    assert_eq!(code, "ResourceExistsException");
    assert!(service.snapshot() == snapshot);
    assert_eq!(run(&mut service, &all("z/", "b/")).unwrap_err().0, "ResourceNotFoundException");
    // Each gets a name that another had.
    let answer = run(&mut service, &all("a/", "a/a/")).unwrap();
    assert_eq!(answer["Left"], serde_json::json!(["a/gone"]));
    for (name, expected) in [("a/a/x", "v0"), ("a/a/y", "v1"), ("a/a/a/x", "v2")] {
        assert_eq!(value(&mut service, None, name).as_deref(), Some(expected), "{name}");
    }
    run(&mut service, &all("a/a/", "a/")).unwrap();
    for (name, expected) in [("a/x", "v0"), ("a/y", "v1"), ("a/a/x", "v2")] {
        assert_eq!(value(&mut service, None, name).as_deref(), Some(expected), "{name}");
    }
    service.require_sound();
}

#[test]
fn what_mentions_the_old_arn_is_told() {
    let mut service = ServiceFixture::new();
    create(&mut service, "old", 1, "");
    create(&mut service, "other", 2, "");
    let suffix = service.record("old").unwrap().arn_suffix;
    let policy = |resource: &str| {
        format!(r#"{{"Version":"2012-10-17","Statement":[{{"Resource":"{resource}"}}]}}"#)
    };
    let arns = [
        (format!("{ARN}old-{suffix}"), true),
        (format!("{ARN}old-??????"), true),
        (format!("{ARN}older-??????"), false),
        ("*".to_owned(), false),
    ];
    for (number, (arn, is_told)) in arns.into_iter().enumerate() {
        service.meddle(|transaction| {
            let namespace = transaction.namespace("local-1");
            let mut record = transaction.find(&namespace, "other").unwrap().unwrap();
            record.policy = Some(policy(&arn));
            transaction.update(&mut record).unwrap();
        });
        let to = format!("new{number}");
        let answer = run(&mut service, &one("old", &to)).unwrap();
        assert_eq!(answer["Mentions"].as_array().unwrap().len() == 1, is_told, "{arn}");
        run(&mut service, &one(&to, "old")).unwrap();
    }
}

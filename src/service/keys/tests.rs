use std::sync::Arc;

use super::errand::Errand;
use super::question::Question;
use super::*;
use crate::service::caller::{Caller, Holder, Presented, Signed};
use crate::service::testing::{ServiceFixture, told};
use crate::service::undo::{self, Reach};
use crate::vault::access_key;

const HOUR_MS: i64 = 3_600_000;

/// What is asked for in the tests: reading what is below `app/`.
fn spec() -> GrantSpec {
    GrantSpec {
        user_name: Some("deploy".to_owned()),
        path: Some("/team/".to_owned()),
        operations: vec!["Get*".to_owned()],
        secrets: vec!["app/*".to_owned()],
        principal_tags: vec!["team=blue".to_owned()],
        ..GrantSpec::default()
    }
}

fn done(service: &mut ServiceFixture, errand: Errand) -> Result<Value, (String, String)> {
    service.with(|vault, context| errand.run(vault, context)).map_err(told)
}

/// Makes a key, and returns its id and its secret.
fn made(service: &mut ServiceFixture, spec: GrantSpec) -> (String, String) {
    let told = done(service, Errand::create(spec).unwrap()).unwrap();
    new(&told)
}

fn new(told: &Value) -> (String, String) {
    let key = told.get("AccessKey").unwrap();
    (text(key, "AccessKeyId"), text(key, "SecretAccessKey"))
}

fn secret(service: &mut ServiceFixture, name: &str) {
    let token = "11111111-2222-4333-8444-000000000001";
    let request =
        format!(r#"{{"Name":"{name}","SecretString":"x","ClientRequestToken":"{token}"}}"#);
    service.call("CreateSecret", &request).unwrap();
}

fn text(value: &Value, name: &str) -> String {
    let Some(Value::Text(text)) = value.get(name) else { panic!("no text {name}") };
    text.clone()
}

fn found(service: &mut ServiceFixture, id: &str) -> Option<FoundKey> {
    service.look(|transaction| find(transaction, id).map_err(told).unwrap())
}

fn listed(service: &mut ServiceFixture) -> Vec<Value> {
    let told = done(service, Errand::List).unwrap();
    let Some(Value::List(keys)) = told.get("AccessKeyMetadata") else { panic!("no list") };
    keys.clone()
}

fn statuses(service: &mut ServiceFixture) -> Vec<String> {
    listed(service).iter().map(|key| text(key, "Status")).collect()
}

#[test]
fn a_key_is_found_as_it_was_made_and_its_secret_is_shown_once() {
    let mut service = ServiceFixture::new();
    let (id, secret) = made(&mut service, spec());
    assert!(access_key::is_id(&id) && secret.len() == 40);
    let key = found(&mut service, &id).unwrap();
    assert!(*key.secret.expose() == secret);
    assert_eq!((key.until, key.grant.until), (None, Timestamp(i64::MAX)));
    assert_eq!(key.grant.id, id);
    let (path, name) = ("/team/".to_owned(), "deploy".to_owned());
    assert_eq!(key.grant.holder, Holder::User { path, name });
    assert_eq!(key.grant.principal_tags, [("team".to_owned(), "blue".to_owned())]);
    assert_eq!(key.grant.secrets.names, ["app/*"]);
    assert_eq!(listed(&mut service).len(), 1);
    let shown = listed(&mut service).remove(0);
    assert!(shown.get("SecretAccessKey").is_none());
    assert!(found(&mut service, "AKIA2222222222222222").is_none());
    let events = service.events();
    let made = events.iter().find(|event| event.operation == "CreateAccessKey").unwrap();
    assert_eq!(made.detail, format!("{id} of deploy"));
    service.require_sound();
}

#[test]
fn a_key_without_a_name_is_called_by_its_id() {
    let mut service = ServiceFixture::new();
    let (id, _) = made(&mut service, GrantSpec { user_name: None, ..spec() });
    assert_eq!(text(&listed(&mut service)[0], "UserName"), id);
    assert!(found(&mut service, &id).is_some());
}

#[test]
fn a_key_ends_with_its_time_and_a_clock_that_is_set_back_brings_none_back() {
    let mut service = ServiceFixture::new();
    let (id, _) = made(&mut service, GrantSpec { lifetime_s: Some(3_600), ..spec() });
    let until = Timestamp(service.now().0 + HOUR_MS);
    service.advance(HOUR_MS - 1);
    let key = found(&mut service, &id).unwrap();
    assert_eq!((key.until, key.grant.until), (Some(until), until));
    assert_eq!(statuses(&mut service), ["Active"]);
    service.advance(1);
    assert!(found(&mut service, &id).is_none());
    assert_eq!(statuses(&mut service), ["Expired"]);
    // Anything that is committed keeps the time.
    made(&mut service, spec());
    service.advance(-HOUR_MS / 2);
    assert!(found(&mut service, &id).is_none());
    let (_, words) = done(&mut service, Errand::Rotate { id, grace_s: None }).err().unwrap();
    assert!(words.contains("is over"), "{words}");
}

#[test]
fn a_key_is_put_out_of_use_and_into_use() {
    let mut service = ServiceFixture::new();
    let (id, _) = made(&mut service, spec());
    for (status, is_found) in
        [(Status::Inactive, false), (Status::Inactive, false), (Status::Active, true)]
    {
        done(&mut service, Errand::Update { id: id.clone(), status }).unwrap();
        assert_eq!(found(&mut service, &id).is_some(), is_found);
    }
    let updates = service.events().into_iter().filter(|event| event.operation == "UpdateAccessKey");
    let details: Vec<String> = updates.map(|event| event.detail).collect();
    assert_eq!(details.len(), 2, "what is as it was is not written again: {details:?}");
}

#[test]
fn a_key_is_rotated_with_its_rights_and_end() {
    let mut service = ServiceFixture::new();
    let (old, _) = made(&mut service, GrantSpec { lifetime_s: Some(36_000), ..spec() });
    let until = found(&mut service, &old).unwrap().until;
    let told = done(&mut service, Errand::Rotate { id: old.clone(), grace_s: None }).unwrap();
    let (second, secret) = new(&told);
    assert!(found(&mut service, &old).is_none());
    let key = found(&mut service, &second).unwrap();
    assert!(key.until == until && *key.secret.expose() == secret);
    assert_eq!(key.grant.secrets.names, ["app/*"]);

    let told =
        done(&mut service, Errand::Rotate { id: second.clone(), grace_s: Some(3_600) }).unwrap();
    let (third, _) = new(&told);
    service.advance(HOUR_MS - 1);
    assert!(found(&mut service, &second).is_some());
    service.advance(1);
    assert!(found(&mut service, &second).is_none());
    assert!(found(&mut service, &third).is_some());
    // A grace does not make a key last longer than it would have.
    let grace_s = Some(360_000);
    let told = done(&mut service, Errand::Rotate { id: third.clone(), grace_s }).unwrap();
    assert_eq!(found(&mut service, &third).unwrap().until, until);
    assert_eq!(found(&mut service, &new(&told).0).unwrap().until, until);
}

#[test]
fn a_deleted_key_is_gone_for_good() {
    let mut service = ServiceFixture::new();
    let (id, _) = made(&mut service, spec());
    done(&mut service, Errand::Delete { id: id.clone() }).unwrap();
    assert!(found(&mut service, &id).is_none() && listed(&mut service).is_empty());
    let words = format!("The Access Key with id {id} cannot be found.");
    let missing = ("ResourceNotFoundException".to_owned(), words);
    for errand in [
        Errand::Delete { id: id.clone() },
        Errand::Rotate { id: id.clone(), grace_s: None },
        Errand::Update { id: id.clone(), status: Status::Active },
    ] {
        assert_eq!(done(&mut service, errand).err(), Some(missing.clone()));
    }
    // Undo knows nothing of keys.
    let undone = service.with(|vault, context| undo::undo(vault, None, None, Reach::Last, context));
    assert!(undone.is_err());
    assert!(found(&mut service, &id).is_none());
}

#[test]
fn where_there_are_as_many_as_there_may_be_those_whose_time_is_over_give_way() {
    let mut service = ServiceFixture::new();
    let short = || GrantSpec { lifetime_s: Some(60), ..spec() };
    for _ in 0..2 {
        made(&mut service, short());
    }
    for _ in 2..MAX_ACCESS_KEYS {
        made(&mut service, spec());
    }
    let (code, _) = done(&mut service, Errand::create(spec()).unwrap()).err().unwrap();
    assert_eq!(code, "LimitExceededException");
    service.advance(60_000);
    made(&mut service, spec());
    assert_eq!(listed(&mut service).len(), MAX_ACCESS_KEYS - 1);
    service.require_sound();
}

#[test]
fn what_cannot_be_granted_is_refused_with_a_vault_at_hand() {
    let mut service = ServiceFixture::new();
    let arn = "arn:aws:secretsmanager:local-1:111111111111:secret:app/db";
    let errand = Errand::create(GrantSpec { secrets: vec![arn.to_owned()], ..spec() }).unwrap();
    let (code, words) = done(&mut service, errand).err().unwrap();
    assert_eq!(code, "InvalidParameterException");
    assert!(words.contains("of another account"), "{words}");
    assert!(listed(&mut service).is_empty());
}

#[test]
fn a_key_that_a_later_version_wrote_is_not_used_and_is_shown_so() {
    let mut service = ServiceFixture::new();
    let (id, _) = made(&mut service, spec());
    service.meddle(|transaction| {
        let mut record = transaction.access_key(&id).unwrap().unwrap();
        record.access_key.as_mut().unwrap().rights.operations = vec!["Fly".to_owned()];
        transaction.update(&mut record).unwrap();
    });
    assert!(found(&mut service, &id).is_none());
    assert!(listed(&mut service)[0].get("Problem").is_some());
    // The new key would lack what is not understood.
    let (code, _) = done(&mut service, Errand::Rotate { id, grace_s: None }).err().unwrap();
    assert_eq!(code, "InvalidRequestException");
    assert_eq!(listed(&mut service).len(), 1);
}

/// A member that is not known may be a restriction.
#[test]
fn a_key_with_more_than_is_known_opens_nothing_and_is_not_rotated() {
    for is_in_rights in [false, true] {
        let mut service = ServiceFixture::new();
        let (id, _) = made(&mut service, spec());
        service.meddle(|transaction| {
            let mut record = transaction.access_key(&id).unwrap().unwrap();
            let key = record.access_key.as_ref().unwrap().of_a_later_version(is_in_rights);
            record.access_key = Some(key);
            transaction.update(&mut record).unwrap();
        });
        assert!(found(&mut service, &id).is_none());
        for grace_s in [None, Some(60)] {
            let refused = done(&mut service, Errand::Rotate { id: id.clone(), grace_s }).err();
            assert_eq!(refused.unwrap().0, "InvalidRequestException");
        }
        assert_eq!(statuses(&mut service), ["Active"], "it stays as it is, and is the only one");
    }
}

#[test]
fn the_holder_of_a_key_may_do_what_it_says() {
    let mut service = ServiceFixture::new();
    secret(&mut service, "app/db");
    secret(&mut service, "home/bank");
    let (id, _) = made(&mut service, spec());
    let grant = Arc::new(found(&mut service, &id).unwrap().grant);
    let caller = Caller::Key(Signed { grant, presented: Presented::default() });
    let mut get = |name: &str| {
        let request = format!(r#"{{"SecretId":"{name}"}}"#);
        service.call_as(&caller, "GetSecretValue", &request).map(|_| ())
    };
    assert_eq!(get("app/db"), Ok(()));
    let (code, words) = get("home/bank").unwrap_err();
    assert_eq!(code, "AccessDeniedException");
    assert!(words.contains("user/team/deploy"), "{words}");
}

#[test]
fn the_day_of_a_use_is_shown() {
    let mut service = ServiceFixture::new();
    let (id, _) = made(&mut service, spec());
    assert!(listed(&mut service)[0].get("LastUsedDate").is_none());
    service.meddle(|transaction| note_use(transaction, &id).map_err(told).unwrap());
    let day = service.now().midnight();
    assert!(listed(&mut service)[0].get("LastUsedDate") == Some(&Value::Timestamp(day)));
    service
        .meddle(|transaction| note_use(transaction, "AKIA2222222222222222").map_err(told).unwrap());
}

#[test]
fn which_statement_decides_is_said_without_making_the_call() {
    let mut service = ServiceFixture::new();
    secret(&mut service, "app/db");
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Sid":"Reading","Effect":"Allow","Action":"secretsmanager:Get*","Resource":"*"},
        {"Sid":"NotFromAfar","Effect":"Deny","Action":"*","Resource":"*",
         "Condition":{"NotIpAddress":{"aws:SourceIp":"127.0.0.0/8"}}},
        {"Sid":"NoPast","Effect":"Deny","Action":"*","Resource":"*",
         "Condition":{"StringEquals":{"secretsmanager:VersionStage":"AWSPREVIOUS"}}}]}"#;
    let policies = vec![policy.to_owned()];
    let (id, _) = made(
        &mut service,
        GrantSpec { operations: Vec::new(), secrets: Vec::new(), policies, ..spec() },
    );
    let events = service.events().len();
    let secret_id = Some("app/db".to_owned());
    let near = || Question {
        action: "get-secret-value".to_owned(),
        secret_id: secret_id.clone(),
        source_ip: Some([127, 0, 0, 1].into()),
        ..Question::default()
    };
    let stage = |stage: &str| Some(stage.to_owned());
    for (question, decision, sid) in [
        (near(), "allowed", "Reading"),
        (
            Question { action: "secretsmanager:GetSecretValue".to_owned(), ..near() },
            "allowed",
            "Reading",
        ),
        (Question { version_stage: stage("AWSCURRENT"), ..near() }, "allowed", "Reading"),
        (
            Question { source_ip: Some([10, 0, 0, 1].into()), ..near() },
            "explicitDeny",
            "NotFromAfar",
        ),
        (Question { version_stage: stage("AWSPREVIOUS"), ..near() }, "explicitDeny", "NoPast"),
        (Question { action: "DeleteSecret".to_owned(), ..near() }, "implicitDeny", ""),
    ] {
        let told = done(&mut service, Errand::Explain { id: id.clone(), question }).unwrap();
        assert_eq!(text(&told, "Decision"), decision);
        let Some(Value::List(checks)) = told.get("Checks") else { panic!("no checks") };
        if let Some(Value::List(statements)) = checks[0].get("Statements") {
            assert_eq!(text(&statements[0], "Sid"), sid);
        } else {
            assert_eq!(sid, "");
        }
    }
    done(&mut service, Errand::Update { id: id.clone(), status: Status::Inactive }).unwrap();
    let told = done(&mut service, Errand::Explain { id, question: near() }).unwrap();
    assert_eq!((&*text(&told, "Status"), &*text(&told, "Decision")), ("Inactive", "implicitDeny"));
    assert_eq!(service.events().len(), events + 1, "only the update is in the log");
}

#[test]
fn what_is_asked_about_a_call_is_a_call() {
    let question = |action: &str, secret: Option<&str>, stage: Option<&str>| {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (secret_id, version_stage) = (owned(secret), owned(stage));
        let action = action.to_owned();
        let question = Question { action, secret_id, version_stage, ..Question::default() };
        question.mistake().map(|(member, _)| member)
    };
    assert_eq!(question("BatchGetSecretValue", Some("a"), None), None);
    assert_eq!(question("create-secret", Some("a"), None), None);
    assert_eq!(question("ListSecrets", None, None), None);
    assert_eq!(question("Get*", None, None), Some("Action"));
    assert_eq!(question("ListSecrets", Some("a"), None), Some("SecretId"));
    assert_eq!(question("DeleteSecret", Some("a"), Some("b")), Some("VersionStage"));
}

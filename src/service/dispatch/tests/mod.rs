//! Calls, and what the audit log has of them.

use std::time::Duration;

use crate::model::time::DAY_MS;
use crate::service::testing::ServiceFixture;
use crate::store::{Mode, Store};
use crate::sys::scratch::Scratch;
use crate::vault::Unlogged;
use crate::vault::audit::{Event, Subject};

mod waiting;

const ONE: &str = "11111111-1111-4111-8111-111111111111";
const TWO: &str = "22222222-2222-4222-8222-222222222222";

/// A service with the secret `db`, and that secret's row.
fn service() -> (ServiceFixture, u64) {
    let mut service = ServiceFixture::new();
    let request =
        format!(r#"{{"Name":"db","ClientRequestToken":"{ONE}","SecretString":"the old value"}}"#);
    service.call("CreateSecret", &request).unwrap();
    let rid = service.record("db").unwrap().rid;
    (service, rid)
}

/// Makes a call and checks the one entry that the audit log has of it.
fn check(operation: &str, request: &str, outcome: &str, subject: impl Fn(u64) -> Subject) {
    let (mut service, rid) = service();
    let generation = service.look(|transaction| transaction.state().generation);
    service.advance(1_000);
    let before = service.events().len();
    let request = request.replace("ONE", ONE).replace("TWO", TWO);
    let ended = service.call(operation, &request).err().map_or(Event::SUCCESS.into(), |e| e.0);
    assert_eq!(ended, outcome, "{operation} {request}");
    let events = service.events().split_off(before);
    let [event] = &events[..] else { panic!("{operation} {request}: {}", events.len()) };
    assert_eq!(event.operation, operation);
    assert_eq!(event.outcome, outcome);
    assert_eq!(event.time, service.now());
    assert_eq!(event.via, "direct");
    assert_eq!(event.generation, generation + 1);
    assert_eq!(event.subject, subject(rid), "{operation} {request}");
    assert_eq!(event.detail, "");
}

fn about(name: &str) -> Subject {
    Subject { name: name.to_owned(), ..Subject::default() }
}

#[test]
fn a_call_that_succeeds_is_logged_with_what_it_was_about() {
    let ok = Event::SUCCESS;
    let db = |rid| Subject { rid, ..about("db") };
    let token = |rid| Subject { token: TWO.to_owned(), ..db(rid) };
    let version = |rid| Subject { version: ONE.to_owned(), ..db(rid) };
    let label = |rid| Subject { version: "mine".to_owned(), ..db(rid) };
    check("GetSecretValue", r#"{"SecretId":"db"}"#, ok, version);
    check("GetSecretValue", r#"{"SecretId":"db","VersionStage":"AWSCURRENT"}"#, ok, version);
    let arn = r#"{"SecretId":"arn:aws:secretsmanager:local-1:000000000000:secret:db"}"#;
    check("GetSecretValue", arn, ok, version);
    check("DescribeSecret", arn, ok, db);
    check("ListSecretVersionIds", r#"{"SecretId":"db"}"#, ok, db);
    check("ListSecrets", "{}", ok, |_| Subject::default());
    let put = r#"{"SecretId":"db","ClientRequestToken":"TWO","SecretString":"s"}"#;
    check("PutSecretValue", put, ok, token);
    check("UpdateSecret", put, ok, token);
    let move_label = r#"{"SecretId":"db","VersionStage":"mine","MoveToVersionId":"ONE"}"#;
    check("UpdateSecretVersionStage", move_label, ok, label);
    check("TagResource", r#"{"SecretId":"db","Tags":[{"Key":"k"}]}"#, ok, db);
    check("UntagResource", r#"{"SecretId":"db","TagKeys":["k"]}"#, ok, db);
    check("DeleteSecret", r#"{"SecretId":"db"}"#, ok, db);
    check("DeleteSecret", r#"{"SecretId":"db","ForceDeleteWithoutRecovery":true}"#, ok, db);
    check("DeleteSecret", r#"{"SecretId":"x","ForceDeleteWithoutRecovery":true}"#, ok, |_| {
        about("x")
    });
    check("RestoreSecret", r#"{"SecretId":"db"}"#, ok, db);
    let again = r#"{"Name":"db","ClientRequestToken":"ONE","SecretString":"the old value"}"#;
    check("CreateSecret", again, ok, |rid| Subject { token: ONE.to_owned(), ..db(rid) });
}

#[test]
fn a_full_vault_is_read_without_a_log() {
    let (mut service, _rid) = service();
    service.fill_up();
    let get = r#"{"SecretId":"db"}"#;
    let read = |service: &mut ServiceFixture| service.call("GetSecretValue", get).unwrap();
    while !service.is_full() {
        assert!(read(&mut service).contains("the old value"));
    }
    let before = service.events().len();
    assert!(read(&mut service).contains("the old value"));
    let missing = service.call("GetSecretValue", r#"{"SecretId":"x"}"#).unwrap_err();
    assert_eq!(missing.0, "ResourceNotFoundException");
    assert_eq!(service.events().len(), before);
    service.require_sound();
}

/// A rekey takes as long as the vault is large, and nobody could read meanwhile.
#[test]
fn a_vault_that_another_process_writes_is_read_without_a_log() {
    let scratch = Scratch::new();
    let path = scratch.join("vault");
    let mut service = ServiceFixture::in_store(Store::create(&path).unwrap());
    service.with(|vault, _| vault.store_mut().appear()).unwrap();
    let value = format!(r#""ClientRequestToken":"{ONE}","SecretString":"the old value"}}"#);
    service.call("CreateSecret", &format!(r#"{{"Name":"db",{value}"#)).unwrap();
    let before = service.events().len();
    service.with(|vault, _| vault.store_mut().set_patience(Duration::from_millis(5)));
    let mut other = Store::open(&path, Mode::ReadWrite).unwrap();
    let writing = other.write().unwrap();
    let get = r#"{"SecretId":"db"}"#;
    assert!(service.call("GetSecretValue", get).unwrap().contains("the old value"));
    assert_eq!(service.with(|vault, _| vault.unlogged()), Some(Unlogged::Busy));
    let put = service.call("PutSecretValue", &format!(r#"{{"SecretId":"db",{value}"#));
    assert!(put.unwrap_err().1.contains("kept the vault busy"));
    drop(writing);
    assert_eq!(service.events().len(), before);
    service.require_sound();
}

#[test]
fn a_list_of_a_large_vault_is_answered_and_logged_as_any() {
    let scratch = Scratch::new();
    let mut service = ServiceFixture::in_store(Store::create(&scratch.join("vault")).unwrap());
    service.with(|vault, _| vault.store_mut().appear()).unwrap();
    for number in 1..=3 {
        let token = format!("11111111-1111-4111-8111-{number:012}");
        let rest = format!(r#""ClientRequestToken":"{token}","SecretString":"v"}}"#);
        service.call("CreateSecret", &format!(r#"{{"Name":"s{number}",{rest}"#)).unwrap();
        // It is the size of the file that counts.
        let ballast = format!("INSERT INTO value VALUES ({number}, zeroblob(8000000))");
        service.with(|vault, _| vault.store_mut().tamper(&ballast));
    }
    assert!(scratch.join("vault").metadata().unwrap().len() > crate::store::LARGE);
    let before = service.events().len();
    let list = service.call("ListSecrets", r#"{"MaxResults":2,"SortOrder":"asc"}"#).unwrap();
    assert!(list.contains(r#""Name":"s2""#) && list.contains("NextToken"), "{list}");
    let refused = service.call("ListSecrets", r#"{"NextToken":"none"}"#).unwrap_err();
    assert_eq!(refused.0, "InvalidNextTokenException");
    let events = service.events().split_off(before);
    let seen = events.iter().map(|event| (&*event.operation, &*event.outcome));
    let expected = [Event::SUCCESS, "InvalidNextTokenException"].map(|end| ("ListSecrets", end));
    assert!(seen.eq(expected));
}

#[test]
fn a_refused_call_is_logged_with_what_it_asked_for() {
    let missing = "ResourceNotFoundException";
    let db = |rid| Subject { rid, ..about("db") };
    let x = |_| about("x");
    let token = |_| Subject { token: TWO.to_owned(), ..about("x") };
    let label = |_| Subject { version: "mine".to_owned(), ..about("x") };
    check("GetSecretValue", r#"{"SecretId":"x"}"#, missing, x);
    check("GetSecretValue", r#"{"SecretId":"x","VersionStage":"mine"}"#, missing, label);
    check("GetSecretValue", r#"{"SecretId":"db","VersionId":"TWO"}"#, missing, |rid| Subject {
        version: TWO.to_owned(),
        ..db(rid)
    });
    check("DescribeSecret", r#"{"SecretId":"x"}"#, missing, x);
    check("ListSecretVersionIds", r#"{"SecretId":"x"}"#, missing, x);
    let token_of_none = r#"{"NextToken":"none"}"#;
    check("ListSecrets", token_of_none, "InvalidNextTokenException", |_| Subject::default());
    let put = r#"{"SecretId":"x","ClientRequestToken":"TWO","SecretString":"s"}"#;
    check("PutSecretValue", put, missing, token);
    check("UpdateSecret", put, missing, token);
    let no_token = "InvalidRequestException";
    check("PutSecretValue", r#"{"SecretId":"x","SecretString":"s"}"#, no_token, x);
    check("UpdateSecret", r#"{"SecretId":"x"}"#, no_token, x);
    check("CreateSecret", r#"{"Name":"x"}"#, no_token, x);
    let move_label = r#"{"SecretId":"x","VersionStage":"mine","MoveToVersionId":"ONE"}"#;
    check("UpdateSecretVersionStage", move_label, missing, label);
    check("TagResource", r#"{"SecretId":"x","Tags":[]}"#, missing, x);
    check("UntagResource", r#"{"SecretId":"x","TagKeys":[]}"#, missing, x);
    check("DeleteSecret", r#"{"SecretId":"x"}"#, missing, x);
    let short = r#"{"SecretId":"x","RecoveryWindowInDays":1}"#;
    check("DeleteSecret", short, "InvalidParameterException", x);
    check("RestoreSecret", r#"{"SecretId":"x"}"#, missing, x);
    let in_use = r#"{"Name":"db","ClientRequestToken":"TWO","SecretString":"s"}"#;
    check("CreateSecret", in_use, "ResourceExistsException", |rid| Subject {
        token: TWO.to_owned(),
        ..db(rid)
    });
}

#[test]
fn the_log_keeps_names_of_a_name_s_length() {
    let (mut service, _) = service();
    let request = format!(r#"{{"SecretId":"{}"}}"#, "x".repeat(2048));
    service.call("DescribeSecret", &request).unwrap_err();
    assert_eq!(service.events().pop().unwrap().subject, about(&"x".repeat(512)));
}

#[test]
fn what_breaks_a_constraint_never_reaches_the_vault() {
    let (mut service, _) = service();
    let before = service.events().len();
    service.call("GetSecretValue", r#"{"SecretId":""}"#).unwrap_err();
    service.call("GetSecretValue", r#"{"SecretId":"a b"}"#).unwrap_err();
    service.call("CreateSecret", r#"{"Name":"a b"}"#).unwrap_err();
    service.call("GetRandomPassword", "{}").unwrap();
    assert_eq!(service.events().len(), before);
}

#[test]
fn no_entry_and_no_refusal_has_a_value() {
    let (mut service, _) = service();
    let long = "the new value".repeat(6_000);
    for (operation, request) in [
        ("GetSecretValue", r#"{"SecretId":"db"}"#.to_owned()),
        (
            "PutSecretValue",
            format!(
                r#"{{"SecretId":"db","ClientRequestToken":"{ONE}","SecretString":"the new value"}}"#
            ),
        ),
        (
            "PutSecretValue",
            format!(
                r#"{{"SecretId":"db","ClientRequestToken":"{TWO}","SecretString":"the new value","SecretBinary":"AA=="}}"#
            ),
        ),
        ("PutSecretValue", format!(r#"{{"SecretId":"db","SecretString":"{long}"}}"#)),
        (
            "CreateSecret",
            format!(
                r#"{{"Name":"db","ClientRequestToken":"{ONE}","SecretString":"the new value"}}"#
            ),
        ),
    ] {
        if let Err((_, message)) = service.call(operation, &request) {
            assert!(!message.contains("the new") && !message.contains("the old"), "{message}");
        }
    }
    for event in service.events() {
        let bytes = event.encode();
        for value in [&b"the old value"[..], b"the new value"] {
            assert!(!bytes.windows(value.len()).any(|window| window == value));
        }
    }
}

/// What a vault that does not log reads writes nothing at all when it is read.
#[test]
fn silent_reads_leave_no_trace() {
    let (mut service, _) = service();
    service.silence_reads();
    let count = service.events().len();
    let generation = service.look(|transaction| transaction.state().generation);
    service.call("GetSecretValue", r#"{"SecretId":"db"}"#).unwrap();
    service.call("GetSecretValue", r#"{"SecretId":"x"}"#).unwrap_err();
    service.call("DescribeSecret", r#"{"SecretId":"db"}"#).unwrap();
    service.call("ListSecrets", r#"{"MaxResults":1}"#).unwrap();
    assert_eq!(service.events().len(), count);
    assert_eq!(service.look(|transaction| transaction.state().generation), generation);
    assert_eq!(service.record("db").unwrap().accessed, None);
    // Writes are logged all the same.
    service.call("TagResource", r#"{"SecretId":"x","Tags":[]}"#).unwrap_err();
    service.call("TagResource", r#"{"SecretId":"db","Tags":[]}"#).unwrap();
    assert_eq!(service.events().len(), count + 2);
}

#[test]
fn a_later_write_erases_what_is_gone() {
    let (mut service, _) = service();
    let delete = r#"{"SecretId":"db","RecoveryWindowInDays":7}"#;
    service.call("DeleteSecret", delete).unwrap();
    service.advance(7 * DAY_MS - 1);
    service.call("ListSecrets", "{}").unwrap();
    assert_eq!(service.look(|transaction| transaction.state().secrets), 1);
    service.advance(1);
    // Gone before it is erased, and erased even by a call that is about something else.
    assert!(service.record("db").is_none());
    service.call("DescribeSecret", r#"{"SecretId":"x"}"#).unwrap_err();
    assert_eq!(service.look(|transaction| transaction.state().secrets), 1);
    service.call("ListSecrets", "{}").unwrap();
    let state = service.look(|transaction| {
        let state = transaction.state();
        (state.secrets, state.values, state.next_purge)
    });
    assert_eq!(state, (0, 0, None));
    let names: Vec<_> =
        service.events().into_iter().map(|e| (e.operation, e.outcome, e.subject)).collect();
    let [.., purge, list] = &names[..] else { panic!() };
    assert_eq!(purge, &("Purge".to_owned(), Event::SUCCESS.to_owned(), about("db")));
    assert_eq!(list.0, "ListSecrets");
    service.require_sound();
}

/// Twenty secrets whose windows are over, of which one write erases only sixteen.
fn twenty_gone() -> ServiceFixture {
    let mut service = ServiceFixture::new();
    for n in 0..20 {
        let request = format!(r#"{{"Name":"s{n}","ClientRequestToken":"{ONE}"}}"#);
        service.call("CreateSecret", &request).unwrap();
        let request = format!(r#"{{"SecretId":"s{n}","RecoveryWindowInDays":7}}"#);
        service.call("DeleteSecret", &request).unwrap();
    }
    service.advance(8 * DAY_MS);
    service
}

#[test]
fn many_that_are_gone_are_erased_in_portions() {
    let mut service = twenty_gone();
    let left =
        |service: &mut ServiceFixture| service.look(|transaction| transaction.state().secrets);
    for expected in [4, 0, 0] {
        assert_eq!(service.call("ListSecrets", "{}").unwrap(), r#"{"SecretList":[]}"#);
        assert_eq!(left(&mut service), expected);
    }
    service.require_sound();
}

#[test]
fn a_name_is_free_before_the_one_who_had_it_is_erased() {
    // Both benches draw the same rows, so the same four are left over.
    let mut service = twenty_gone();
    service.call("ListSecrets", "{}").unwrap();
    let erased: Vec<String> = service.events().into_iter().map(|e| e.subject.name).collect();
    let erased = &erased[erased.len() - 17..];
    let name = (0..20).map(|n| format!("s{n}")).find(|name| !erased.contains(name)).unwrap();
    let mut service = twenty_gone();
    let request = format!(r#"{{"Name":"{name}","ClientRequestToken":"{TWO}","SecretString":"s"}}"#);
    service.call("CreateSecret", &request).unwrap();
    let left = service.look(|transaction| transaction.state().secrets);
    assert_eq!(left, 4, "the new one and three that are not erased yet");
    service.call("GetSecretValue", &format!(r#"{{"SecretId":"{name}"}}"#)).unwrap();
    assert_eq!(service.look(|transaction| transaction.state().secrets), 1);
    service.require_sound();
}

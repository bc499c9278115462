use serde_json::Value as Json;

use super::*;
use crate::model::time::{DAY_MS, Timestamp};
use crate::service::rename::{Renaming, rename};
use crate::service::testing::{ServiceFixture, to_json, told};

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    if let Some(Value::Text(text)) = value.get(name) { text } else { "" }
}

fn put(service: &mut ServiceFixture, number: usize, value: &str) {
    service.advance(DAY_MS);
    let value = serde_json::Value::from(value);
    let request = format!(
        r#"{{"SecretId":"db","ClientRequestToken":"{number:032}","SecretString":{value}}}"#
    );
    service.call("PutSecretValue", &request).unwrap();
}

fn fixture() -> ServiceFixture {
    let mut service = ServiceFixture::new();
    let request = format!(
        r#"{{"Name":"db","ClientRequestToken":"{:032}","SecretString":"{{\"u\":\"ada\",\"p\":\"1\"}}"}}"#,
        1
    );
    service.call("CreateSecret", &request).unwrap();
    service
}

#[test]
fn versions_and_events_are_told_newest_first() {
    let mut service = fixture();
    put(&mut service, 2, r#"{"u":"ada","p":"2"}"#);
    service.advance(DAY_MS);
    service.call("DeleteSecret", r#"{"SecretId":"db"}"#).unwrap();
    service.advance(DAY_MS);
    service.call("RestoreSecret", r#"{"SecretId":"db"}"#).unwrap();
    service.advance(DAY_MS);
    let renaming = Renaming::One { id: "db".to_owned(), to: "app/db".to_owned() };
    service.with(|vault, context| rename(vault, None, &renaming, context)).unwrap();
    let answer = service.with(|vault, context| history(vault, None, "app/db", context));
    let answer = to_json(&answer.unwrap());
    let rows = answer["History"].as_array().unwrap();
    let text = |row: &Json, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let told: Vec<String> =
        rows.iter().map(|row| format!("{}{}", text(row, "EventName"), text(row, "Fate"))).collect();
    let expected = [
        "Rename",
        "RestoreSecretRestored",
        "DeleteSecretScheduled",
        "PutSecretValue",
        "CreateSecretMade",
    ];
    assert_eq!(told, expected);
    assert_eq!(rows[3]["Changed"], serde_json::json!(["p"]));
    assert_eq!((&rows[3]["Back"], &rows[4]["Back"]), (&0.into(), &1.into()));
    assert_eq!(rows[0]["OldName"], "db");
    // No value is in it.
    assert!(!answer.to_string().contains("ada"));
}

#[test]
fn the_version_of_a_time_is_found_by_what_moved_since() {
    let mut service = fixture();
    let start = service.now();
    put(&mut service, 2, "two");
    put(&mut service, 3, "three");
    service.advance(DAY_MS);
    let back = format!(
        r#"{{"SecretId":"db","VersionStage":"AWSCURRENT","MoveToVersionId":"{:032}","RemoveFromVersionId":"{:032}"}}"#,
        1, 3
    );
    service.call("UpdateSecretVersionStage", &back).unwrap();
    let mut at = |days: i64| {
        let at = Timestamp(start.0 + days * DAY_MS + 1_000);
        let found = service.with(|vault, context| current_at(vault, None, "db", at, context));
        found
            .map(|found| text(&found, "VersionId").trim_start_matches('0').to_owned())
            .map_err(told)
    };
    for (days, version) in [(0, "1"), (1, "2"), (2, "3"), (3, "1"), (900, "1")] {
        assert_eq!(at(days).unwrap(), version, "after {days} days");
    }
    assert!(at(-1).unwrap_err().1.contains("There was no secret db yet"));
}

#[test]
fn what_the_log_does_not_say_is_not_guessed() {
    let mut service = fixture();
    let start = service.now();
    put(&mut service, 2, "two");
    service.advance(DAY_MS);
    // Something moved the label and left no trace.
    service.meddle(|transaction| {
        let namespace = transaction.namespace("local-1");
        let mut record = transaction.find(&namespace, "db").unwrap().unwrap();
        crate::service::rules::stages::attach(
            &mut record.versions,
            &format!("{:032}", 1),
            "AWSCURRENT",
        );
        transaction.update(&mut record).unwrap();
    });
    let at = Timestamp(start.0 + 1_000);
    let found = service.with(|vault, context| current_at(vault, None, "db", at, context));
    let found = found.map(drop).map_err(told);
    assert!(found.unwrap_err().1.contains("cannot be known"));
}

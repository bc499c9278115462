use super::*;
use crate::service::testing::{ServiceFixture, told};
use crate::service::undo::{Reach, undo};
use crate::sys::secret::Secret;

fn text(id: u8, value: &str) -> WantedVersion {
    let value = SecretValue::Text(Secret::new(value.to_owned()));
    WantedVersion { id: format!("{id:032}"), value }
}

fn wanted(name: &str, versions: &[(u8, &str)]) -> Wanted {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    Wanted {
        name: name.to_owned(),
        description: None,
        tags: vec![pair("kind", "login"), pair(SOURCE, "chrome"), pair(SOURCE_ID, name)],
        versions: versions.iter().map(|(id, value)| text(*id, value)).collect(),
    }
}

fn put(service: &mut ServiceFixture, all: Vec<Wanted>) -> Result<(), (String, String)> {
    service.advance(1_000);
    service.with(|vault, context| {
        on_shelf(vault, None, Access::Write, context, |shelf| {
            all.into_iter().try_for_each(|wanted| shelf.put(wanted))
        })
        .map_err(told)
    })
}

fn standing(service: &mut ServiceFixture, wanted: &Wanted) -> Standing {
    service.with(|vault, context| {
        on_shelf(vault, None, Access::Read, context, |shelf| shelf.standing(wanted)).unwrap()
    })
}

fn value(service: &mut ServiceFixture, id: &str, more: &str) -> String {
    let request = format!(r#"{{"SecretId":"{id}"{more}}}"#);
    let answer = service.call("GetSecretValue", &request).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    answer["SecretString"].as_str().unwrap().to_owned()
}

fn undone(service: &mut ServiceFixture) -> usize {
    service.advance(1_000);
    let answer = service.with(|vault, context| undo(vault, None, None, Reach::Last, context));
    match answer.unwrap().get("Undone") {
        Some(crate::model::value::Value::List(done)) => done.len(),
        _ => 0,
    }
}

#[test]
fn earlier_values_are_versions_and_the_last_is_current() {
    let mut service = ServiceFixture::new();
    put(&mut service, vec![wanted("a", &[(1, "one"), (2, "two"), (3, "three")])]).unwrap();
    assert_eq!(value(&mut service, "a", ""), "three");
    assert_eq!(value(&mut service, "a", r#","VersionStage":"AWSPREVIOUS""#), "two");
    assert_eq!(service.record("a").unwrap().versions.len(), 3);
    let event = service.events().into_iter().find(|event| event.operation == IMPORT).unwrap();
    assert_eq!((event.subject.name.as_str(), event.subject.token), ("a", format!("{:032}", 3)));
    assert_eq!(event.trace.unwrap().moved(CURRENT).unwrap().to, Some(format!("{:032}", 3)));
    service.require_sound();
}

#[test]
fn what_is_there_is_told_apart() {
    let mut service = ServiceFixture::new();
    put(&mut service, vec![wanted("a", &[(1, "one")]), wanted("gone", &[(2, "one")])]).unwrap();
    service.call("DeleteSecret", r#"{"SecretId":"gone"}"#).unwrap();
    let replicate = r#"{"SecretId":"a","AddReplicaRegions":[{"Region":"eu-west-1"}]}"#;
    service.call("ReplicateSecretToRegions", replicate).unwrap();
    assert_eq!(standing(&mut service, &wanted("b", &[(9, "one")])), Standing::Free);
    assert_eq!(standing(&mut service, &wanted("a", &[(9, "one")])), Standing::Same);
    assert_eq!(standing(&mut service, &wanted("a", &[(1, "one"), (9, "two")])), Standing::Differs);
    assert!(matches!(standing(&mut service, &wanted("gone", &[(2, "one")])), Standing::Barred(_)));
    let there = service.with(|vault, context| {
        let wanted = wanted("a", &[(9, "two")]);
        on_shelf(vault, Some("eu-west-1"), Access::Read, context, |s| s.standing(&wanted)).unwrap()
    });
    assert!(matches!(there, Standing::Barred(_)));
    // Bytes are no text, whatever they say.
    let mut bytes = wanted("a", &[]);
    let value = SecretValue::Binary(Secret::new(b"one".to_vec()));
    bytes.versions.push(WantedVersion { id: "1".repeat(32), value });
    assert_eq!(standing(&mut service, &bytes), Standing::Differs);
}

#[test]
fn a_secret_that_is_there_keeps_its_value_as_the_previous_one() {
    let mut service = ServiceFixture::new();
    let request = format!(
        r#"{{"Name":"a","ClientRequestToken":"{:032}","SecretString":"mine","Description":"d",
            "Tags":[{{"Key":"favorite","Value":"true"}},{{"Key":"env","Value":"prod"}}]}}"#,
        7
    );
    service.call("CreateSecret", &request).unwrap();
    put(&mut service, vec![wanted("a", &[(1, "old"), (2, "new")])]).unwrap();
    assert_eq!(value(&mut service, "a", ""), "new");
    assert_eq!(value(&mut service, "a", r#","VersionStage":"AWSPREVIOUS""#), "mine");
    let record = service.record("a").unwrap();
    assert_eq!(record.version(&format!("{:032}", 1)).unwrap().stages, Vec::<String>::new());
    assert_eq!(record.description.as_deref(), Some("d"));
    let tags = record.tags.unwrap();
    let tags: Vec<&str> = tags.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(tags, ["env", "kind", SOURCE, SOURCE_ID]);
    service.require_sound();
}

/// An id is made of dates, which a source may not have: the next value under it must not be refused.
#[test]
fn another_value_under_the_same_id_gets_an_id_of_its_own() {
    let mut service = ServiceFixture::new();
    put(&mut service, vec![wanted("a", &[(1, "one")])]).unwrap();
    put(&mut service, vec![wanted("a", &[(1, "two")])]).unwrap();
    assert_eq!(value(&mut service, "a", ""), "two");
    assert_eq!(value(&mut service, "a", r#","VersionStage":"AWSPREVIOUS""#), "one");
}

#[test]
fn what_fails_leaves_nothing() {
    let mut service = ServiceFixture::new();
    let snapshot = service.snapshot();
    let events = service.events().len();
    let bad = wanted("no name", &[(2, "two")]);
    let (code, _) = put(&mut service, vec![wanted("a", &[(1, "one")]), bad]).unwrap_err();
    assert_eq!(code, "ValidationException");
    assert!(service.snapshot() == snapshot);
    assert_eq!(service.events().len(), events);
    service.fill_up();
    let long = "x".repeat(60_000);
    let failed = put(&mut service, vec![wanted("a", &[(1, "one")]), wanted("b", &[(2, &long)])]);
    assert!(failed.is_err());
    assert!(service.snapshot() == snapshot);
}

#[test]
fn an_import_is_taken_back_as_a_whole_and_brought_back() {
    let mut service = ServiceFixture::new();
    put(&mut service, vec![wanted("old", &[(1, "before")])]).unwrap();
    let all = vec![
        wanted("old", &[(2, "after")]),
        wanted("a", &[(3, "one"), (4, "two")]),
        wanted("b", &[(5, "three")]),
    ];
    put(&mut service, all).unwrap();
    assert_eq!(undone(&mut service), 3);
    assert_eq!(value(&mut service, "old", ""), "before");
    for name in ["a", "b"] {
        assert!(service.record(name).unwrap().deletion.is_some());
    }
    assert_eq!(undone(&mut service), 3);
    assert_eq!(value(&mut service, "old", ""), "after");
    assert_eq!(value(&mut service, "a", ""), "two");
    service.require_sound();
}

#[test]
fn replicas_follow() {
    let mut service = ServiceFixture::new();
    put(&mut service, vec![wanted("a", &[(1, "one")])]).unwrap();
    let replicate = r#"{"SecretId":"a","AddReplicaRegions":[{"Region":"eu-west-1"}]}"#;
    service.call("ReplicateSecretToRegions", replicate).unwrap();
    put(&mut service, vec![wanted("a", &[(2, "two")])]).unwrap();
    let there =
        service.call_in(Some("eu-west-1"), "GetSecretValue", r#"{"SecretId":"a"}"#).unwrap();
    assert!(there.contains(r#""SecretString":"two""#), "{there}");
    service.require_sound();
}

#[test]
fn secrets_of_a_program_are_known_by_its_ids() {
    let mut service = ServiceFixture::new();
    put(&mut service, vec![wanted("a", &[(1, "1")]), wanted("b", &[(2, "2")])]).unwrap();
    let twin = Wanted { name: "c".to_owned(), ..wanted("a", &[(3, "3")]) };
    let mut other = wanted("d", &[(4, "4")]);
    other.tags =
        vec![(SOURCE.to_owned(), "firefox".to_owned()), (SOURCE_ID.to_owned(), "a".to_owned())];
    put(&mut service, vec![twin, other]).unwrap();
    service.call("DeleteSecret", r#"{"SecretId":"b"}"#).unwrap();
    let known = service.with(|vault, context| {
        on_shelf(vault, None, Access::Read, context, |shelf| shelf.of_source("chrome")).unwrap()
    });
    let known: Vec<_> = known.into_iter().collect();
    assert_eq!(known, [("a".to_owned(), vec!["a".to_owned(), "c".to_owned()])]);
}

/// They had all the same date, and were listed by their ids: `NAME~1` was any of them.
#[test]
fn earlier_values_are_listed_in_their_order() {
    let mut service = ServiceFixture::new();
    put(&mut service, vec![wanted("a", &[(9, "one"), (1, "two"), (5, "three")])]).unwrap();
    let listed = |service: &mut ServiceFixture| {
        let request = r#"{"SecretId":"a","IncludeDeprecated":true}"#;
        let answer = service.call("ListSecretVersionIds", request).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let versions = answer["Versions"].as_array().unwrap();
        let ids = versions.iter().map(|version| version["VersionId"].as_str().unwrap());
        ids.map(|id| id.trim_start_matches('0').to_owned()).collect::<Vec<String>>()
    };
    assert_eq!(listed(&mut service), ["9", "1", "5"]);
    put(&mut service, vec![wanted("a", &[(8, "four"), (2, "five"), (7, "six")])]).unwrap();
    assert_eq!(listed(&mut service), ["9", "1", "5", "8", "2", "7"]);
}

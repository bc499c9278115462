use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::service::rename::{Renaming, rename};
use crate::service::testing::{ServiceFixture, told};

fn undo_of(
    service: &mut ServiceFixture,
    id: Option<&str>,
    reach: Reach,
) -> Result<String, (String, String)> {
    service.advance(1_000);
    let answer = service.with(|vault, context| undo(vault, None, id, reach, context));
    let answer = answer.map_err(told)?;
    let Some(Value::List(done)) = answer.get("Undone") else { panic!("no answer") };
    let did = done.iter().filter_map(|done| match done.get("Did") {
        Some(Value::Text(did)) => Some(did.as_str()),
        _ => None,
    });
    Ok(did.collect::<Vec<_>>().join(" "))
}

fn last(service: &mut ServiceFixture) -> Result<String, (String, String)> {
    undo_of(service, None, Reach::Last)
}

fn token(number: usize) -> String {
    format!("{number:032}")
}

fn create(service: &mut ServiceFixture, name: &str, value: &str, number: usize) {
    let token = token(number);
    let request =
        format!(r#"{{"Name":"{name}","ClientRequestToken":"{token}","SecretString":"{value}"}}"#);
    service.call("CreateSecret", &request).unwrap();
}

fn put(service: &mut ServiceFixture, name: &str, value: &str, number: usize) {
    let token = token(number);
    let request = format!(
        r#"{{"SecretId":"{name}","ClientRequestToken":"{token}","SecretString":"{value}"}}"#
    );
    service.call("PutSecretValue", &request).unwrap();
}

/// What a person sees: of each name whether it is scheduled for deletion, and the value of each label.
fn seen(service: &mut ServiceFixture) -> BTreeMap<String, (bool, BTreeMap<String, Vec<u8>>)> {
    service.look(|transaction| {
        let mut seen = BTreeMap::new();
        let visited = transaction.each(|record| {
            let mut values = BTreeMap::new();
            for version in &record.versions {
                let value = transaction.value(&record, version)?.unwrap();
                for stage in version.stages.iter().filter(|stage| *stage != PREVIOUS) {
                    values.insert(stage.clone(), value.expose_bytes().to_vec());
                }
            }
            seen.insert(record.name.clone(), (record.deletion.is_some(), values));
            Ok(())
        });
        visited.unwrap();
        seen
    })
}

#[test]
fn the_last_change_is_taken_back_and_taken_back_again() {
    let mut service = ServiceFixture::new();
    create(&mut service, "a", "one", 1);
    let begin = seen(&mut service);
    put(&mut service, "a", "two", 2);
    let changed = seen(&mut service);
    assert_eq!(last(&mut service).unwrap(), "Value");
    assert_eq!(seen(&mut service), begin);
    assert_eq!(last(&mut service).unwrap(), "Value");
    assert_eq!(seen(&mut service), changed);
    // A deletion is restored, and planned again.
    service.call("DeleteSecret", r#"{"SecretId":"a"}"#).unwrap();
    assert_eq!(last(&mut service).unwrap(), "Restored");
    assert_eq!(seen(&mut service), changed);
    assert_eq!(last(&mut service).unwrap(), "Scheduled");
    assert!(seen(&mut service)["a"].0);
    service.require_sound();
}

#[test]
fn a_new_secret_is_scheduled_for_deletion() {
    let mut service = ServiceFixture::new();
    create(&mut service, "a", "one", 1);
    create(&mut service, "b", "two", 2);
    assert_eq!(last(&mut service).unwrap(), "Scheduled");
    assert!(seen(&mut service)["b"].0);
    assert_eq!(undo_of(&mut service, Some("a"), Reach::Last).unwrap(), "Scheduled");
    assert_eq!(
        undo_of(&mut service, Some("a"), Reach::Further).unwrap_err().0,
        "ResourceNotFoundException"
    );
}

#[test]
fn what_cannot_be_taken_back_is_said_and_nothing_is_done() {
    let mut service = ServiceFixture::new();
    assert!(last(&mut service).unwrap_err().1.contains("There is no change"));
    create(&mut service, "a", "one", 1);
    create(&mut service, "b", "one", 2);
    let tag = r#"{"SecretId":"a","Tags":[{"Key":"k","Value":"v"}]}"#;
    service.call("TagResource", tag).unwrap();
    let before = service.snapshot();
    assert!(last(&mut service).unwrap_err().1.contains("TagResource of a, cannot be undone"));
    let force = r#"{"SecretId":"b","ForceDeleteWithoutRecovery":true}"#;
    assert!(service.snapshot() == before);
    service.call("DeleteSecret", force).unwrap();
    let before = service.snapshot();
    for id in [None, Some("b")] {
        let told = undo_of(&mut service, id, Reach::Last).unwrap_err().1;
        assert!(told.contains("b was erased with all its values"), "{told}");
    }
    assert!(service.snapshot() == before);
}

#[test]
fn what_changed_nothing_is_passed_over() {
    let mut service = ServiceFixture::new();
    create(&mut service, "a", "one", 1);
    put(&mut service, "a", "two", 2);
    put(&mut service, "a", "two", 2);
    service.call("RestoreSecret", r#"{"SecretId":"a"}"#).unwrap();
    service.call("GetSecretValue", r#"{"SecretId":"a"}"#).unwrap();
    assert_eq!(last(&mut service).unwrap(), "Value");
    assert_eq!(seen(&mut service)["a"].1["AWSCURRENT"], b"one");
}

#[test]
fn all_that_was_renamed_at_once_is_renamed_back_at_once() {
    let mut service = ServiceFixture::new();
    create(&mut service, "a/x", "one", 1);
    create(&mut service, "a/y", "two", 2);
    let begin = seen(&mut service);
    let all = Renaming::All { prefix: "a/".to_owned(), to: "a/a/".to_owned() };
    service.with(|vault, context| rename(vault, None, &all, context)).unwrap();
    assert!(seen(&mut service).contains_key("a/a/y"));
    assert_eq!(last(&mut service).unwrap(), "Renamed Renamed");
    assert_eq!(seen(&mut service), begin);
    // Of one alone, by the name it has.
    assert_eq!(undo_of(&mut service, Some("a/x"), Reach::Last).unwrap(), "Renamed");
    let names: Vec<String> = seen(&mut service).into_keys().collect();
    assert_eq!(names, ["a/a/x", "a/y"]);
    service.require_sound();
}

/// Something that a person does.
#[derive(Clone, Debug)]
enum Act {
    Put { name: usize, stage: Option<usize> },
    Move { name: usize, stage: usize, to: usize },
    Delete(usize),
    Restore(usize),
    Rename { name: usize, to: usize },
    Undo,
}

const NAMES: [&str; 4] = ["a", "b", "c/d", "e"];
const STAGES: [&str; 3] = ["AWSCURRENT", "x", "y"];

fn act() -> impl Strategy<Value = Act> {
    let name = 0..NAMES.len();
    prop_oneof![
        3 => (name.clone(), proptest::option::of(0..3_usize))
            .prop_map(|(name, stage)| Act::Put { name, stage }),
        3 => (name.clone(), 0..3_usize, 0..4_usize)
            .prop_map(|(name, stage, to)| Act::Move { name, stage, to }),
        1 => name.clone().prop_map(Act::Delete),
        1 => name.clone().prop_map(Act::Restore),
        2 => (name.clone(), name).prop_map(|(name, to)| Act::Rename { name, to }),
        1 => Just(Act::Undo),
    ]
}

fn perform(service: &mut ServiceFixture, number: usize, act: &Act) {
    // What is refused changes nothing, and is no change to take back.
    match act {
        Act::Put { name, stage } => {
            let (name, token) = (NAMES[*name], token(number));
            let stages = stage.map(|stage| format!(r#","VersionStages":["{}"]"#, STAGES[stage]));
            let stages = stages.unwrap_or_default();
            let request = format!(
                r#"{{"SecretId":"{name}","ClientRequestToken":"{token}","SecretString":"v{number}"{stages}}}"#
            );
            drop(service.call("PutSecretValue", &request));
        }
        Act::Move { name, stage, to } => {
            let (name, label) = (NAMES[*name], STAGES[*stage]);
            let Some(record) = service.record(name) else { return };
            let Some(to) = record.versions.get(*to) else { return };
            let from = record.staged(label).map(|version| version.id.clone());
            let from = from.map(|id| format!(r#","RemoveFromVersionId":"{id}""#));
            let from = from.unwrap_or_default();
            let request = format!(
                r#"{{"SecretId":"{name}","VersionStage":"{label}","MoveToVersionId":"{}"{from}}}"#,
                to.id
            );
            drop(service.call("UpdateSecretVersionStage", &request));
        }
        Act::Delete(name) => {
            drop(service.call("DeleteSecret", &format!(r#"{{"SecretId":"{}"}}"#, NAMES[*name])));
        }
        Act::Restore(name) => {
            drop(service.call("RestoreSecret", &format!(r#"{{"SecretId":"{}"}}"#, NAMES[*name])));
        }
        Act::Rename { name, to } => {
            let (id, to) = (NAMES[*name].to_owned(), NAMES[*to].to_owned());
            let renaming = Renaming::One { id, to };
            drop(service.with(|vault, context| rename(vault, None, &renaming, context)));
        }
        Act::Undo => drop(last(service)),
    }
}

fn changes(service: &mut ServiceFixture) -> usize {
    let events = service.events();
    let changes = |trace: &Trace| !trace.is_empty();
    events.iter().filter(|event| event.trace.as_ref().is_some_and(changes)).count()
}

/// Counts the changes that are not taken back.
fn open_changes(service: &mut ServiceFixture) -> usize {
    let pasts = service.with(|vault, context| {
        let mut transaction = vault.begin(Access::Read, context).unwrap();
        let mut cx = Context::new(&mut transaction, None, "local-1");
        let changes = |trace: &Trace| !trace.is_empty();
        past::all(&mut cx, |event| event.trace.as_ref().is_some_and(changes)).unwrap()
    });
    let undone = undone(&pasts);
    let is_open = |past: &&Past| past.operation != UNDO && !undone.contains(&past.seq);
    pasts.iter().filter(is_open).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever was done, as many steps back end where it began.
    #[test]
    fn everything_is_taken_back_step_by_step(acts in prop::collection::vec(act(), 0..12)) {
        let mut service = ServiceFixture::new();
        create(&mut service, "a", "one", 900);
        create(&mut service, "b", "two", 901);
        let (begin, first) = (seen(&mut service), changes(&mut service));
        let mut states = Vec::new();
        for (number, act) in acts.iter().enumerate() {
            service.advance(1_000);
            let before = (changes(&mut service), seen(&mut service));
            if before.0 == first && matches!(act, Act::Undo) {
                continue;
            }
            perform(&mut service, number, act);
            if changes(&mut service) > before.0 {
                states.push(before.1);
            }
        }
        let made = changes(&mut service) - first;
        prop_assert_eq!(made, states.len());
        // Once, and back again.
        if made > 0 {
            let changed = seen(&mut service);
            let done = last(&mut service);
            prop_assert!(done.is_ok(), "{done:?}");
            prop_assert_eq!(&seen(&mut service), states.last().unwrap());
            let done = last(&mut service);
            prop_assert!(done.is_ok(), "{done:?}");
            prop_assert_eq!(seen(&mut service), changed);
        }
        // Further and further back, up to the secrets' making.
        let mut open = open_changes(&mut service);
        while open > first {
            let done = undo_of(&mut service, None, Reach::Further);
            prop_assert!(done.is_ok(), "{done:?}");
            let left = open_changes(&mut service);
            prop_assert!(left < open);
            open = left;
        }
        prop_assert_eq!(seen(&mut service), begin);
        service.require_sound();
    }
}

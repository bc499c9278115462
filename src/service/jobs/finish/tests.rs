use serde_json::json;

use super::super::fixture::{
    Break, DONE, EMPTY, FUNCTION, How, MOVED, PENDING, RotationFixture, again, rotate, token,
};
use super::*;
use crate::model::time::DAY_MS;
use crate::service::caller::Caller;
use crate::vault::progress::Outlook;

/// Every point at which a rotation can break off, and what it leaves.
const POINTS: [(Break, &str); 8] = [
    (Break::Before(Step::Create), EMPTY),
    (Break::After(Step::Create), PENDING),
    (Break::Before(Step::Set), PENDING),
    (Break::After(Step::Set), PENDING),
    (Break::Before(Step::Test), PENDING),
    (Break::After(Step::Test), PENDING),
    (Break::Before(Step::Finish), PENDING),
    (Break::After(Step::Finish), MOVED),
];

#[test]
fn a_rotation_moves_the_labels_and_the_dates() {
    let mut fixture = RotationFixture::new();
    fixture.service.advance(1_000);
    let answer = fixture.rotate(&rotate(2)).unwrap();
    assert_eq!((&answer["Name"], &answer["VersionId"]), (&json!("db"), &json!(token(2))));
    assert_eq!(fixture.stages(), DONE);
    assert_eq!(fixture.value("AWSCURRENT").unwrap(), fixture.password);
    let described = fixture.described();
    let now = fixture.service.now();
    assert_eq!(described["LastRotatedDate"], now.0);
    assert_eq!(described["NextRotationDate"], now.midnight().0 + 31 * DAY_MS - 1_000);
    assert_eq!(described["RotationRules"], json!({"AutomaticallyAfterDays": 30}));
    assert_eq!(described["RotationLambdaARN"], FUNCTION);
    // The next makes a third version, and the first loses its label.
    fixture.rotate(&again(3)).unwrap();
    assert_eq!(fixture.stages(), "1[] 2[AWSPREVIOUS] 3[AWSCURRENT]");
    fixture.service.require_sound();
}

#[test]
fn whatever_breaks_off_is_taken_up_under_its_own_token() {
    for (at, left) in POINTS {
        for how in [How::Fails, How::Killed] {
            let mut fixture = RotationFixture::new();
            fixture.rotate_until(&rotate(2), at, how).unwrap_err();
            let is_complete = at == Break::After(Step::Finish);
            let expected = if is_complete && how == How::Fails { DONE } else { left };
            assert_eq!(fixture.stages(), expected, "{at:?} {how:?}");
            let described = fixture.described();
            assert_eq!(described["RotationEnabled"], true);
            let has_rotated = described.get("LastRotatedDate").is_some();
            assert_eq!(has_rotated, is_complete && how == How::Fails, "{at:?} {how:?}");
            let pending = fixture.value("AWSPENDING");
            // Another token is asked for, and the one under way is what is done.
            fixture.service.advance(60_000);
            let answer = fixture.rotate(&again(3)).unwrap();
            if is_complete {
                assert_eq!(answer["VersionId"], token(3));
                assert_eq!(fixture.stages(), "1[] 2[AWSPREVIOUS] 3[AWSCURRENT]");
            } else {
                assert_eq!(answer["VersionId"], token(2), "{at:?} {how:?}");
                assert_eq!(fixture.stages(), DONE, "{at:?} {how:?}");
                // What it had made it keeps: the server may know it already.
                assert!(pending.is_none_or(|value| value == fixture.password));
            }
            assert_eq!(fixture.value("AWSCURRENT").unwrap(), fixture.password);
            assert_eq!(fixture.described()["LastRotatedDate"], fixture.service.now().0);
            fixture.service.require_sound();
        }
    }
}

#[test]
fn a_failure_leaves_the_dates_as_they_were() {
    let mut fixture = RotationFixture::new();
    fixture.rotate(&rotate(2)).unwrap();
    let before = fixture.described();
    fixture.service.advance(40 * DAY_MS);
    fixture.rotate_until(&again(3), Break::After(Step::Set), How::Fails).unwrap_err();
    let described = fixture.described();
    for date in ["LastRotatedDate", "NextRotationDate"] {
        assert_eq!(described[date], before[date], "{date}");
    }
    // The date lies in the past.
    assert!(described["NextRotationDate"].as_i64().unwrap() < fixture.service.now().0);
}

#[test]
fn the_log_has_what_happened_and_no_value() {
    let mut fixture = RotationFixture::new();
    fixture.rotate_until(&rotate(2), Break::Before(Step::Set), How::Fails).unwrap_err();
    fixture.rotate(&again(3)).unwrap();
    assert_eq!(
        fixture.events(),
        [
            "RotationStarted by arn:local:exec:/opt/rotate",
            "RotationFailed Error when executing arn:local:exec:/opt/rotate during setSecret \
             step: exit status 1",
            "RotationStarted by arn:local:exec:/opt/rotate, once more",
            "RotationSucceeded ",
        ]
    );
    let password = fixture.password.clone().into_bytes();
    let events = fixture.service.events();
    for event in &events {
        let bytes = event.encode();
        assert!(!bytes.windows(password.len()).any(|window| window == password));
    }
    let vias: Vec<&str> = events
        .iter()
        .filter(|event| event.operation == "DescribeSecret")
        .map(|event| event.via.as_str())
        .collect();
    let steps = ["createSecret", "createSecret", "setSecret", "testSecret", "finishSecret"];
    assert_eq!(vias, steps.map(|step| format!("rotation:{step}")));
    let failed = events.iter().find(|event| event.operation == "RotationFailed").unwrap();
    assert_eq!((failed.outcome.as_str(), &failed.subject.version), ("Failed", &token(2)));
}

#[test]
fn finishing_moves_the_label_that_the_program_left() {
    let mut fixture = RotationFixture::new();
    let job = fixture.job(&rotate(2));
    // Nothing to make current yet.
    let early = fixture.service.with(|vault, context| finish(vault, &job, context));
    assert!(matches!(early, Err(Failure::Fault(_))));
    assert_eq!(fixture.stages(), EMPTY);
    assert_eq!(fixture.after(&job, Step::Create).unwrap_err().0, "NoValue");
    let caller = Caller::Step(fixture.capability(&job, Step::Create).unwrap());
    let put = json!({
        "SecretId": "db", "ClientRequestToken": token(2), "SecretString": "second",
        "VersionStages": ["AWSPENDING"],
    });
    fixture.child(&caller, "PutSecretValue", &put).unwrap();
    fixture.after(&job, Step::Create).unwrap();
    let answer = fixture.service.with(|vault, context| finish(vault, &job, context));
    assert!(answer.is_ok());
    assert_eq!(fixture.stages(), DONE);
}

#[test]
fn a_pending_value_is_never_overwritten() {
    let mut fixture = RotationFixture::new();
    let job = fixture.job(&rotate(2));
    let caller = Caller::Step(fixture.capability(&job, Step::Create).unwrap());
    let put = |value: &str| {
        json!({
            "SecretId": "db", "ClientRequestToken": token(2), "SecretString": value,
            "VersionStages": ["AWSPENDING"],
        })
    };
    fixture.child(&caller, "PutSecretValue", &put("second")).unwrap();
    fixture.child(&caller, "PutSecretValue", &put("second")).unwrap();
    let refused = fixture.child(&caller, "PutSecretValue", &put("other")).unwrap_err();
    assert_eq!(refused.0, "ResourceExistsException");
    assert_eq!(fixture.value("AWSPENDING").unwrap(), "second");
}

#[test]
fn a_test_leaves_the_secret_as_it_was_and_stores_what_was_said() {
    let mut fixture = RotationFixture::new();
    let mut request = rotate(2);
    request["RotateImmediately"] = false.into();
    let job = fixture.job(&request);
    assert_eq!(fixture.stages(), PENDING);
    assert_eq!(fixture.value("AWSPENDING").unwrap(), "first");
    assert_eq!(fixture.described().get("RotationEnabled"), None);
    let answer = fixture.run(&job, Break::Nowhere, How::Fails).unwrap();
    assert_eq!(answer.get("VersionId"), None);
    assert_eq!(fixture.stages(), "1[AWSCURRENT]");
    let described = fixture.described();
    assert_eq!(described["RotationEnabled"], true);
    assert_eq!(described.get("LastRotatedDate"), None);
    let midnight = fixture.service.now().midnight().0;
    assert_eq!(described["NextRotationDate"], midnight + 31 * DAY_MS - 1_000);
    let events: Vec<String> = fixture.events();
    assert!(events[0].starts_with("TestRotationStarted"), "{events:?}");
    assert!(events[1].starts_with("TestRotationSucceeded"), "{events:?}");
    fixture.service.require_sound();
}

#[test]
fn a_test_that_fails_stores_nothing_of_what_was_said() {
    for how in [How::Fails, How::Killed] {
        let mut fixture = RotationFixture::new();
        let mut request = rotate(2);
        request["RotateImmediately"] = false.into();
        let at = Break::Before(Step::Test);
        fixture.rotate_until(&request, at, how).unwrap_err();
        if how == How::Killed {
            // What was killed leaves its copy, until the next comes.
            assert_eq!(fixture.stages(), PENDING);
        } else {
            assert_eq!(fixture.stages(), "1[AWSCURRENT]");
            assert!(fixture.events().last().unwrap().starts_with("TestRotationFailed"));
        }
        let described = fixture.described();
        for member in ["RotationEnabled", "RotationRules", "RotationLambdaARN"] {
            assert_eq!(described.get(member), None, "{member}");
        }
        assert_eq!(fixture.rotate(&rotate(3)).unwrap()["VersionId"], token(3));
        assert_eq!(fixture.stages(), "1[AWSPREVIOUS] 3[AWSCURRENT]");
        fixture.service.require_sound();
    }
}

#[test]
fn what_is_said_on_resuming_is_stored_once_it_succeeded() {
    let mut fixture = RotationFixture::new();
    fixture.rotate_until(&rotate(2), Break::Before(Step::Set), How::Fails).unwrap_err();
    let mut request = rotate(3);
    request["RotationLambdaARN"] = "/opt/better".into();
    request["RotationRules"] = json!({"ScheduleExpression": "rate(10 hours)"});
    fixture.rotate_until(&request, Break::Before(Step::Test), How::Fails).unwrap_err();
    assert_eq!(fixture.described()["RotationLambdaARN"], FUNCTION);
    // It is what runs, though.
    let job = fixture.job(&request);
    assert_eq!(job.command.argv, ["/opt/better"]);
    fixture.run(&job, Break::Nowhere, How::Fails).unwrap();
    let described = fixture.described();
    assert_eq!(described["RotationLambdaARN"], "arn:local:exec:/opt/better");
    let rules = json!({"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(10 hours)"});
    assert_eq!(described["RotationRules"], rules);
    assert_eq!(fixture.stages(), DONE);
}

#[test]
fn a_person_may_run_what_is_not_tried_again() {
    for retry in [Retry::Configuration, Retry::BackOff] {
        let mut fixture = RotationFixture::new();
        fixture.retry = retry;
        fixture.rotate_until(&rotate(2), Break::Before(Step::Set), How::Fails).unwrap_err();
        for _ in 0..10 {
            let at = Break::Before(Step::Set);
            fixture.rotate_until(&again(3), at, How::Fails).unwrap_err();
        }
        let progress = fixture.service.record("db").unwrap().progress.unwrap();
        assert_ne!(progress.outlook, Outlook::Open);
        assert_eq!(progress.last_error.as_deref(), Some("setSecret: exit status 1"));
        assert_eq!(fixture.rotate(&again(3)).unwrap()["VersionId"], token(2));
        assert_eq!(fixture.service.record("db").unwrap().progress, None);
    }
}

#[test]
fn deleting_stops_a_rotation_and_restoring_lets_it_go_on() {
    let mut fixture = RotationFixture::new();
    let job = fixture.job(&rotate(2));
    let caller = Caller::Step(fixture.capability(&job, Step::Create).unwrap());
    fixture.call("DeleteSecret", &json!({"SecretId": "db"})).unwrap();
    let marked = Fault::marked_for_deletion().message;
    assert_eq!(fixture.capability(&job, Step::Create).unwrap_err().1, marked);
    let put = json!({
        "SecretId": "db", "ClientRequestToken": token(2), "SecretString": "x",
        "VersionStages": ["AWSPENDING"],
    });
    assert_eq!(fixture.child(&caller, "PutSecretValue", &put).unwrap_err().1, marked);
    fixture.fail(&job, Step::Create);
    fixture.call("RestoreSecret", &json!({"SecretId": "db"})).unwrap();
    assert_eq!(fixture.rotate(&again(3)).unwrap()["VersionId"], token(2));

    let job = fixture.job(&again(4));
    let caller = Caller::Step(fixture.capability(&job, Step::Create).unwrap());
    let gone = json!({"SecretId": "db", "ForceDeleteWithoutRecovery": true});
    fixture.call("DeleteSecret", &gone).unwrap();
    let missing = fixture.capability(&job, Step::Create).unwrap_err();
    assert_eq!(missing.0, "ResourceNotFoundException");
    // Nor does it get anywhere with one that has the name now.
    let request = json!({
        "Name": "db", "ClientRequestToken": token(1), "SecretString": "another",
    });
    fixture.call("CreateSecret", &request).unwrap();
    let missing = fixture.capability(&job, Step::Create).unwrap_err();
    assert_eq!(missing.0, "ResourceNotFoundException");
    let read = fixture.child(&caller, "GetSecretValue", &json!({"SecretId": "db"})).unwrap_err();
    assert_eq!(read.0, "AccessDeniedException");
    fixture.service.require_sound();
}

#[test]
fn replicas_follow_every_step_and_rotate_nothing() {
    let mut fixture = RotationFixture::new();
    let regions = json!({"SecretId": "db", "AddReplicaRegions": [{"Region": "eu-west-1"}]});
    fixture.call("ReplicateSecretToRegions", &regions).unwrap();
    let replica = |fixture: &mut RotationFixture| {
        let found = fixture.service.look(|vault| vault.find(&vault.namespace("eu-west-1"), "db"));
        found.unwrap().unwrap()
    };
    let job = fixture.job(&rotate(2));
    let record = replica(&mut fixture);
    assert_eq!(record.progress, None);
    assert!(record.version(&token(2)).unwrap().value.is_none());
    fixture.run(&job, Break::Nowhere, How::Fails).unwrap();
    let record = replica(&mut fixture);
    assert_eq!(record.staged("AWSCURRENT").unwrap().id, token(2));
    assert!(record.version(&token(2)).unwrap().value.is_some());
    assert!(record.rotation.is_some() && record.rotated.is_some());
    fixture.service.require_sound();
    // One that stands alone has to be told to rotate.
    let alone = json!({"SecretId": "db"}).to_string();
    fixture.service.call_in(Some("eu-west-1"), "StopReplicationToReplica", &alone).unwrap();
    assert!(!replica(&mut fixture).rotation.unwrap().enabled);
    assert_eq!(fixture.described()["RotationEnabled"], true);
}

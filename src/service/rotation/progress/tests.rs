use serde_json::{Value as Json, json};

use crate::model::time::DAY_MS;
use crate::service::caller::{Caller, Step};
use crate::service::jobs::fixture::{
    Break, DONE, How, MOVED, RotationFixture, again, rotate, token,
};
use crate::service::jobs::{LeftBehind, finish};

#[test]
fn a_new_version_by_hand_abandons_the_rotation() {
    let put = |stages: Option<Json>| {
        let mut request =
            json!({"SecretId": "db", "ClientRequestToken": token(9), "SecretString": "mine"});
        if let Some(stages) = stages {
            request["VersionStages"] = stages;
        }
        request
    };
    let label = |request: Json| ("UpdateSecretVersionStage", request);
    for ((operation, request), left) in [
        (("PutSecretValue", put(None)), "1[AWSPREVIOUS] 2[] 9[AWSCURRENT]"),
        (("UpdateSecret", put(None)), "1[AWSPREVIOUS] 2[] 9[AWSCURRENT]"),
        (("PutSecretValue", put(Some(json!(["blue"])))), "1[AWSCURRENT] 2[] 9[blue]"),
        (("PutSecretValue", put(Some(json!(["AWSPENDING"])))), "1[AWSCURRENT] 2[] 9[AWSPENDING]"),
        // The documented ways out: to drop the version, or to promote it.
        (
            label(json!({
                "SecretId": "db", "VersionStage": "AWSPENDING", "RemoveFromVersionId": token(2),
            })),
            "1[AWSCURRENT] 2[]",
        ),
        (
            label(json!({
                "SecretId": "db", "VersionStage": "AWSCURRENT", "MoveToVersionId": token(2),
                "RemoveFromVersionId": token(1),
            })),
            MOVED,
        ),
    ] {
        let mut fixture = RotationFixture::new();
        let job = fixture.job(&rotate(2));
        fixture.run(&job, Break::After(Step::Create), How::Killed).unwrap_err();
        let capability = fixture.capability(&job, Step::Create).unwrap();
        fixture.call(operation, &request).unwrap();
        assert_eq!(fixture.stages(), left, "{operation} {request}");
        assert_eq!(fixture.events().last().unwrap(), "RotationAbandoned ");
        // The program that is still running can do nothing more, nor can its runner.
        let caller = Caller::Step(capability);
        let late = fixture.child(&caller, "DescribeSecret", &json!({"SecretId": "db"}));
        assert_eq!(late.unwrap_err().0, "AccessDeniedException");
        let refused = fixture.capability(&job, Step::Set).unwrap_err();
        assert!(refused.1.starts_with("The rotation was abandoned"), "{refused:?}");
        assert_eq!(fixture.fail(&job, Step::Set), LeftBehind::Nothing);
        let finished = fixture.service.with(|vault, context| finish(vault, &job, context));
        assert!(finished.is_err());
        assert_eq!(fixture.stages(), left);
        fixture.password = fixture.value("AWSCURRENT").unwrap();
        let next = fixture.rotate(&again(3));
        if left.ends_with("9[AWSPENDING]") {
            // That label is nobody's rotation.
            assert!(next.unwrap_err().1.starts_with("A previous rotation isn't complete"));
        } else {
            assert_eq!(next.unwrap()["VersionId"], token(3), "{operation} {request}");
        }
        fixture.service.require_sound();
    }
}

/// Between the move of the label and the end of the rotation, no matter who ends it.
#[test]
fn a_rotation_that_moved_the_label_is_done_whatever_comes_then() {
    let tag = json!({"SecretId": "db", "Tags": [{"Key": "a", "Value": "b"}]});
    let id = json!({"SecretId": "db"});
    for (operation, request) in [("TagResource", &tag), ("CancelRotateSecret", &id)] {
        let mut fixture = RotationFixture::new();
        let job = fixture.job(&rotate(2));
        fixture.run(&job, Break::After(Step::Finish), How::Killed).unwrap_err();
        let answer = fixture.call(operation, request).unwrap();
        assert_eq!(answer.get("VersionId"), None, "{operation}");
        let finished = fixture.service.with(|vault, context| finish(vault, &job, context));
        assert!(finished.is_ok(), "{operation}");
        assert_eq!(fixture.stages(), DONE);
        let is_on = operation == "TagResource";
        assert_eq!(fixture.described()["RotationEnabled"], is_on);
    }
    // Nobody is left to end it, and its version is no longer current.
    let mut fixture = RotationFixture::new();
    fixture.rotate_until(&rotate(2), Break::After(Step::Finish), How::Killed).unwrap_err();
    let moved = fixture.service.now();
    fixture.service.advance(DAY_MS);
    let put = json!({"SecretId": "db", "ClientRequestToken": token(3), "SecretString": "x"});
    fixture.call("PutSecretValue", &put).unwrap();
    assert_eq!(fixture.stages(), "1[] 2[AWSPREVIOUS] 3[AWSCURRENT]");
    assert_eq!(fixture.described()["LastRotatedDate"], moved.0);
    assert_eq!(fixture.events().last().unwrap(), "RotationSucceeded ");
}

#[test]
fn other_changes_abandon_nothing() {
    let mut fixture = RotationFixture::new();
    let job = fixture.job(&rotate(2));
    for (operation, request) in [
        ("TagResource", json!({"SecretId": "db", "Tags": [{"Key": "a", "Value": "b"}]})),
        (
            "UpdateSecret",
            json!({"SecretId": "db", "ClientRequestToken": token(9), "Description": "d"}),
        ),
        (
            "PutSecretValue",
            json!({"SecretId": "db", "ClientRequestToken": token(1), "SecretString": "first"}),
        ),
        (
            "UpdateSecretVersionStage",
            json!({"SecretId": "db", "VersionStage": "x", "MoveToVersionId": token(1)}),
        ),
    ] {
        fixture.call(operation, &request).unwrap();
    }
    fixture.run(&job, Break::Nowhere, How::Fails).unwrap();
    assert_eq!(fixture.stages(), "1[x AWSPREVIOUS] 2[AWSCURRENT]");
}

#[test]
fn a_change_by_hand_counts_for_the_next_date_alone() {
    let mut fixture = RotationFixture::new();
    fixture.rotate(&rotate(2)).unwrap();
    let rotated = fixture.service.now();
    fixture.service.advance(5 * DAY_MS);
    let put = json!({"SecretId": "db", "ClientRequestToken": token(3), "SecretString": "x"});
    fixture.call("PutSecretValue", &put).unwrap();
    let next = fixture.service.now().midnight().0 + 31 * DAY_MS - 1_000;
    let described = fixture.described();
    assert_eq!(described["LastRotatedDate"], rotated.0);
    assert_eq!(described["NextRotationDate"], next);
    // So does going back to the value before.
    fixture.service.advance(5 * DAY_MS);
    let back = json!({
        "SecretId": "db", "VersionStage": "AWSCURRENT", "MoveToVersionId": token(2),
        "RemoveFromVersionId": token(3),
    });
    fixture.call("UpdateSecretVersionStage", &back).unwrap();
    assert_eq!(fixture.described()["NextRotationDate"], next + 5 * DAY_MS);
    // A tag does not.
    fixture.service.advance(5 * DAY_MS);
    fixture.call("TagResource", &json!({"SecretId": "db", "Tags": [{"Key": "a"}]})).unwrap();
    assert_eq!(fixture.described()["NextRotationDate"], next + 5 * DAY_MS);
}

#[test]
fn a_test_is_abandoned_like_a_rotation_but_keeps_what_somebody_took() {
    let mut fixture = RotationFixture::new();
    let mut request = rotate(2);
    request["RotateImmediately"] = false.into();
    let job = fixture.job(&request);
    let put = json!({"SecretId": "db", "ClientRequestToken": token(3), "SecretString": "x"});
    fixture.call("PutSecretValue", &put).unwrap();
    assert_eq!(fixture.stages(), "1[AWSPREVIOUS] 3[AWSCURRENT]");
    assert!(fixture.capability(&job, Step::Test).is_err());

    let mut fixture = RotationFixture::new();
    let job = fixture.job(&request);
    let promote = json!({
        "SecretId": "db", "VersionStage": "AWSCURRENT", "MoveToVersionId": token(2),
        "RemoveFromVersionId": token(1),
    });
    fixture.call("UpdateSecretVersionStage", &promote).unwrap();
    assert_eq!(fixture.stages(), MOVED);
    assert!(fixture.capability(&job, Step::Test).is_err());
    fixture.service.require_sound();
}

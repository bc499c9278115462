use serde_json::{Value as Json, json};

use super::*;
use crate::service::caller::Step;
use crate::service::jobs::fixture::{
    Break, DONE, FUNCTION, How, Refusal, RotationFixture, again, rotate, token,
};
use crate::vault::rotation::{Command, Protocol};

const NO_FUNCTION: &str = "No Lambda rotation function ARN is associated with this secret.";
const NOT_COMPLETE: &str = "A previous rotation isn't complete. That rotation will be reattempted.";

/// A request that is refused for nothing, with these members beside.
fn request(more: &Json) -> Json {
    let mut request = json!({
        "SecretId": "db", "ClientRequestToken": token(2), "RotationLambdaARN": FUNCTION,
    });
    for (name, value) in more.as_object().unwrap() {
        if value.is_null() {
            request.as_object_mut().unwrap().remove(name);
        } else {
            request[name] = value.clone();
        }
    }
    request
}

/// Requires that a request is refused so, and that nothing is stored.
#[track_caller]
fn refuses(fixture: &mut RotationFixture, more: &Json, code: &str, message: &str) {
    let before = fixture.service.snapshot();
    let refused: Refusal = fixture.begin(&request(more)).err().expect("it was not refused");
    assert_eq!((refused.0.as_str(), refused.1.as_str()), (code, message), "{more}");
    assert!(fixture.service.snapshot() == before, "{more} stored something");
}

const PARAMETER: &str = "InvalidParameterException";
const REQUEST: &str = "InvalidRequestException";

#[test]
fn what_is_wrong_is_refused_in_this_order() {
    // Each has what is wrong in all those after it as well.
    let rules = json!({"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"});
    let role = "arn:aws:iam::000000000000:role/r";
    let mut fixture = RotationFixture::new();
    let all = json!({
        "SecretId": "x", "ClientRequestToken": null, "RotationRules": rules,
        "ExternalSecretRotationRoleArn": role, "RotationLambdaARN": null,
    });
    let mut left = all;
    let no_token = "You must provide a ClientRequestToken value. We recommend a UUID-type value.";
    refuses(&mut fixture, &left, PARAMETER, no_token);
    left["ClientRequestToken"] = token(2).into();
    refuses(&mut fixture, &left, PARAMETER, &refusals::no_roles().message);
    left["ExternalSecretRotationRoleArn"] = Json::Null;
    let both = "You cannot specify both rotation frequency and schedule expression together.";
    refuses(&mut fixture, &left, PARAMETER, both);
    left["RotationRules"] = json!({"ScheduleExpression": "rate(24 hours)"});
    let rate = "Rate in hour should be least 4 and less than 24.";
    refuses(&mut fixture, &left, PARAMETER, rate);
    left["RotationRules"] = json!({"ScheduleExpression": "rate(4 hours)"});
    // What the request alone shows comes before the secret is looked for.
    let missing = "Secrets Manager can't find the specified secret.";
    refuses(&mut fixture, &left, "ResourceNotFoundException", missing);
    left["SecretId"] = "db".into();
    fixture.call("DeleteSecret", &json!({"SecretId": "db"})).unwrap();
    refuses(&mut fixture, &left, REQUEST, &Fault::marked_for_deletion().message);
    fixture.call("RestoreSecret", &json!({"SecretId": "db"})).unwrap();
    refuses(&mut fixture, &left, REQUEST, NO_FUNCTION);
    left["RotationLambdaARN"] = "".into();
    refuses(&mut fixture, &left, REQUEST, NO_FUNCTION);
    fixture.service.begin_rotation("db", &token(7));
    left["RotationLambdaARN"] = "/missing".into();
    refuses(&mut fixture, &left, "AccessDeniedException", "there is no /missing");
    left["RotationLambdaARN"] = FUNCTION.into();
    refuses(&mut fixture, &left, REQUEST, NOT_COMPLETE);
}

#[test]
fn nobody_to_run_it_is_nobody_to_invoke() {
    let mut fixture = RotationFixture::new();
    let before = fixture.service.snapshot();
    for function in [FUNCTION, BUILTIN] {
        let request = request(&json!({"RotationLambdaARN": function}));
        let refused = fixture.call("RotateSecret", &request).unwrap_err();
        assert_eq!(refused.0, "AccessDeniedException");
        assert_eq!(refused.1, refusals::cannot_invoke().message);
    }
    let request = request(&json!({"RotationLambdaARN": null}));
    assert_eq!(fixture.call("RotateSecret", &request).unwrap_err().1, NO_FUNCTION);
    assert!(fixture.service.snapshot() == before);
    let log: Vec<_> = fixture.service.events().into_iter().map(|event| event.outcome).collect();
    let denied = "AccessDeniedException";
    assert_eq!(log[2..], [denied, denied, "InvalidRequestException"]);
}

#[test]
fn functions_are_named_in_one_way_only() {
    let mut fixture = RotationFixture::new();
    fixture.own = Some(Command::new(vec!["/opt/own".to_owned()], Protocol::Stdio));
    refuses(&mut fixture, &json!({}), PARAMETER, &refusals::two_functions().message);
    let job = fixture.job(&request(&json!({"RotationLambdaARN": null})));
    assert_eq!(job.function, "arn:local:exec:/opt/own");
    assert_eq!((job.command.protocol, job.resumed), (Protocol::Stdio, false));
    // Options without a command are for the one that is named, or stored.
    let mut fixture = RotationFixture::new();
    let options = Command { timeout_s: 9, ..Command::new(Vec::new(), Protocol::Lambda) };
    fixture.own = Some(options.clone());
    refuses(&mut fixture, &json!({"RotationLambdaARN": null}), REQUEST, NO_FUNCTION);
    let builtin = json!({"RotationLambdaARN": BUILTIN});
    refuses(&mut fixture, &builtin, PARAMETER, &refusals::no_options().message);
    let job = fixture.job(&request(&json!({})));
    assert_eq!((job.command.timeout_s, &job.command.argv[..]), (9, &["/opt/rotate".into()][..]));

    let mut fixture = RotationFixture::new();
    fixture.rotate(&request(&builtin)).unwrap();
    fixture.own = Some(options);
    let stored = json!({"RotationLambdaARN": null, "ClientRequestToken": token(3)});
    refuses(&mut fixture, &stored, PARAMETER, &refusals::no_options().message);
}

#[test]
fn what_is_left_out_stays() {
    let mut fixture = RotationFixture::new();
    let metadata = json!([{"Key": "host", "Value": "db.local"}]);
    let first = json!({
        "RotationRules": {"ScheduleExpression": "rate(10 days)", "Duration": "3h"},
        "ExternalSecretRotationMetadata": metadata,
    });
    fixture.rotate(&request(&first)).unwrap();
    let before = fixture.described();
    let rules = json!({
        "AutomaticallyAfterDays": 10, "Duration": "3h", "ScheduleExpression": "rate(10 days)",
    });
    assert_eq!(before["RotationRules"], rules);
    assert_eq!(before["ExternalSecretRotationMetadata"], metadata);
    let listed = fixture.call("ListSecrets", &json!({})).unwrap();
    for member in ["RotationEnabled", "RotationRules", "RotationLambdaARN", "NextRotationDate"] {
        assert_eq!(listed["SecretList"][0][member], before[member], "{member}");
    }
    let bare = json!({"RotationLambdaARN": null, "ClientRequestToken": token(3)});
    fixture.rotate(&request(&bare)).unwrap();
    assert_eq!(fixture.described()["RotationRules"], rules);
    assert_eq!(fixture.described()["ExternalSecretRotationMetadata"], metadata);
    // New rules take the place of all of the old.
    let next = json!({
        "ClientRequestToken": token(4), "RotationRules": {"AutomaticallyAfterDays": 7},
        "RotationLambdaARN": "/opt/other", "ExternalSecretRotationMetadata": [],
    });
    fixture.rotate(&request(&next)).unwrap();
    let described = fixture.described();
    assert_eq!(described["RotationRules"], json!({"AutomaticallyAfterDays": 7}));
    assert_eq!(described["RotationLambdaARN"], "arn:local:exec:/opt/other");
    assert_eq!(described.get("ExternalSecretRotationMetadata"), None);
}

#[test]
fn a_metadata_item_has_both_halves() {
    // The command line refused this in AWS's words, though AWS's model lets either be missing.
    let mut fixture = RotationFixture::new();
    for item in [json!({"Key": "a"}), json!({"Value": "b"}), json!({})] {
        let more = json!({"ExternalSecretRotationMetadata": [item]});
        let refused = fixture.begin(&request(&more)).err().unwrap();
        assert_eq!(refused.1, "A metadata item must have a key and a value.");
    }
}

#[test]
fn the_members_stand_where_aws_has_them() {
    let mut fixture = RotationFixture::new();
    let more = json!({"RotationRules": {"AutomaticallyAfterDays": 30}});
    fixture.rotate(&request(&more)).unwrap();
    let described = fixture.described();
    let names: Vec<&String> = described.as_object().unwrap().keys().collect();
    let expected = [
        "ARN",
        "Name",
        "RotationEnabled",
        "RotationLambdaARN",
        "RotationRules",
        "LastRotatedDate",
        "LastChangedDate",
        "LastAccessedDate",
        "NextRotationDate",
        "VersionIdsToStages",
        "CreatedDate",
    ];
    assert_eq!(names, expected);
}

#[test]
fn an_empty_version_is_there_but_has_no_value() {
    let mut fixture = RotationFixture::new();
    let job = fixture.job(&request(&json!({})));
    assert_eq!(fixture.stages(), "1[AWSCURRENT] 2[empty AWSPENDING]");
    let described = fixture.described();
    assert_eq!(described["VersionIdsToStages"][token(2)], json!(["AWSPENDING"]));
    let listed = fixture.call("ListSecretVersionIds", &json!({"SecretId": "db"})).unwrap();
    assert_eq!(listed["Versions"][1]["VersionId"], token(2));
    for (asked, named) in [
        (json!({"VersionStage": "AWSPENDING"}), "staging label: AWSPENDING".to_owned()),
        (json!({"VersionId": token(2)}), format!("VersionId: {}", token(2))),
        (
            json!({"VersionId": token(2), "VersionStage": "AWSPENDING"}),
            format!("VersionId: {}", token(2)),
        ),
    ] {
        let mut request = asked;
        request["SecretId"] = job.arn.clone().into();
        let missing = fixture.call("GetSecretValue", &request).unwrap_err();
        let message = format!("Secrets Manager can't find the specified secret value for {named}");
        assert_eq!(missing, ("ResourceNotFoundException".to_owned(), message));
    }
}

#[test]
fn a_label_beside_awscurrent_is_in_nobody_s_way() {
    let mut fixture = RotationFixture::new();
    let label = json!({
        "SecretId": "db", "VersionStage": "AWSPENDING", "MoveToVersionId": token(1),
    });
    fixture.call("UpdateSecretVersionStage", &label).unwrap();
    fixture.rotate(&request(&json!({}))).unwrap();
    assert_eq!(fixture.stages(), "1[AWSPREVIOUS] 2[AWSCURRENT]");
}

#[test]
fn a_rotation_goes_on_only_for_whom_it_may() {
    for (resume, asked, goes_on) in [
        (Resume::IfPossible, 3, true),
        (Resume::IfSame, 3, false),
        (Resume::IfSame, 2, true),
        (Resume::No, 2, false),
        (Resume::Yes, 3, true),
    ] {
        let mut fixture = RotationFixture::new();
        let at = Break::After(Step::Set);
        fixture.rotate_until(&request(&json!({})), at, How::Killed).unwrap_err();
        fixture.resume = resume;
        let more = json!({"ClientRequestToken": token(asked)});
        if goes_on {
            let job = fixture.job(&request(&more));
            assert!(job.resumed && job.token == token(2) && job.pending_config.is_none());
            assert_eq!(
                fixture.run(&job, Break::Nowhere, How::Fails).unwrap()["VersionId"],
                token(2)
            );
        } else {
            refuses(&mut fixture, &more, REQUEST, NOT_COMPLETE);
        }
        fixture.service.require_sound();
    }
    // A test has nothing to go on with.
    let mut fixture = RotationFixture::new();
    let at = Break::After(Step::Set);
    fixture.rotate_until(&request(&json!({})), at, How::Killed).unwrap_err();
    refuses(&mut fixture, &json!({"RotateImmediately": false}), REQUEST, NOT_COMPLETE);
}

#[test]
fn a_secret_without_a_value_waits_for_its_first_window() {
    let mut fixture = RotationFixture::new();
    fixture.call("CreateSecret", &json!({"Name": "new", "ClientRequestToken": token(1)})).unwrap();
    let more = json!({
        "SecretId": "new", "RotateImmediately": false, "RotationLambdaARN": BUILTIN,
        "RotationRules": {"ScheduleExpression": "rate(10 days)"},
    });
    fixture.rotate(&request(&more)).unwrap();
    let described = fixture.call("DescribeSecret", &json!({"SecretId": "new"})).unwrap();
    let midnight = fixture.service.now().midnight().plus_days(2).0;
    assert_eq!(described["NextRotationDate"], midnight - 1_000);
    assert_eq!(described.get("VersionIdsToStages"), None);
    // Rotated, it gets its first value.
    let more = json!({
        "SecretId": "new", "ClientRequestToken": token(3), "RotationLambdaARN": null,
    });
    fixture.rotate(&request(&more)).unwrap();
    let value = fixture.call("GetSecretValue", &json!({"SecretId": "new"})).unwrap();
    assert_eq!(value["VersionStages"], json!(["AWSCURRENT"]));
    fixture.service.require_sound();
}

/// A request that finds a rotation at work when it stores its own begins no rotation.
#[test]
fn one_is_at_work_at_a_time() {
    let mut fixture = RotationFixture::new();
    fixture.rotate_until(&rotate(2), Break::After(Step::Set), How::Killed).unwrap_err();
    let lease = fixture.service.record("db").unwrap().progress.unwrap().lease.unwrap();
    assert_eq!(lease.holder.host, "here");
    assert_eq!(lease.until.0 - fixture.service.now().0, 4 * (60 + 30) * 1_000);
    fixture.minds_others = true;
    let refused = fixture.rotate(&again(2)).unwrap_err();
    assert!(refused.1.starts_with("A previous rotation isn't complete."), "{refused:?}");
    fixture.minds_others = false;
    fixture.rotate_until(&again(2), Break::Before(Step::Test), How::Fails).unwrap_err();
    assert_eq!(fixture.service.record("db").unwrap().progress.unwrap().lease, None);
    fixture.minds_others = true;
    fixture.rotate(&again(2)).unwrap();
    assert_eq!(fixture.stages(), DONE);
}

#[test]
fn what_was_cancelled_goes_on_only_if_somebody_says_so() {
    let mut fixture = RotationFixture::new();
    fixture.rotate_until(&rotate(2), Break::After(Step::Set), How::Fails).unwrap_err();
    fixture.call("CancelRotateSecret", &json!({"SecretId": "db"})).unwrap();
    for resume in [Resume::IfPossible, Resume::IfSame, Resume::No] {
        fixture.resume = resume;
        let before = fixture.service.snapshot();
        assert!(fixture.begin(&rotate(3)).is_err(), "{resume:?}");
        assert!(fixture.service.snapshot() == before);
    }
    fixture.resume = Resume::Yes;
    let answer = fixture.rotate(&again(3)).unwrap();
    assert_eq!(answer["VersionId"], token(2));
    assert_eq!(fixture.described()["RotationEnabled"], true);
    // Without anything left over it is simply turned on again.
    fixture.resume = Resume::IfPossible;
    fixture.call("CancelRotateSecret", &json!({"SecretId": "db"})).unwrap();
    assert_eq!(fixture.described().get("LastRotatedDate"), None);
    assert_eq!(fixture.rotate(&again(3)).unwrap()["VersionId"], token(3));
    assert_eq!(fixture.described()["RotationEnabled"], true);
}

#[test]
fn a_token_whose_version_is_current_is_answered_once_more() {
    let mut fixture = RotationFixture::new();
    fixture.rotate(&rotate(2)).unwrap();
    let before = fixture.service.snapshot();
    let Ok(Started::Done(answer)) = fixture.begin(&again(2)) else { panic!() };
    assert!(answer.get("VersionId") == Some(&Value::Text(token(2))));
    let used = fixture.begin(&again(1)).err().unwrap();
    assert!(used.1.starts_with("You can't use ClientRequestToken"), "{used:?}");
    assert!(fixture.service.snapshot() == before);
}

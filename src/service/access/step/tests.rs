use serde_json::{Value as Json, json};

use super::*;
use crate::service::caller::Caller;
use crate::service::dispatch::{Call, dispatch};
use crate::service::jobs::fixture::{Break, FUNCTION, How, RotationFixture, token};
use crate::service::operations;
use crate::service::testing::told;
use crate::vault::transaction::Access;

const DENIED: &str = "AccessDeniedException";

/// A fixture in which a rotation of `db` to version 3 has its value and no more, with 2 the current
/// and 1 the previous version; `admin` may be read, `other` may not.
fn scene() -> (RotationFixture, Capability) {
    let mut fixture = RotationFixture::new();
    for name in ["admin", "other"] {
        let request = json!({"Name": name, "ClientRequestToken": token(1), "SecretString": name});
        fixture.call("CreateSecret", &request).unwrap();
    }
    let put = json!({"SecretId": "db", "ClientRequestToken": token(2), "SecretString": "2"});
    fixture.call("PutSecretValue", &put).unwrap();
    fixture.password = "2".to_owned();
    let rotate = json!({
        "SecretId": "db", "ClientRequestToken": token(3), "RotationLambdaARN": FUNCTION,
    });
    let job = fixture.job(&rotate);
    fixture.run(&job, Break::After(Step::Create), How::Killed).unwrap_err();
    let mut capability = fixture.capability(&job, Step::Create).unwrap();
    let admin = fixture.call("DescribeSecret", &json!({"SecretId": "admin"})).unwrap();
    capability.reads = vec![admin["ARN"].as_str().unwrap().to_owned()];
    (fixture, capability)
}

/// A request about `db`.
fn own(more: &Json) -> Json {
    of("db", more)
}

fn of(id: &str, more: &Json) -> Json {
    let mut request = more.clone();
    request["SecretId"] = id.into();
    request
}

fn put(number: u32, stages: &Json) -> Json {
    own(&json!({
        "ClientRequestToken": token(number), "SecretString": "s", "VersionStages": stages,
    }))
}

/// Which steps may do what, by their first letters. Whether the call then succeeds is another
/// matter.
fn reads() -> Vec<(&'static str, &'static str, Json)> {
    let value = "GetSecretValue";
    let stage = |label: &str| json!({"VersionStage": label});
    let version = |number: u32| json!({"VersionId": token(number)});
    vec![
        ("cstf", "DescribeSecret", own(&json!({}))),
        ("cstf", "ListSecretVersionIds", own(&json!({}))),
        ("cstf", value, own(&json!({}))),
        ("cstf", value, own(&stage("AWSCURRENT"))),
        ("cstf", value, own(&version(2))),
        ("cstf", value, own(&stage("AWSPENDING"))),
        ("cstf", value, own(&version(3))),
        ("cstf", value, own(&json!({"VersionId": token(3), "VersionStage": "AWSPENDING"}))),
        ("st", value, own(&stage("AWSPREVIOUS"))),
        ("st", value, own(&version(1))),
        ("", value, own(&stage("mine"))),
        ("", value, own(&version(9))),
        ("cst", value, of("admin", &json!({}))),
        ("cst", value, of("admin", &stage("AWSCURRENT"))),
        ("", value, of("admin", &stage("AWSPREVIOUS"))),
        ("", value, of("admin", &version(1))),
        ("cst", "DescribeSecret", of("admin", &json!({}))),
        ("", "ListSecretVersionIds", of("admin", &json!({}))),
        ("", "DescribeSecret", of("other", &json!({}))),
        ("", value, of("other", &json!({}))),
        ("cstf", "ListSecrets", json!({})),
        ("", value, of("nowhere", &json!({}))),
        ("cs", "GetRandomPassword", json!({})),
    ]
}

fn writes() -> Vec<(&'static str, &'static str, Json)> {
    let move_label = |label: &str, to: Option<u32>, from: u32| {
        let mut request = json!({"VersionStage": label, "RemoveFromVersionId": token(from)});
        if let Some(to) = to {
            request["MoveToVersionId"] = token(to).into();
        }
        own(&request)
    };
    let unlabelled = own(&json!({"ClientRequestToken": token(3), "SecretString": "s"}));
    let (value, stage) = ("PutSecretValue", "UpdateSecretVersionStage");
    let pending = json!(["AWSPENDING"]);
    vec![
        ("c", value, put(3, &pending)),
        ("", value, put(4, &pending)),
        ("f", value, put(3, &json!(["AWSCURRENT"]))),
        ("", value, put(2, &json!(["AWSCURRENT"]))),
        ("", value, put(3, &json!(["AWSPENDING", "AWSCURRENT"]))),
        ("", value, put(3, &json!(["AWSPENDING", "AWSPENDING"]))),
        ("", value, unlabelled),
        ("", value, of("admin", &put(3, &pending))),
        ("cstf", "TagResource", own(&json!({"Tags": [{"Key": "a", "Value": "b"}]}))),
        ("", "TagResource", of("admin", &json!({"Tags": [{"Key": "a", "Value": "b"}]}))),
        ("f", stage, move_label("AWSCURRENT", Some(3), 2)),
        ("", stage, move_label("AWSCURRENT", Some(1), 2)),
        ("", stage, move_label("AWSPENDING", None, 3)),
        ("", stage, move_label("mine", Some(3), 2)),
    ]
}

#[test]
fn each_step_may_do_what_it_is_for() {
    for (steps, operation, request) in reads().into_iter().chain(writes()) {
        for step in Step::ALL {
            let (mut fixture, mut capability) = scene();
            capability.step = step;
            let caller = Caller::Step(capability);
            let outcome = fixture.child(&caller, operation, &request);
            let is_denied = outcome.as_ref().is_err_and(|(code, _)| code == DENIED);
            let (name, letter) = (step.name(), step.name().chars().next().unwrap());
            assert_eq!(!is_denied, steps.contains(letter), "{name} {operation} {request}");
        }
    }
}

#[test]
fn everything_else_is_denied_in_every_step() {
    let (mut fixture, mut capability) = scene();
    let before = fixture.service.snapshot();
    let allowed = [
        "DescribeSecret",
        "GetRandomPassword",
        "GetSecretValue",
        "ListSecretVersionIds",
        "ListSecrets",
        "PutSecretValue",
        "TagResource",
        "UpdateSecretVersionStage",
    ];
    for entry in operations::ALL.iter().filter(|entry| !allowed.contains(&entry.name)) {
        for step in Step::ALL {
            capability.step = step;
            let caller = Caller::Step(capability.clone());
            let before = fixture.service.events().len();
            let id = ("SecretId".to_owned(), Value::Text("db".to_owned()));
            let request = Value::Map(vec![id]);
            let call = Call { entry, request, region: None, caller: &caller, boundaries: None };
            let refused = fixture.service.with(|vault, context| dispatch(vault, call, context));
            let refused = refused.map_err(told).err().unwrap();
            assert_eq!(refused.0, DENIED, "{}", entry.name);
            let expected = format!(
                "The {} step of a rotation is not allowed to perform: secretsmanager:{} with \
                 these parameters.",
                step.name(),
                entry.name
            );
            assert_eq!(refused.1, expected);
            // What was tried is logged; a refused read too, as any read is.
            let events = fixture.service.events().split_off(before);
            assert_eq!(events.len(), 1, "{}", entry.name);
            assert_eq!(events[0].outcome, DENIED);
            assert_eq!(events[0].via, format!("rotation:{}", step.name()));
        }
    }
    assert!(fixture.service.snapshot() == before);
}

#[test]
fn a_handler_may_tidy_up_after_it_moved_the_label() {
    let (mut fixture, mut capability) = scene();
    capability.step = Step::Finish;
    let caller = Caller::Step(capability);
    let moved = json!({
        "SecretId": "db", "VersionStage": "AWSCURRENT", "MoveToVersionId": token(3),
        "RemoveFromVersionId": token(2),
    });
    let tidied = json!({
        "SecretId": "db", "VersionStage": "AWSPENDING", "RemoveFromVersionId": token(3),
    });
    fixture.child(&caller, "UpdateSecretVersionStage", &tidied).unwrap_err();
    fixture.child(&caller, "UpdateSecretVersionStage", &moved).unwrap();
    fixture.child(&caller, "UpdateSecretVersionStage", &tidied).unwrap();
    assert_eq!(fixture.stages(), "1[] 2[AWSPREVIOUS] 3[AWSCURRENT]");
}

/// AWS's templates for several users describe the administrator's secret before they read it.
#[test]
fn what_may_be_read_of_others_may_be_described_and_nothing_else_is_listed() {
    let (mut fixture, capability) = scene();
    let caller = Caller::Step(capability);
    fixture.child(&caller, "DescribeSecret", &json!({"SecretId": "admin"})).unwrap();
    for (request, expected) in [
        (json!({}), json!(["admin", "db"])),
        (json!({"Filters": [{"Key": "name", "Values": ["other", "admin"]}]}), json!(["admin"])),
    ] {
        let listed = fixture.child(&caller, "ListSecrets", &request).unwrap();
        let names = listed["SecretList"].as_array().unwrap().iter();
        let mut names: Vec<&str> = names.map(|one| one["Name"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(json!(names), expected, "{request}");
    }
    assert_eq!(fixture.call("ListSecrets", &json!({})).unwrap()["SecretList"][2]["Name"], "other");
}

/// Some functions end by storing the pending value once more, as the current one. In AWS as
/// here that changes nothing: the label is moved when the step is over.
#[test]
fn a_handler_may_finish_by_storing_its_value_as_the_current_one() {
    let (mut fixture, mut capability) = scene();
    capability.step = Step::Finish;
    let caller = Caller::Step(capability);
    let pending = fixture.value("AWSPENDING").unwrap();
    let mut request = put(3, &json!(["AWSCURRENT"]));
    let refused = fixture.child(&caller, "PutSecretValue", &request).unwrap_err();
    assert_eq!(refused.0, "ResourceExistsException");
    request["SecretString"] = pending.into();
    fixture.child(&caller, "PutSecretValue", &request).unwrap();
    assert_eq!(fixture.stages(), "1[AWSPREVIOUS] 2[AWSCURRENT] 3[AWSPENDING]");
}

#[test]
fn what_may_only_read_writes_nothing() {
    let (mut fixture, mut capability) = scene();
    capability.read_only = true;
    for (step, operation, more) in [
        (Step::Test, "TagResource", json!({"Tags": [{"Key": "a", "Value": "b"}]})),
        (
            Step::Create,
            "PutSecretValue",
            json!({"SecretString": "s", "VersionStages": ["AWSPENDING"]}),
        ),
        (
            Step::Finish,
            "UpdateSecretVersionStage",
            json!({"VersionStage": "AWSCURRENT", "MoveToVersionId": token(3)}),
        ),
    ] {
        capability.step = step;
        let mut request = more;
        request["SecretId"] = "db".into();
        if operation == "PutSecretValue" {
            request["ClientRequestToken"] = token(3).into();
        }
        let caller = Caller::Step(capability.clone());
        assert_eq!(fixture.child(&caller, operation, &request).unwrap_err().0, DENIED);
    }
}

#[test]
fn no_member_counts_twice() {
    let (mut fixture, mut capability) = scene();
    capability.step = Step::Set;
    let member = |name: &str, value: &str| (name.to_owned(), Value::Text(value.to_owned()));
    let request = Value::Map(vec![
        member("SecretId", "admin"),
        member("VersionStage", "AWSCURRENT"),
        member("SecretId", "other"),
    ]);
    let allowed = fixture.service.with(|vault, context| {
        let mut transaction = vault.begin(Access::Read, context).unwrap();
        let mut cx = Context::new(&mut transaction, None, "local-1");
        capability.allows(&mut cx, Action::GetSecretValue, &request).unwrap()
    });
    assert!(!allowed);
}

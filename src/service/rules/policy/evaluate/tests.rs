use super::super::parse::parse;
use super::super::request::Resource;
use super::*;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::action::Action;

const BOB: &str = "arn:aws:iam::123456789012:user/Bob";
const DB: &str = "arn:aws:secretsmanager:local-1:123456789012:secret:app/db-AbCdEf";

fn request(caller: &str, action: Action) -> Request {
    Request::new(Identity::read(caller).unwrap(), action, Timestamp(1_772_368_245_000)).on(
        &Resource {
            arn: DB,
            tags: &[("Team".to_owned(), "blue".to_owned())],
            primary_region: None,
            rotation_lambda_arn: None,
            secret_type: None,
        },
    )
}

fn policy(statements: &str) -> Policy {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#);
    parse(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// What a policy says, but for the statement by which it does.
fn said(policy: &Policy, request: &Request) -> Option<Effect> {
    match decide(policy, request) {
        Decision::Allow(..) => Some(Effect::Allow),
        Decision::Deny(_) => Some(Effect::Deny),
        Decision::NoOpinion => None,
    }
}

fn check(statements: &str, request: &Request, expected: Option<Effect>) {
    assert_eq!(said(&policy(statements), request), expected, "{statements}");
}

fn statement(effect: &str, rest: &str) -> String {
    let mut members = vec![format!(r#""Effect":"{effect}""#)];
    for (element, default) in [
        ("Principal", r#""Principal":"*""#),
        ("Action", r#""Action":"*""#),
        ("Resource", r#""Resource":"*""#),
    ] {
        if !rest.contains(&format!("{element}\":")) {
            members.push(default.to_owned());
        }
    }
    members.extend((!rest.is_empty()).then(|| rest.to_owned()));
    format!("{{{}}}", members.join(","))
}

#[test]
fn denies_whatever_else_is_allowed() {
    let bob = request(BOB, Action::GetSecretValue);
    let (allow, deny) = (statement("Allow", ""), statement("Deny", ""));
    let other = statement("Deny", r#""Action":"secretsmanager:DeleteSecret""#);
    for (statements, expected) in [
        (format!("[{allow}]"), Some(Effect::Allow)),
        (allow.clone(), Some(Effect::Allow)),
        (format!("[{deny}]"), Some(Effect::Deny)),
        (format!("[{allow},{deny}]"), Some(Effect::Deny)),
        (format!("[{deny},{allow}]"), Some(Effect::Deny)),
        (format!("[{allow},{other}]"), Some(Effect::Allow)),
        (format!("[{other}]"), None),
    ] {
        check(&statements, &bob, expected);
    }
}

#[test]
fn a_deny_to_all_but_some_spares_nobody_for_his_account() {
    let root = "arn:aws:iam::123456789012:root";
    let eve = "arn:aws:iam::123456789012:user/Eve";
    for (spared, caller, expected) in [
        (vec![BOB, root], BOB, None),
        (vec![BOB, root], root, None),
        (vec![BOB, root], eve, Some(Effect::Deny)),
        (vec![root], BOB, Some(Effect::Deny)),
        (vec!["123456789012"], BOB, Some(Effect::Deny)),
        (vec!["123456789012"], root, None),
        (vec!["210987654321"], root, Some(Effect::Deny)),
    ] {
        let spared = spared.join("\",\"");
        let deny = statement("Deny", &format!(r#""NotPrincipal":{{"AWS":["{spared}"]}}"#));
        check(&deny, &request(caller, Action::GetSecretValue), expected);
    }
    // Whom an Allow leaves out by his account is left out.
    let allow = statement("Allow", r#""NotPrincipal":{"AWS":"123456789012"}"#);
    check(&allow, &request(BOB, Action::GetSecretValue), None);
}

#[test]
fn tags_that_differ_in_capitals_alone_let_nobody_in() {
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    for (tags, is_sure) in [
        (vec![tag("Team", "blue")], true),
        (vec![tag("Team", "blue"), tag("team", "blue")], true),
        (vec![tag("Team", "blue"), tag("Other", "red")], true),
        (vec![tag("Team", "blue"), tag("team", "red")], false),
        (vec![tag("team", "red"), tag("Team", "blue")], false),
    ] {
        let caller = Identity::read(BOB).unwrap();
        let request = Request::new(caller, Action::GetSecretValue, Timestamp(0)).on(&Resource {
            arn: DB,
            tags: &tags,
            primary_region: None,
            rotation_lambda_arn: None,
            secret_type: None,
        });
        for key in ["aws:ResourceTag/Team", "secretsmanager:ResourceTag/team"] {
            let is_blue = format!(r#""Condition":{{"StringEquals":{{"{key}":"blue"}}}}"#);
            let is_not_blue = format!(r#""Condition":{{"StringNotEquals":{{"{key}":"blue"}}}}"#);
            let allowed = is_sure.then_some(Effect::Allow);
            check(&statement("Allow", &is_blue), &request, allowed);
            check(&statement("Allow", &is_not_blue), &request, None);
            check(&statement("Deny", &is_blue), &request, Some(Effect::Deny));
            let denied = (!is_sure).then_some(Effect::Deny);
            check(&statement("Deny", &is_not_blue), &request, denied);
        }
    }
}

#[test]
fn applies_where_every_part_does() {
    for (rest, expected) in [
        (r#""Principal":{"AWS":"123456789012"}"#, true),
        (r#""Principal":{"AWS":["arn:aws:iam::123456789012:user/Eve","*"]}"#, true),
        (r#""Principal":{"AWS":"arn:aws:iam::123456789012:user/Eve"}"#, false),
        (r#""Principal":{"Service":"lambda.amazonaws.com"}"#, false),
        (r#""NotPrincipal":{"AWS":"arn:aws:iam::123456789012:user/Eve"}"#, true),
        (r#""NotPrincipal":{"AWS":["arn:aws:iam::123456789012:user/Bob"]}"#, false),
        (r#""NotPrincipal":"*""#, false),
        (r#""Action":"secretsmanager:GetSecretValue""#, true),
        (r#""Action":"SecretsManager:getsecretvalue""#, true),
        (r#""Action":"secretsmanager:Get*""#, true),
        (r#""Action":"secretsmanager:Get?ecretValue""#, true),
        (r#""Action":["secretsmanager:Put*","*:Get*"]"#, true),
        (r#""Action":"secretsmanager:GetSecret""#, false),
        (r#""Action":"s3:*""#, false),
        (r#""NotAction":"secretsmanager:Put*""#, true),
        (r#""NotAction":["s3:*","secretsmanager:Get*"]"#, false),
        (r#""Resource":"arn:aws:secretsmanager:*:123456789012:secret:app/*""#, true),
        (r#""Resource":"arn:aws:secretsmanager:local-1:123456789012:secret:app/db-??????""#, true),
        (r#""Resource":"arn:aws:secretsmanager:*""#, true),
        (r#""Resource":"arn:aws:secretsmanager:*:123456789012:secret:APP/*""#, false),
        (r#""Resource":"arn:aws:secretsmanager:local-2:*:*""#, false),
        (r#""Resource":"arn:aws:secretsmanager:*:*:secret:*/${aws:username}-*""#, false),
        (r#""Resource":"arn:aws:secretsmanager:*:*:secret:*${aws:ResourceTag/Stage}*""#, false),
        (r#""NotResource":"arn:aws:secretsmanager:*:*:secret:web/*""#, true),
        (r#""NotResource":"arn:aws:secretsmanager:*:*:secret:app/*""#, false),
        (r#""Condition":{}"#, true),
        (r#""Condition":{"StringEquals":{}}"#, true),
        (r#""Condition":{"StringEquals":{"aws:username":"Bob"}}"#, true),
        (r#""Condition":{"StringEquals":{"aws:username":"Eve"}}"#, false),
        (
            r#""Condition":{"StringEquals":{"aws:username":"Bob","aws:PrincipalType":"Role"}}"#,
            false,
        ),
        (
            r#""Condition":{"StringEquals":{"aws:username":"Bob"},"Bool":{"aws:SecureTransport":false}}"#,
            false,
        ),
    ] {
        let bob = request(BOB, Action::GetSecretValue);
        let allowed = if expected { Some(Effect::Allow) } else { None };
        check(&statement("Allow", rest), &bob, allowed);
        let denied = if expected { Some(Effect::Deny) } else { None };
        check(&statement("Deny", rest), &bob, denied);
    }
}

#[test]
fn knows_the_keys_of_secrets_manager() {
    use Action::{
        CreateSecret as Create, DeleteSecret as Delete, GetSecretValue as Read,
        PutResourcePolicy as PutPolicy, PutSecretValue as Write, TagResource as Tag,
    };
    let text = |text: &str| Value::Text(text.to_owned());
    let tag = Value::Map(vec![("Key".to_owned(), text("Env")), ("Value".to_owned(), text("x"))]);
    let members = [
        ("VersionStage", text("AWSPREVIOUS")),
        ("VersionId", text("0123")),
        ("Name", text("app/db")),
        ("ForceDeleteWithoutRecovery", Value::Boolean(true)),
        ("RecoveryWindowInDays", Value::Integer(14)),
        ("BlockPublicPolicy", Value::Boolean(false)),
        ("Tags", Value::List(vec![tag])),
    ];
    let members = Value::Map(members.map(|(name, value)| (name.to_owned(), value)).to_vec());
    for (action, condition, expected) in [
        (Read, r#""StringEquals":{"secretsmanager:VersionStage":"AWSPREVIOUS"}"#, true),
        (Read, r#""StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}"#, false),
        (Read, r#""ForAnyValue:StringEquals":{"secretsmanager:VersionStage":"AWSPREVIOUS"}"#, true),
        (Read, r#""StringLike":{"secretsmanager:VersionId":"01*"}"#, true),
        (Write, r#""StringLike":{"secretsmanager:VersionId":"01*"}"#, false),
        (Read, r#""StringEquals":{"secretsmanager:ResourceTag/Team":"blue"}"#, true),
        (Read, r#""StringEquals":{"aws:ResourceTag/Team":"red"}"#, false),
        (Read, r#""ArnLike":{"secretsmanager:SecretId":"arn:aws:*:*:*:secret:app/*"}"#, true),
        (Create, r#""StringLike":{"secretsmanager:Name":"app/*"}"#, true),
        (Read, r#""StringLike":{"secretsmanager:Name":"app/*"}"#, false),
        (Delete, r#""Bool":{"secretsmanager:ForceDeleteWithoutRecovery":"true"}"#, true),
        (Delete, r#""NumericLessThan":{"secretsmanager:RecoveryWindowInDays":14}"#, false),
        (Delete, r#""NumericGreaterThanEquals":{"secretsmanager:RecoveryWindowInDays":14}"#, true),
        (PutPolicy, r#""Bool":{"secretsmanager:BlockPublicPolicy":true}"#, false),
        (PutPolicy, r#""Bool":{"secretsmanager:BlockPublicPolicy":false}"#, true),
        (Read, r#""Null":{"secretsmanager:SecretPrimaryRegion":true}"#, true),
        (Tag, r#""StringEquals":{"aws:RequestTag/Env":"x"}"#, true),
        (Tag, r#""ForAllValues:StringEquals":{"aws:TagKeys":["Env","Team"]}"#, true),
        (Read, r#""DateLessThan":{"aws:CurrentTime":"2026-03-01T12:30:46Z"}"#, true),
        (Read, r#""NumericLessThan":{"aws:EpochTime":"1772368245"}"#, false),
        (Read, r#""ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:user/Bob"}"#, true),
        (Read, r#""StringEquals":{"aws:PrincipalAccount":"123456789012"}"#, true),
    ] {
        let bob = request(BOB, action).with_members(&members);
        let allowed = if expected { Some(Effect::Allow) } else { None };
        let rest = format!(r#""Condition":{{{condition}}}"#);
        check(&statement("Allow", &rest), &bob, allowed);
    }
}

#[test]
fn has_variables_only_in_the_newer_language() {
    let statement =
        statement("Allow", r#""Condition":{"StringEquals":{"aws:username":"${aws:username}"}}"#);
    for (version, expected) in [
        (r#""Version":"2012-10-17","#, Some(Effect::Allow)),
        (r#""Version":"2008-10-17","#, None),
        ("", None),
    ] {
        let policy = parse(&format!(r#"{{{version}"Statement":{statement}}}"#)).unwrap();
        assert_eq!(said(&policy, &request(BOB, Action::GetSecretValue)), expected);
    }
}

#[test]
fn denies_for_certain_only_by_what_is_known() {
    for (rest, expected) in [
        ("", true),
        (r#""Action":"secretsmanager:Put*""#, false),
        (r#""Condition":{"StringEquals":{"aws:username":"Bob"}}"#, true),
        (r#""Condition":{"StringEquals":{"aws:username":"Eve"}}"#, false),
        (r#""Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#, false),
        (r#""Condition":{"Null":{"aws:SourceVpc":true}}"#, false),
    ] {
        let policy = policy(&statement("Deny", rest));
        let denies = denies_for_certain(&policy, &request(BOB, Action::GetSecretValue));
        assert_eq!(denies, expected, "{rest}");
    }
    let allow = policy(&statement("Allow", ""));
    assert!(!denies_for_certain(&allow, &request(BOB, Action::GetSecretValue)));
}

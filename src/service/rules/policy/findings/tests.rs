use super::super::principal::Identity;
use super::super::request::Resource;
use super::*;
use crate::model::time::Timestamp;
use crate::service::rules::arn::Place;

fn request() -> Request {
    let here = Place { account: "123456789012", region: "local-1" };
    Request::new(Identity::root(here), Action::ValidateResourcePolicy, Timestamp(0)).on(&Resource {
        arn: "arn:aws:secretsmanager:local-1:123456789012:secret:db-AbCdEf",
        tags: &[],
        primary_region: None,
        rotation_lambda_arn: None,
        secret_type: None,
    })
}

fn check(text: &str, expected: &[Finding]) {
    assert_eq!(validate(text, &request()).unwrap(), expected, "{text}");
    let refused = put(text, BroadAccess::Refused, &request());
    assert_eq!(refused.err(), expected.first().map(|finding| finding.fault()), "{text}");
}

fn policy(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
}

// The documents of the user guide of 2020, each beside the message it gives there.
const FINE: &str = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/admin"},
        "Action":"secretsmanager:GetSecretValue",
        "Resource":"arn:aws:secretsmanager:us-east-1:123456789012:secret:consolesecret-m4qxfJ"}"#;
const LOCKED: &str =
    r#"{"Effect":"Deny","Principal":"*","Action":"secretsmanager:*","Resource":"*"}"#;
const BROAD: &str =
    r#"{"Effect":"Allow","Principal":"*","Action":"secretsmanager:*","Resource":"*"}"#;
const WRONG: &str =
    r#"{"Effect":"AllowSomething","Principal":"*","Action":"secretsmanager:*","Resource":"*"}"#;
const NOBODY: &str = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::12:user/x"},
        "Action":"secretsmanager:GetSecretValue","Resource":"*"}"#;
const NO_SERVICE: &str = r#"{"Effect":"Allow","Principal":
        {"AWS":"arn:aws:iam::123456789012:user/iam-user","Service":["invalidservice"]},
        "Action":"secretsmanager:GetSecretValue","Resource":"*"}"#;

#[test]
fn finds_what_the_user_guide_finds() {
    check(&policy(FINE), &[]);
    check(&policy(LOCKED), &[Finding::LockOut]);
    check(&policy(BROAD), &[Finding::BroadAccess]);
    check(&policy(WRONG), &[Finding::Syntax]);
    check(&policy(NOBODY), &[Finding::Principal]);
    check(&policy(NO_SERVICE), &[Finding::ServicePrincipal]);
}

#[test]
fn reports_everything_at_once() {
    let all = [WRONG, NOBODY, NO_SERVICE, LOCKED, FINE].join(",");
    check(
        &policy(&all),
        &[Finding::Syntax, Finding::Principal, Finding::ServicePrincipal, Finding::LockOut],
    );
    // What is denied to everybody is not broad; without the denial it is.
    check(&policy(&format!("{BROAD},{LOCKED}")), &[Finding::LockOut]);
    check(&policy(&format!("{BROAD},{NOBODY}")), &[Finding::Principal, Finding::BroadAccess]);
}

#[test]
fn speaks_as_aws_does() {
    for (text, broad_access, expected) in [
        (policy(FINE), BroadAccess::Refused, None),
        (policy(BROAD), BroadAccess::Accepted, None),
        (
            policy(BROAD),
            BroadAccess::Refused,
            Some((
                "PublicPolicyException",
                "You can't attach a resource-based policy that allows broad access to the secret.",
            )),
        ),
        (
            policy(WRONG),
            BroadAccess::Accepted,
            Some((
                "MalformedPolicyDocumentException",
                "This resource policy contains a syntax error.",
            )),
        ),
        (
            policy(NOBODY),
            BroadAccess::Accepted,
            Some((
                "MalformedPolicyDocumentException",
                "This resource policy contains an unsupported principal.",
            )),
        ),
        (
            policy(NO_SERVICE),
            BroadAccess::Accepted,
            Some((
                "MalformedPolicyDocumentException",
                "This resource policy contains an invalid service principal.",
            )),
        ),
        (
            policy(LOCKED),
            BroadAccess::Accepted,
            Some((
                "MalformedPolicyDocumentException",
                "Your requested changes will not allow you to manage this secret in the future.",
            )),
        ),
    ] {
        let fault = put(&text, broad_access, &request()).err();
        let fault = fault.as_ref().map(|fault| (fault.code.as_str(), fault.message.as_str()));
        assert_eq!(fault, expected, "{text}");
    }
}

#[test]
fn refuses_what_is_not_json_either_way() {
    let long = policy(FINE).replace("user/admin", &"x".repeat(parse::MAX_CHARS));
    for text in ["", "{", "not json", &long] {
        let fault = Some(Finding::Syntax.fault());
        assert_eq!(validate(text, &request()).err(), fault);
        assert_eq!(put(text, BroadAccess::Accepted, &request()).err(), fault);
    }
}

#[test]
fn locks_out_only_for_certain() {
    for (deny, expected) in [
        (r#""Principal":"*","Action":"secretsmanager:PutResourcePolicy""#, true),
        (r#""Principal":"*","Action":"secretsmanager:Put*""#, true),
        (r#""Principal":{"AWS":"123456789012"},"NotAction":"secretsmanager:GetSecretValue""#, true),
        (r#""NotPrincipal":{"AWS":"arn:aws:iam::123456789012:user/Eve"},"Action":"*""#, true),
        (r#""NotPrincipal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"*""#, false),
        (r#""Principal":{"AWS":"arn:aws:iam::123456789012:user/Eve"},"Action":"*""#, false),
        (r#""Principal":"*","Action":"secretsmanager:GetSecretValue""#, false),
        (r#""Principal":"*","Action":"secretsmanager:ValidateResourcePolicy""#, false),
        (r#""Principal":"*","Action":"secretsmanager:DeleteResourcePolicy""#, false),
        (
            r#""Principal":"*","Action":"*","Condition":{"StringNotEquals":{"aws:sourceVpc":"vpc-1"}}"#,
            false,
        ),
        (
            r#""Principal":"*","Action":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}"#,
            false,
        ),
    ] {
        let statement = format!(r#"{{"Effect":"Deny",{deny},"Resource":"*"}}"#);
        let expected: &[Finding] = if expected { &[Finding::LockOut] } else { &[] };
        check(&policy(&statement), expected);
    }
}

#[test]
fn names_its_checks() {
    let names = [
        Finding::Syntax,
        Finding::Principal,
        Finding::ServicePrincipal,
        Finding::LockOut,
        Finding::BroadAccess,
    ]
    .map(Finding::check_name);
    assert_eq!(
        names,
        [
            "SyntaxCheck",
            "PrincipalCheck",
            "ServicePrincipalCheck",
            "LockOutCheck",
            "BlockPublicPolicyCheck"
        ]
    );
}

//! What is wrong with a policy, in AWS's words (docs/behaviour.md, "Policies").
//!
//! The names of the checks are ours: AWS does not publish its own. Two checks are weaker than
//! AWS's, since nobody can be asked: a principal is judged by its form, and a lock-out is reported
//! only where it is certain whatever network the caller is on.

use super::evaluate;
use super::exposure;
use super::model::ProblemKind;
use super::parse;
use super::request::Request;
use crate::service::fault::{Code, Fault};

/// Whether a policy may let everybody in: `BlockPublicPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BroadAccess {
    /// It may, which is AWS's default.
    Accepted,
    /// It may not.
    Refused,
}

/// What `validate-resource-policy` reports, in the order in which it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The document is JSON but no policy.
    Syntax,
    /// A principal cannot be one.
    Principal,
    /// A service principal cannot be one.
    ServicePrincipal,
    /// The caller could not change the policy any more.
    LockOut,
    /// Everybody is let in.
    BroadAccess,
}

impl Finding {
    /// Returns `CheckName`.
    pub(crate) const fn check_name(self) -> &'static str {
        match self {
            Self::Syntax => "SyntaxCheck",
            Self::Principal => "PrincipalCheck",
            Self::ServicePrincipal => "ServicePrincipalCheck",
            Self::LockOut => "LockOutCheck",
            Self::BroadAccess => "BlockPublicPolicyCheck",
        }
    }

    /// Returns `ErrorMessage`.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Syntax => "This resource policy contains a syntax error.",
            Self::Principal => "This resource policy contains an unsupported principal.",
            Self::ServicePrincipal => "This resource policy contains an invalid service principal.",
            Self::LockOut => {
                "Your requested changes will not allow you to manage this secret in the future."
            }
            Self::BroadAccess => {
                "This resource policy grants broad access to your secret. Secrets Manager does not \
                 allow creating and applying such policies in the console."
            }
        }
    }

    /// Returns the refusal that `put-resource-policy` gives for it.
    fn fault(self) -> Fault {
        match self {
            Self::BroadAccess => Fault::new(
                Code::PublicPolicy,
                "You can't attach a resource-based policy that allows broad access to the secret.",
            ),
            Self::Syntax | Self::Principal | Self::ServicePrincipal | Self::LockOut => {
                Fault::new(Code::MalformedPolicyDocument, self.message())
            }
        }
    }
}

/// Checks a policy that is to be attached. `request` is the caller's own, about the secret.
pub(crate) fn put(text: &str, broad_access: BroadAccess, request: &Request) -> Result<(), Fault> {
    let refuses = |finding: &Finding| match finding {
        Finding::BroadAccess => broad_access == BroadAccess::Refused,
        Finding::Syntax | Finding::Principal | Finding::ServicePrincipal | Finding::LockOut => true,
    };
    match validate(text, request)?.into_iter().find(refuses) {
        Some(finding) => Err(finding.fault()),
        None => Ok(()),
    }
}

/// Finds everything that is wrong with a policy. `request` is the caller's own, about the secret.
///
/// A text that is not JSON is a refusal. A broken statement is left out of the later checks.
pub(crate) fn validate(text: &str, request: &Request) -> Result<Vec<Finding>, Fault> {
    let (policy, problems) = parse::read(text);
    let has = |kind: ProblemKind| problems.iter().any(|problem| problem.kind == kind);
    if has(ProblemKind::NotJson) {
        return Err(Finding::Syntax.fault());
    }
    let checks = [
        (Finding::Syntax, has(ProblemKind::Syntax)),
        (Finding::Principal, has(ProblemKind::Principal)),
        (Finding::ServicePrincipal, has(ProblemKind::ServicePrincipal)),
        (
            Finding::LockOut,
            evaluate::denies_for_certain(&policy, &request.asking("PutResourcePolicy")),
        ),
        (Finding::BroadAccess, exposure::is_broad(&policy)),
    ];
    let found = checks.into_iter().filter(|(_, is_found)| *is_found);
    Ok(found.map(|(finding, _)| finding).collect())
}

#[cfg(test)]
mod tests {
    use super::super::principal::Identity;
    use super::super::request::Resource;
    use super::*;
    use crate::model::time::Timestamp;
    use crate::service::rules::arn::Place;

    fn request() -> Request {
        let here = Place { account: "123456789012", region: "local-1" };
        Request::new(Identity::root(here), "ValidateResourcePolicy", Timestamp(0)).on(&Resource {
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
            (
                r#""Principal":{"AWS":"123456789012"},"NotAction":"secretsmanager:GetSecretValue""#,
                true,
            ),
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
}

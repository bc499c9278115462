//! Whether a policy lets everybody in.
//!
//! AWS asks a theorem prover. Here a policy is broad if it allows something to everybody (or to all but
//! some) without a condition that fixes who calls: a fixed value of a key in [`CALLERS`]. A statement
//! that denies the same to everybody, or to everybody but the fixed caller, makes up for it. An action
//! that no secret has counts as one it has.

use super::address::Network;
use super::condition::{Condition, Quantifier, Sense, Test};
use super::model::{Effect, Policy, Scope, Statement};
use super::pattern::Pattern;
use super::principal::{self, Principal};

/// Whether the policy allows broad access.
pub(super) fn is_broad(policy: &Policy) -> bool {
    policy.statements.iter().any(|allow| {
        allow.effect == Effect::Allow
            && speaks_of_everybody(allow)
            && !allow.conditions.iter().any(fixes_the_caller)
            && !policy.statements.iter().any(|deny| deny.takes_back(allow))
    })
}

fn speaks_of_everybody(statement: &Statement) -> bool {
    match &statement.principals {
        Scope::Only(principals) => principals.contains(&Principal::Everyone),
        Scope::Except(_) => true,
    }
}

/// Whether a condition holds only for callers that it names.
fn fixes_the_caller(condition: &Condition) -> bool {
    condition.sense == Sense::Plain
        && matches!(condition.quantifier, Quantifier::Single | Quantifier::Any)
        && names_callers(condition)
}

/// Whether a condition holds for all callers but those that it names, also where the key is absent.
fn spares_the_caller(condition: &Condition) -> bool {
    condition.sense == Sense::Negated
        && condition.quantifier != Quantifier::Any
        && names_callers(condition)
}

impl Statement {
    /// Whether this denies everything that `allow` allows, but for callers that are named.
    fn takes_back(&self, allow: &Self) -> bool {
        let speaks_of_the_rest = match &self.principals {
            Scope::Only(principals) => principals.contains(&Principal::Everyone),
            Scope::Except(principals) => !principals.contains(&Principal::Everyone),
        };
        let spares_only_the_caller = match self.conditions.as_slice() {
            [] => true,
            [condition] => spares_the_caller(condition),
            // All of them must hold, and each may hold for somebody else.
            _ => false,
        };
        self.effect == Effect::Deny
            && speaks_of_the_rest
            && spares_only_the_caller
            && includes(&self.actions, &allow.actions, is_every_action)
            && includes(&self.resources, &allow.resources, Pattern::is_any)
    }
}

/// Whether one scope chooses all that another does.
fn includes(
    outer: &Scope<Pattern>,
    inner: &Scope<Pattern>,
    is_everything: impl Fn(&Pattern) -> bool,
) -> bool {
    match (outer, inner) {
        (Scope::Only(outer), _) if outer.iter().any(is_everything) => true,
        (Scope::Only(outer), Scope::Only(inner)) => inner.iter().all(|one| outer.contains(one)),
        (Scope::Only(_), Scope::Except(_)) => false,
        (Scope::Except(_), _) => outer == inner,
    }
}

fn is_every_action(pattern: &Pattern) -> bool {
    pattern.is_any() || pattern.is_start("secretsmanager:")
}

fn names_callers(condition: &Condition) -> bool {
    let Some((_, kind)) = CALLERS.iter().find(|(key, _)| *key == condition.key) else {
        return false;
    };
    match (kind, &condition.test) {
        (Fixed::Address, Test::Address(networks)) => {
            !networks.is_empty() && networks.iter().all(Network::is_narrow)
        }
        (Fixed::Value, Test::Text(_, values)) => all(values, Pattern::is_fixed),
        (Fixed::Arn, Test::Text(_, values) | Test::Arn(values)) => all(values, has_fixed_account),
        (Fixed::Path, Test::Text(_, values)) => all(values, has_fixed_organization),
        (Fixed::Address | Fixed::Value | Fixed::Arn | Fixed::Path, _) => false,
    }
}

fn all(values: &[Pattern], is_fixed: impl Fn(&Pattern) -> bool) -> bool {
    !values.is_empty() && values.iter().all(is_fixed)
}

/// Whether the pattern is an ARN without a wildcard, or one of a given account.
fn has_fixed_account(pattern: &Pattern) -> bool {
    let start: Vec<&str> = pattern.fixed_start().splitn(6, ':').collect();
    let account = match start.as_slice() {
        [_, _, _, _, account, _] => *account,
        _ => "",
    };
    pattern.is_fixed() || principal::is_account(account)
}

/// Whether the pattern is `o-…/…`: within a given organization.
fn has_fixed_organization(pattern: &Pattern) -> bool {
    let organization = pattern.fixed_start().split_once('/').map(|(organization, _)| organization);
    organization
        .is_some_and(|organization| organization.len() > 2 && organization.starts_with("o-"))
}

/// What a key's value must be to fix the caller.
enum Fixed {
    /// Text without a wildcard.
    Value,
    /// An ARN without a wildcard, or of a given account.
    Arn,
    /// A path within a given organization.
    Path,
    /// A narrow range of addresses.
    Address,
}

/// The keys that tell who calls. The first four are Secrets Manager's own list; the rest are S3's,
/// which Secrets Manager's documentation refers to, and their like.
const CALLERS: [(&str, Fixed); 13] = [
    ("aws:sourcearn", Fixed::Arn),
    ("aws:sourcevpc", Fixed::Value),
    ("aws:sourcevpce", Fixed::Value),
    ("aws:sourceaccount", Fixed::Value),
    ("aws:sourceowner", Fixed::Value),
    ("aws:sourceip", Fixed::Address),
    ("aws:userid", Fixed::Value),
    ("aws:principalarn", Fixed::Arn),
    ("aws:principalaccount", Fixed::Value),
    ("aws:principalorgid", Fixed::Value),
    ("aws:principalorgpaths", Fixed::Path),
    ("aws:sourceorgid", Fixed::Value),
    ("aws:sourceorgpaths", Fixed::Path),
];

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn check(statements: &str, expected: bool) {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let policy = parse(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert_eq!(is_broad(&policy), expected, "{statements}");
    }

    fn statement(effect: &str, who: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect":"{effect}",{who},"Action":"secretsmanager:*","Resource":"*",
            "Condition":{{{condition}}}}}"#
        )
    }

    const EVERYBODY: &str = r#""Principal":"*""#;

    #[test]
    fn finds_everybody() {
        for (effect, who, expected) in [
            ("Allow", EVERYBODY, true),
            ("Allow", r#""Principal":{"AWS":"*"}"#, true),
            ("Allow", r#""Principal":{"AWS":["123456789012","*"]}"#, true),
            ("Allow", r#""NotPrincipal":{"AWS":"123456789012"}"#, true),
            ("Allow", r#""Principal":{"AWS":"123456789012"}"#, false),
            ("Allow", r#""Principal":{"AWS":"arn:aws:iam::123456789012:user/Bob"}"#, false),
            ("Allow", r#""Principal":{"Service":"lambda.amazonaws.com"}"#, false),
            ("Deny", EVERYBODY, false),
            ("Deny", r#""NotPrincipal":{"AWS":"123456789012"}"#, false),
        ] {
            check(&statement(effect, who, ""), expected);
        }
    }

    #[test]
    fn accepts_a_condition_that_fixes_the_caller() {
        for (condition, fixes) in [
            (r#""StringEquals":{"aws:SourceVpc":"vpc-1"}"#, true),
            (r#""StringEquals":{"AWS:sourcevpce":["vpce-1","vpce-2"]}"#, true),
            (r#""StringLike":{"aws:SourceVpce":"vpce-1"}"#, true),
            (r#""StringLike":{"aws:SourceVpce":"vpce-*"}"#, false),
            (r#""StringLike":{"aws:SourceVpce":["vpce-1","*"]}"#, false),
            (r#""StringEquals":{"aws:SourceVpce":[]}"#, false),
            (r#""StringEquals":{"aws:SourceVpce":"${aws:PrincipalTag/x}"}"#, false),
            (r#""StringEquals":{"aws:SourceAccount":"123456789012"}"#, true),
            (r#""StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3"}"#, true),
            (r#""StringNotEquals":{"aws:PrincipalOrgID":"o-a1b2c3"}"#, false),
            (r#""StringEqualsIfExists":{"aws:PrincipalOrgID":"o-a1b2c3"}"#, false),
            (r#""ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a1/r-b2/*"}"#, true),
            (r#""ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-*"}"#, false),
            (r#""ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"*/x"}"#, false),
            (r#""ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-a1/*"}"#, false),
            (r#""ArnEquals":{"aws:SourceArn":"arn:aws:s3:::bucket"}"#, true),
            (r#""ArnLike":{"aws:SourceArn":"arn:aws:sns:*:123456789012:*"}"#, false),
            (r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*"}"#, true),
            (r#""StringLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:*"}"#, true),
            (r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/deploy"}"#, false),
            (r#""ArnLike":{"aws:PrincipalArn":"*"}"#, false),
            (r#""IpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#, true),
            (r#""IpAddress":{"aws:SourceIp":["203.0.113.0/24","0.0.0.0/1"]}"#, false),
            (r#""NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#, false),
            (r#""StringLike":{"aws:SourceIp":"203.0.113.7"}"#, false),
            (r#""Bool":{"aws:SecureTransport":"true"}"#, false),
            (r#""Null":{"aws:SourceVpc":"false"}"#, false),
            (r#""StringEquals":{"aws:ResourceTag/Team":"blue"}"#, false),
            (r#""DateLessThan":{"aws:CurrentTime":"2030-01-01"}"#, false),
            // One of several is enough, since all must hold.
            (
                r#""Bool":{"aws:SecureTransport":true},"StringEquals":{"aws:SourceVpc":"vpc-1"}"#,
                true,
            ),
        ] {
            check(&statement("Allow", EVERYBODY, condition), !fixes);
        }
    }

    #[test]
    fn accepts_a_denial_that_makes_up_for_it() {
        let allow = statement("Allow", EVERYBODY, "");
        let outside = r#""StringNotEquals":{"aws:PrincipalOrgID":"o-a1b2c3"}"#;
        for (who, condition, makes_up) in [
            (EVERYBODY, "", true),
            (EVERYBODY, outside, true),
            (EVERYBODY, r#""StringNotEqualsIfExists":{"aws:SourceVpc":"vpc-1"}"#, true),
            (EVERYBODY, r#""NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#, true),
            (EVERYBODY, r#""NotIpAddress":{"aws:SourceIp":"0.0.0.0/0"}"#, false),
            (EVERYBODY, r#""StringNotLike":{"aws:SourceVpc":"vpc-*"}"#, false),
            (EVERYBODY, r#""StringEquals":{"aws:SourceVpc":"vpc-1"}"#, false),
            (EVERYBODY, r#""ForAnyValue:StringNotEquals":{"aws:SourceVpc":"vpc-1"}"#, false),
            (
                EVERYBODY,
                r#""StringNotEquals":{"aws:SourceVpc":"v","aws:SourceAccount":"1"}"#,
                false,
            ),
            (r#""Principal":{"AWS":"123456789012"}"#, outside, false),
            (r#""NotPrincipal":{"AWS":"123456789012"}"#, "", true),
            (r#""NotPrincipal":"*""#, "", false),
        ] {
            let deny = statement("Deny", who, condition);
            check(&format!("{allow},{deny}"), !makes_up);
            check(&format!("{deny},{allow}"), !makes_up);
        }
    }

    #[test]
    fn weighs_what_a_denial_covers() {
        for (allowed, denied, covered) in [
            (r#""Action":"secretsmanager:GetSecretValue""#, r#""Action":"*""#, true),
            (r#""Action":"secretsmanager:GetSecretValue""#, r#""Action":"secretsmanager:*""#, true),
            (
                r#""Action":["secretsmanager:Get*"]"#,
                r#""Action":["secretsmanager:Put*","secretsmanager:Get*"]"#,
                true,
            ),
            (
                r#""Action":"secretsmanager:Get*""#,
                r#""Action":"secretsmanager:GetSecretValue""#,
                false,
            ),
            (r#""NotAction":"secretsmanager:Get*""#, r#""NotAction":"secretsmanager:Get*""#, true),
            (r#""NotAction":"secretsmanager:Get*""#, r#""NotAction":"secretsmanager:Put*""#, false),
            (r#""NotAction":"secretsmanager:Get*""#, r#""Action":"secretsmanager:Get*""#, false),
        ] {
            let part = |effect: &str, actions: &str| {
                format!(r#"{{"Effect":"{effect}","Principal":"*",{actions},"Resource":"*"}}"#)
            };
            check(&format!("{},{}", part("Allow", allowed), part("Deny", denied)), !covered);
        }
    }
}

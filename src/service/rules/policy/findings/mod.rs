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
use crate::service::action::Action;
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
            evaluate::denies_for_certain(&policy, &request.asking(Action::PutResourcePolicy)),
        ),
        (Finding::BroadAccess, exposure::is_broad(&policy)),
    ];
    let found = checks.into_iter().filter(|(_, is_found)| *is_found);
    Ok(found.map(|(finding, _)| finding).collect())
}

#[cfg(test)]
mod tests;

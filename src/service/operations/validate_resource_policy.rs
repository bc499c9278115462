//! `validate-resource-policy`: says what is wrong with a resource policy, and attaches nothing.

use crate::model::types::{ResourcePolicy, SecretId};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::policy_request;
use crate::service::rules::policy::findings::{self, Finding};

/// Checks a policy.
pub(crate) struct ValidateResourcePolicy;

structure! {
    /// What to check.
    pub(crate) struct Request {
        /// The name or ARN of the secret that the policy is meant for. Without it, only what is
        /// said of every secret can lock its owner out.
        secret_id: Option<SecretId> => "SecretId",
        /// The policy, a JSON text in IAM's policy language.
        resource_policy: ResourcePolicy => "ResourcePolicy",
    }
}

structure! {
    /// What was found.
    pub(crate) struct Response {
        /// Whether nothing was.
        policy_validation_passed: bool => "PolicyValidationPassed",
        /// Everything that is wrong.
        validation_errors: Vec<ValidationError> => "ValidationErrors",
    }
}

structure! {
    /// One thing that is wrong.
    pub(crate) struct ValidationError {
        /// The name of the check.
        check_name: String => "CheckName",
        /// What it found.
        error_message: String => "ErrorMessage",
    }
}

impl Operation for ValidateResourcePolicy {
    const ACTION: Action = Action::ValidateResourcePolicy;
    const GROUP: Group = Group::Policies;
    const SUMMARY: &'static str = "Check a resource policy without attaching it.";
    const EXAMPLE: &'static str =
        "strongroom validate-resource-policy --resource-policy file://policy.json";
    const EFFECT: Effect = Effect::Reads;
    const FAULTS: &'static [Code] = &[
        Code::MalformedPolicyDocument,
        Code::ResourceNotFound,
        Code::InvalidParameter,
        Code::InternalService,
        Code::InvalidRequest,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let record = request.secret_id.map(|id| cx.find_active(&id)).transpose()?;
        let now = cx.now()?;
        let asking = policy_request::request(cx, Self::ACTION, record.as_ref(), now)?;
        let found = findings::validate(&request.resource_policy.0, &asking)?;
        Ok(Response {
            policy_validation_passed: found.is_empty(),
            validation_errors: found.into_iter().map(validation_error).collect(),
        })
    }
}

fn validation_error(finding: Finding) -> ValidationError {
    ValidationError {
        check_name: finding.check_name().to_owned(),
        error_message: finding.message().to_owned(),
    }
}

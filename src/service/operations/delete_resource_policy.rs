//! `delete-resource-policy`: takes the resource policy off a secret.

use crate::model::types::{PolicyName, SecretId};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::policies;
use crate::service::repository;
use crate::service::rules::arn::arn_of;
use crate::service::rules::name;

/// Takes a policy off.
pub(crate) struct DeleteResourcePolicy;

structure! {
    /// Whose policy to delete.
    pub(crate) struct Request {
        /// The name or ARN of the secret. One without a policy is no error.
        secret_id: SecretId => "SecretId",
        /// The name of the policy: `default`, the only one that can be deleted.
        policy_name: Option<PolicyName> => "PolicyName",
    }
}

structure! {
    /// The secret that has no policy now.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
        /// The name of the policy.
        policy_name: String => "PolicyName",
    }
}

impl Operation for DeleteResourcePolicy {
    const ACTION: Action = Action::DeleteResourcePolicy;
    const GROUP: Group = Group::Policies;
    const SUMMARY: &'static str = "Remove the resource policy of a secret.";
    const EXAMPLE: &'static str = "strongroom delete-resource-policy --secret-id app/db";
    const EFFECT: Effect = Effect::Writes;
    const FAULTS: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::InternalService,
        Code::InvalidRequest,
        Code::InvalidParameter,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        cx.about_name(&request.secret_id.0);
        name::check_secret_id(&request.secret_id.0)?;
        let policy_name = policies::require_default(request.policy_name)?;
        let mut record = repository::find_with_policies(cx, &request.secret_id)?;
        if record.policy.take().is_some() {
            repository::store(cx, &mut record)?;
        }
        Ok(Response { arn: arn_of(&record), name: record.name, policy_name })
    }
}

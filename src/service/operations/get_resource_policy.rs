//! `get-resource-policy`: reads the resource policy of a secret.

use crate::model::types::{PolicyName, SecretId};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::policies;
use crate::service::rules::arn::arn_of;

/// Reads a policy.
pub(crate) struct GetResourcePolicy;

structure! {
    /// Whose policy to read.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// The name of the policy. The default is `default`, the one that `put-resource-policy`
        /// attaches.
        policy_name: Option<PolicyName> => "PolicyName",
    }
}

structure! {
    /// The policy.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
        /// The policy as it was given, if there is one.
        resource_policy: Option<String> => "ResourcePolicy",
        /// The name of the policy.
        policy_name: String => "PolicyName",
    }
}

impl Operation for GetResourcePolicy {
    const ACTION: Action = Action::GetResourcePolicy;
    const GROUP: Group = Group::Policies;
    const SUMMARY: &'static str = "Show the resource policy of a secret.";
    const EXAMPLE: &'static str = "strongroom get-resource-policy --secret-id app/db \
                                   --query ResourcePolicy --output text";
    const EFFECT: Effect = Effect::Reads;
    const FAULTS: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::InternalService,
        Code::InvalidRequest,
        Code::InvalidParameter,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let record = cx.find_active(&request.secret_id)?;
        let policy_name = policies::asked(request.policy_name);
        let resource_policy = policies::find(&record, &policy_name)?;
        Ok(Response { arn: arn_of(&record), name: record.name, resource_policy, policy_name })
    }
}

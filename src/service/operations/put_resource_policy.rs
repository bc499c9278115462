//! `put-resource-policy`: attaches a resource policy to a secret.

use crate::model::types::{PolicyName, ResourcePolicy, SecretId};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::policies;
use crate::service::policy_request;
use crate::service::repository;
use crate::service::rules::arn::arn_of;
use crate::service::rules::name;
use crate::service::rules::policy::findings::{self, BroadAccess};

/// Attaches a policy.
pub(crate) struct PutResourcePolicy;

structure! {
    /// What to attach, and to what.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// The policy, a JSON text in IAM's policy language. It replaces the one before.
        resource_policy: ResourcePolicy => "ResourcePolicy",
        /// The name of the policy: `default`, the only one that can be attached.
        policy_name: Option<PolicyName> => "PolicyName",
        /// Whether to refuse a policy that lets everybody in.
        block_public_policy: Option<bool> => "BlockPublicPolicy",
    }
}

structure! {
    /// The secret that the policy is attached to.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
        /// The name of the policy.
        policy_name: String => "PolicyName",
    }
}

impl Operation for PutResourcePolicy {
    const ACTION: Action = Action::PutResourcePolicy;
    const GROUP: Group = Group::Policies;
    const SUMMARY: &'static str = "Attach a resource policy to a secret.";
    const EXAMPLE: &'static str = "strongroom put-resource-policy --secret-id app/db \
                                   --resource-policy file://policy.json --block-public-policy";
    const EFFECT: Effect = Effect::Writes;
    const FAULTS: &'static [Code] = &[
        Code::MalformedPolicyDocument,
        Code::ResourceNotFound,
        Code::InvalidParameter,
        Code::InternalService,
        Code::InvalidRequest,
        Code::PublicPolicy,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        cx.about_name(&request.secret_id.0);
        name::check_secret_id(&request.secret_id.0)?;
        let policy_name = policies::require_default(request.policy_name)?;
        let mut record = repository::find_with_policies(cx, &request.secret_id)?;
        let broad_access = match request.block_public_policy {
            Some(true) => BroadAccess::Refused,
            Some(false) | None => BroadAccess::Accepted,
        };
        let now = cx.now()?;
        let asking = policy_request::request(cx, Self::ACTION, Some(&record), now)?;
        findings::put(&request.resource_policy.0, broad_access, &asking)?;
        let policy = Some(request.resource_policy.0);
        if record.policy != policy {
            record.policy = policy;
            repository::store(cx, &mut record)?;
        }
        Ok(Response { arn: arn_of(&record), name: record.name, policy_name })
    }
}

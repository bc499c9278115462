//! `restore-secret`: cancels a planned deletion.

use crate::model::types::SecretId;
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::replication::replicas;
use crate::service::repository;
use crate::service::rules::arn::arn_of;

/// Restores a secret.
pub(crate) struct RestoreSecret;

structure! {
    /// What to restore.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
    }
}

structure! {
    /// What was restored.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
    }
}

impl Operation for RestoreSecret {
    const ACTION: Action = Action::RestoreSecret;
    const GROUP: Group = Group::Secrets;
    const SUMMARY: &'static str = "Bring back a secret that is scheduled for deletion.";
    const EXAMPLE: &'static str = "strongroom restore-secret --secret-id app/db";
    const EFFECT: Effect = Effect::Writes;
    const FAULTS: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::InvalidParameter,
        Code::InvalidRequest,
        Code::InternalService,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let mut record = cx.find(&request.secret_id)?;
        replicas::require_primary(&record)?;
        if record.deletion.take().is_some() {
            repository::store(cx, &mut record)?;
        }
        Ok(Response { arn: arn_of(&record), name: record.name })
    }
}

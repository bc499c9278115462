//! `stop-replication-to-replica`: makes a replica a secret of its own.

use crate::model::types::SecretId;
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::replication::change;
use crate::service::rules::arn::arn_of;

/// Makes a replica a secret of its own.
pub(crate) struct StopReplicationToReplica;

structure! {
    /// Which replica to promote.
    pub(crate) struct Request {
        /// The name or ARN of the replica, in the replica's region.
        secret_id: SecretId => "SecretId",
    }
}

structure! {
    /// The secret that was a replica.
    pub(crate) struct Response {
        /// The ARN of the secret, which stays what it was.
        arn: String => "ARN",
    }
}

impl Operation for StopReplicationToReplica {
    const ACTION: Action = Action::StopReplicationToReplica;
    const GROUP: Group = Group::Regions;
    const SUMMARY: &'static str = "Make a replica a secret of its own.";
    const EXAMPLE: &'static str =
        "strongroom stop-replication-to-replica --region eu-west-1 --secret-id app/db";
    const EFFECT: Effect = Effect::Writes;
    const FAULTS: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::InvalidRequest,
        Code::InvalidParameter,
        Code::InternalService,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let mut record = cx.find_active(&request.secret_id)?;
        change::promote(cx, &mut record)?;
        Ok(Response { arn: arn_of(&record) })
    }
}

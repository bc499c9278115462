//! `disassociate-cross-account-replica`: lets a replica in another account go.

use crate::model::types::{SecretArn, SecretId};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::replication::associate;
use crate::service::repository;
use crate::service::rules::arn::arn_of;

/// Lets a replica in another account go.
pub(crate) struct DisassociateCrossAccountReplica;

structure! {
    /// Which replica to let go.
    pub(crate) struct Request {
        /// The name or ARN of the primary.
        secret_id: SecretId => "SecretId",
        /// The ARN of the replica. It stays as it is, and gets no more updates.
        cross_account_replica_arn: SecretArn => "CrossAccountReplicaARN",
    }
}

structure! {
    /// What was let go.
    pub(crate) struct Response {
        /// The ARN of the primary.
        arn: String => "ARN",
        /// The ARN of the replica.
        cross_account_replica_arn: String => "CrossAccountReplicaARN",
    }
}

impl Operation for DisassociateCrossAccountReplica {
    const ACTION: Action = Action::DisassociateCrossAccountReplica;
    const GROUP: Group = Group::Regions;
    const SUMMARY: &'static str = "Stop replicating a secret to another account.";
    const EXAMPLE: &'static str = "strongroom disassociate-cross-account-replica --secret-id app/db \
         --cross-account-replica-arn arn:aws:secretsmanager:local-1:222222222222:secret:app/db-a1B2c3";
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
        let mut record = repository::find_writable(cx, &request.secret_id)?;
        associate::disassociate(cx, &mut record, &request.cross_account_replica_arn)?;
        let cross_account_replica_arn = request.cross_account_replica_arn.0;
        Ok(Response { arn: arn_of(&record), cross_account_replica_arn })
    }
}

//! `associate-cross-account-replica`: has a secret replicated to one that waits for it in another
//! account, which is another vault.

use crate::model::types::{ReplicaRestriction, RoleArn, SecretArn, SecretId};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::replication::associate::{self, Association};
use crate::service::repository;
use crate::service::rules::arn::arn_of;
use crate::vault::across::Restriction;

/// Associates a replica in another account.
pub(crate) struct AssociateCrossAccountReplica;

structure! {
    /// Which replica to associate, with which primary.
    pub(crate) struct Request {
        /// The name or ARN of the primary.
        secret_id: SecretId => "SecretId",
        /// The ARN of the replica, a secret that was made with `--cross-account-primary-arn`.
        cross_account_replica_arn: SecretArn => "CrossAccountReplicaARN",
        /// Where the replica may be: `SameOrg` or `NoRestriction`. It is kept; vaults have no
        /// organizations.
        replica_restriction: Option<ReplicaRestriction> => "ReplicaRestriction",
        /// The ARN of a role, which is kept and shown.
        replication_role_arn: Option<RoleArn> => "ReplicationRoleARN",
    }
}

structure! {
    /// What was associated.
    pub(crate) struct Response {
        /// The ARN of the primary.
        arn: String => "ARN",
        /// The ARN of the replica.
        cross_account_replica_arn: String => "CrossAccountReplicaARN",
        /// How the replica stands.
        replication_status: String => "ReplicationStatus",
    }
}

impl Operation for AssociateCrossAccountReplica {
    const ACTION: Action = Action::AssociateCrossAccountReplica;
    const GROUP: Group = Group::Regions;
    const SUMMARY: &'static str = "Replicate a secret to one that waits in another account.";
    const EXAMPLE: &'static str = "strongroom associate-cross-account-replica --secret-id app/db \
         --cross-account-replica-arn arn:aws:secretsmanager:local-1:222222222222:secret:app/db-a1B2c3";
    const EFFECT: Effect = Effect::Writes;
    const FAULTS: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::InvalidRequest,
        Code::InvalidParameter,
        Code::LimitExceeded,
        Code::InternalService,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let mut record = repository::find_writable(cx, &request.secret_id)?;
        let restriction = request.replica_restriction.map(|restriction| {
            if restriction.0 == "SameOrg" {
                Restriction::SameOrg
            } else {
                Restriction::NoRestriction
            }
        });
        let cross_account_replica_arn = request.cross_account_replica_arn.0.clone();
        let asked = Association {
            arn: request.cross_account_replica_arn,
            restriction,
            role_arn: request.replication_role_arn.map(|arn| arn.0),
        };
        associate::associate(cx, &mut record, asked)?;
        // As for regions, what is new is not finished yet.
        let replication_status = "InProgress".to_owned();
        Ok(Response { arn: arn_of(&record), cross_account_replica_arn, replication_status })
    }
}

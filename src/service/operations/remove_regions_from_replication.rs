//! `remove-regions-from-replication`: deletes replicas of a secret.

use crate::model::types::{Listed, RegionName, ReplicationStatus, SecretId};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::replication::change;
use crate::service::replication::replicas;
use crate::service::repository;
use crate::service::rules::arn::arn_of;

/// Deletes replicas.
pub(crate) struct RemoveRegionsFromReplication;

structure! {
    /// Which replicas to delete.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// The regions whose replicas to delete, at once. One without a replica is no error.
        remove_replica_regions: Listed<RegionName, 1, 0> => "RemoveReplicaRegions",
    }
}

structure! {
    /// What is left.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// How each replica that is left stands.
        replication_status: Vec<ReplicationStatus> => "ReplicationStatus",
    }
}

impl Operation for RemoveRegionsFromReplication {
    const ACTION: Action = Action::RemoveRegionsFromReplication;
    const GROUP: Group = Group::Regions;
    const SUMMARY: &'static str = "Delete replicas of a secret in other regions.";
    const EXAMPLE: &'static str = "strongroom remove-regions-from-replication --secret-id app/db \
                                   --remove-replica-regions eu-west-1";
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
        let before = record.clone();
        let regions = request.remove_replica_regions.0.into_iter().map(|region| region.0);
        let regions: Vec<String> = regions.collect();
        change::remove(cx, &mut record, &regions)?;
        if record != before {
            repository::store(cx, &mut record)?;
        }
        let replication_status = replicas::status(cx, &record)?;
        Ok(Response { arn: arn_of(&record), replication_status })
    }
}

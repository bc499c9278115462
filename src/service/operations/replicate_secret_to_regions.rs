//! `replicate-secret-to-regions`: makes replicas of a secret in other regions of the vault.

use crate::model::types::{Listed, ReplicaRegion, ReplicationStatus, SecretId};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::replication::change::{self, Overwrite};
use crate::service::repository;
use crate::service::rules::arn::arn_of;

/// Makes replicas.
pub(crate) struct ReplicateSecretToRegions;

structure! {
    /// What to replicate, and where to.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// The regions to replicate the secret to. One that has a replica already keeps it, with
        /// its key; one where that failed is tried again.
        add_replica_regions: Listed<ReplicaRegion, 1, 0> => "AddReplicaRegions",
        /// Whether to overwrite a secret with the same name in a region that is replicated to. It
        /// is erased at once, unless it is replicated itself.
        force_overwrite_replica_secret: Option<bool> => "ForceOverwriteReplicaSecret",
    }
}

structure! {
    /// How far the replication is.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// How each replica stands. `describe-secret` shows how it ended.
        replication_status: Vec<ReplicationStatus> => "ReplicationStatus",
    }
}

impl Operation for ReplicateSecretToRegions {
    const ACTION: Action = Action::ReplicateSecretToRegions;
    const GROUP: Group = Group::Regions;
    const SUMMARY: &'static str = "Replicate a secret to other regions of the vault.";
    const EXAMPLE: &'static str = "strongroom replicate-secret-to-regions --secret-id app/db \
                                   --add-replica-regions Region=eu-west-1";
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
        cx.about_name(&request.secret_id.0);
        change::check_regions(&request.add_replica_regions.0)?;
        let mut record = repository::find_writable(cx, &request.secret_id)?;
        let before = record.clone();
        let overwrite = Overwrite::asked(request.force_overwrite_replica_secret);
        let asked = request.add_replica_regions.0;
        let replication_status = change::add(cx, &mut record, asked, overwrite)?;
        if record != before {
            repository::store(cx, &mut record)?;
        }
        Ok(Response { arn: arn_of(&record), replication_status })
    }
}

#[cfg(test)]
mod tests {
    use crate::service::testing::ServiceFixture;

    #[test]
    fn what_is_overwritten_stands_in_the_log() {
        let mut service = ServiceFixture::new();
        let token = "t".repeat(32);
        let create =
            format!(r#"{{"Name":"db","ClientRequestToken":"{token}","SecretString":"x"}}"#);
        service.call_in(Some("eu-west-1"), "CreateSecret", &create).unwrap();
        let erased = service.look(|vault| vault.find(&vault.namespace("eu-west-1"), "db").unwrap());
        service.call("CreateSecret", &create).unwrap();
        for force in [false, true] {
            let request = format!(
                r#"{{"SecretId":"db","AddReplicaRegions":[{{"Region":"eu-west-1"}}],
                "ForceOverwriteReplicaSecret":{force}}}"#
            );
            service.call("ReplicateSecretToRegions", &request).unwrap();
        }
        let events = service.events();
        let overwrites: Vec<_> =
            events.iter().filter(|event| event.operation == "Overwrite").collect();
        assert_eq!(overwrites.len(), 1);
        assert_eq!(overwrites[0].subject.name, "db");
        assert_eq!(Some(overwrites[0].subject.rid), erased.map(|record| record.rid));
    }
}

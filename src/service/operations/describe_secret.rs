//! `describe-secret`: tells everything about a secret but its values.

use crate::model::rotation::{MetadataItem, RotationRules};
use crate::model::time::Timestamp;
use crate::model::types::{ReplicationStatus, SecretId, StagesByVersion, Tag, TagKey, TagValue};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::replication::across::{self, CrossAccountPrimary, CrossAccountReplica};
use crate::service::replication::replicas;
use crate::service::rotation::dates;
use crate::service::rules::arn::arn_of;
use crate::vault::record::Record;

/// Describes a secret.
pub(crate) struct DescribeSecret;

structure! {
    /// Which secret to describe.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
    }
}

structure! {
    /// The secret.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
        /// The kind of managed external secret.
        secret_type: Option<String> => "Type",
        /// The description.
        description: Option<String> => "Description",
        /// The KMS key, if one was named.
        kms_key_id: Option<String> => "KmsKeyId",
        /// Whether the secret is rotated by itself; absent if that was never said.
        rotation_enabled: Option<bool> => "RotationEnabled",
        /// The rotation function.
        rotation_lambda_arn: Option<String> => "RotationLambdaARN",
        /// When to rotate.
        rotation_rules: Option<RotationRules> => "RotationRules",
        /// What the rotation function is told beside the secret.
        external_secret_rotation_metadata: Option<Vec<MetadataItem>>
            => "ExternalSecretRotationMetadata",
        /// The role with which AWS rotates a managed external secret; never there, since there are no
        /// roles here.
        external_secret_rotation_role_arn: Option<String> => "ExternalSecretRotationRoleArn",
        /// When the secret was last rotated.
        last_rotated_date: Option<Timestamp> => "LastRotatedDate",
        /// When anything about the secret last changed.
        last_changed_date: Timestamp => "LastChangedDate",
        /// The day its value was last read.
        last_accessed_date: Option<Timestamp> => "LastAccessedDate",
        /// When the secret will be gone, if it is scheduled for deletion.
        deleted_date: Option<Timestamp> => "DeletedDate",
        /// The date by which the secret is to be rotated next.
        next_rotation_date: Option<Timestamp> => "NextRotationDate",
        /// The tags.
        tags: Option<Vec<Tag>> => "Tags",
        /// The versions that have labels, and their labels.
        version_ids_to_stages: Option<StagesByVersion> => "VersionIdsToStages",
        /// The service of AWS that manages the secret; never there, since none does here.
        owning_service: Option<String> => "OwningService",
        /// When the secret was made.
        created_date: Timestamp => "CreatedDate",
        /// The region of the primary secret.
        primary_region: Option<String> => "PrimaryRegion",
        /// How each replica stands.
        replication_status: Option<Vec<ReplicationStatus>> => "ReplicationStatus",
        /// The primary secret in another account, if this is its replica.
        cross_account_primary: Option<CrossAccountPrimary> => "CrossAccountPrimary",
        /// The replica in another account, if there is one.
        cross_account_replicas: Option<Vec<CrossAccountReplica>> => "CrossAccountReplicas",
    }
}

impl Operation for DescribeSecret {
    const ACTION: Action = Action::DescribeSecret;
    const GROUP: Group = Group::Secrets;
    const SUMMARY: &'static str = "Show everything about a secret except its values.";
    const EXAMPLE: &'static str = "strongroom describe-secret --secret-id app/db";
    const EFFECT: Effect = Effect::Reads;
    const FAULTS: &'static [Code] =
        &[Code::ResourceNotFound, Code::InternalService, Code::InvalidParameter];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let record = cx.find(&request.secret_id)?;
        let mut rotation = dates::shown(&record);
        if cx.is_step() {
            // A test, too, finds it on, although that is stored only after it.
            rotation.enabled = Some(true);
        }
        let status = replicas::status(cx, &record)?;
        Ok(Response {
            arn: arn_of(&record),
            last_rotated_date: rotation.last_rotated,
            last_changed_date: record.changed,
            last_accessed_date: record.accessed,
            deleted_date: record.deletion.map(|deletion| deletion.due),
            next_rotation_date: rotation.next_rotation,
            rotation_enabled: rotation.enabled,
            rotation_lambda_arn: rotation.function,
            rotation_rules: rotation.rules,
            external_secret_rotation_metadata: rotation.external,
            external_secret_rotation_role_arn: None,
            owning_service: None,
            version_ids_to_stages: stages_by_version(&record),
            created_date: record.created,
            primary_region: replicas::primary_region(&record).map(str::to_owned),
            cross_account_primary: across::primary_status(&record),
            cross_account_replicas: across::replica_status(cx, &record)?,
            replication_status: Some(status).filter(|status| !status.is_empty()),
            tags: record.tags.map(tags),
            name: record.name,
            secret_type: record.secret_type,
            description: record.description,
            kms_key_id: record.kms_key_id,
        })
    }
}

/// Returns the versions that have labels; `None` if none has.
pub(super) fn stages_by_version(record: &Record) -> Option<StagesByVersion> {
    let labelled = record.versions.iter().filter(|version| !version.stages.is_empty());
    let stages: Vec<_> =
        labelled.map(|version| (version.id.clone(), version.stages.clone())).collect();
    if stages.is_empty() { None } else { Some(StagesByVersion(stages)) }
}

/// Returns tags as answers show them.
pub(super) fn tags(stored: Vec<(String, String)>) -> Vec<Tag> {
    let shown = stored
        .into_iter()
        .map(|(key, value)| Tag { key: Some(TagKey(key)), value: Some(TagValue(value)) });
    shown.collect()
}

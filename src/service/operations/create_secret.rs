//! `create-secret`: makes a secret, with a first version if it is given a value.

use crate::model::secret_value::SecretValue;
use crate::model::types::{
    ClientRequestToken, Description, KmsKeyId, Listed, NewName, ReplicaRegion, ReplicationStatus,
    SecretArn, SecretBytes, SecretText, SecretType, Tag,
};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::operation::{Effect, Group, Operation};
use crate::service::replication::associate;
use crate::service::replication::change::{self, Overwrite};
use crate::service::replication::replicas;
use crate::service::repository;
use crate::service::rules::arn::arn_of;
use crate::service::rules::deletion::Standing;
use crate::service::rules::idempotency::{self, Earlier, Existing};
use crate::service::rules::{arn, name, tags};
use crate::service::versions;
use crate::vault::across::CrossPrimary;
use crate::vault::record::Record;

/// Makes a secret.
pub(crate) struct CreateSecret;

structure! {
    /// What to make.
    pub(crate) struct Request {
        /// The name of the new secret. It may have letters, digits and `/_+=.@-`, and is
        /// case-sensitive.
        name: NewName => "Name",
        /// A unique value that becomes the id of the first version. The command makes one up if you
        /// give none; give your own to make a retry safe.
        client_request_token: Option<ClientRequestToken> => "ClientRequestToken",
        /// The description of the secret.
        description: Option<Description> => "Description",
        /// The KMS key to name in answers. It is kept and shown as AWS shows it; every value is
        /// sealed under the vault's own key all the same.
        kms_key_id: Option<KmsKeyId> => "KmsKeyId",
        /// The binary value to store in the first version. Not together with `SecretString`.
        secret_binary: Option<SecretBytes> => "SecretBinary",
        /// The text to store in the first version. Not together with `SecretBinary`.
        secret_string: Option<SecretText> => "SecretString",
        /// Tags to attach to the secret.
        tags: Option<Vec<Tag>> => "Tags",
        /// Regions to replicate the secret to.
        add_replica_regions: Option<Listed<ReplicaRegion, 1, 0>> => "AddReplicaRegions",
        /// Whether to overwrite a secret with the same name in a region that is replicated to.
        force_overwrite_replica_secret: Option<bool> => "ForceOverwriteReplicaSecret",
        /// The kind of managed external secret, which is kept and shown.
        secret_type: Option<SecretType> => "Type",
        /// The ARN of a secret in another account, which is another vault, to make an empty replica
        /// for. It waits until `associate-cross-account-replica` is called there. `KmsKeyId` is
        /// required with it, and values, a description, a type and regions are refused.
        cross_account_primary_arn: Option<SecretArn> => "CrossAccountPrimaryARN",
    }
}

structure! {
    /// What was made.
    pub(crate) struct Response {
        /// The ARN of the new secret.
        arn: String => "ARN",
        /// The name of the new secret.
        name: String => "Name",
        /// The id of the version, if a value was given.
        version_id: Option<String> => "VersionId",
        /// How each replica stands.
        replication_status: Option<Vec<ReplicationStatus>> => "ReplicationStatus",
    }
}

impl Operation for CreateSecret {
    const ACTION: Action = Action::CreateSecret;
    const GROUP: Group = Group::Secrets;
    const SUMMARY: &'static str = "Make a new secret, with a first version if a value is given.";
    const EXAMPLE: &'static str = "strongroom create-secret --name app/db --ask";
    const EFFECT: Effect = Effect::Writes;
    const FAULTS: &'static [Code] = &[
        Code::InvalidParameter,
        Code::InvalidRequest,
        Code::LimitExceeded,
        Code::EncryptionFailure,
        Code::ResourceExists,
        Code::ResourceNotFound,
        Code::MalformedPolicyDocument,
        Code::InternalService,
        Code::PreconditionNotMet,
        Code::DecryptionFailure,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, mut request: Request) -> Result<Response, Failure> {
        cx.about_name(&request.name.0);
        // Wanted even where no version is made of it, as in AWS.
        let token = request.client_request_token.take().ok_or_else(Fault::no_token)?;
        cx.about_token(&token.0);
        name::check(&request.name.0)?;
        let value =
            SecretText::or_bytes(request.secret_string.take(), request.secret_binary.take())
                .map_err(|_both| Fault::both_values())?;
        if let Some(arn) = &request.cross_account_primary_arn {
            check_waiting(cx, arn, &request, value.is_some())?;
        }
        let tags = fresh_tags(request.tags.unwrap_or_default())?;
        change::check_regions(request.add_replica_regions.as_ref().map_or(&[], |asked| &asked.0))?;

        let namespace = cx.namespace()?;
        if let Some(existing) = cx.vault()?.find(&namespace, &request.name.0)? {
            cx.about(&existing);
            let mut response = again(cx, &existing, &token, value.as_ref())?;
            if request.add_replica_regions.is_some() {
                response.replication_status = Some(replicas::status(cx, &existing)?);
            }
            return Ok(response);
        }
        let suffix = arn::draw_suffix(cx.entropy())?;
        let mut record = Record::new(namespace, request.name.0, suffix, cx.date()?);
        record.description = request.description.map(|text| text.0).filter(|text| !text.is_empty());
        record.kms_key_id = request.kms_key_id.map(|key| key.0).filter(|key| !key.is_empty());
        record.secret_type = request.secret_type.map(|kind| kind.0).filter(|kind| !kind.is_empty());
        record.cross_primary =
            request.cross_account_primary_arn.map(|arn| CrossPrimary::new(arn.0));
        record.tags = tags;
        cx.vault()?.assign_row(&mut record)?;
        let mut version_id = None;
        if let Some(value) = value {
            versions::write(cx, &mut record, &token, &value, None)?;
            version_id = Some(token.0);
        }
        let mut replication_status = None;
        if let Some(asked) = request.add_replica_regions {
            let overwrite = Overwrite::asked(request.force_overwrite_replica_secret);
            replication_status = Some(change::add(cx, &mut record, asked.0, overwrite)?);
        }
        repository::insert(cx, &mut record)?;
        cx.about(&record);
        Ok(Response { arn: arn_of(&record), name: record.name, version_id, replication_status })
    }
}

/// Refuses what a replica that waits for its primary gets from there, or cannot have.
///
/// # Errors
/// `InvalidParameterException`; AWS's texts are not known.
fn check_waiting(
    cx: &mut Context<'_, '_>,
    arn: &SecretArn,
    request: &Request,
    has_value: bool,
) -> Result<(), Failure> {
    let given = [
        (has_value, "SecretString or SecretBinary"),
        (request.description.is_some(), "Description"),
        (request.add_replica_regions.is_some(), "AddReplicaRegions"),
        (request.secret_type.is_some(), "Type"),
    ];
    if let Some((_, member)) = given.iter().find(|(is_given, _)| *is_given) {
        return Err(Fault::invalid_parameter(format!(
            "You can't specify {member} together with CrossAccountPrimaryARN."
        ))
        .into());
    }
    associate::check_key(request.kms_key_id.as_ref().map(|key| key.0.as_str()))?;
    associate::check_arn(cx, arn, "CrossAccountPrimaryARN")
}

/// The name is taken: by the same request before, which then succeeds again, or by another.
fn again(
    cx: &mut Context<'_, '_>,
    existing: &Record,
    token: &ClientRequestToken,
    value: Option<&SecretValue>,
) -> Result<Response, Failure> {
    let due = existing.deletion.map(|deletion| deletion.due);
    Standing::of(due, cx.due_time()?).require_name_not_kept()?;
    // A replica was not made by such a request, whatever tokens its versions have.
    let version = existing.version(&token.0);
    let version = version.filter(|_version| replicas::require_primary(existing).is_ok());
    let earlier = match version {
        None => Earlier::Absent,
        Some(version) => match cx.vault()?.value(existing, version)? {
            None => Earlier::Empty,
            Some(stored) => Earlier::holding(&stored, value),
        },
    };
    let arn = arn_of(existing);
    idempotency::create(earlier, &token.0, Existing { name: &existing.name, arn: &arn })?;
    Ok(Response {
        arn,
        name: existing.name.clone(),
        version_id: Some(token.0.clone()),
        replication_status: None,
    })
}

/// An empty list of tags counts as absent: a secret that never had a tag answers without `Tags`.
fn fresh_tags(given: Vec<Tag>) -> Result<Option<Vec<(String, String)>>, Fault> {
    let mut tags = Vec::new();
    tags::set(&mut tags, given)?;
    Ok(Some(tags).filter(|tags| !tags.is_empty()))
}

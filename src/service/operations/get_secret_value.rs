//! `get-secret-value`: reads one version of one secret.

use crate::model::secret_value::SecretValue;
use crate::model::time::Timestamp;
use crate::model::types::{SecretBytes, SecretId, SecretText, VersionId, VersionStage};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::operation::{Effect, Group, Operation};
use crate::service::rules::arn::arn_of;
use crate::service::rules::stages::CURRENT;
use crate::vault::record::{Record, Version};

/// Reads a value.
pub(crate) struct GetSecretValue;

structure! {
    /// Which version of which secret to read.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// The version to read, by its id.
        version_id: Option<VersionId> => "VersionId",
        /// The version to read, by a staging label. The default is `AWSCURRENT`.
        version_stage: Option<VersionStage> => "VersionStage",
    }
}

structure! {
    /// The version that was read.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
        /// The id of the version.
        version_id: String => "VersionId",
        /// The value, if it is binary.
        secret_binary: Option<SecretBytes> => "SecretBinary",
        /// The value, if it is text.
        secret_string: Option<SecretText> => "SecretString",
        /// The labels on the version.
        version_stages: Option<Vec<String>> => "VersionStages",
        /// When the version was made.
        created_date: Timestamp => "CreatedDate",
    }
}

impl Operation for GetSecretValue {
    const ACTION: Action = Action::GetSecretValue;
    const GROUP: Group = Group::Secrets;
    const SUMMARY: &'static str = "Read the value of a secret.";
    const EXAMPLE: &'static str =
        "strongroom get-secret-value --secret-id app/db --query SecretString --output text";
    const EFFECT: Effect = Effect::Reads;
    const FAULTS: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::InvalidParameter,
        Code::InvalidRequest,
        Code::DecryptionFailure,
        Code::InternalService,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let (id, stage) = (request.version_id.as_ref(), request.version_stage.as_ref());
        read(cx, &request.secret_id, id, stage)
    }
}

/// Reads the version asked for, and remembers the day.
pub(in crate::service) fn read(
    cx: &mut Context<'_, '_>,
    secret_id: &SecretId,
    version_id: Option<&VersionId>,
    version_stage: Option<&VersionStage>,
) -> Result<Response, Failure> {
    let asked = version_id.map(|id| id.0.as_str());
    let asked = asked.or(version_stage.map(|stage| stage.0.as_str()));
    cx.about_version(asked.unwrap_or_default());
    let mut record = cx.find_active(secret_id)?;
    let version = select(&record, version_id, version_stage)?.clone();
    cx.about_version(&version.id);
    let value = cx.vault()?.value(&record, &version)?;
    let value = value.ok_or_else(|| match version_id {
        Some(id) => unknown_version(&id.0),
        None => unknown_stage(version_stage),
    })?;
    cx.vault()?.note_access(&mut record, &version.id)?;
    let (secret_string, secret_binary) = match value {
        SecretValue::Text(text) => (Some(SecretText(text)), None),
        SecretValue::Binary(bytes) => (None, Some(SecretBytes(bytes))),
    };
    Ok(Response {
        arn: arn_of(&record),
        name: record.name,
        version_id: version.id,
        secret_binary,
        secret_string,
        version_stages: Some(version.stages).filter(|stages| !stages.is_empty()),
        created_date: version.created,
    })
}

/// Finds the version asked for (docs/behaviour.md, "Staging labels"): by id, by label, or by both,
/// which must agree.
fn select<'r>(
    record: &'r Record,
    id: Option<&VersionId>,
    stage: Option<&VersionStage>,
) -> Result<&'r Version, Fault> {
    match (id, stage) {
        (Some(id), stage) => {
            let version = record.version(&id.0).ok_or_else(|| unknown_version(&id.0))?;
            match stage {
                Some(stage) if !version.stages.contains(&stage.0) => Err(Fault::invalid_request(
                    "You provided a VersionStage that is not associated to the provided VersionId.",
                )),
                Some(_) | None => Ok(version),
            }
        }
        (None, stage) => {
            let label = stage.map_or(CURRENT, |stage| &stage.0);
            record.staged(label).ok_or_else(|| unknown_stage(stage))
        }
    }
}

fn unknown_version(id: &str) -> Fault {
    Fault::not_found(format!(
        "Secrets Manager can't find the specified secret value for VersionId: {id}"
    ))
}

fn unknown_stage(stage: Option<&VersionStage>) -> Fault {
    let label = stage.map_or(CURRENT, |stage| &stage.0);
    Fault::not_found(format!(
        "Secrets Manager can't find the specified secret value for staging label: {label}"
    ))
}

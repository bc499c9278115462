//! `put-secret-value`: adds a version to a secret.

use crate::model::types::{
    ClientRequestToken, Listed, RotationToken, SecretBytes, SecretId, SecretText, VersionStage,
};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::operation::{Effect, Group, Operation};
use crate::service::repository;
use crate::service::rules::arn::arn_of;
use crate::service::versions::{self, Written};

/// Adds a version.
pub(crate) struct PutSecretValue;

structure! {
    /// What to add, and where.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// A unique value that becomes the id of the version. The command makes one up if you give
        /// none; give your own to make a retry safe.
        client_request_token: Option<ClientRequestToken> => "ClientRequestToken",
        /// The binary value to store. Not together with `SecretString`.
        secret_binary: Option<SecretBytes> => "SecretBinary",
        /// The text to store. Not together with `SecretBinary`.
        secret_string: Option<SecretText> => "SecretString",
        /// The staging labels for the version. The default is to move `AWSCURRENT` to it.
        version_stages: Option<Listed<VersionStage, 1, 20>> => "VersionStages",
        /// The proof of identity that a rotation step is given. Only a rotation has use for it.
        rotation_token: Option<RotationToken> => "RotationToken",
    }
}

structure! {
    /// What was added.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
        /// The id of the version.
        version_id: String => "VersionId",
        /// The labels that are on the version now, if there are any.
        version_stages: Option<Vec<String>> => "VersionStages",
    }
}

impl Operation for PutSecretValue {
    const ACTION: Action = Action::PutSecretValue;
    const GROUP: Group = Group::Secrets;
    const SUMMARY: &'static str = "Add a version with a new value to a secret.";
    const EXAMPLE: &'static str = "strongroom put-secret-value --secret-id app/db --ask";
    const EFFECT: Effect = Effect::Writes;
    const FAULTS: &'static [Code] = &[
        Code::InvalidParameter,
        Code::InvalidRequest,
        Code::LimitExceeded,
        Code::EncryptionFailure,
        Code::ResourceExists,
        Code::ResourceNotFound,
        Code::InternalService,
        Code::DecryptionFailure,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        cx.about_name(&request.secret_id.0);
        let token = request.client_request_token.ok_or_else(Fault::no_token)?;
        cx.about_token(&token.0);
        let value = SecretText::or_bytes(request.secret_string, request.secret_binary)
            .map_err(|_both| Fault::both_values())?
            .ok_or_else(|| {
                Fault::invalid_request("You must provide either SecretString or SecretBinary.")
            })?;
        let mut record = repository::find_writable(cx, &request.secret_id)?;
        let asked = request.version_stages.map(|stages| stages.0);
        let asked: Option<Vec<String>> =
            asked.map(|stages| stages.into_iter().map(|stage| stage.0).collect());
        if versions::write(cx, &mut record, &token, &value, asked.as_deref())? == Written::New {
            repository::store(cx, &mut record)?;
        }
        // A repeated request may find its version without labels by now.
        let stages = record.version(&token.0).map(|version| version.stages.clone());
        Ok(Response {
            arn: arn_of(&record),
            name: record.name,
            version_id: token.0,
            version_stages: stages.filter(|stages| !stages.is_empty()),
        })
    }
}
